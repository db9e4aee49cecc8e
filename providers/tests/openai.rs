//! The OpenAI-compatible provider against a real server on 127.0.0.1.
#![cfg(feature = "remote")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

#[path = "../../tests/support/stub_server.rs"]
mod stub_server;

use std::sync::Arc;
use std::time::Duration;

use rightsize_providers::remote::Secret;
use rightsize_providers::remote::openai::{OpenAi, Options};
use rightsize_providers::{
    Advice, Answer, Ask, AskKind, Clock, ErrorKind, Finish, Generate, Message, Prompt, Provider,
    ProviderError, Role, SampleRef, Sampling, Side, Stage, UsageSource,
};
use serde_json::{Value, json};
use stub_server::{Gate, Reply, StubServer};

const KEY: &str = "sk-canary-0123456789abcdef";

fn options(base_url: &str) -> Options {
    Options {
        base_url: base_url.to_owned(),
        key: Some(Secret::new(KEY)),
        model: "small-1".to_owned(),
        timeout: Duration::from_secs(60),
        clock: Clock::Monotonic,
    }
}

fn provider(server: &StubServer) -> OpenAi {
    OpenAi::new(options(&server.base_url())).unwrap()
}

fn generate(stream: bool) -> Generate {
    let message = |role, content: &str| Message { role, content: content.to_owned() };
    let prompt = Prompt::Messages(vec![
        message(Role::System, "Sort the tickets."),
        message(Role::User, "I was charged twice"),
    ]);
    Generate { stream, ..Generate::new(prompt, 16) }
}

fn ask(generate: Generate) -> Ask {
    Ask {
        sample: SampleRef { suite: "s".into(), id: "1".into(), repeat: 0 },
        fields: Default::default(),
        kind: AskKind::Generate(generate),
    }
}

async fn answer(server: &StubServer, stream: bool) -> Result<Answer, ProviderError> {
    provider(server).attempt(&ask(generate(stream))).await
}

#[tokio::test]
async fn streamed() {
    let server = StubServer::start(|_| Reply::text("the answer is billing").reasoning("a bill"));
    let answer = answer(&server, true).await.unwrap();
    assert_eq!(answer.response.text, "the answer is billing");
    assert_eq!(answer.response.reasoning.as_deref(), Some("a bill"));
    assert_eq!(answer.response.finish, Finish::Stop);
    let usage = &answer.usage;
    assert_eq!((usage.input_total, usage.output_total), (Some(7), Some(6)));
    assert_eq!((usage.reasoning, usage.source), (Some(2), UsageSource::Reported));
    assert_eq!(answer.server.model.as_deref(), Some("small-1"));
    assert_eq!(answer.server.request_id.as_deref(), Some("req-stub"));
    let t = &answer.timing;
    let stamps = [t.sent, t.first_byte, t.first_token, t.first_content, t.last_token];
    let stamps: Vec<u64> = stamps.iter().map(|stamp| stamp.unwrap().0).collect();
    assert!(stamps.is_sorted(), "{stamps:?}");
}

#[tokio::test]
async fn not_streamed() {
    let server = StubServer::start(|_| Reply::text("billing").finish("length"));
    let answer = answer(&server, false).await.unwrap();
    assert_eq!(answer.response.text, "billing");
    assert_eq!(answer.response.finish, Finish::Length);
    let t = &answer.timing;
    assert_eq!((t.first_token, t.first_content), (None, None));
    assert!(t.sent.unwrap() <= t.first_byte.unwrap());
    assert!(t.first_byte.unwrap() <= t.last_token.unwrap());
}

/// Some servers ignore `stream`; what comes back decides.
#[tokio::test]
async fn a_server_that_does_not_stream_is_understood() {
    let reply = json!({"choices": [{"message": {"content": "login"}, "finish_reason": "stop"}]});
    let server = StubServer::start(move |_| Reply::json(200, reply.clone()));
    let answer = answer(&server, true).await.unwrap();
    assert_eq!(answer.response.text, "login");
    assert_eq!(answer.usage.source, UsageSource::Missing);
    assert_eq!(answer.timing.first_token, None);
}

