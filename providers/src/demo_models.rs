//! Models known by name: the bundled ones, and downloads that are known by their digest.
//!
//! The bundled models are embedded in the program and unpacked into the user's cache folder on first
//! use. This program downloads nothing: a known download is looked up in the same folder, where
//! `make demo` or its user has put it.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::{Advice, ErrorKind, ProviderError, Side, Stage, digest};

/// A model inside this program.
struct Bundled {
    name: &'static str,
    file: &'static str,
    content: &'static [u8],
}

static BUNDLED: [Bundled; 2] = [
    Bundled {
        name: "specialist-1m",
        file: "specialist-1m.gguf",
        content: include_bytes!("../demo-models/specialist-1m.gguf"),
    },
    Bundled {
        name: "specialist-5m",
        file: "specialist-5m.gguf",
        content: include_bytes!("../demo-models/specialist-5m.gguf"),
    },
];

/// A model that is no part of this program, and what makes a file this very model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Download {
    /// Its name in a bake-off.
    pub name: &'static str,
    /// Its file in the cache folder.
    pub file: &'static str,
    /// The file's length.
    pub bytes: u64,
    /// The file's SHA-256.
    pub sha256: &'static str,
}

/// The downloads that are known.
pub static DOWNLOADS: [Download; 1] = [Download {
    name: SMOLLM2,
    file: "SmolLM2-135M-Instruct.Q4_1.gguf",
    bytes: 98_362_432,
    sha256: "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53",
}];

/// The name of the real small model among [`DOWNLOADS`].
pub const SMOLLM2: &str = "smollm2-135m-instruct";

/// A model that [`resolve`] knows by name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Known {
    /// Its name in a bake-off.
    pub name: &'static str,
    /// Its length in bytes.
    pub bytes: u64,
    /// Whether it is a part of this program; else it is looked up in the cache folder.
    pub bundled: bool,
    /// Whether it can be used now.
    pub present: bool,
}

/// Every model that [`resolve`] knows: the bundled ones first.
pub fn known() -> Vec<Known> {
    let bundled = BUNDLED.iter().map(|b| Known {
        name: b.name,
        bytes: b.content.len() as u64,
        bundled: true,
        present: true,
    });
    let downloads = DOWNLOADS.iter().map(|d| Known {
        name: d.name,
        bytes: d.bytes,
        bundled: false,
        present: cache_dir().is_some_and(|folder| folder.join(d.file).exists()),
    });
    bundled.chain(downloads).collect()
}

/// Every name that [`resolve`] knows: the bundled models first.
pub fn names() -> Vec<&'static str> {
    BUNDLED.iter().map(|b| b.name).chain(DOWNLOADS.iter().map(|d| d.name)).collect()
}

/// The folder for model files: `rightsize/models` in the platform's cache folder
/// (`XDG_CACHE_HOME`, else `~/.cache`; on macOS `~/Library/Caches`). `None` without a home.
pub fn cache_dir() -> Option<PathBuf> {
    let absolute =
        |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let base = absolute("XDG_CACHE_HOME").or_else(|| {
        let below_home = if cfg!(target_os = "macos") { "Library/Caches" } else { ".cache" };
        absolute("HOME").map(|home| home.join(below_home))
    })?;
    Some(base.join("rightsize").join("models"))
}

