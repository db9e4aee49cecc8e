//! What a death, a poisonous sample, a hang and a cancelled ask cost.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rightsize_providers::local::LocalModel;
use rightsize_providers::{Advice, ErrorKind, Provider};
use rustix::process::{Pid, Signal, kill_process};

use crate::asking::{PATIENCE, answer_all, specialist, start, tickets, user};

async fn killed_in_the_middle(signal: Signal, name: &str) {
    let provider = start(specialist("specialist-1m")).await;
    let pid = Pid::from_raw(provider.process_id() as i32).unwrap();
    let kill = move |answers| {
        if answers == 20 {
            kill_process(pid, signal).unwrap();
        }
    };
    let results = answer_all(&provider, tickets(100), kill).await;
    assert_eq!(results.len(), 100);
    for (id, result) in &results {
        assert!(result.is_ok(), "{id}: {result:?}");
    }
    let provider = Arc::into_inner(provider).unwrap();
    let description = provider.stop().await;
    assert_eq!(description.crashes.len(), 1);
    assert_eq!(description.crashes[0].ended_by, name);
    let lost = description.crashes[0].in_flight.len();
    assert!((2..=8).contains(&lost), "{lost} in flight");
    assert!(description.peak_memory_bytes.unwrap() > 1 << 20);
    eprintln!("{name}: {lost} asks were in flight");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_engine_loses_no_answer() {
    killed_in_the_middle(Signal::KILL, "SIGKILL").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_segfault_loses_no_answer() {
    killed_in_the_middle(Signal::SEGV, "SIGSEGV").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_poisonous_sample_is_the_only_error() {
    let provider = start(specialist("specialist-1m")).await;
    let mut asks = tickets(30);
    asks.insert(12, user("poison", "POISON-SEGV", 40));
    let mut results = answer_all(&provider, asks, |_| {}).await;
    let error = results.remove("poison").unwrap().unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::EngineCrash, Advice::Never));
    assert!(error.message.contains("SIGSEGV"), "{error}");
    assert!(results.values().all(Result::is_ok));
    let crashes = provider.describe().crashes;
    assert_eq!(crashes.len(), 2);
    assert!(crashes[0].in_flight.contains(&"poison".to_owned()));
    assert_eq!(crashes[1].in_flight, ["poison"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_third_crashing_sample_ends_the_entry() {
    let provider = start(specialist("specialist-1m")).await;
    let mut advice = Vec::new();
    for i in 0..4 {
        let error = provider.attempt(&user(i, "POISON-SEGV", 9)).await.unwrap_err();
        advice.push(error.advice);
    }
    assert_eq!(advice, [Advice::Never, Advice::Never, Advice::EndsEntry, Advice::EndsEntry]);
    assert_eq!(provider.describe().crashes.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_death_with_nothing_in_flight_ends_the_entry() {
    let provider = start(specialist("specialist-1m")).await;
    provider.attempt(&tickets(1)[0]).await.unwrap();
    let pid = Pid::from_raw(provider.process_id() as i32).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let until = Instant::now() + PATIENCE;
    while provider.describe().crashes.is_empty() && Instant::now() < until {
        tokio::task::yield_now().await;
    }
    let error = provider.attempt(&tickets(1)[0]).await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::EngineDead, Advice::EndsEntry));
    assert!(error.message.contains("SIGKILL"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hang_is_a_crash() {
    let hang_limit = Duration::from_secs(3);
    let provider = start(LocalModel { hang_limit, ..specialist("specialist-1m") }).await;
    let mut asks = tickets(10);
    asks.insert(5, user("poison", "POISON-HANG", 40));
    let mut results = answer_all(&provider, asks, |_| {}).await;
    let error = results.remove("poison").unwrap().unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::EngineHang, Advice::Never));
    assert!(results.values().all(Result::is_ok));
    let crashes = provider.describe().crashes;
    assert_eq!(crashes.last().unwrap().ended_by, "hung for 3 s and was killed");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cancelled_ask_leaves_the_others_alone() {
    let provider = start(specialist("specialist-1m")).await;
    let asks = tickets(20);
    let alone = provider.attempt(&asks[0]).await.unwrap();
    for ask in &asks {
        // Polled once: it is on its way, and then dropped.
        let mut attempt = provider.attempt(ask);
        let _ = futures_poll_once(&mut attempt).await;
    }
    let again = provider.attempt(&asks[0]).await.unwrap();
    assert_eq!(again.response.text, alone.response.text);
    assert!(provider.describe().crashes.is_empty());
}

async fn futures_poll_once<F: Future + Unpin>(future: &mut F) -> Option<F::Output> {
    std::future::poll_fn(|context| {
        std::task::Poll::Ready(match std::pin::Pin::new(&mut *future).poll(context) {
            std::task::Poll::Ready(output) => Some(output),
            std::task::Poll::Pending => None,
        })
    })
    .await
}
