//! The release archive, unpacked where there is nothing but the C library: no compiler, no
//! network, no other file. `rightsize demo` has to print a report there.
//!
//! The binary is the one that the tests were built with, packed by `ci/pack.sh` as `make dist`
//! does it, so nothing is compiled here.

#![allow(clippy::unwrap_used, clippy::print_stderr, reason = "a test")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::{Duration, Instant};

/// The demo's bound on two cores, a promise of the README.
const BOUND: Duration = Duration::from_secs(60);
/// A name for the archive: the version plays no part here.
const NAME: &str = "rightsize-test";

#[test]
fn the_archive_runs_the_demo_in_a_chroot_that_holds_the_c_library_only() {
    let work = tempfile::tempdir().unwrap();
    let archive = pack(work.path());
    let root = work.path().join("root");
    fs::create_dir(&root).unwrap();
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(&root));

    let program = format!("/{NAME}/rightsize");
    install_c_library(&root.join(NAME).join("rightsize"), &root);
    let Some(enter) = ways_in().into_iter().find(|way| works(way, &root, &program)) else {
        eprintln!("skipped: neither chroot nor unshare works here");
        return;
    };

    let started = Instant::now();
    let output = command(&enter, &root, &program)
        .args(["demo", "--out", "/out"])
        .env("HOME", "/home")
        .output()
        .unwrap();
    let taken = started.elapsed();
    let shown = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    eprintln!("demo in a chroot by `{}`: {:.1} s\n{shown}", enter.join(" "), taken.as_secs_f64());
    assert!(output.status.success(), "{}\n{shown}", output.status);
    assert!(shown.contains("/out/report.html"), "no path of a report is printed\n{shown}");
    let report = fs::read_to_string(root.join("out/report.html")).unwrap();
    for needed in ["<html", "support-triage", "specialist-5m", "Content-Security-Policy"] {
        assert!(report.contains(needed), "the report lacks {needed}");
    }
    assert!(taken <= BOUND, "the demo took {taken:?}, more than {BOUND:?}");
}

#[test]
fn the_archive_names_the_licences_and_matches_its_digest() {
    let work = tempfile::tempdir().unwrap();
    let archive = pack(work.path());
    run(Command::new("tar").arg("-xzf").arg(&archive).arg("-C").arg(work.path()));
    let folder = work.path().join(NAME);
    for file in ["README.md", "LICENSE-MIT", "LICENSE-APACHE", "DEMO-MODELS.md"] {
        assert!(folder.join(file).is_file(), "{file} is missing");
    }
    let licences = fs::read_to_string(folder.join("THIRD-PARTY-LICENSES")).unwrap();
    for holder in ["The ggml authors", "tokio ", "candle-core ", "ring ", "GCC Runtime Library"] {
        assert!(licences.contains(holder), "no licence of {holder}");
    }
    let line = fs::read_to_string(archive.with_extension("gz.sha256")).unwrap();
    let digest = rightsize_providers::digest::of_file(&archive).unwrap();
    assert_eq!(line, format!("{digest}  {NAME}.tar.gz\n"));
}

/// Packs the built binary; the path of the archive.
fn pack(out: &Path) -> PathBuf {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ci/pack.sh");
    run(Command::new("bash")
        .arg(script)
        .args(["--binary", env!("CARGO_BIN_EXE_rightsize"), "--name", NAME, "--max-mb", "100"])
        .arg("--out")
        .arg(out));
    out.join(format!("{NAME}.tar.gz"))
}

/// Copies the shared libraries that the loader would open, and the loader. `ci/pack.sh` has
/// refused the binary if one of them is not of the C library.
fn install_c_library(binary: &Path, root: &Path) {
    let listed = run(Command::new("ldd").arg(binary));
    let text = String::from_utf8(listed.stdout).unwrap();
    for path in text.split_whitespace().filter(|word| word.starts_with('/')) {
        let copy = root.join(path.trim_start_matches('/'));
        fs::create_dir_all(copy.parent().unwrap()).unwrap();
        fs::copy(path, copy).unwrap();
    }
}

/// How a program may be started with another root, strictest first: without a network where a
/// network namespace can be had, as an ordinary user where user namespaces are allowed.
fn ways_in() -> Vec<Vec<&'static str>> {
    vec![
        vec!["unshare", "--net", "chroot"],
        vec!["unshare", "--map-root-user", "--net", "chroot"],
        vec!["chroot"],
        vec!["unshare", "--map-root-user", "chroot"],
    ]
}

fn works(way: &[&str], root: &Path, program: &str) -> bool {
    command(way, root, program).arg("--version").output().is_ok_and(|o| o.status.success())
}

/// The program below the new root, with an empty environment but for the path of the tools.
fn command(way: &[&str], root: &Path, program: &str) -> Command {
    let mut command = Command::new(way[0]);
    command.args(&way[1..]).arg(root).arg(program).env_clear();
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
    command
}

/// Runs a tool that has to succeed.
fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    output
}
