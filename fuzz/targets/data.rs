//! Any bytes as a data file: reading it never panics, and what is wrong with it is said.
//!
//! The environment variable `KIND` is the extension of the file: `csv`, `jsonl.gz`.
#![no_main]

use std::path::PathBuf;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use rightsize_suites::Suite;

/// A folder in memory with a suite that reads `data.KIND`.
static FOLDER: LazyLock<(PathBuf, String)> = LazyLock::new(|| {
    let kind = std::env::var("KIND").expect("KIND is an extension");
    let folder = PathBuf::from(format!("/dev/shm/rightsize-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder in memory");
    let data = format!("data.{kind}");
    let yaml = format!(
        "name: fuzz\ntask: faq\ndata: {{test: {data}}}\nexpected: b\nprompt: {{user: '{{{{ a }}}}'}}\n"
    );
    std::fs::write(folder.join("suite.yaml"), yaml).expect("a file in memory");
    (folder, data)
});

fuzz_target!(|bytes: &[u8]| {
    let (folder, data) = &*FOLDER;
    std::fs::write(folder.join(data), bytes).expect("a file in memory");
    if let Err(problems) = Suite::load("suite.yaml", folder) {
        assert!(!problems.to_string().is_empty());
    }
});
