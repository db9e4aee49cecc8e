//! A shared report holds no text of a sample: canaries are planted wherever one could hide.

use std::path::Path;

use rightsize_reports::html::Options;
use rightsize_reports::run::{SessionLine, files};

use crate::fixture::Run;
use crate::html::{inflated, rendered};

const CANARY: &str = "canary-b7f3";

fn planted(dir: &Path) {
    let mut run = Run::demo();
    for record in &mut run.records {
        record.sample = format!("{CANARY}-{}", record.sample);
        record.cluster = record.cluster.as_ref().map(|c| format!("{CANARY}-{c}"));
        record.expected = CANARY.into();
        record.tags = record
            .tags
            .iter()
            .map(|(tag, value)| (format!("{CANARY}-{tag}"), format!("{CANARY}-{value}")))
            .collect();
        record.readings = [(CANARY.to_owned(), CANARY.into())].into();
        if let Some(response) = &mut record.response {
            response.text = CANARY.into();
            response.reasoning = Some(CANARY.into());
        }
        if let Some(error) = &mut record.error {
            error.message = format!("cannot read {CANARY}");
            error.partial_text = Some(CANARY.into());
        }
        if let Some(detail) = record.detail.as_object_mut()
            && detail.contains_key("predicted")
        {
            detail.insert("expected".into(), format!("{CANARY}-label").into());
            detail.insert("predicted".into(), format!("{CANARY}-other").into());
        }
    }
    for prompt in run.prompts.values_mut() {
        *prompt = CANARY.into();
    }
    for suite in &mut run.manifest.suites {
        suite.source = format!("/home/{CANARY}/{}.yaml", suite.name);
    }
    for model in &mut run.manifest.models {
        model.model = format!("models/{CANARY}.gguf");
    }
    run.manifest.bakeoff = CANARY.into();
    for line in &mut run.sessions {
        match line {
            SessionLine::Started(start) => {
                start.args.push(CANARY.into());
                start.base = Some(CANARY.into());
                start.machine["host"]["hostname"] = CANARY.into();
                start.machine["host"]["kernel"] = CANARY.into();
                start.machine["home"] = CANARY.into();
                start.confinement.push(CANARY.into());
            }
            SessionLine::Entry(entry) => {
                entry.description.model = CANARY.into();
                entry.description.endpoint = Some(CANARY.into());
                entry.description.chat_template = Some(CANARY.into());
                entry.description.facts.insert(CANARY.into(), CANARY.into());
                for crash in &mut entry.description.crashes {
                    crash.in_flight = vec![CANARY.into()];
                    crash.last_log = vec![CANARY.into()];
                }
                if let Some(error) = &mut entry.ended_by {
                    error.message = CANARY.into();
                }
            }
            SessionLine::Ended(_) => {}
        }
    }
    run.write(dir);
    for suite in &run.manifest.suites {
        let path = dir.join(files::SUITES).join(&suite.name).join(files::SUITE_FACTS);
        let mut facts: serde_json::Value =
            serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        facts["description"] = CANARY.into();
        facts["margin"]["why"] = CANARY.into();
        for names in ["labels", "fields"] {
            if let Some(list) = facts.get_mut(names).and_then(|list| list.as_array_mut()) {
                for name in list {
                    *name = format!("{CANARY}-{}", name.as_str().unwrap()).into();
                }
            }
        }
        std::fs::write(&path, facts.to_string()).unwrap();
    }
}

#[test]
fn canaries_do_not_leave_the_house() {
    let dir = tempfile::tempdir().unwrap();
    planted(dir.path());
    let (full, _) = rendered(dir.path(), Options::default());
    assert!(full.contains(CANARY) && inflated(&full).contains(CANARY), "the test would see one");

    let (shared, written) = rendered(dir.path(), Options { share: true, ..Options::default() });
    assert_eq!(written.texts, 0);
    assert_eq!(shared.matches(CANARY).count(), 0);
    assert_eq!(inflated(&shared).matches(CANARY).count(), 0);
    assert!(shared.contains("<strong>no text of any sample</strong>"));
    for kept in ["specialist-5m", "support-triage", "label 1", "tag 1", "value 1", "SIGSEGV"] {
        assert!(shared.contains(kept), "{kept}");
    }
}

#[test]
fn hashed_ids_cannot_be_matched_between_two_reports() {
    let dir = tempfile::tempdir().unwrap();
    Run::demo().write(dir.path());
    let ids = || inflated(&rendered(dir.path(), Options { share: true, ..Options::default() }).0);
    let (one, two) = (ids(), ids());
    assert!(one.contains("\"#") && !one.contains("ticket-g001"));
    assert_ne!(one, two);
}
