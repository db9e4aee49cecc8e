//! Every term that a report, a table or a help text uses: what it means, in which unit, from where.

use std::cmp::Reverse;

/// One term.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The term as it is written.
    pub term: &'static str,
    /// Other ways to write it.
    pub also: &'static [&'static str],
    /// What it means.
    pub meaning: &'static str,
    /// Its unit or range, where it is a number.
    pub unit: Option<&'static str>,
    /// Where its definition comes from.
    pub source: Option<&'static str>,
}

/// The entry of `term`, whatever its case and spacing. A metric of one label axis, such as
/// `accuracy (priority)`, is explained as the metric.
pub fn explain(term: &str) -> Option<&'static Entry> {
    let find = |term: &str| {
        let wanted = key(term);
        ENTRIES.iter().find(|entry| names(entry).any(|name| key(name) == wanted))
    };
    // A metric may name its axis, and how repeats count: `accuracy (priority) (pass@3)`.
    let bare = || term.strip_suffix(')')?.split_once(" (").map(|(metric, _)| metric);
    find(term).or_else(|| find(bare()?))
}

/// All entries, by term.
pub fn terms() -> &'static [Entry] {
    ENTRIES
}

/// Terms that `term` may have been meant to be, the nearest first; at most three.
pub fn candidates(term: &str) -> Vec<&'static str> {
    let wanted = key(term);
    let mut near: Vec<(f64, &'static str)> = ENTRIES
        .iter()
        .map(|entry| {
            let nearness = names(entry)
                .map(|name| {
                    let name = key(name);
                    let part = !wanted.is_empty() && name.contains(&wanted);
                    strsim::jaro_winkler(&name, &wanted) + if part { 0.2 } else { 0.0 }
                })
                .fold(0.0, f64::max);
            (nearness, entry.term)
        })
        .filter(|(nearness, _)| *nearness > 0.8)
        .collect();
    near.sort_by_key(|(nearness, term)| (Reverse((nearness * 1e6) as u64), *term));
    near.into_iter().take(3).map(|(_, term)| term).collect()
}

fn names(entry: &'static Entry) -> impl Iterator<Item = &'static str> {
    std::iter::once(entry.term).chain(entry.also.iter().copied())
}

fn key(term: &str) -> String {
    term.chars().filter(|c| c.is_alphanumeric() || *c == '/').flat_map(char::to_lowercase).collect()
}

const fn term(term: &'static str, meaning: &'static str) -> Entry {
    Entry { term, also: &[], meaning, unit: None, source: None }
}

impl Entry {
    const fn also(mut self, also: &'static [&'static str]) -> Self {
        self.also = also;
        self
    }

    const fn unit(mut self, unit: &'static str) -> Self {
        self.unit = Some(unit);
        self
    }

    const fn source(mut self, source: &'static str) -> Self {
        self.source = Some(source);
        self
    }
}

