//! A real HTTP/1.1 server on 127.0.0.1 that speaks the OpenAI chat format, for tests.
//!
//! A closure decides for each request what comes back: an answer (streamed if the request asks for
//! it), an error, broken bytes, a cut in the middle. Everything that was asked is logged, with the
//! largest number of requests that were in flight at once. Tests wait on [`Gate`]s and on
//! [`StubServer::wait_for`], never on sleeps; [`Reply::after`] only makes the server slow.
//!
//! Plain threads and blocking sockets: a test needs a handful of connections, and any runtime's own.

#![allow(dead_code, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

// The path is named because this file is itself included by path from another crate.
#[path = "stub_server/reply.rs"]
mod reply;

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

pub use reply::{Gate, Reply};
use serde_json::{Value, json};

/// Longest time that anything here waits for: a test that hangs fails instead.
const PATIENCE: Duration = Duration::from_secs(60);

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Request {
    /// Number among the chat requests, from 1; 0 for all others.
    pub number: usize,
    /// How often this prompt has been asked, from 1; 0 for what is no chat request.
    pub count_of_prompt: u32,
    pub method: String,
    /// Path and query.
    pub path: String,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body; `Null` where there is none or it is no JSON.
    pub body: Value,
}

impl Request {
    /// A header's value.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    /// Whether this is a chat request.
    pub fn is_chat(&self) -> bool {
        self.method == "POST" && self.path.contains("/chat/completions")
    }

    /// The content of the last message of the user: what tells samples apart.
    pub fn prompt(&self) -> &str {
        let messages = self.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let user = messages.iter().rev().find(|message| message["role"] == "user");
        user.and_then(|message| message["content"].as_str()).unwrap_or_default()
    }

    /// All messages' contents, joined by line feeds.
    pub fn all_text(&self) -> String {
        let messages = self.body["messages"].as_array().map_or(&[][..], Vec::as_slice);
        let texts: Vec<&str> = messages.iter().filter_map(|m| m["content"].as_str()).collect();
        texts.join("\n")
    }

    /// The model that is asked for.
    pub fn model(&self) -> &str {
        self.body["model"].as_str().unwrap_or_default()
    }

    /// Whether a stream is asked for.
    pub fn wants_stream(&self) -> bool {
        self.body["stream"] == true
    }
}

/// The server. It stops when it is dropped.
pub struct StubServer {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    behaviour: Box<dyn Fn(&Request) -> Reply + Send + Sync>,
    log: Mutex<Log>,
    changed: Condvar,
    stopped: AtomicBool,
}

#[derive(Default)]
struct Log {
    requests: Vec<Request>,
    counts: BTreeMap<String, u32>,
    in_flight: usize,
    high_water: usize,
    answered: usize,
    connections: Vec<TcpStream>,
}

impl Log {
    /// Numbers a request and writes it down.
    fn take(&mut self, request: &mut Request) {
        if request.is_chat() {
            let count = self.counts.entry(request.prompt().to_owned()).or_insert(0);
            *count += 1;
            request.count_of_prompt = *count;
            request.number = self.counts.values().sum::<u32>() as usize;
        }
        self.requests.push(request.clone());
        self.in_flight += 1;
        self.high_water = self.high_water.max(self.in_flight);
    }
}

impl StubServer {
    /// Starts a server on a free port of 127.0.0.1. `behaviour` decides for chat requests; the
    /// list of models is empty, all else is 404. See [`Self::start_for_every_path`] for a say in those.
    pub fn start(behaviour: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> StubServer {
        Self::start_for_every_path(move |request| {
            if request.is_chat() {
                behaviour(request)
            } else if request.method == "GET" && request.path.ends_with("/models") {
                Reply::json(200, json!({"object": "list", "data": []}))
            } else {
                Reply::error(404, "not_found", "no such resource")
            }
        })
    }

    /// Starts a server whose `behaviour` decides for every path.
    pub fn start_for_every_path(
        behaviour: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> StubServer {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port of 127.0.0.1");
        let address = listener.local_addr().expect("the address of the listener");
        let shared = Arc::new(Shared {
            behaviour: Box::new(behaviour),
            log: Mutex::default(),
            changed: Condvar::new(),
            stopped: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stopped.load(Ordering::SeqCst) {
                    return;
                }
                let Ok(stream) = stream else { continue };
                if let Ok(copy) = stream.try_clone() {
                    lock(&server.log).connections.push(copy);
                }
                let server = Arc::clone(&server);
                std::thread::spawn(move || server.serve(stream));
            }
        });
        StubServer { address, shared }
    }

    /// The base URL of a model entry: `http://127.0.0.1:PORT/v1`.
    pub fn base_url(&self) -> String {
        format!("http://{}/v1", self.address)
    }

    /// All requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        lock(&self.shared.log).requests.clone()
    }

