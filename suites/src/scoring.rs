//! Which scoring a suite has: a digest of all that decides what an answer scores.

use std::convert::Infallible;

use rightsize_providers::digest::OfParts;
use serde_json::{Value, json};

use crate::suite::Suite;
use crate::tasks::SCORING_VERSION;

/// Keys that decide no score: words for people, where rows come from, and what is asked. Any other
/// key counts, so that a new one is never forgotten; at worst two equal scorings look different.
const DECIDE_NO_SCORE: [&str; 5] = ["name", "description", "data", "prompt", "margin"];
/// The same in `answer`.
const ANSWER_DECIDES_NO_SCORE: [&str; 2] = ["max_tokens", "constrain"];

impl Suite {
    /// Digest of all that decides what an answer scores: [`SCORING_VERSION`], the keys of the YAML
    /// that say how answers are read and compared, and what is expected of each sample.
    ///
    /// Equal digests mean equal scores of equal answers. The reverse need not hold: a default that
    /// is written out changes the digest and no score.
    pub fn scoring_digest(&self) -> String {
        let text = self.yaml.strip_prefix('\u{feff}').unwrap_or(&self.yaml);
        let keys = match serde_yaml::from_str::<Value>(text) {
            Ok(mut keys) => {
                remove(Some(&mut keys), &DECIDE_NO_SCORE);
                remove(keys.get_mut("answer"), &ANSWER_DECIDES_NO_SCORE);
                keys
            }
            // A key that is no text, such as a number: then all of the file counts.
            Err(_) => Value::from(text),
        };
        let mut all = OfParts::default();
        all.text("{");
        if let Some(command) = &self.command {
            all.text("\"command\":");
            all.value(&json!(command.sha256));
            all.text(",");
        }
        all.text("\"expected\":");
        let expected = self.samples.iter().map(|s| Ok(json!([s.id, s.expected])));
        let Ok(()) = all.list::<Infallible>(expected);
        all.text(",\"keys\":");
        all.value(&keys);
        all.text(",\"rules\":");
        all.value(&json!(SCORING_VERSION));
        if let Some(tools) = &self.tools_file {
            all.text(",\"tools\":");
            all.value(tools);
        }
        all.text("}");
        all.finish()
    }
}

fn remove(mapping: Option<&mut Value>, keys: &[&str]) {
    if let Some(Value::Object(mapping)) = mapping {
        mapping.retain(|key, _| !keys.contains(&key.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SUITE: &str = "name: a\ntask: classification\ndata: {test: [{id: 1, t: x, queue: login}], id: id}\n\
        labels: {queue: {values: [login, other]}}\nprompt: {user: '{{ t }}'}\nanswer: {max_tokens: 9}\n";

    fn digest_of(change: (&str, &str)) -> String {
        assert!(SUITE.contains(change.0), "{}", change.0);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("s.yaml"), SUITE.replacen(change.0, change.1, 1)).unwrap();
        Suite::load("s.yaml", dir.path()).unwrap().scoring_digest()
    }

    #[test]
    fn it_changes_with_what_decides_a_score_and_with_nothing_else() {
        let first = digest_of(("", ""));
        for same in [
            ("name: a", "# a comment\nname: b"),
            ("max_tokens: 9", "max_tokens: 10"),
            ("'{{ t }}'", "'Message: {{ t }}'"),
            ("name: a", "name: a\nmargin: {abs: 0.1, why: it is a trial}"),
            ("t: x", "t: y"),
        ] {
            assert_eq!(digest_of(same), first, "{same:?}");
        }
        for other in [
            ("[login, other]", "[login, other], aliases: {login: [password]}"),
            ("[login, other]", "[login, other, billing]"),
            ("queue: login", "queue: other"),
            ("max_tokens: 9", "format: json"),
            ("name: a", "name: a\nscoring: {primary: macro_f1}"),
        ] {
            assert_ne!(digest_of(other), first, "{other:?}");
        }
    }
}