#[rustfmt::skip]
const ENTRIES: &[Entry] = &[
    term("absent", "The field was expected to be left out, and was.").unit("fields"),
    term("acc", "Score of chosen answers: every possible answer is scored by its log-probability after the prompt, and the one with the largest sum counts.").also(&["by choice", "chosen"]).unit("0 to 100 %").source("lm-evaluation-harness"),
    term("acc_norm", "The same with the largest sum per character (Unicode code point), since a sum favours short answers.").unit("0 to 100 %").source("lm-evaluation-harness"),
    term("accuracy", "Share of samples whose answer is right. Unparsed, truncated and refused answers and errors count as wrong. Of several label axes: the mean over them.").unit("0 to 100 %"),
    term("argument accuracy", "Right arguments among those that are expected or were given in vain, over all calls of tools. A wrong value counts once, a missing or surplus argument too.").unit("0 to 100 %"),
    term("axis", "One thing that a classification asks for, with a list of labels of its own: category, priority.").also(&["label axis"]),
    term("ask", "One question to a model: prompt, sampling, limits. Its digest covers everything that can change the answer."),
    term("bake-off", "The YAML file that names suites, model entries and how they are run."),
    term("baseline", "A classical method that answers samples without a language model: the expected answer (oracle), the commonest one (majority), a random label, that of the nearest train row, a linear classifier, regular expressions of the suite (pattern). It says what a model's score is worth; it has no latency and no tokens.").also(&["baselines", "oracle", "majority", "nearest", "linear", "pattern"]),
    term("batch", "The pass that asks as fast as the entry's concurrency allows: accuracy and throughput. Latency in it is that of a loaded engine.").also(&["offline"]).source("MLPerf Inference calls it 'offline'"),
    term("bootstrap", "Interval from 1,000 seeded resamples of the samples (of whole clusters where samples belong together): the central 95 % of the metric over them. Used where a metric is no proportion; gives none where all resamples have one value, as with no sample right.").source("Efron 1979, percentile method"),
    term("bounds", "Worst and best value of a metric: every error counted as a wrong answer, and every error as a right one. Shown where there are errors.").also(&["worst", "best", "worst and best"]).unit("0 to 100 %"),
    term("call accuracy", "Share of samples with the right calls of tools: every expected call with all its arguments, in any order, and no other call. Where none is expected, none was made.").unit("0 to 100 %").source("as parallel calls of the Berkeley Function-Calling Leaderboard, by value instead of by syntax tree"),
    term("check score", "Mean over all samples of the share of their checks that hold, by the checks' weights. A check of ROUGE or BLEU counts with its figure.").unit("0 to 100 %").source("promptfoo's score of a test"),
    term("character precision", "Share of the marked characters that are personal data.").unit("0 to 100 %"),
    term("character recall", "Share of the characters of personal data that are marked. What is missing to 100 % is the leak rate: what a mask made of the answer would let through.").also(&["leak rate"]).unit("0 to 100 %"),
    term("citation precision", "Share of the cited sources that are to be cited, over all answers.").unit("0 to 100 %").source("Gao et al. 2023, with known sources in the place of a judge"),
    term("citation recall", "Share of the sources to be cited that are cited, over all answers.").unit("0 to 100 %").source("Gao et al. 2023, with known sources in the place of a judge"),
    term("cluster", "Samples that are not independent of each other, such as tickets of one customer; resampled together."),
    term("concurrency", "Asks of one entry in flight at once.").also(&["in flight"]).unit("asks"),
    term("confusion matrix", "Rows: the expected label. Columns: the label that was read, then 'nothing read' and 'error'. Shade: share of the row.").unit("units"),
    term("cost", "Money for the tokens of a run, from usage and dated prices; unknown where a price is."),
    term("count", "How often it happened."),
    term("decode tok/s", "Tokens per second that one stream writes after its first token: 1 / median TPOT.").also(&["decode", "tok/s", "tokens per second"]).unit("tokens/s"),
    term("dev split", "Rows that a prompt variant is chosen on. They are asked in every candidate; no figure of the test split has one of them."),
    term("digest", "SHA-256 of a file or text: equal digests mean equal content.").also(&["sha-256"]),
    term("document accuracy", "Share of documents all of whose fields are right.").unit("0 to 100 %"),
    term("ended by", "What ended a process or an entry: a signal, an exit code, an error."),
    term("end to end", "From sending the request to the last token.").also(&["e2e", "latency"]).unit("ms or s"),
    term("engine", "Native inference of one local model, in a process of its own."),
    term("entry", "One line of a bake-off: a provider, a model, its sampling, its deployment.").also(&["model entry"]),
    term("error", "No answer came: our side (key, connection, time limit) or theirs (5xx, cut stream, crash). It has no score; the headline counts it as wrong and bounds stand beside it.").also(&["errors"]).unit("units"),
    term("exact", "The field was read and is right under the field's comparison.").unit("fields"),
    term("exact match", "Share of answers that equal an accepted answer after SQuAD's normalisation: case, punctuation, articles and spaces removed. Where a question has no answer, it is right to abstain. Of several label axes: share of samples that are right on all of them.").unit("0 to 100 %").source("Rajpurkar et al. 2016 and 2018, official scripts"),
    term("expected", "The answer in the suite's data; never seen by a model."),
    term("F1", "Harmonic mean of precision and recall: 2tp / (2tp + fp + fn).").unit("0 to 100 %"),
    term("field", "One value that an extraction asks for. A list counts as the cells of its columns, such as items.price."),
    term("field F1", "F1 over the fields of all documents, and over the cells of lists. A wrong value counts as false positive and as false negative.").unit("0 to 100 %"),
    term("gap", "Score of answers chosen by log-probability less that of written ones, on the samples that have both.").unit("percentage points"),
    term("Hamming accuracy", "Share of right decisions whether a label applies, over all labels of all samples: 1 less the Hamming loss. Samples in which nothing was read have none.").unit("0 to 100 %").source("scikit-learn, 1 - hamming_loss"),
    term("in flight at death", "Samples that were being answered when an engine process died."),
    term("incomplete", "Some planned units have no record yet: interrupted, or too many errors. `rightsize run --resume DIR` goes on."),
    term("in-scope accuracy", "Share of right labels among the samples whose label is in scope; to hold one of them to be out of scope is wrong.").unit("0 to 100 %").source("Larson et al. 2019, CLINC150"),
    term("input tokens", "Tokens of the prompts, cached ones included.").also(&["tokens in"]).unit("tokens"),
    term("interval", "Range in which the value for very many such samples is expected to lie, at the stated confidence level: Wilson for proportions, else bootstrap.").also(&["95 % interval", "confidence interval"]).unit("percentage points around the value"),
    term("invented", "A value was read where none was expected.").unit("fields"),
    term("Jaccard index", "Mean over samples of the labels that are expected and read, as a share of those that are expected or read. Two empty sets count 1.").unit("0 to 100 %").source("scikit-learn, jaccard_score(average='samples'), zero_division 1"),
    term("kind", "What sort of error it was: connect, timeout, server, engine_crash, ..."),
    term("label", "One of the classes a classification chooses from."),
    term("load time", "Time to start the engine process and load the model; no part of any latency.").also(&["load"]).unit("ms or s"),
    term("macro F1", "Mean of the F1 of every label of the suite, each label counting the same.").unit("0 to 100 %").source("scikit-learn, f1_score(average='macro'), zero_division 0"),
    term("margin", "The loss of the primary score that a suite can bear, with its reason.").unit("percentage points"),
    term("median", "Half of the values lie below: p50.").also(&["p50"]).source("linear interpolation, Hyndman and Fan type 7"),
    term("message", "What an error said."),
    term("micro F1", "F1 of the counts of all labels together, so that frequent labels count more.").unit("0 to 100 %").source("scikit-learn, f1_score(average='micro')"),
    term("missing", "The field was expected, but no value was read.").unit("fields"),
    term("model", "A model entry's id: a line of the bake-off."),
    term("n", "Samples that a figure is computed on; 120 × 3 are 120 samples that were asked three times each.").unit("samples"),
    term("not measured", "Fewer than 95 % of the units were answered. Such a cell is never compared, never ranked, and not 0 %."),
    term("not answered", "Units without a scored answer: unparsed, truncated, refused, and errors.").unit("units"),
    term("nothing read", "The answer was unparsed, truncated or refused.").unit("units"),
    term("outcome", "What became of a unit: scored, unparsed, truncated, refused, or error."),
    term("out-of-scope precision", "Share of the samples held to be out of scope that are.").unit("0 to 100 %"),
    term("out-of-scope recall", "Share of the samples out of scope that are held to be so.").unit("0 to 100 %").source("Larson et al. 2019, CLINC150"),
    term("output tokens", "Tokens that the model wrote, reasoning included.").also(&["tokens out"]).unit("tokens"),
    term("output tok/s", "Tokens written per second of the batch pass, all streams together.").unit("tokens/s"),
    term("pass rate", "Share of samples whose checks all hold, or reach the sample's threshold. An answer without text passes none.").unit("0 to 100 %").source("promptfoo's assertions"),
    term("p95", "95 % of the values lie below. Needs 20 answers.").source("linear interpolation, Hyndman and Fan type 7"),
    term("p99", "99 % of the values lie below. Needs 100 answers.").source("linear interpolation, Hyndman and Fan type 7"),
    term("partial F1", "F1 over marked places that share a character with an expected one; a place whose ends do not both agree counts one half.").unit("0 to 100 %").source("SemEval-2013 task 9, as nervaluate computes it"),
    term("pass@k", "How probable it is that at least one of k repeats of a sample is right; pass^k: that all k are. Both are estimated without bias from all repeats, and averaged over the samples.").unit("0 to 100 %").source("Chen et al. 2021; Yao et al. 2024"),
    term("peak memory", "Largest resident memory of the model's own process, over all sessions.").also(&["memory"]).unit("bytes, in powers of 1,024"),
    term("precision", "Share of the values read that are right: tp / (tp + fp).").unit("0 to 100 %"),
    term("predicted", "The label that was read in an answer."),
    term("primary", "The metric that a suite is judged by.").also(&["score", "primary score"]).unit("0 to 100 %"),
    term("prompt", "The text that a model was asked to go on from: as sent, before any chat template."),
    term("prompt variant", "One of the named prompts of a suite; default is its own. Where an entry chooses, the best on the dev split is asked on test, and of equally good ones the suite's first.").also(&["variant"]),
    term("provider", "What answers an ask: a local engine, a remote server, a file of recorded answers."),
    term("quality", "The primary score of a suite.").unit("0 to 100 %"),
    term("rank score", "1 less the mean distance between the label that was read and the expected one in an ordered list, as a share of the largest distance; 0 where nothing was read. In a list of five labels a score of 90 % is a mean distance of 0.4 ranks.").unit("0 to 100 %"),
    term("reading", "What was understood of an answer: a label, a JSON object, a span."),
    term("recall", "Share of the expected values that were read right: tp / (tp + fn).").unit("0 to 100 %"),
    term("record", "Everything known of one unit, one line of `records.jsonl`."),
    term("refused", "The model declined, or a content filter cut the answer. Scores 0.").unit("units"),
    term("repeat", "The same sample asked again, counted from 0. A suite says how repeats count as one sample: by their mean, by the answer of the majority, by pass@k or pass^k.").also(&["repeats"]),
    term("replay", "Answers read from a file instead of a model."),
    term("right", "The label is expected and was read.").unit("units"),
    term("ROUGE-1", "F1 of the words that answer and reference share, the mean over samples; of several references the best. Compares runs of the letters a to z and digits. 'Stemmed': words of more than three letters are compared by their stem.").also(&["ROUGE-1 (stemmed)"]).unit("0 to 100 %").source("Lin 2004, as Google's rouge_score; Porter 1980 for stems"),
    term("ROUGE-2", "The same as ROUGE-1 for pairs of words that follow each other.").also(&["ROUGE-2 (stemmed)"]).unit("0 to 100 %").source("Lin 2004, as Google's rouge_score; Porter 1980 for stems"),
    term("ROUGE-L", "The same as ROUGE-1 for the longest sequence of words that both have in the same order, with or without others between them.").also(&["ROUGE-L (stemmed)"]).unit("0 to 100 %").source("Lin 2004, as Google's rouge_score; Porter 1980 for stems"),
    term("run", "One execution of a bake-off: a folder with its manifest and its records."),
    term("sample", "One input with its expected answer."),
    term("samples/s", "Answered units per second of the batch pass.").also(&["throughput"]).unit("1/s"),
    term("scenario", "How load was offered: batch or single-stream."),
    term("schema valid", "Share of samples all of whose calls name a tool of the suite and satisfy its parameters. An answer without a call does.").unit("0 to 100 %"),
    term("scored", "An answer was read and scored.").unit("units"),
    term("seed", "Start of every random draw; the same seed gives the same draws."),
    term("session", "One start of the program on a run folder; an interrupted run has several."),
    term("shard", "A part of a run's units, done by one of several machines and merged afterwards."),
    term("side", "Whose fault an error is: ours or theirs."),
    term("single-stream", "The pass that asks one at a time: latency. Local entries, on a seeded subset, after warming up: what all prompts of a suite begin with is evaluated already, as in a service that answers all day.").source("MLPerf Inference, SingleStream"),
    term("slice", "The samples with one value of a tag."),
    term("span F1", "F1 over marked places, whatever type they are given.").unit("0 to 100 %"),
    term("strict F1", "F1 over marked places of the right type: both ends and the type agree. The entity F1 of named-entity recognition.").also(&["entity F1"]).unit("0 to 100 %").source("CoNLL 2003, as seqeval computes it"),
    term("strict F2", "As strict F1, with recall counted twice as much as precision: what is not marked is worse than what is marked in vain.").unit("0 to 100 %"),
    term(
        "scoring version",
        "Names what decides the scores: the version of the rules in the program and, where answers \
         were scored again, a digest of what the suites say about scoring.",
    ),
    term("subset accuracy", "Share of samples whose labels are all right, none missing and none too many.").unit("0 to 100 %").source("scikit-learn, accuracy_score on indicator matrices"),
    term("suite", "A YAML file with its data: one task kind, samples, prompt, scoring, margin."),
    term("tag", "A property of a sample by which scores are also shown."),
    term("token", "The unit in which a model reads and writes: a word or a part of one. Each model family counts its own."),
    term("token F1", "Mean over answers of the F1 of their words against the nearest accepted answer.").unit("0 to 100 %").source("Rajpurkar et al. 2016, official script"),
    term("token source", "Where token counts come from: reported by the server, counted with the model's tokenizer, estimated, or missing."),
    term("tool accuracy", "Share of samples in which the right tools are called, each as often as expected, whatever their arguments.").unit("0 to 100 %"),
    term("TPOT", "Time per output token: (last token − first content token) / (output tokens − reasoning tokens − 1). Undefined for one token.").also(&["time per output token"]).unit("ms"),
    term("truncated", "The answer reached its length limit before it could be read. Scores 0.").unit("units"),
    term("TTFO", "Time to first output token: from sending to the first token of the answer proper, after any reasoning.").also(&["time to first output token"]).unit("ms or s"),
    term("TTFT", "Time to first token: from sending the request to the first token of any kind.").also(&["time to first token"]).unit("ms or s"),
    term("type F1", "F1 over marked places that share a character with an expected one of the same type.").unit("0 to 100 %").source("SemEval-2013 task 9, as nervaluate computes it"),
    term("unit", "One sample on one entry in one variant, scenario and repeat: the atom of a run."),
    term("unparsed", "There was an answer, but nothing could be read in it. Scores 0.").unit("units"),
    term("value", "A value of a tag."),
    term("version", "Version of the program or engine."),
    term("weights", "The file of a model's parameters.").also(&["weights digest"]),
    term("Wilson interval", "Interval of a proportion from the score test; keeps its level near 0 and 100 % and for few samples.").also(&["Wilson"]).unit("percentage points around the value").source("Wilson 1927, without continuity correction"),
    term("wrong", "A value was read, but another than expected.").unit("fields"),
];

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn found_whatever_the_case() {
        assert_eq!(explain("ttft").map(|e| e.term), Some("TTFT"));
        assert_eq!(explain("Time To First Token").map(|e| e.term), Some("TTFT"));
        assert_eq!(explain("End-To-End").map(|e| e.term), Some("end to end"));
        assert_eq!(explain("flux capacitor"), None);
    }

    #[test]
    fn near_misses_are_offered() {
        assert!(candidates("unparsd").contains(&"unparsed"));
        assert!(candidates("wilsen").contains(&"Wilson interval"));
        assert!(candidates("memory").contains(&"peak memory"));
        assert!(candidates("zzzz").is_empty());
    }

    #[test]
    fn every_metric_is_explained() {
        for metric in rightsize_suites::Metric::ALL {
            assert!(explain(metric.title()).is_some(), "{}", metric.title());
        }
    }

    #[test]
    fn every_name_once() {
        let mut seen = BTreeSet::new();
        for entry in terms() {
            for name in names(entry) {
                assert!(seen.insert(key(name)), "{name} twice");
            }
            assert!(
                entry.meaning.ends_with('.') || entry.meaning.ends_with("..."),
                "{}",
                entry.term
            );
        }
    }
}
