//! sacrebleu's translation edit rate.

use rightsize_suites::metrics::ter::{Counts, Settings};

use crate::support::{assert_close, cases, segments};

const TOLERANCE: f64 = 1e-9;

#[test]
fn ter_as_sacrebleu() {
    for case in cases("ter.json") {
        let is = |name: &str| case[name].as_bool().unwrap();
        let settings = Settings {
            case_sensitive: is("case_sensitive"),
            normalized: is("normalized"),
            no_punct: is("no_punct"),
            asian_support: is("asian_support"),
        };
        let mut counts = Counts::default();
        for (hypothesis, references) in segments(&case) {
            counts.add(&Counts::of(hypothesis, &references, &settings).unwrap());
        }
        for (name, figure) in [
            ("num_edits", counts.edits),
            ("ref_length", counts.reference_length),
            ("score", counts.score()),
        ] {
            let what = format!("{} {name}", case["id"]);
            assert_close(Some(figure), &case["expected"][name], TOLERANCE, &what);
        }
    }
}
