//! The files of a suite: its own, and those that it extends.
//!
//! A suite may name another one by `extends`. The keys of the file that extends stand above those of
//! the extended one, layer over layer; each layer keeps its text, so that what is wrong is said in
//! the file where it stands, and its folder, so that data is found beside the file that names it.

use std::path::{Path, PathBuf};

use rightsize_providers::Fields;
use serde_json::Value;

use crate::catalog;
use crate::problem::{Problem, Problems, listed};
use crate::rows;
use crate::store::Rows;
use crate::yaml;

/// Largest suite file, in bytes; larger data belongs into a file of its own.
const LARGEST_YAML: u64 = 16 << 20;

/// Most files that may stand below a suite's own.
const DEEPEST: usize = 8;

/// One file of a suite.
#[derive(Debug)]
pub(crate) struct Layer {
    /// How messages name it.
    pub name: String,
    pub text: String,
    pub place: Place,
}

/// Where the data files that a layer names lie.
#[derive(Debug)]
pub(crate) enum Place {
    /// In the binary.
    Catalog(&'static catalog::Entry),
    /// In the folder of the file: the folder as it is opened, and as messages name it.
    Folder { opened: PathBuf, shown: PathBuf },
    /// In the run folder, which kept the rows themselves.
    Run(Kept),
}

/// What a run folder keeps of a suite beside its YAML.
#[derive(Debug, Clone, Default)]
pub struct Kept {
    pub(crate) test: Rows,
    pub(crate) train: Rows,
    pub(crate) dev: Rows,
    pub(crate) tools: Option<Value>,
}

impl Kept {
    /// The rows of the test split, in order.
    ///
    /// # Errors
    /// The rows cannot be kept: the disk of the folder for temporary files is full.
    pub fn new(test: impl IntoIterator<Item = Fields>) -> Result<Kept, Problem> {
        Ok(Kept { test: rows::of_run_folder(test)?, ..Kept::default() })
    }

    /// The rows of the train split, without those that were set aside for dev.
    ///
    /// # Errors
    /// As [`Kept::new`].
    pub fn train(self, rows: impl IntoIterator<Item = Fields>) -> Result<Kept, Problem> {
        Ok(Kept { train: rows::of_run_folder(rows)?, ..self })
    }

    /// The rows of the dev split.
    ///
    /// # Errors
    /// As [`Kept::new`].
    pub fn dev(self, rows: impl IntoIterator<Item = Fields>) -> Result<Kept, Problem> {
        Ok(Kept { dev: rows::of_run_folder(rows)?, ..self })
    }

    /// What the file of its tools held ([`crate::Suite::tools_file`]).
    pub fn tools(self, tools: Option<Value>) -> Kept {
        Kept { tools, ..self }
    }
}

/// Reads a suite's own file, and those below it from the nearest to the farthest.
pub(crate) fn read(source: &str, base: &Path) -> Result<(Layer, Vec<Layer>), Problems> {
    let (own, opened) = open(source, source, base)?;
    let mut seen = vec![identity(&opened)];
    let mut layers: Vec<Layer> = Vec::new();
    loop {
        let extending = layers.last().unwrap_or(&own);
        let Some(named) = yaml::extends(&extending.name, &extending.text)? else { break };
        let at = |message: String, remedy: &str| {
            let problem = Problem::of_file(&extending.name, message).remedy(remedy);
            match yaml::locate(&extending.text, &["extends"]) {
                Some((line, column)) => problem.at(line, column),
                None => problem,
            }
        };
        let (folder, shown) = match &extending.place {
            Place::Folder { opened, shown } => (opened.clone(), shown.join(&named)),
            Place::Catalog(_) | Place::Run(_) => {
                let message = format!("`{}` cannot extend `{named}`", extending.name);
                return Err(at(message, "write the keys of the other suite into it").into());
            }
        };
        let shown = shown.display().to_string();
        let shown = if named.starts_with(catalog::PREFIX) { named.clone() } else { shown };
        let (layer, path) = open(&named, &shown, &folder).map_err(|p| {
            let remedy = p.remedy.as_deref().unwrap_or("name a file that can be read");
            at(format!("the extended suite {}: {}", p.file, p.message), remedy)
        })?;
        let identity = identity(&path);
        if seen.contains(&identity) {
            let chain = std::iter::once(&own)
                .chain(&layers)
                .map(|l| l.name.as_str())
                .chain([shown.as_str()]);
            let chain = chain.collect::<Vec<_>>().join(" → ");
            let message =
                format!("`{}` extends `{shown}`, which leads back: {chain}", extending.name);
            return Err(at(message, "remove one `extends`").into());
        }
        if layers.len() >= DEEPEST {
            let message = format!(
                "`{}` extends `{shown}`, the {}th file below `{source}`",
                extending.name,
                layers.len().saturating_add(1)
            );
            return Err(at(message, "extend at most 8 files in a row").into());
        }
        seen.push(identity);
        layers.push(layer);
    }
    Ok((own, layers))
}

/// What tells a file from every other one, whatever the way to it.
fn identity(opened: &Path) -> PathBuf {
    std::fs::canonicalize(opened).unwrap_or_else(|_| opened.to_owned())
}

/// Opens `catalog:NAME`, or a path relative to `base`; `shown` is how messages name it.
fn open(source: &str, shown: &str, base: &Path) -> Result<(Layer, PathBuf), Problem> {
    if let Some(name) = source.strip_prefix(catalog::PREFIX) {
        let entry = catalog::find(name)?;
        let place = Place::Catalog(entry);
        let layer = Layer { name: source.to_owned(), text: entry.yaml.to_owned(), place };
        return Ok((layer, PathBuf::from(source)));
    }
    let path = base.join(source);
    let text = text_of(&path, shown)?;
    let folder = |path: &Path| path.parent().unwrap_or(Path::new("")).to_owned();
    let place = Place::Folder { opened: folder(&path), shown: folder(Path::new(shown)) };
    Ok((Layer { name: shown.to_owned(), text, place }, path))
}

/// The bytes of a file of a suite; `None` if there are more than [`LARGEST_YAML`].
pub(crate) fn bytes_of(path: &Path) -> std::io::Result<Option<Vec<u8>>> {
    use std::io::Read;
    let mut bytes = Vec::new();
    let most = LARGEST_YAML.saturating_add(1);
    std::fs::File::open(path)?.take(most).read_to_end(&mut bytes)?;
    Ok(Some(bytes).filter(|bytes| bytes.len() as u64 <= LARGEST_YAML))
}

fn text_of(path: &Path, source: &str) -> Result<String, Problem> {
    if path.is_dir() {
        let problem = Problem::of_file(source, "this is a folder");
        return Err(problem.remedy(format!("name the file in it: `{source}/suite.yaml`")));
    }
    let bytes = bytes_of(path).map_err(|e| match e.kind() {
        std::io::ErrorKind::NotFound => {
            Problem::of_file(source, "there is no such file").remedy(format!(
                "shipped suites are named {}",
                listed(catalog_sources().iter().map(String::as_str))
            ))
        }
        _ => Problem::of_file(source, format!("cannot read the file: {e}")),
    })?;
    let bytes = bytes.ok_or_else(|| {
        Problem::of_file(source, "the file has more than 16 MiB")
            .remedy("put the rows into a data file of their own")
    })?;
    String::from_utf8(bytes).map_err(|_| Problem::of_file(source, "this is not UTF-8"))
}

fn catalog_sources() -> Vec<String> {
    catalog::names().map(|name| format!("{}{name}", catalog::PREFIX)).collect()
}
