//! What the stub server sends back, and how it is written to the socket.

use std::io::Write;
use std::net::TcpStream;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::{PATIENCE, Request, lock};

/// Holds requests back until it is opened.
#[derive(Clone, Default)]
pub struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    /// A closed gate.
    pub fn new() -> Gate {
        Gate::default()
    }

    /// Lets everything through, now and later.
    pub fn open(&self) {
        *lock(&self.0.0) = true;
        self.0.1.notify_all();
    }

    fn pass(&self) {
        let deadline = Instant::now() + PATIENCE;
        let mut open = lock(&self.0.0);
        while !*open && Instant::now() < deadline {
            let left = deadline.saturating_duration_since(Instant::now());
            open = self.0.1.wait_timeout(open, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }
}

/// What comes back for a request.
#[derive(Clone, Default)]
pub struct Reply {
    body: Body,
    status: u16,
    headers: Vec<(String, String)>,
    usage: bool,
    reasoning: Option<String>,
    finish: Option<&'static str>,
    cut_after: Option<usize>,
    takes: Duration,
    gate: Option<Gate>,
    gate_in_middle: Option<Gate>,
}

#[derive(Clone, Default)]
enum Body {
    /// An answer, streamed if the request asks for it.
    Answer(String),
    /// A JSON body with the reply's status.
    Json(Value),
    /// Events as they are, in a stream.
    Stream(Vec<String>),
    /// The bytes of a whole response, head included.
    Raw(Vec<u8>),
    /// Nothing: the connection is closed.
    #[default]
    Nothing,
}

impl Reply {
    /// An answer with this text: streamed if the request asks for it, with usage.
    pub fn text(text: impl Into<String>) -> Reply {
        Reply { body: Body::Answer(text.into()), status: 200, usage: true, ..Reply::default() }
    }

    /// An error with this status and message, in the OpenAI form.
    pub fn status(status: u16, message: &str) -> Reply {
        Reply::error(status, "error", message)
    }

    /// The same with a `code`, such as `insufficient_quota`.
    pub fn error(status: u16, code: &str, message: &str) -> Reply {
        let error = json!({"message": message, "type": code, "param": null, "code": code});
        Reply::json(status, json!({"error": error}))
    }

    /// Any JSON body.
    pub fn json(status: u16, value: Value) -> Reply {
        Reply { body: Body::Json(value), status, ..Reply::default() }
    }

    /// A stream of events with this data, as it is; `[DONE]` is not added.
    pub fn events<T: AsRef<str>>(data: impl IntoIterator<Item = T>) -> Reply {
        Reply::pieces(data.into_iter().map(|data| event(data.as_ref())).collect())
    }

    /// A stream with these bytes, as they are; it ends without an error of the connection.
    pub fn raw_stream(bytes: impl Into<String>) -> Reply {
        Reply::pieces(vec![bytes.into()])
    }

    fn pieces(pieces: Vec<String>) -> Reply {
        Reply { body: Body::Stream(pieces), status: 200, ..Reply::default() }
    }

    /// The bytes of a whole response, head included; then the connection is closed.
    pub fn raw(bytes: impl Into<Vec<u8>>) -> Reply {
        Reply { body: Body::Raw(bytes.into()), ..Reply::default() }
    }

    /// No response: the connection is closed.
    pub fn hang_up() -> Reply {
        Reply::default()
    }

    /// Adds a header.
    pub fn with_header(mut self, name: &str, value: &str) -> Reply {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Leaves the usage out.
    pub fn without_usage(mut self) -> Reply {
        self.usage = false;
        self
    }

    /// Reasoning before the answer.
    pub fn reasoning(mut self, text: &str) -> Reply {
        self.reasoning = Some(text.to_owned());
        self
    }

    /// The finish reason; `stop` unless it is set.
    pub fn finish(mut self, reason: &'static str) -> Reply {
        self.finish = Some(reason);
        self
    }

    /// Closes the connection after so many events of a stream, or bytes of a body.
    pub fn cut_after(mut self, pieces: usize) -> Reply {
        self.cut_after = Some(pieces);
        self
    }

    /// Makes the server take this long for it.
    pub fn after(mut self, time: Duration) -> Reply {
        self.takes = time;
        self
    }

    /// Answers when the gate is opened.
    pub fn behind(mut self, gate: &Gate) -> Reply {
        self.gate = Some(gate.clone());
        self
    }

    /// Sends the first half of a stream's events, and the rest when the gate is opened.
    pub fn pauses_at(mut self, gate: &Gate) -> Reply {
        self.gate_in_middle = Some(gate.clone());
        self
    }
}

/// Writes a reply; tells whether the connection can go on.
pub(super) fn write_reply(
    reply: &Reply,
    request: &Request,
    out: &mut TcpStream,
) -> std::io::Result<bool> {
    if let Some(gate) = &reply.gate {
        gate.pass();
    }
    std::thread::sleep(reply.takes);
    match &reply.body {
        Body::Nothing => Ok(false),
        Body::Raw(bytes) => {
            out.write_all(bytes)?;
            Ok(false)
        }
        Body::Json(value) => write_json(reply, value, out),
        Body::Stream(events) => write_events(reply, events, out),
        Body::Answer(text) if request.wants_stream() => {
            write_events(reply, &chunks(reply, request, text), out)
        }
        Body::Answer(text) => write_json(reply, &completion(reply, request, text), out),
    }
}

fn head(reply: &Reply, kind: &str) -> String {
    let mut head = format!(
        "HTTP/1.1 {} Stub\r\ncontent-type: {kind}\r\nx-request-id: req-stub\r\n",
        reply.status
    );
    for (name, value) in &reply.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head
}

fn write_json(reply: &Reply, value: &Value, out: &mut TcpStream) -> std::io::Result<bool> {
    let body = value.to_string();
    let head = head(reply, "application/json");
    let sent = reply.cut_after.map_or(body.len(), |cut| cut.min(body.len()));
    write!(out, "{head}content-length: {}\r\n\r\n", body.len())?;
    out.write_all(&body.as_bytes()[..sent])?;
    Ok(sent == body.len())
}

fn write_events(reply: &Reply, events: &[String], out: &mut TcpStream) -> std::io::Result<bool> {
    write!(out, "{}transfer-encoding: chunked\r\n\r\n", head(reply, "text/event-stream"))?;
    for (index, event) in events.iter().enumerate() {
        if reply.cut_after == Some(index) {
            return Ok(false);
        }
        if let Some(gate) = &reply.gate_in_middle
            && index == events.len() / 2
        {
            gate.pass();
        }
        write!(out, "{:x}\r\n{event}\r\n", event.len())?;
    }
    write!(out, "0\r\n\r\n")?;
    Ok(true)
}

fn event(data: &str) -> String {
    format!("data: {data}\n\n")
}

fn completion(reply: &Reply, request: &Request, text: &str) -> Value {
    let mut message = json!({"role": "assistant", "content": text, "refusal": null});
    if let Some(reasoning) = &reply.reasoning {
        message["reasoning_content"] = reasoning.as_str().into();
    }
    let mut value = json!({
        "id": "chatcmpl-stub", "object": "chat.completion", "created": 0,
        "model": request.model(), "system_fingerprint": "fp_stub",
        "choices": [{"index": 0, "message": message, "finish_reason": reply.finish.unwrap_or("stop")}],
    });
    if reply.usage {
        value["usage"] = usage(reply, request, text);
    }
    value
}

/// The events of a streamed answer: the role, the reasoning, a chunk a word, the finish reason,
/// the usage if it is asked for, and `[DONE]`.
fn chunks(reply: &Reply, request: &Request, text: &str) -> Vec<String> {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "chatcmpl-stub", "object": "chat.completion.chunk", "created": 0,
            "model": request.model(), "system_fingerprint": "fp_stub",
            "choices": choices, "usage": usage});
        event(&chunk.to_string())
    };
    let delta = |delta: Value| {
        chunk(json!([{"index": 0, "delta": delta, "finish_reason": null}]), Value::Null)
    };
    let mut events = vec![delta(json!({"role": "assistant", "content": ""}))];
    if let Some(reasoning) = &reply.reasoning {
        events.push(delta(json!({"reasoning_content": reasoning})));
    }
    events.extend(text.split_inclusive(' ').map(|word| delta(json!({"content": word}))));
    let finish = reply.finish.unwrap_or("stop");
    events.push(chunk(json!([{"index": 0, "delta": {}, "finish_reason": finish}]), Value::Null));
    if reply.usage && request.body["stream_options"]["include_usage"] == true {
        events.push(chunk(json!([]), usage(reply, request, text)));
    }
    events.push(event("[DONE]"));
    events
}

/// One token a word: the stub's own tokenizer.
fn usage(reply: &Reply, request: &Request, text: &str) -> Value {
    let words = |text: &str| text.split_whitespace().count();
    let reasoning = reply.reasoning.as_deref().map_or(0, words);
    let (input, output) = (words(&request.all_text()), words(text) + reasoning);
    json!({"prompt_tokens": input, "completion_tokens": output, "total_tokens": input + output,
        "completion_tokens_details": {"reasoning_tokens": reasoning}})
}
