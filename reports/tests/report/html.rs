//! The HTML report: policy, hostile text, embedding, terms.

use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use rightsize_reports::glossary;
use rightsize_reports::html::{Embed, Options, Written, write};
use sha2::{Digest, Sha256};

use crate::analysis::analysed;
use crate::fixture::Run;

pub fn rendered(dir: &Path, options: Options) -> (String, Written) {
    let (folder, analysis) = analysed(dir);
    let mut out = Vec::new();
    let written = write(&folder, &analysis, &options, &mut out).unwrap();
    (String::from_utf8(out).unwrap(), written)
}

fn demo(options: Options) -> (String, Written) {
    let dir = tempfile::tempdir().unwrap();
    Run::demo().write(dir.path());
    rendered(dir.path(), options)
}

/// Everything that the embedded blocks hold, inflated.
pub fn inflated(html: &str) -> String {
    let mut all = String::new();
    for part in html.split("<script type=\"application/octet-stream\"").skip(1) {
        let (_, rest) = part.split_once('>').unwrap();
        let (base64, _) = rest.split_once("</script>").unwrap();
        let bytes = base64::engine::general_purpose::STANDARD.decode(base64).unwrap();
        flate2::read::GzDecoder::new(&bytes[..]).read_to_string(&mut all).unwrap();
        all.push('\n');
    }
    all
}

#[test]
fn holds_what_a_reader_looks_for() {
    let (html, written) = demo(Options::default());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("report.html");
    std::fs::write(&path, &html).unwrap();
    eprintln!("written: {}", path.display());
    let (shared, _) = demo(Options { share: true, ..Options::default() });
    std::fs::write(path.with_file_name("report-shared.html"), shared).unwrap();
    assert_eq!(written.texts, written.samples);
    assert!(html.contains("<strong>all 360 samples</strong>"));
    for word in ["specialist-5m", "single-stream", "SIGSEGV", "hand_written", "Xeon Gold 6430"] {
        assert!(html.contains(word), "{word}");
    }
    for id in ["glance", "models", "tradeoff", "slices", "tasks", "failures", "samples", "method"] {
        assert!(html.contains(&format!("<section id=\"{id}\"")), "{id}");
    }
    assert!(html.len() < 1_500_000, "{}", html.len());
}

#[test]
fn the_policy_allows_its_own_style_and_script_and_nothing_else() {
    let (html, _) = demo(Options::default());
    let digest = |text: &str| {
        base64::engine::general_purpose::STANDARD.encode(Sha256::digest(text.as_bytes()))
    };
    let between = |open: &str, close: &str| {
        let (_, rest) = html.rsplit_once(open).unwrap();
        rest.split_once(close).unwrap().0
    };
    let style = between("<style>", "</style>");
    let script = between("<script>", "</script>");
    assert!(html.contains(&format!("style-src 'sha256-{}'", digest(style))));
    assert!(html.contains(&format!("script-src 'sha256-{}'", digest(script))));
    assert!(html.contains("default-src 'none'"));
    assert_eq!(html.matches("<style").count(), 1);
    assert_eq!(html.matches("<script>").count(), 1);
    for fetched in
        [" src=", "url(", "@import", "innerHTML", "eval(", "<iframe", " onclick", " style="]
    {
        assert!(!html.contains(fetched), "{fetched}");
    }
    let policy = html.find("Content-Security-Policy").unwrap();
    assert!(policy < html.find("<style").unwrap() && policy < html.find("<title").unwrap());
}

#[test]
fn hostile_text_stays_text() {
    let attack = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u{202e}\u{1b}[31m";
    let dir = tempfile::tempdir().unwrap();
    let mut run = Run::demo();
    run.manifest.name = attack.into();
    run.manifest.models[0].id = attack.into();
    for record in &mut run.records {
        if record.model == "specialist-1m" {
            record.model = attack.into();
        }
        if let Some(response) = &mut record.response {
            response.text = format!("{attack}{}", "long ".repeat(2_000));
        }
        if let Some(error) = &mut record.error {
            error.message = attack.into();
        }
        record.expected = attack.into();
        record.tags.insert(attack.into(), attack.into());
        record.outcome = rightsize_reports::run::Outcome::Unparsed;
    }
    for prompt in run.prompts.values_mut() {
        *prompt = attack.into();
    }
    run.write(dir.path());
    let (html, _) = rendered(dir.path(), Options::default());
    assert_eq!(html.matches("<script>").count(), 1);
    assert_eq!(html.matches("alert(1)").count(), html.matches("&lt;script&gt;alert(1)").count());
    assert!(!html.contains("<img"));
    assert!(!html.contains('\u{202e}') && !html.contains('\u{1b}'));
    assert!(inflated(&html).contains("</script><script>alert(1)"));
}

#[test]
fn a_budget_is_kept_and_said() {
    let (html, written) = demo(Options { embed: Embed::Bytes(8_000), ..Options::default() });
    assert!(written.texts > 0 && written.texts < written.samples, "{written:?}");
    assert!(html.contains(&format!("<strong>{} of 360 samples</strong>", written.texts)));
    let embedded: usize = html
        .split("id=\"texts-")
        .skip(1)
        .map(|part| part.split_once("</script>").unwrap().0.len())
        .sum();
    assert!(embedded <= 8_100, "{embedded}");
    let (_, nothing) = demo(Options { embed: Embed::Bytes(0), ..Options::default() });
    assert_eq!(nothing.texts, 0);
}

#[test]
fn all_texts_are_written_as_a_stream_and_read_the_same() {
    let (within, _) = demo(Options::default());
    let (all, written) = demo(Options { embed: Embed::All, ..Options::default() });
    assert_eq!(written.texts, 360);
    let count = |html: &str| inflated(html).matches("{\"i\":").count();
    assert_eq!((count(&within), count(&all)), (360, 360));
}

#[test]
fn every_term_of_a_table_is_explained() {
    let (html, _) = demo(Options::default());
    let terms: Vec<&str> =
        html.split("data-term=\"").skip(1).map(|part| part.split_once('"').unwrap().0).collect();
    assert!(terms.len() > 50);
    for term in terms {
        assert!(glossary::explain(term).is_some(), "{term}");
    }
    for head in html.split("<th ").skip(1).map(|part| part.split_once("</th>").unwrap().0) {
        let named = head.contains("data-term") || head.contains("<bdi>");
        let plain = ["started", "ended", "reason", "command line"];
        assert!(named || plain.iter().any(|word| head.ends_with(word)), "<th {head}");
    }
}

#[test]
fn more_labels_than_fit_are_listed_as_confusions() {
    let dir = tempfile::tempdir().unwrap();
    let run = Run::demo();
    run.write(dir.path());
    let path = dir.path().join("suites/support-triage/suite.json");
    let mut facts: serde_json::Value =
        serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
    for number in 0..20 {
        facts["labels"].as_array_mut().unwrap().push(format!("more-{number}").into());
    }
    std::fs::write(&path, facts.to_string()).unwrap();
    let (html, _) = rendered(dir.path(), Options::default());
    assert!(html.contains("27 labels: the most frequent confusions."));
}
