//! The reader on sound, cut and mutated files.

use super::*;
use proptest::prelude::*;

fn text(out: &mut Vec<u8>, text: &str) {
    out.extend((text.len() as u64).to_le_bytes());
    out.extend(text.as_bytes());
}

/// A file as `docs/gguf.md` describes it: two tensors of 32 and 64 values, five entries.
fn file() -> Vec<u8> {
    let mut out = b"GGUF".to_vec();
    out.extend(3u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    out.extend(5u64.to_le_bytes());
    text(&mut out, "general.architecture");
    out.extend(8u32.to_le_bytes());
    text(&mut out, "llama");
    text(&mut out, "llama.context_length");
    out.extend(4u32.to_le_bytes());
    out.extend(512u32.to_le_bytes());
    text(&mut out, "llama.rope.freq_base");
    out.extend(6u32.to_le_bytes());
    out.extend(10_000f32.to_le_bytes());
    text(&mut out, "tokenizer.ggml.tokens");
    out.extend(9u32.to_le_bytes());
    out.extend(8u32.to_le_bytes());
    out.extend(2u64.to_le_bytes());
    text(&mut out, "<s>");
    text(&mut out, "Ġa");
    text(&mut out, "tokenizer.ggml.bos_token_id");
    out.extend(4u32.to_le_bytes());
    out.extend(0u32.to_le_bytes());
    for (name, dimensions, kind, offset) in
        [("a", vec![32u64], 0u32, 0u64), ("b", vec![32, 2], 2, 128)]
    {
        text(&mut out, name);
        out.extend((dimensions.len() as u32).to_le_bytes());
        dimensions.iter().for_each(|d| out.extend(d.to_le_bytes()));
        out.extend(kind.to_le_bytes());
        out.extend(offset.to_le_bytes());
    }
    out.resize(out.len().next_multiple_of(32) + 128 + 36, 0);
    out
}

fn read(bytes: &[u8]) -> Result<Header, GgufError> {
    Header::from_reader(bytes, bytes.len() as u64)
}

#[test]
fn reads_a_sound_file() {
    let header = read(&file()).unwrap();
    assert_eq!(header.text("general.architecture"), Some("llama"));
    assert_eq!(header.of_architecture("context_length"), Some(512));
    assert_eq!(header.number("llama.rope.freq_base"), Some(10_000.0));
    assert_eq!(header.texts("tokenizer.ggml.tokens").unwrap(), ["<s>", "Ġa"]);
    assert_eq!(header.token("tokenizer.ggml.bos_token_id"), Some("<s>"));
    assert_eq!(header.text("llama.context_length"), None);
    assert_eq!(header.parameters(), 96);
    assert_eq!(header.tensors[1].bytes(), Some(36));
    assert_eq!(header.quantisation(), Some("Q4_0"));
}

#[test]
fn says_what_is_wrong() {
    assert!(matches!(read(b"{\"a\":1}"), Err(GgufError::Magic)));
    assert!(matches!(read(b""), Err(GgufError::Magic)));
    let mut old = file();
    old[4] = 1;
    assert!(matches!(read(&old), Err(GgufError::Version(1))));
    let whole = file();
    assert!(matches!(read(&whole[..100]), Err(GgufError::CutHeader(100))));
    match read(&whole[..whole.len() - 1]) {
        Err(GgufError::CutTensor { tensor, end, file_bytes }) => {
            assert_eq!(tensor, "b");
            assert_eq!(end, whole.len() as u64);
            assert_eq!(file_bytes, end - 1);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn every_cut_is_an_error() {
    let whole = file();
    for length in 0..whole.len() {
        assert!(read(&whole[..length]).is_err(), "{length}");
    }
}

#[test]
fn an_announced_length_allocates_nothing() {
    let mut bytes = file();
    // The length of the first key.
    bytes[24..32].copy_from_slice(&(1u64 << 40).to_le_bytes());
    assert!(matches!(read(&bytes), Err(GgufError::Damaged { .. })));
    bytes[24..32].copy_from_slice(&(1u64 << 20).to_le_bytes());
    assert!(matches!(read(&bytes), Err(GgufError::CutHeader(_))));
}

#[test]
fn reads_the_bundled_models() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("demo-models");
    for name in ["specialist-1m.gguf", "specialist-5m.gguf"] {
        let header = Header::read(&folder.join(name)).unwrap();
        assert_eq!(header.text("general.architecture"), Some("llama"), "{name}");
        assert!(header.text("tokenizer.chat_template").is_some(), "{name}");
        assert!(header.parameters() > 500_000, "{name}");
    }
}

proptest! {
    #[test]
    fn no_mutation_panics(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut bytes = file();
        for (at, value) in changes {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        bytes.truncate(keep.index(bytes.len()) + 1);
        let _ = read(&bytes);
    }

    #[test]
    fn no_bytes_panic(tail in prop::collection::vec(any::<u8>(), 0..256)) {
        let mut bytes = b"GGUF\x03\0\0\0".to_vec();
        bytes.extend(tail);
        let _ = read(&bytes);
    }
}