/// Unpacks a bundled model into `folder`, unless its file is there already and whole. The file
/// appears at once with all its content, so that two processes can do this at the same time.
///
/// # Errors
/// An unknown name ([`io::ErrorKind::NotFound`]), or whatever writing gives.
pub fn unpack(name: &str, folder: &Path) -> io::Result<PathBuf> {
    let model = BUNDLED.iter().find(|b| b.name == name).ok_or_else(|| {
        io::Error::new(io::ErrorKind::NotFound, format!("no bundled model is called `{name}`"))
    })?;
    let path = folder.join(model.file);
    let whole = digest::of_bytes(model.content);
    let length = model.content.len() as u64;
    if fs::metadata(&path).is_ok_and(|m| m.len() == length)
        && digest::of_file(&path).is_ok_and(|found| found == whole)
    {
        return Ok(path);
    }
    fs::create_dir_all(folder)?;
    let partial = folder.join(format!(".{}.{}.partial", model.file, std::process::id()));
    let written = write_whole(&partial, model.content).and_then(|()| fs::rename(&partial, &path));
    if written.is_err() {
        let _ = fs::remove_file(&partial);
    }
    written.map(|()| path)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

/// Finds the model that an entry names: a known name, or a path relative to `base`.
///
/// # Errors
/// [`ErrorKind::NotFound`] or [`ErrorKind::ModelFile`] with the remedy: a file that is not there, a
/// name that is nearly a known one, a download that is missing or is not what its name says.
pub fn resolve(model: &str, base: &Path) -> Result<PathBuf, ProviderError> {
    resolve_in(model, base, cache_dir().as_deref())
}

fn resolve_in(model: &str, base: &Path, cache: Option<&Path>) -> Result<PathBuf, ProviderError> {
    let no_cache = || {
        error(
            ErrorKind::NotFound,
            format!(
                "the model `{model}` belongs into a cache folder, but neither HOME nor \
                 XDG_CACHE_HOME is set: set one of them"
            ),
        )
    };
    if BUNDLED.iter().any(|b| b.name == model) {
        let folder = cache.ok_or_else(no_cache)?;
        return unpack(model, folder).map_err(|cause| {
            let folder = folder.display();
            error(
                ErrorKind::NotFound,
                format!(
                    "cannot unpack the bundled model `{model}` into {folder}: {cause}; set \
                     XDG_CACHE_HOME to a folder that can be written"
                ),
            )
        });
    }
    if let Some(download) = DOWNLOADS.iter().find(|d| d.name == model) {
        return downloaded(download, cache.ok_or_else(no_cache)?);
    }
    let path = base.join(model);
    if path.exists() { Ok(path) } else { Err(not_found(model, &path)) }
}

fn downloaded(download: &Download, folder: &Path) -> Result<PathBuf, ProviderError> {
    let path = folder.join(download.file);
    let Download { name, bytes, sha256, .. } = download;
    let shown = path.display();
    let Ok(found) = fs::metadata(&path).map(|m| m.len()) else {
        return Err(error(
            ErrorKind::NotFound,
            format!(
                "the model `{name}` is not at {shown}: `make demo` fetches it, or put the file \
                 there yourself ({bytes} bytes, SHA-256 {sha256})"
            ),
        ));
    };
    let wrong = |what: String| {
        error(
            ErrorKind::ModelFile,
            format!(
                "{shown} is not the model `{name}`: it has {what}; remove it and let `make demo` \
                 fetch it again, or name your file by its path"
            ),
        )
    };
    if found != *bytes {
        return Err(wrong(format!("{found} bytes instead of {bytes}")));
    }
    match digest::of_file(&path) {
        Ok(found) if found == *sha256 => Ok(path),
        Ok(found) => Err(wrong(format!("SHA-256 {found} instead of {sha256}"))),
        Err(cause) => Err(error(ErrorKind::ModelFile, format!("cannot read {shown}: {cause}"))),
    }
}

fn not_found(model: &str, path: &Path) -> ProviderError {
    let looks_like_a_path = model.contains(['/', '\\']) || model.ends_with(".gguf");
    let near = names()
        .into_iter()
        .map(|name| (strsim::damerau_levenshtein(name, &model.to_lowercase()), name))
        .min()
        .filter(|(distance, name)| *distance <= name.len() / 3);
    let shown = path.display();
    let message = match near {
        Some((_, name)) if !looks_like_a_path => {
            format!(
                "no model is called `{model}`, and there is no file {shown}: did you mean `{name}`?"
            )
        }
        _ => format!(
            "no model file {shown}: give the path of a GGUF file, or one of the known names {}",
            names().join(", ")
        ),
    };
    error(ErrorKind::NotFound, message)
}

fn error(kind: ErrorKind, message: String) -> ProviderError {
    ProviderError::new(Side::Ours, kind, Stage::Start, Advice::EndsEntry, message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unpacks_once_and_repairs() {
        let folder = tempfile::tempdir().unwrap();
        let path = unpack("specialist-1m", &folder.path().join("a/b")).unwrap();
        assert_eq!(path.file_name().unwrap(), "specialist-1m.gguf");
        let content = fs::read(&path).unwrap();
        assert_eq!(content, BUNDLED[0].content);
        let written = fs::metadata(&path).unwrap().modified().unwrap();
        unpack("specialist-1m", path.parent().unwrap()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().modified().unwrap(), written);
        // The same length with another content, as a disk error leaves it.
        let mut broken = content.clone();
        broken[1000] ^= 1;
        fs::write(&path, &broken).unwrap();
        unpack("specialist-1m", path.parent().unwrap()).unwrap();
        assert_eq!(fs::read(&path).unwrap(), content);
        let left: Vec<_> = fs::read_dir(path.parent().unwrap()).unwrap().collect();
        assert_eq!(left.len(), 1);
        assert_eq!(unpack("nothing", folder.path()).unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn names_and_paths() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        fs::write(base.join("own.gguf"), "x").unwrap();
        let resolve = |model: &str| resolve_in(model, base, Some(&base.join("cache")));
        assert_eq!(resolve("own.gguf").unwrap(), base.join("own.gguf"));
        assert_eq!(resolve("specialist-5m").unwrap(), base.join("cache/specialist-5m.gguf"));
        let near = resolve("specalist-5m").unwrap_err();
        assert!(near.message.contains("did you mean `specialist-5m`?"), "{near}");
        let far = resolve("other.gguf").unwrap_err();
        assert!(far.message.contains("other.gguf"), "{far}");
        assert_eq!((far.kind, far.advice), (ErrorKind::NotFound, Advice::EndsEntry));
        let homeless = resolve_in("specialist-1m", base, None).unwrap_err();
        assert!(homeless.message.contains("XDG_CACHE_HOME"), "{homeless}");
    }

    #[test]
    fn a_download_is_checked() {
        let folder = tempfile::tempdir().unwrap();
        let base = folder.path();
        let missing = resolve_in("smollm2-135m-instruct", base, Some(base)).unwrap_err();
        assert_eq!(missing.kind, ErrorKind::NotFound);
        assert!(missing.message.contains("make demo"), "{missing}");
        let path = base.join("SmolLM2-135M-Instruct.Q4_1.gguf");
        fs::write(&path, "GGUF").unwrap();
        let short = resolve_in("smollm2-135m-instruct", base, Some(base)).unwrap_err();
        assert_eq!(short.kind, ErrorKind::ModelFile);
        assert!(short.message.contains("4 bytes instead of 98362432"), "{short}");
        File::create(&path).unwrap().set_len(98_362_432).unwrap();
        let other = resolve_in("smollm2-135m-instruct", base, Some(base)).unwrap_err();
        assert!(other.message.contains("SHA-256"), "{other}");
    }
}