#[tokio::test]
async fn the_request_is_exactly_this() {
    let server = StubServer::start(|_| Reply::text("ok"));
    answer(&server, false).await.unwrap();
    let full = Generate {
        schema: Some(json!({"type": "object", "properties": {"a": {"type": "string"}},
            "required": ["a"], "additionalProperties": false})),
        sampling: Sampling { temperature: 0.5, top_p: Some(0.9), seed: 11 },
        stop: vec!["\n".into()],
        logprobs: Some(2),
        tools: vec![json!({"type": "function", "function": {"name": "now"}})],
        tool_choice: Some(json!("auto")),
        effort: Some("low".into()),
        extras: serde_json::Map::from_iter([
            ("max_tokens".to_owned(), Value::Null),
            ("max_completion_tokens".to_owned(), json!(99)),
            ("seed".to_owned(), json!(12)),
        ]),
        ..generate(true)
    };
    provider(&server).attempt(&ask(full)).await.unwrap();
    let messages = json!([
        {"role": "system", "content": "Sort the tickets."},
        {"role": "user", "content": "I was charged twice"},
    ]);
    let requests = server.requests();
    assert_eq!(
        requests[0].body,
        json!({"model": "small-1", "messages": messages, "max_tokens": 16, "temperature": 0.0, "seed": 7})
    );
    assert_eq!(
        requests[1].body,
        json!({
            "model": "small-1", "messages": messages, "max_completion_tokens": 99,
            "temperature": 0.5, "top_p": 0.9, "seed": 12, "stop": ["\n"],
            "logprobs": true, "top_logprobs": 2, "reasoning_effort": "low",
            "response_format": {"type": "json_schema", "json_schema": {"name": "answer", "strict": true,
                "schema": {"type": "object", "properties": {"a": {"type": "string"}},
                    "required": ["a"], "additionalProperties": false}}},
            "tools": [{"type": "function", "function": {"name": "now"}}], "tool_choice": "auto",
            "stream": true, "stream_options": {"include_usage": true},
        })
    );
    assert_eq!(
        (requests[0].method.as_str(), requests[0].path.as_str()),
        ("POST", "/v1/chat/completions")
    );
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(requests[0].header("content-type"), Some("application/json"));
    assert!(requests[0].header("user-agent").unwrap().starts_with("rightsize/"));
}

#[tokio::test]
async fn errors_by_status() {
    for (status, code, side, kind, advice) in [
        (400, "x", Side::Ours, ErrorKind::BadRequest, Advice::Never),
        (401, "invalid_api_key", Side::Ours, ErrorKind::Auth, Advice::EndsEntry),
        (403, "x", Side::Ours, ErrorKind::Auth, Advice::EndsEntry),
        (404, "model_not_found", Side::Ours, ErrorKind::NotFound, Advice::EndsEntry),
        (429, "rate_limit_exceeded", Side::Ours, ErrorKind::RateLimited, Advice::AfterMs(120)),
        (429, "insufficient_quota", Side::Ours, ErrorKind::Quota, Advice::EndsEntry),
        (500, "server_error", Side::Theirs, ErrorKind::Server, Advice::AfterMs(120)),
    ] {
        let server = StubServer::start(move |_| {
            Reply::error(status, code, "the words of the server")
                .with_header("retry-after-ms", "120")
        });
        for stream in [false, true] {
            let error = answer(&server, stream).await.unwrap_err();
            assert_eq!(
                (error.side, error.kind, error.advice),
                (side, kind, advice),
                "{status} {code}"
            );
            assert_eq!(error.http_status, Some(status));
            assert_eq!(error.request_id.as_deref(), Some("req-stub"));
            assert!(error.message.contains("the words of the server"), "{error}");
            assert!(error.message.starts_with(&server.base_url()), "{error}");
        }
        assert_eq!(server.requests().len(), 2, "one attempt is one request");
    }
}

