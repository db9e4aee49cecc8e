//! Paragraphs of a knowledge base with a question whose answer stands in them.

use rand::Rng;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::{Map, Value, json};

use super::Sample;
use super::names::capital;
use super::template::{Sections, fill};
use super::values::{Split, one, value};
use crate::prompt::Task;

/// The templates of facts and questions.
pub fn templates() -> Sections {
    Sections::read(include_str!("../../data/faq.txt"))
}

/// The lines of a section that start with a letter: `f` or `q`, in capitals for the test.
pub fn lines(sections: &Sections, section: &str, letter: char, split: Split) -> Vec<&'static str> {
    let letter = if split == Split::Test { letter.to_ascii_uppercase() } else { letter };
    let lines = sections.lines(section).iter();
    lines.filter_map(|line| line.strip_prefix(letter)).map(str::trim_start).collect()
}

/// What is stated: a kind of fact, of a product, with its value.
struct Fact {
    section: &'static str,
    subject: String,
    value: String,
}

/// What people call a thing that a paragraph is about.
fn subject<R: Rng>(split: Split, rng: &mut R) -> String {
    let name = value("product", split, rng).unwrap_or_default();
    let noun = one(
        rng,
        &[
            "printer", "router", "headset", "tablet", "scanner", "camera", "speaker", "plan",
            "app", "charger", "monitor", "licence", "service", "keyboard",
        ],
    );
    match rng.random_range(0..6) {
        0..=2 => name,
        3 => format!("the {name} {noun}"),
        4 => format!("the {name}"),
        _ => format!("the {noun} {name}"),
    }
}

/// A paragraph of two to four facts, most of one product, and a question about one of them.
pub fn sample<R: Rng>(sections: &Sections, split: Split, rng: &mut R) -> Sample {
    paragraph(sections, split, rng).1
}

/// A paragraph with a question about each of its facts.
pub fn samples<R: Rng>(sections: &Sections, split: Split, rng: &mut R) -> Vec<Sample> {
    let (facts, first) = paragraph(sections, split, rng);
    let context = &first.row["context"];
    let mut all: Vec<Sample> = Vec::with_capacity(facts.len());
    for fact in facts.iter().filter(|fact| fact.value != first.answer) {
        let question = Question::about(sections, fact, split, rng);
        all.push(question.sample(context.clone(), fact, String::new()));
    }
    all.push(first);
    all
}

/// The facts of a paragraph, and the question about one of them.
fn paragraph<R: Rng>(sections: &Sections, split: Split, rng: &mut R) -> (Vec<Fact>, Sample) {
    let mut kinds: Vec<&'static str> = sections.names().filter(|n| *n != "filler").collect();
    kinds.shuffle(rng);
    let subjects = [subject(split, rng), subject(split, rng)];
    let count = rng.random_range(2..=4);
    // Of two products in one paragraph the question must name the right one.
    let two = rng.random_bool(0.35);
    let mut facts: Vec<Fact> = Vec::new();
    for (i, section) in kinds.iter().copied().take(count).enumerate() {
        let kind = section.split_once(' ').map_or("", |(_, kind)| kind);
        let about = usize::from(two && i > 0 && rng.random_bool(0.4));
        facts.push(fact(section, kind, &subjects[about], split, rng));
        if two && i == 0 {
            facts.push(fact(section, kind, &subjects[1], split, rng));
        }
    }
    facts.truncate(count);
    let asked = rng.random_range(0..facts.len());
    let mut stated = String::new();
    let mut sentences = Vec::new();
    for (i, fact) in facts.iter().enumerate() {
        let options = lines(sections, fact.section, 'f', split);
        let at = rng.random_range(0..options.len());
        if i == asked {
            stated = format!("{}.{}.f{at}", fact.section, split.name());
        }
        let pronoun = i > 0 && facts[i - 1].subject == fact.subject && !two && rng.random_bool(0.3);
        let named = if pronoun { "it" } else { &fact.subject };
        sentences.push(capital(&fill(options[at], rng, &mut |kind, _: &mut R| match kind {
            "s" => named.to_owned(),
            _ => fact.value.clone(),
        })));
    }
    let fact = &facts[asked];
    let question = Question::about(sections, fact, split, rng);
    let start = if two { 0 } else { 1 };
    sentences[start..].shuffle(rng);
    if rng.random_bool(0.3) {
        let filler = lines(sections, "filler", 'f', split);
        let filler = filler.choose(rng).copied().unwrap_or_default();
        sentences.insert(rng.random_range(1..=sentences.len()), filler.to_owned());
    }
    let sample = question.sample(json!(sentences.join(" ")), fact, stated);
    (facts, sample)
}

/// A question and the template that it is made of.
struct Question {
    text: String,
    template: usize,
}

impl Question {
    fn about<R: Rng>(sections: &Sections, fact: &Fact, split: Split, rng: &mut R) -> Self {
        let options = lines(sections, fact.section, 'q', split);
        let template = rng.random_range(0..options.len());
        let text = fill(options[template], rng, &mut |_, _: &mut R| fact.subject.clone());
        Self { text: capital(&text), template }
    }

    fn sample(self, context: Value, fact: &Fact, stated: String) -> Sample {
        let row: Map<String, Value> = [
            ("context".to_owned(), context),
            ("question".to_owned(), json!(self.text)),
            ("answer".to_owned(), json!(fact.value)),
        ]
        .into_iter()
        .collect();
        let family = format!("{stated}.q{}", self.template);
        let (answer, values) = (fact.value.clone(), vec![fact.value.clone()]);
        Sample { task: Task::Faq, row, family, answer, values }
    }
}

fn fact<R: Rng>(
    section: &'static str,
    kind: &str,
    subject: &str,
    split: Split,
    rng: &mut R,
) -> Fact {
    let value = value(kind, split, rng).unwrap_or_default();
    Fact { section, subject: subject.to_owned(), value }
}
