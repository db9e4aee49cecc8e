//! From a model entry to the provider that answers for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rightsize_providers::local::{EngineKind, LocalModel, LocalProvider};
use rightsize_providers::remote::{OpenAi, OpenAiOptions, Secret, openai};
use rightsize_providers::replay::Replay;
use rightsize_providers::{
    Advice, Description, ErrorKind, Provider, ProviderError, Side, Stage, demo_models, digest,
};

use super::Context;
use crate::bakeoff::{ModelEntry, ProviderKind};

/// How long an engine process may show no progress before it counts as hung.
const HANG_LIMIT: Duration = Duration::from_secs(60);

/// What an entry is, found out before anything is asked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// The file or folder of a local model or a replay.
    pub path: Option<PathBuf>,
    /// SHA-256 of what determines the answers; absent for servers.
    pub sha256: Option<String>,
}

/// Finds the files of an entry and their digest.
///
/// # Errors
/// There is no such model or file; the entry ends with this error.
pub fn identify(entry: &ModelEntry, base: &Path) -> Result<Identity, ProviderError> {
    match entry.provider {
        ProviderKind::LlamaCpp | ProviderKind::Candle => {
            let path = demo_models::resolve(&entry.model, base)?;
            let sha256 = digest::of_path(&path).map_err(|error| unreadable(&path, &error))?;
            Ok(Identity { path: Some(path), sha256: Some(sha256) })
        }
        ProviderKind::Replay => {
            let path = base.join(&entry.model);
            let sha256 = digest::of_path(&path).map_err(|error| unreadable(&path, &error))?;
            Ok(Identity { path: Some(path), sha256: Some(sha256) })
        }
        ProviderKind::Openai => Ok(Identity::default()),
    }
}

fn unreadable(path: &Path, error: &std::io::Error) -> ProviderError {
    let message = format!("cannot read {}: {error}; check the entry's `model`", path.display());
    ProviderError::new(Side::Ours, ErrorKind::NotFound, Stage::Start, Advice::EndsEntry, message)
}

/// A provider that is ready to answer.
pub enum Started {
    /// An engine process with its model loaded.
    Local(Arc<LocalProvider>),
    /// A server, or recorded answers.
    Other(Arc<dyn Provider>),
}

impl Started {
    /// The provider.
    pub fn provider(&self) -> Arc<dyn Provider> {
        match self {
            Started::Local(local) => Arc::clone(local) as Arc<dyn Provider>,
            Started::Other(other) => Arc::clone(other),
        }
    }

    /// Ends an engine process; what answered, with its last figures.
    pub async fn stop(self) -> Description {
        match self {
            Started::Local(local) => match Arc::into_inner(local) {
                Some(local) => local.stop().await,
                None => Description::default(),
            },
            Started::Other(other) => other.describe(),
        }
    }
}

/// Starts a local model, or makes sure that a server can be reached and takes the key, without a
/// paid call.
///
/// # Errors
/// Whatever ends the entry before its first ask.
pub async fn start(
    entry: &ModelEntry,
    identity: &Identity,
    context: &Context,
) -> Result<Started, ProviderError> {
    match entry.provider {
        ProviderKind::LlamaCpp | ProviderKind::Candle => {
            let engine = match entry.provider {
                ProviderKind::Candle => EngineKind::Candle,
                _ => EngineKind::LlamaCpp,
            };
            let model = LocalModel {
                engine,
                model: identity.path.clone().unwrap_or_default(),
                context: entry.context,
                parallel: entry.concurrency,
                threads: entry.threads,
                hang_limit: HANG_LIMIT,
            };
            let local = LocalProvider::start(&context.engine, model, context.clock).await?;
            Ok(Started::Local(Arc::new(local)))
        }
        ProviderKind::Openai => {
            let server = OpenAi::new(options(entry, context)?)?;
            server.probe().await?;
            Ok(Started::Other(Arc::new(server)))
        }
        ProviderKind::Replay => {
            let path = identity.path.clone().unwrap_or_default();
            Ok(Started::Other(Arc::new(Replay::open(&path, &entry.id)?)))
        }
    }
}

/// Where the key of `openai` entries stands that name no base URL.
const OPENAI_KEY_ENV: &str = "OPENAI_API_KEY";

/// The server's address, and the key out of the environment. A server of one's own that names
/// neither key nor OpenAI gets none.
fn options(entry: &ModelEntry, context: &Context) -> Result<OpenAiOptions, ProviderError> {
    let key_env = match (&entry.key_env, &entry.base_url) {
        (Some(name), _) => Some(name.as_str()),
        (None, None) => Some(OPENAI_KEY_ENV),
        (None, Some(_)) => None,
    };
    let key = match key_env {
        None => None,
        Some(name) => match std::env::var(name) {
            Ok(key) if !key.trim().is_empty() => Some(Secret::new(key)),
            _ => {
                let message = format!(
                    "the environment variable `{name}` holds no key: export it, or name another \
                     one by `key_env`"
                );
                return Err(ProviderError::new(
                    Side::Ours,
                    ErrorKind::Auth,
                    Stage::Start,
                    Advice::EndsEntry,
                    message,
                ));
            }
        },
    };
    Ok(OpenAiOptions {
        base_url: entry.base_url.clone().unwrap_or_else(|| openai::BASE_URL.to_owned()),
        key,
        model: entry.model.clone(),
        timeout: Duration::from_secs(entry.timeout_s),
        clock: context.clock,
    })
}