#[tokio::test]
async fn a_cut_stream_is_no_answer() {
    let server = StubServer::start(|_| Reply::text("one two three").cut_after(3));
    let error = answer(&server, true).await.unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Theirs, ErrorKind::CutStream));
    assert_eq!((error.stage, error.advice), (Stage::Stream, Advice::Backoff));
    assert_eq!(error.partial_text.as_deref(), Some("one two "));
    // The same without a broken connection: the stream just ends.
    let chunk =
        json!({"choices": [{"delta": {"content": "one"}, "finish_reason": null}]}).to_string();
    let server = StubServer::start(move |_| Reply::events([chunk.clone()]));
    let error = answer(&server, true).await.unwrap_err();
    assert_eq!((error.kind, error.partial_text.as_deref()), (ErrorKind::CutStream, Some("one")));
    assert_eq!(error.http_status, Some(200));
}

#[tokio::test]
async fn a_cut_after_the_finish_reason_loses_the_usage_only() {
    let server = StubServer::start(|_| Reply::text("one two").cut_after(4));
    let answer = answer(&server, true).await.unwrap();
    assert_eq!(answer.response.text, "one two");
    assert_eq!(answer.usage.source, UsageSource::Missing);
}

#[tokio::test]
async fn broken_answers() {
    let kind = async |reply: Reply, stream: bool| {
        let server = StubServer::start(move |_| reply.clone());
        let error = answer(&server, stream).await.unwrap_err();
        (error.kind, error.stage)
    };
    use {ErrorKind::*, Stage::*};
    assert_eq!(kind(Reply::text("a b").cut_after(9), false).await, (CutStream, Stream));
    assert_eq!(kind(Reply::events(["{broken"]), true).await, (Protocol, Read));
    assert_eq!(kind(Reply::events(["[DONE]"]), true).await, (Protocol, Read));
    assert_eq!(kind(Reply::json(200, json!({"choices": []})), false).await, (Protocol, Read));
    assert_eq!(kind(Reply::hang_up(), false).await, (CutStream, Wait));
    assert_eq!(
        kind(Reply::json(200, json!({"error": {"code": 429}})), false).await,
        (RateLimited, Read)
    );
    let html = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n\r\n<html>";
    assert_eq!(kind(Reply::raw(html), true).await, (Protocol, Read));
    let redirect = "HTTP/1.1 307 x\r\nlocation: http://127.0.0.1:1/\r\ncontent-length: 0\r\n\r\n";
    assert_eq!(kind(Reply::raw(redirect), false).await, (NotFound, Wait));
    let odd = json!({"choices": [{"message": {"content": "a"}, "finish_reason": "tired"}]});
    assert_eq!(kind(Reply::json(200, odd), false).await, (Protocol, Read));
    assert_eq!(kind(Reply::raw("nonsense\r\n\r\n"), false).await, (CutStream, Wait));
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused() {
    let server = StubServer::start(|_| Reply::text("x".repeat(17 << 20)));
    let error = answer(&server, false).await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Protocol, Advice::Never));
    assert!(error.message.contains("larger than"), "{error}");
}

#[tokio::test]
async fn our_time_limit() {
    let gate = Gate::new();
    let held = gate.clone();
    let server = StubServer::start(move |request| match request.wants_stream() {
        true => Reply::text("a b c d").pauses_at(&held),
        false => Reply::text("a").behind(&held),
    });
    let limited = Options { timeout: Duration::from_secs(1), ..options(&server.base_url()) };
    let provider = OpenAi::new(limited).unwrap();
    let error = provider.attempt(&ask(generate(false))).await.unwrap_err();
    assert_eq!(
        (error.side, error.kind, error.stage),
        (Side::Ours, ErrorKind::Timeout, Stage::Wait)
    );
    let error = provider.attempt(&ask(generate(true))).await.unwrap_err();
    assert_eq!((error.kind, error.stage), (ErrorKind::Timeout, Stage::Stream));
    assert_eq!(error.partial_text.as_deref(), Some("a b c "));
    gate.open();
}

