//! The one HTTP driver of all wire families: sends once, bounds what comes back, stamps it.
//!
//! It never retries (the runner does) and follows no redirect (a redirected POST becomes a GET, and
//! the key would travel to another place). Proxies are taken from the environment, except for
//! servers on this machine. One time limit holds for the whole attempt.

use std::error::Error as _;
use std::time::Duration;

use jiff::Timestamp;
use reqwest::header::{
    ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderValue, InvalidHeaderValue,
};
use reqwest::{Client, RequestBuilder, Response};
use serde_json::Value;
use tokio::time::Instant;

use super::endpoint::Endpoint;
use super::failure;
use super::secret::{Scrubber, Secret};
use crate::{Advice, Answer, Clock, ErrorKind, ProviderError, Side, Stage, Stamp};

const USER_AGENT: &str = concat!("rightsize/", env!("CARGO_PKG_VERSION"));

/// Longest time for a connection to stand.
const CONNECT_LIMIT: Duration = Duration::from_secs(30);

/// Bytes of an error's body that are read.
const ERROR_BODY_LIMIT: usize = 64 * 1024;

/// A server and how it is spoken to.
pub(crate) struct Http {
    client: Client,
    endpoint: Endpoint,
    authorization: Option<HeaderValue>,
    scrubber: Scrubber,
    timeout: Duration,
    clock: Clock,
}

impl Http {
    /// Checks base URL and key, and loads the certificates if they are needed. Connects to nothing.
    ///
    /// # Errors
    /// At [`Stage::Start`]: the base URL is none, the key cannot stand in a header, no certificates.
    pub(crate) fn new(
        base_url: &str,
        key: Option<Secret>,
        timeout: Duration,
        clock: Clock,
    ) -> Result<Http, ProviderError> {
        let start = |kind, message: String| {
            ProviderError::new(Side::Ours, kind, Stage::Start, Advice::EndsEntry, message)
        };
        let endpoint = Endpoint::parse(base_url).map_err(|m| start(ErrorKind::Connect, m))?;
        let key = key.filter(|key| !key.is_empty());
        let client = client(&endpoint).map_err(|e| {
            start(ErrorKind::Connect, format!("no HTTP client: {}", causes(&e.without_url())))
        })?;
        let authorization = authorization(&client, &endpoint, key.as_ref()).map_err(|_| {
            let why = "the key holds characters that no HTTP header can carry, such as a line \
                       break: check the variable that `key_env` names";
            start(ErrorKind::Auth, why.to_owned())
        })?;
        let sent_words = authorization.iter().filter_map(|value| {
            value.to_str().ok()?.split_once(' ').map(|(_, word)| Secret::new(word))
        });
        let secrets = endpoint.secrets().iter().cloned().chain(key.clone()).chain(sent_words);
        let scrubber = Scrubber::new(secrets.collect());
        Ok(Http { client, authorization, scrubber, endpoint, timeout, clock })
    }

    /// The base URL without credentials.
    pub(crate) fn shown(&self) -> &str {
        self.endpoint.shown()
    }

    /// An error as it may leave this module: without secrets, short, with the endpoint's name.
    pub(crate) fn clean_error(&self, mut error: ProviderError) -> ProviderError {
        error.message = format!("{}: {}", self.shown(), error.message);
        self.scrubber.error(error)
    }

    /// An answer as it may leave this module.
    ///
    /// # Errors
    /// See [`Scrubber::answer`].
    pub(crate) fn clean_answer(&self, answer: Answer) -> Result<Answer, ProviderError> {
        self.scrubber.answer(answer)
    }

    /// Sends a JSON body and waits for the head of the response, whatever its status.
    ///
    /// # Errors
    /// No connection, or no response within the time limit.
    pub(crate) async fn post(
        &self,
        path: &[&str],
        body: &Value,
    ) -> Result<Exchange, ProviderError> {
        let request = self
            .client
            .post(self.endpoint.resource(path))
            .header(CONTENT_TYPE, "application/json")
            .header(ACCEPT, "application/json, text/event-stream")
            .body(body.to_string());
        self.send(request).await
    }

    /// Asks for a resource and waits for the head of the response, whatever its status.
    ///
    /// # Errors
    /// As [`Self::post`].
    pub(crate) async fn get(&self, path: &[&str]) -> Result<Exchange, ProviderError> {
        self.send(self.client.get(self.endpoint.resource(path))).await
    }

    async fn send(&self, mut request: RequestBuilder) -> Result<Exchange, ProviderError> {
        if let Some(value) = &self.authorization {
            request = request.header(AUTHORIZATION, value.clone());
        }
        let deadline = Instant::now() + self.timeout;
        let sent = self.clock.now();
        match tokio::time::timeout_at(deadline, request.send()).await {
            Err(_) => Err(timed_out(self.timeout, Stage::Wait)),
            Ok(Err(error)) => Err(no_response(error)),
            Ok(Ok(response)) => Ok(Exchange {
                first_byte: self.clock.now(),
                sent,
                response,
                deadline,
                timeout: self.timeout,
                clock: self.clock,
            }),
        }
    }
}

/// A response whose head has come.
pub(crate) struct Exchange {
    /// When the request left.
    pub(crate) sent: Stamp,
    /// When the head of the response was there.
    pub(crate) first_byte: Stamp,
    response: Response,
    deadline: Instant,
    timeout: Duration,
    clock: Clock,
}

impl Exchange {
    /// Whether the status is a success (2xx).
    pub(crate) fn is_success(&self) -> bool {
        self.response.status().is_success()
    }