    /// The chat requests so far.
    pub fn chats(&self) -> Vec<Request> {
        self.requests().into_iter().filter(Request::is_chat).collect()
    }

    /// How often each prompt was asked.
    pub fn counts(&self) -> BTreeMap<String, u32> {
        lock(&self.shared.log).counts.clone()
    }

    /// The largest number of requests that were in flight at once.
    pub fn high_water(&self) -> usize {
        lock(&self.shared.log).high_water
    }

    /// Requests that have come and are not answered yet.
    pub fn in_flight(&self) -> usize {
        lock(&self.shared.log).in_flight
    }

    /// Requests whose response has been written as a whole, as far as the client took it.
    pub fn answered(&self) -> usize {
        lock(&self.shared.log).answered
    }

    /// Waits until so many requests have come; false if they did not within a minute.
    pub fn wait_for(&self, requests: usize) -> bool {
        self.wait_until(|log| log.requests.len() >= requests)
    }

    /// Waits until so many responses have been written; false if they were not within a minute.
    pub fn wait_for_answers(&self, answers: usize) -> bool {
        self.wait_until(|log| log.answered >= answers)
    }

    /// Waits until nothing is in flight; false if that takes more than a minute.
    pub fn wait_for_quiet(&self) -> bool {
        self.wait_until(|log| log.in_flight == 0)
    }

    fn wait_until(&self, condition: impl Fn(&Log) -> bool) -> bool {
        let deadline = Instant::now() + PATIENCE;
        let mut log = lock(&self.shared.log);
        while !condition(&log) {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let waited = self.shared.changed.wait_timeout(log, left);
            log = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        true
    }

    /// Forgets all requests, so that the next ones are counted from 0.
    pub fn forget(&self) {
        let mut log = lock(&self.shared.log);
        log.requests.clear();
        log.counts.clear();
        log.answered = 0;
        log.high_water = log.in_flight;
    }
}

impl Drop for StubServer {
    fn drop(&mut self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        // Wakes the listener, which then sees that it is to stop.
        drop(TcpStream::connect(self.address));
        for connection in lock(&self.shared.log).connections.drain(..) {
            let _ = connection.shutdown(Shutdown::Both);
        }
    }
}

impl Shared {
    /// Serves the requests of one connection until the client or a reply ends it.
    fn serve(&self, stream: TcpStream) {
        let _ = stream.set_nodelay(true);
        let Ok(copy) = stream.try_clone() else { return };
        let mut reader = BufReader::new(copy);
        let mut writer = stream;
        while let Some(mut request) = read_request(&mut reader) {
            lock(&self.log).take(&mut request);
            self.changed.notify_all();
            let written = reply::write_reply(&(self.behaviour)(&request), &request, &mut writer);
            {
                let mut log = lock(&self.log);
                log.in_flight -= 1;
                log.answered += usize::from(written.is_ok());
            }
            self.changed.notify_all();
            if !matches!(written, Ok(true)) {
                break;
            }
        }
        let _ = writer.shutdown(Shutdown::Both);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read_request(reader: &mut impl BufRead) -> Option<Request> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
    let mut words = line.split_whitespace();
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|n| *n > 0)?;
        if line.trim().is_empty() {
            break;
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.trim().to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name == "content-length");
    let length = length.map_or(Some(0), |(_, value)| value.parse().ok())?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    let body = serde_json::from_slice(&body).unwrap_or(Value::Null);
    Some(Request { number: 0, count_of_prompt: 0, method, path, headers, body })
}