/// A port where nothing listens: it was free a moment ago.
fn dead_url() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}/v1", listener.local_addr().unwrap())
}

#[tokio::test]
async fn a_server_that_is_down() {
    let provider = OpenAi::new(options(&dead_url())).unwrap();
    let error = provider.attempt(&ask(generate(true))).await.unwrap_err();
    assert_eq!((error.side, error.kind), (Side::Theirs, ErrorKind::Connect));
    assert_eq!((error.stage, error.advice), (Stage::Connect, Advice::Backoff));
    assert!(error.message.contains("nothing listens there"), "{error}");
}

#[tokio::test]
async fn probe() {
    let server = StubServer::start(|_| Reply::text("never asked"));
    provider(&server).probe().await.unwrap();
    let requests = server.requests();
    assert_eq!((requests[0].method.as_str(), requests[0].path.as_str()), ("GET", "/v1/models"));
    assert_eq!(requests[0].header("authorization"), Some(format!("Bearer {KEY}").as_str()));
    assert_eq!(requests.len(), 1);
    for status in [200, 404, 405, 500] {
        let server = StubServer::start_for_every_path(move |_| Reply::error(status, "x", "m"));
        assert_eq!(provider(&server).probe().await, Ok(()), "{status}");
    }
    for status in [401, 403] {
        let server = StubServer::start_for_every_path(move |_| Reply::error(status, "x", "m"));
        let error = provider(&server).probe().await.unwrap_err();
        assert_eq!((error.kind, error.advice), (ErrorKind::Auth, Advice::EndsEntry));
    }
    let error = OpenAi::new(options(&dead_url())).unwrap().probe().await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Connect, Advice::EndsEntry));
}

#[tokio::test]
async fn tls_and_plain_text_do_not_mix() {
    let server = StubServer::start(|_| Reply::text("x"));
    let base = server.base_url().replace("http:", "https:");
    // Where the machine has no certificates at all, the provider does not start.
    let error = match OpenAi::new(options(&base)) {
        Ok(provider) => provider.attempt(&ask(generate(false))).await.unwrap_err(),
        Err(error) => error,
    };
    assert_eq!((error.side, error.kind), (Side::Ours, ErrorKind::Connect));
}

/// The server echoes the key wherever it can; nothing that can be printed shows it.
#[tokio::test]
async fn the_key_is_in_nothing_that_can_be_printed() {
    let echo = |reply: fn(String) -> Reply| {
        StubServer::start_for_every_path(move |request| {
            let sent = request.header("authorization").unwrap_or_default();
            let word = sent.split(' ').next_back().unwrap_or_default();
            reply(format!("you sent {word} and {sent} to {}", request.path))
        })
    };
    let replies: [fn(String) -> Reply; 7] = [
        |words| Reply::error(401, "x", &words),
        |words| Reply::error(429, &words, &words).with_header("x-request-id", &words),
        |words| Reply::json(500, json!({"error": words})),
        |words| {
            Reply::raw(format!(
                "HTTP/1.1 307 x\r\nlocation: http://h/{words}\r\ncontent-length: 0\r\n\r\n"
            ))
        },
        |words| {
            Reply::events([
                json!({"choices": [{"delta": {"content": words}}]}).to_string(),
                "{".into(),
            ])
        },
        |words| Reply::raw(format!("HTTP/1.1 200 OK\r\ncontent-length: 200\r\n\r\n{words}")),
        |words| Reply::text(&*words).reasoning(&words),
    ];
    for (index, reply) in replies.into_iter().enumerate() {
        let server = echo(reply);
        let base = server.base_url();
        let with_login = base.replace("http://", "http://user:hunter2-hunter2-hunter2@");
        let with_query = format!("{base}?api_key={KEY}&api-version=1");
        for (base_url, key) in
            [(base, Some(Secret::new(KEY))), (with_login, None), (with_query, None)]
        {
            let options = Options { base_url, key, ..options("") };
            let provider = OpenAi::new(options.clone()).unwrap();
            let outcome = provider.attempt(&ask(generate(index == 4))).await;
            let probe = provider.probe().await;
            let shown = format!(
                "{options:?} {provider:?} {:?} {outcome:?} {probe:?} {}",
                provider.describe(),
                outcome.as_ref().map_or_else(ToString::to_string, |a| a.response.text.clone()),
            );
            // "dXNlcjpodW50ZXIy" is the Base64 of "user:hunter2".
            for secret in [KEY, "canary", "hunter2", "dXNlcjpodW50ZXIy"] {
                assert!(!shown.contains(secret), "reply {index}: {shown}");
            }
        }
    }
}

