//! The terminal summary.

use rightsize_reports::glossary;
use rightsize_reports::terminal::{HEADS, summary};

use crate::analysis::analysed;
use crate::fixture::Run;

fn text(width: Option<usize>, colour: bool) -> String {
    let dir = tempfile::tempdir().unwrap();
    Run::demo().write(dir.path());
    summary(&analysed(dir.path()).1, width, colour)
}

#[test]
fn says_what_was_measured_and_what_not() {
    let text = text(None, false);
    println!("{text}");
    for word in ["support-triage: accuracy", "specialist-5m", "not measured", "single-stream"] {
        assert!(text.contains(word), "{word} is not in\n{text}");
    }
    assert!(text.contains("vendor-preview is not measured: "), "{text}");
    assert!(!text.contains('\u{1b}') && !text.contains('\u{202f}'));
}

#[test]
fn fits_narrow_terminals() {
    for width in [40, 60, 80, 120] {
        let text = text(Some(width), false);
        println!("{text}");
        let table = text.lines().filter(|line| line.contains("specialist"));
        for line in table {
            assert!(line.trim_end().chars().count() <= width, "{width}: {line}");
        }
        assert!(text.contains("specialist-1m"));
    }
}

#[test]
fn colour_only_when_asked_for() {
    assert!(text(None, true).contains("\u{1b}[1m"));
}

#[test]
fn names_cannot_drive_the_terminal() {
    let dir = tempfile::tempdir().unwrap();
    let mut run = Run::demo();
    run.manifest.models[0].id = "evil\u{1b}[2J\u{7}\nname".into();
    run.write(dir.path());
    let text = summary(&analysed(dir.path()).1, Some(100), false);
    assert!(!text.contains('\u{1b}') && !text.contains('\u{7}'));
    assert!(text.contains("evil⟨U+001B⟩[2J⟨U+0007⟩⟨U+000A⟩name"), "{text}");
}

#[test]
fn every_head_is_explained() {
    for head in HEADS {
        assert!(glossary::explain(head).is_some(), "{head}");
    }
}
