//! What an engine answers: alone and together, at its limits, with a seed.

use std::collections::BTreeMap;
use std::path::Path;

use rightsize_providers::local::LocalModel;
use rightsize_providers::local::engine::Engine;
use rightsize_providers::local::llama_cpp::LlamaCpp;
use rightsize_providers::{
    Advice, Answer, Ask, AskKind, Clock, ErrorKind, Finish, Generate, Prompt, Provider, Sampling,
};
use rightsize_suites::Suite;

use crate::asking::{answer_all, ask, specialist, start, user};

/// Drives an engine in this process, with all asks at once or one after the other.
fn drive(engine: &mut dyn Engine, asks: &[Ask], together: bool) -> Vec<Answer> {
    let mut answers: BTreeMap<u64, Answer> = BTreeMap::new();
    let mut finished = Vec::new();
    for (id, ask) in asks.iter().enumerate() {
        engine.accept(id as u64, ask, Clock::Monotonic.now()).unwrap();
        while !engine.idle() && (!together || id + 1 == asks.len()) {
            engine.step(&mut finished);
            answers.extend(finished.drain(..).map(|(id, result)| (id, result.unwrap())));
        }
    }
    assert_eq!(answers.len(), asks.len());
    answers.into_values().collect()
}

/// Asks of a shipped suite, spread over it.
fn suite_asks(name: &str, n: usize) -> Vec<Ask> {
    let suite = Suite::load(&format!("catalog:{name}"), Path::new("")).unwrap();
    let step = (suite.samples.len() / n).max(1);
    let samples = suite.samples.iter().step_by(step).take(n);
    samples.map(|sample| suite.ask(&sample, 0).unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn batched_answers_are_those_of_one_at_a_time() {
    for name in ["specialist-1m", "specialist-5m"] {
        let provider = start(LocalModel { context: None, ..specialist(name) }).await;
        let (mut n, mut same, mut shared, mut prompt) = (0, 0, 0, 0);
        for (suite, samples) in [("support-triage", 50), ("invoice-extraction", 25), ("kb-faq", 25)]
        {
            let asks = suite_asks(suite, samples);
            let batched = answer_all(&provider, asks.clone(), |_| {}).await;
            for ask in &asks {
                let single = provider.attempt(ask).await.unwrap();
                let batched = batched[&ask.sample.id].as_ref().unwrap();
                n += 1;
                same += usize::from(single.response == batched.response);
                shared += batched.usage.cache_read.unwrap();
                prompt += batched.usage.input_total.unwrap();
                let timing = &batched.timing;
                assert!(timing.sent <= timing.first_token);
                assert!(timing.first_token <= timing.last_token);
            }
        }
        eprintln!(
            "{name}: {same} of {n} batched answers equal those of one at a time; {shared} of {prompt} \
             prompt tokens needed no evaluation"
        );
        assert_eq!(n, 100);
        assert!(same >= 95, "{name}: {same}");
        assert!(shared > 0);
    }
}

#[test]
fn limits_are_errors_and_never_silent_cuts() {
    let mut engine =
        LlamaCpp::load(&LocalModel { context: Some(64), ..specialist("specialist-1m") }).unwrap();
    let long = user("long", &"word ".repeat(200), 10);
    let error = engine.accept(1, &long, Clock::Monotonic.now()).unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::ContextOverflow, Advice::Never));
    assert!(error.message.contains("64 tokens") && error.message.contains("10"), "{error}");
    let AskKind::Generate(generate) = user("x", "a", 0).kind else { panic!() };
    let answers = drive(&mut engine, &[ask("none", generate)], true);
    assert_eq!(answers[0].response.finish, Finish::Length);
    assert_eq!(answers[0].response.text, "");
    assert!(engine.accept(2, &ask("e", generate_raw("")), Clock::Monotonic.now()).is_err());
}

fn generate_raw(text: &str) -> Generate {
    Generate::new(Prompt::Raw(text.to_owned()), 8)
}

#[test]
fn a_seed_fixes_the_draw_whatever_else_is_in_flight() {
    let mut engine = LlamaCpp::load(&specialist("specialist-1m")).unwrap();
    let mut drawn = generate_raw("The invoice");
    drawn.sampling = Sampling { temperature: 1.5, top_p: Some(0.95), seed: 42 };
    drawn.max_tokens = 24;
    let same = [ask(0, drawn.clone()), ask(1, drawn.clone())];
    let twice = drive(&mut engine, &same, false);
    assert_eq!(twice[0].response, twice[1].response);
    drawn.sampling.seed = 43;
    let other = drive(&mut engine, &[ask(2, drawn)], false);
    assert_ne!(other[0].response, twice[0].response);
}