#[test]
fn options_that_cannot_work_are_refused_at_the_start() {
    let error = OpenAi::new(options("localhost:8000")).unwrap_err();
    assert_eq!((error.stage, error.advice), (Stage::Start, Advice::EndsEntry));
    assert!(error.message.contains("`base_url`"), "{error}");
    let key = Some(Secret::new("two\nlines-of-a-key"));
    let error = OpenAi::new(Options { key, ..options("http://127.0.0.1:1/v1") }).unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Auth, Advice::EndsEntry));
    assert!(!error.message.contains("lines-of"), "{error}");
}

#[tokio::test]
async fn what_cannot_be_served_ends_the_entry_without_a_request() {
    let server = StubServer::start(|_| Reply::text("x"));
    let raw = Generate { prompt: Prompt::Raw("Once".into()), ..generate(false) };
    let error = provider(&server).attempt(&ask(raw)).await.unwrap_err();
    assert_eq!((error.kind, error.advice), (ErrorKind::Unsupported, Advice::EndsEntry));
    assert_eq!(server.requests().len(), 0);
}

#[tokio::test]
async fn the_description_says_what_the_server_calls_itself() {
    let server = StubServer::start(|_| Reply::text("x"));
    let provider = provider(&server);
    assert_eq!(provider.describe().facts.len(), 0);
    provider.attempt(&ask(generate(true))).await.unwrap();
    let description = provider.describe();
    assert_eq!(description.endpoint, Some(server.base_url()));
    assert_eq!(description.facts["reported model"], "small-1");
    assert_eq!(description.facts["fingerprint"], "fp_stub");
    assert_eq!(description.weights_sha256, None);
}

#[tokio::test]
async fn many_at_once() {
    let gate = Gate::new();
    let held = gate.clone();
    let server = Arc::new(StubServer::start(move |_| Reply::text("x y").behind(&held)));
    let watched = Arc::clone(&server);
    let opener = tokio::task::spawn_blocking(move || {
        let all_came = watched.wait_for(6);
        gate.open();
        all_came
    });
    let provider = provider(&server);
    let asks: Vec<Ask> = (0..6).map(|i| ask(generate(i % 2 == 0))).collect();
    let answers = tokio::join!(
        provider.attempt(&asks[0]),
        provider.attempt(&asks[1]),
        provider.attempt(&asks[2]),
        provider.attempt(&asks[3]),
        provider.attempt(&asks[4]),
        provider.attempt(&asks[5]),
    );
    let (a, b, c, d, e, f) = answers;
    assert!(opener.await.unwrap());
    for answer in [a, b, c, d, e, f] {
        assert_eq!(answer.unwrap().response.text, "x y");
    }
    assert_eq!(server.high_water(), 6);
    assert_eq!(server.counts().values().sum::<u32>(), 6);
}
