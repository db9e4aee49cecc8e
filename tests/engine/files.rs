//! Files that are no model, and programs that are no engine.

use std::path::Path;

use rightsize_providers::local::{LocalModel, LocalProvider};
use rightsize_providers::{Advice, Clock, ErrorKind, Provider, ProviderError};

use crate::asking::{ENGINE, answer_all, specialist, start, tickets};

/// Writes a bundled model with some bytes changed.
fn damaged(folder: &Path, change: impl FnOnce(&mut Vec<u8>)) -> LocalModel {
    let model = specialist("specialist-1m");
    let mut bytes = std::fs::read(&model.model).unwrap();
    change(&mut bytes);
    let path = folder.join("damaged.gguf");
    std::fs::write(&path, bytes).unwrap();
    LocalModel { model: path, ..model }
}

fn find(bytes: &[u8], what: &[u8]) -> usize {
    bytes.windows(what.len()).position(|window| window == what).unwrap()
}

async fn does_not_start(model: LocalModel) -> ProviderError {
    match LocalProvider::start(Path::new(ENGINE), model, Clock::Monotonic).await {
        Ok(_) => panic!("it has started"),
        Err(error) => {
            assert_eq!(error.advice, Advice::EndsEntry);
            error
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_and_foreign_files_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let cut = does_not_start(damaged(folder.path(), |bytes| bytes.truncate(700_000))).await;
    assert_eq!(cut.kind, ErrorKind::ModelFile);
    assert!(cut.message.contains("700000 bytes") && cut.message.contains("download"), "{cut}");

    let foreign = does_not_start(damaged(folder.path(), |bytes| *bytes = b"PK\x03\x04zip".into()));
    let foreign = foreign.await;
    assert_eq!(foreign.kind, ErrorKind::ModelFile);
    assert!(foreign.message.contains("GGUF"), "{foreign}");

    let unknown = damaged(folder.path(), |bytes| {
        let at = find(bytes, b"general.architecture") + 20 + 4 + 8;
        bytes[at..at + 5].copy_from_slice(b"zebra");
    });
    let unknown = does_not_start(unknown).await;
    assert_eq!(unknown.kind, ErrorKind::ModelFile);
    assert!(unknown.message.contains("zebra"), "{unknown}");

    let misshapen = damaged(folder.path(), |bytes| {
        let name = b"llama.feed_forward_length";
        let at = find(bytes, name) + name.len() + 4;
        bytes[at..at + 4].copy_from_slice(&7u32.to_le_bytes());
    });
    let misshapen = does_not_start(misshapen).await;
    assert_eq!(misshapen.kind, ErrorKind::ModelFile);
    assert!(misshapen.message.contains("ffn_gate.weight"), "{misshapen}");

    let model =
        LocalModel { model: folder.path().join("none.gguf"), ..specialist("specialist-1m") };
    assert_eq!(does_not_start(model).await.kind, ErrorKind::NotFound);

    let model = LocalModel { context: Some(1 << 20), ..specialist("specialist-1m") };
    let error = does_not_start(model).await;
    assert!(error.message.contains("1048576"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_makes_llama_cpp_abort_while_it_loads() {
    let folder = tempfile::tempdir().unwrap();
    let model = damaged(folder.path(), |bytes| {
        let name = b"llama.block_count";
        let at = find(bytes, name) + name.len() + 4;
        bytes[at..at + 4].copy_from_slice(&0u32.to_le_bytes());
    });
    let error = does_not_start(model).await;
    assert_eq!(error.kind, ErrorKind::EngineDead);
    assert!(error.message.contains("SIGABRT"), "{error}");
    assert!(error.message.contains("GGML_ASSERT"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_makes_llama_cpp_abort_at_the_first_prompt() {
    let folder = tempfile::tempdir().unwrap();
    // A norm in 16-bit floats instead of 32: the header is sound, and no kernel takes it.
    let model = damaged(folder.path(), |bytes| {
        let name = b"output_norm.weight";
        let at = find(bytes, name) + name.len() + 4 + 8;
        bytes[at..at + 4].copy_from_slice(&1u32.to_le_bytes());
    });
    let provider = start(model).await;
    let results = answer_all(&provider, tickets(10), |_| {}).await;
    assert!(results.values().all(Result::is_err));
    let ends = |error: &ProviderError| error.advice == Advice::EndsEntry;
    assert!(results.values().any(|result| result.as_ref().is_err_and(ends)));
    let crashes = provider.describe().crashes;
    assert!(crashes.iter().all(|crash| crash.ended_by == "SIGABRT"), "{crashes:?}");
    assert!(crashes[0].last_log.iter().any(|line| line.contains("binary_op")), "{crashes:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_engine_is_said() {
    let model = specialist("specialist-1m");
    let start =
        |path: &'static str| LocalProvider::start(Path::new(path), model.clone(), Clock::Monotonic);
    let error = start("/nowhere/engine").await.err().unwrap();
    assert!(error.message.contains("/nowhere/engine"), "{error}");
    let error = start("/bin/echo").await.err().unwrap();
    assert_eq!(error.kind, ErrorKind::EngineDead);
    assert!(error.message.contains("is no engine"), "{error}");
    let error = start("/bin/false").await.err().unwrap();
    assert!(error.message.contains("exit code 1"), "{error}");
}