    /// The status.
    pub(crate) fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    pub(crate) fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next bytes and when they came; `None` at the end.
    ///
    /// # Errors
    /// The connection broke, or the time limit passed.
    pub(crate) async fn chunk(&mut self) -> Result<Option<(Vec<u8>, Stamp)>, ProviderError> {
        let next = tokio::time::timeout_at(self.deadline, self.response.chunk()).await;
        let at = self.clock.now();
        match next {
            Err(_) => Err(self.failed(timed_out(self.timeout, Stage::Stream))),
            Ok(Err(error)) => Err(self.failed(ProviderError::new(
                Side::Theirs,
                ErrorKind::CutStream,
                Stage::Stream,
                Advice::Backoff,
                format!("the answer broke off: {}", causes(&error.without_url())),
            ))),
            Ok(Ok(bytes)) => Ok(bytes.map(|bytes| (bytes.to_vec(), at))),
        }
    }

    /// The whole body and when its last byte came.
    ///
    /// # Errors
    /// As [`Self::chunk`]; `Protocol` if it is larger than `limit` bytes.
    pub(crate) async fn body(&mut self, limit: usize) -> Result<(Vec<u8>, Stamp), ProviderError> {
        let mut body = Vec::new();
        let mut last = self.first_byte;
        while let Some((bytes, at)) = self.chunk().await? {
            last = at;
            if body.len().saturating_add(bytes.len()) > limit {
                return Err(self.failed(ProviderError::new(
                    Side::Theirs,
                    ErrorKind::Protocol,
                    Stage::Read,
                    Advice::Never,
                    format!("the answer is larger than {limit} bytes"),
                )));
            }
            body.extend_from_slice(&bytes);
        }
        Ok((body, last))
    }

    /// The error that a status other than success stands for, with what its body says.
    pub(crate) async fn refusal(mut self) -> ProviderError {
        let mut body = Vec::new();
        // A body that breaks off still says something; the status alone is enough.
        while body.len() < ERROR_BODY_LIMIT
            && let Ok(Some((bytes, _))) = self.chunk().await
        {
            body.extend_from_slice(&bytes);
        }
        body.truncate(ERROR_BODY_LIMIT);
        failure::of_status(self.status(), self.headers(), &body, Timestamp::now())
    }

    /// Reads what is left for a moment, so that the connection can be used again. A server that
    /// ends its stream but not its response must not hold the answer back.
    pub(crate) async fn drain(mut self) {
        let rest = async { while let Ok(Some(_)) = self.chunk().await {} };
        let _ = tokio::time::timeout(Duration::from_millis(100), rest).await;
    }

    /// An error with the status and request id of this response.
    pub(crate) fn failed(&self, mut error: ProviderError) -> ProviderError {
        error.http_status = Some(self.status());
        error.request_id = failure::request_id(self.headers());
        error
    }
}

fn client(endpoint: &Endpoint) -> reqwest::Result<Client> {
    // An error means that a provider is installed already: by an earlier call, or by the program.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut builder = Client::builder()
        .user_agent(USER_AGENT)
        .connect_timeout(CONNECT_LIMIT)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false);
    if !endpoint.is_https() {
        // Machines without any certificate can still speak to a server of their own.
        builder = builder.tls_certs_only([]);
    }
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    builder.build()
}

/// The value of the header `Authorization`: the key, else the user and password of the URL.
fn authorization(
    client: &Client,
    endpoint: &Endpoint,
    key: Option<&Secret>,
) -> Result<Option<HeaderValue>, InvalidHeaderValue> {
    let mut value = match (key, endpoint.login()) {
        (Some(key), _) => HeaderValue::from_str(&format!("Bearer {}", key.expose()))?,
        (None, Some((user, password))) => {
            let request = client
                .get(endpoint.resource(&[]))
                .basic_auth(user, Some(password.expose()))
                .build();
            match request.ok().and_then(|request| request.headers().get(AUTHORIZATION).cloned()) {
                Some(value) => value,
                None => return Ok(None),
            }
        }
        (None, None) => return Ok(None),
    };
    value.set_sensitive(true);
    Ok(Some(value))
}

fn timed_out(limit: Duration, stage: Stage) -> ProviderError {
    ProviderError::new(
        Side::Ours,
        ErrorKind::Timeout,
        stage,
        Advice::Backoff,
        format!(
            "no complete answer within our time limit of {} s: raise it or lower `max_tokens`",
            limit.as_secs_f64()
        ),
    )
}

/// The error of a request that got no response at all.
fn no_response(error: reqwest::Error) -> ProviderError {
    let error = error.without_url();
    let refused = io_kind(&error) == Some(std::io::ErrorKind::ConnectionRefused);
    let causes = causes(&error);
    let (side, kind, stage, message) = if error.is_connect() {
        let (side, what) = if error.is_dns() {
            (Side::Ours, "the server's name is not known: check `base_url` and the network")
        } else if refused {
            (Side::Theirs, "nothing listens there: start the server, or check `base_url`")
        } else {
            (Side::Ours, "no connection: check `base_url`, the proxy and the certificates")
        };
        (side, ErrorKind::Connect, Stage::Connect, format!("{what} ({causes})"))
    } else {
        let message = format!("the connection ended before a response came ({causes})");
        (Side::Theirs, ErrorKind::CutStream, Stage::Wait, message)
    };
    ProviderError::new(side, kind, stage, Advice::Backoff, message)
}

fn io_kind(error: &reqwest::Error) -> Option<std::io::ErrorKind> {
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>()
            && io.kind() != std::io::ErrorKind::Other
        {
            return Some(io.kind());
        }
        source = inner.source();
    }
    None
}

/// An error with its causes in one line.
fn causes(error: &reqwest::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(inner) = source {
        let words = inner.to_string();
        if !text.contains(&words) {
            text.push_str(": ");
            text.push_str(&words);
        }
        source = inner.source();
    }
    text
}
