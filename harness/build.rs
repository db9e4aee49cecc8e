//! Links the unwinder into the binary, so that it needs nothing but the C library at run time.
//!
//! Rust's standard library asks the linker for `-lgcc_s`, which exists as a shared library only.
//! A linker script of that name, found first, names the static archives with the same content.
//! Refused: `-static-libgcc`, which has no effect on a library that is named explicitly, and
//! `-C target-feature=+crt-static`, which would link the C library too and so lose its name
//! service. Where the archives are not found the link is left as it is; `ci/pack.sh` checks what
//! a packed binary needs.

use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    println!("cargo:rerun-if-env-changed=CC");
    let target = |key: &str| std::env::var(format!("CARGO_CFG_TARGET_{key}")).unwrap_or_default();
    if target("OS") != "linux" || target("ENV") != "gnu" {
        return;
    }
    let Some(out) = std::env::var_os("OUT_DIR").map(PathBuf::from) else {
        return;
    };
    let (Some(unwinder), Some(builtins)) = (archive("libgcc_eh.a"), archive("libgcc.a")) else {
        return;
    };
    let script = format!("GROUP ( {unwinder} {builtins} )\n");
    if std::fs::write(out.join("libgcc_s.so"), script).is_ok() {
        println!("cargo:rustc-link-search=native={}", out.display());
    }
}

/// The full path of an archive that the C compiler would link.
fn archive(name: &str) -> Option<String> {
    let compiler = std::env::var("CC").unwrap_or_else(|_| "cc".to_owned());
    let output = Command::new(compiler).arg(format!("-print-file-name={name}")).output().ok()?;
    let path = String::from_utf8(output.stdout).ok()?.trim().to_owned();
    // The compiler echoes a name that it does not find.
    Path::new(&path).is_absolute().then_some(path)
}
