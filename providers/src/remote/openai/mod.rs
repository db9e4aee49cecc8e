//! The OpenAI-compatible family: `POST {base}/chat/completions`, streamed or not.
//!
//! Body, responses and usage are pure functions of bytes; only [`OpenAi`] speaks to a server. Of the
//! stamps, `connected` stays absent: reqwest does not tell when a connection stood.

mod draft;
pub mod reply;
pub mod request;
pub mod stream;
pub mod usage;

#[cfg(test)]
mod golden_tests;

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::CONTENT_TYPE;

use super::Secret;
use super::endpoint::Endpoint;
use super::failure;
use super::http::{Exchange, Http};
use crate::{
    Advice, Answer, Ask, AskKind, Attempt, Capabilities, Clock, Description, Provider,
    ProviderError, ServerWords, Stage,
};

/// Where the family's own vendor answers.
pub const BASE_URL: &str = "https://api.openai.com/v1";

/// Largest response that is not streamed, in bytes.
const BODY_LIMIT: usize = 16 << 20;

/// Most names that are kept of what the server calls its model.
const NAMES: usize = 8;

/// A server and the model that is asked for.
#[derive(Clone)]
pub struct Options {
    /// The URL above `/chat/completions`: `http://127.0.0.1:8000/v1`.
    pub base_url: String,
    /// The key, sent as `Authorization: Bearer`; many local servers want none.
    pub key: Option<Secret>,
    /// The model as the server knows it.
    pub model: String,
    /// Longest time for a whole attempt, from sending to the last byte.
    pub timeout: Duration,
    /// Where stamps come from.
    pub clock: Clock,
}

impl fmt::Debug for Options {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let endpoint = Endpoint::parse(&self.base_url);
        f.debug_struct("Options")
            .field("base_url", &endpoint.as_ref().map_or("not a URL", Endpoint::shown))
            .field("key", &self.key)
            .field("model", &self.model)
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}

/// A model behind an OpenAI-compatible server.
pub struct OpenAi {
    http: Http,
    model: String,
    reported: Mutex<Reported>,
}

/// What the server has called its model so far.
#[derive(Debug, Default)]
struct Reported {
    models: BTreeSet<String>,
    fingerprints: BTreeSet<String>,
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OpenAi")
            .field("endpoint", &self.http.shown())
            .field("model", &self.model)
            .finish_non_exhaustive()
    }
}

impl OpenAi {
    /// Checks the options. Connects to nothing.
    ///
    /// # Errors
    /// At [`Stage::Start`], ends the entry: the base URL is none, the key cannot stand in a header,
    /// certificates cannot be loaded.
    pub fn new(options: Options) -> Result<OpenAi, ProviderError> {
        let Options { base_url, key, model, timeout, clock } = options;
        let http = Http::new(&base_url, key, timeout, clock)?;
        Ok(OpenAi { http, model, reported: Mutex::default() })
    }

    /// One free call (`GET {base}/models`) before any paid one.
    ///
    /// # Errors
    /// Ends the entry: no connection, no response within the time limit, 401 or 403. Any other
    /// status passes, because not every server has this resource.
    pub async fn probe(&self) -> Result<(), ProviderError> {
        let outcome = match self.http.get(&["models"]).await {
            Ok(exchange) if matches!(exchange.status(), 401 | 403) => Err(exchange.refusal().await),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        };
        outcome.map_err(|error| {
            let error = ProviderError { advice: Advice::EndsEntry, ..error };
            self.http.clean_error(error)
        })
    }

    async fn answer(&self, ask: &Ask) -> Result<Answer, ProviderError> {
        let body = request::body(&self.model, ask)?;
        let exchange = self.http.post(&["chat", "completions"], &body).await?;
        if !exchange.is_success() {
            return Err(exchange.refusal().await);
        }
        let sent = exchange.sent;
        let first_byte = exchange.first_byte;
        let request_id = failure::request_id(exchange.headers());
        let mut answer = if is_event_stream(&exchange, ask) {
            read_stream(exchange).await?
        } else {
            read_whole(exchange).await?
        };
        answer.timing.sent = Some(sent);
        answer.timing.first_byte = Some(first_byte);
        answer.server.request_id = request_id.or(answer.server.request_id);
        Ok(answer)
    }

    fn remember(&self, words: &ServerWords) {
        let mut reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let Reported { models, fingerprints } = &mut *reported;
        for (seen, word) in [(models, &words.model), (fingerprints, &words.fingerprint)] {
            if let Some(word) = word
                && seen.len() < NAMES
                && !seen.contains(word)
            {
                seen.insert(word.clone());
            }
        }
    }
}

impl Provider for OpenAi {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            generate: true,
            choose: false,
            embed: false,
            schema: true,
            tools: true,
            local: false,
            live: true,
            default_concurrency: 4,
        }
    }

    fn attempt<'a>(&'a self, ask: &'a Ask) -> Attempt<'a> {
        Box::pin(async move {
            let answer = self.answer(ask).await.and_then(|answer| self.http.clean_answer(answer));
            match answer {
                Ok(answer) => {
                    self.remember(&answer.server);
                    Ok(answer)
                }
                Err(error) => Err(self.http.clean_error(error)),
            }
        })
    }

    fn describe(&self) -> Description {
        let reported = self.reported.lock().unwrap_or_else(PoisonError::into_inner);
        let mut facts = std::collections::BTreeMap::new();
        for (name, seen) in
            [("reported model", &reported.models), ("fingerprint", &reported.fingerprints)]
        {
            if !seen.is_empty() {
                facts.insert(name.to_owned(), seen.iter().cloned().collect::<Vec<_>>().join(", "));
            }
        }
        Description {
            provider: "openai".to_owned(),
            model: self.model.clone(),
            endpoint: Some(self.http.shown().to_owned()),
            chat_template: Some("applied by the server".to_owned()),
            facts,
            ..Description::default()
        }
    }
}

/// How the answer comes is what the response says; some servers ignore `stream`.
fn is_event_stream(exchange: &Exchange, ask: &Ask) -> bool {
    match exchange.headers().get(CONTENT_TYPE).and_then(|value| value.to_str().ok()) {
        Some(value) => value.trim_start().to_ascii_lowercase().starts_with("text/event-stream"),
        None => matches!(&ask.kind, AskKind::Generate(generate) if generate.stream),
    }
}

async fn read_whole(mut exchange: Exchange) -> Result<Answer, ProviderError> {
    let (body, at) = exchange.body(BODY_LIMIT).await?;
    reply::read(&body, at).map_err(|error| {
        let error = ProviderError { stage: Stage::Read, ..error };
        exchange.failed(error)
    })
}

async fn read_stream(mut exchange: Exchange) -> Result<Answer, ProviderError> {
    let mut reader = stream::StreamReader::default();
    while !reader.is_done() {
        match exchange.chunk().await {
            Ok(Some((bytes, at))) => {
                reader.push(&bytes, at).map_err(|error| exchange.failed(error))?;
            }
            Ok(None) => break,
            // The answer is whole; what broke off is the usage at most.
            Err(_) if reader.is_finished() => break,
            Err(error) => return Err(reader.with_partial(error)),
        }
    }
    match reader.finish() {
        Ok(answer) => {
            exchange.drain().await;
            Ok(answer)
        }
        Err(error) => Err(exchange.failed(error)),
    }
}
