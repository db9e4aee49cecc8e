//! An engine process that is started, and many asks of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use rightsize_providers::local::{EngineKind, LocalModel, LocalProvider};
use rightsize_providers::{
    Advice, Answer, Ask, AskKind, Clock, Generate, Message, Prompt, Provider, ProviderError, Role,
    SampleRef,
};
use tokio::sync::Semaphore;

pub const ENGINE: &str = env!("CARGO_BIN_EXE_rightsize-faulty-engine");
/// How long a test waits for what must happen at once.
pub const PATIENCE: Duration = Duration::from_secs(20);

pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

pub fn specialist(name: &str) -> LocalModel {
    let file = root().join("providers/demo-models").join(format!("{name}.gguf"));
    LocalModel { context: Some(512), ..LocalModel::new(EngineKind::LlamaCpp, file) }
}

pub fn ask(id: impl ToString, generate: Generate) -> Ask {
    Ask {
        sample: SampleRef { suite: "test".into(), id: id.to_string(), repeat: 0 },
        fields: serde_json::Map::new(),
        kind: AskKind::Generate(generate),
    }
}

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.to_owned() }
}

pub fn user(id: impl ToString, text: &str, max_tokens: u32) -> Ask {
    let prompt = Prompt::Messages(vec![
        message(Role::System, "You sort the tickets of a software company."),
        message(Role::User, text),
    ]);
    ask(id, Generate::new(prompt, max_tokens))
}

pub fn tickets(n: usize) -> Vec<Ask> {
    (0..n)
        .map(|i| user(i, &format!("Ticket {i}: the invoice of month {i} is wrong."), 40))
        .collect()
}

pub async fn start(model: LocalModel) -> Arc<LocalProvider> {
    Arc::new(LocalProvider::start(Path::new(ENGINE), model, Clock::Monotonic).await.unwrap())
}

pub type Results = BTreeMap<String, Result<Answer, ProviderError>>;

/// Asks everything, eight at a time, and then alone whatever came back with that advice.
/// `after` is called with the number of answers so far.
pub async fn answer_all(
    provider: &Arc<LocalProvider>,
    asks: Vec<Ask>,
    after: impl Fn(usize) + Clone + Send + 'static,
) -> Results {
    let places = Arc::new(Semaphore::new(8));
    let done = Arc::new(AtomicUsize::new(0));
    let mut running = tokio::task::JoinSet::new();
    for ask in asks {
        let (provider, places) = (Arc::clone(provider), Arc::clone(&places));
        let (done, after) = (Arc::clone(&done), after.clone());
        running.spawn(async move {
            let _place = places.acquire().await.unwrap();
            let result = provider.attempt(&ask).await;
            if result.is_ok() {
                after(done.fetch_add(1, Ordering::SeqCst) + 1);
            }
            (ask, result)
        });
    }
    let first = running.join_all().await;
    let mut results = Results::new();
    for (ask, mut result) in first {
        if result.as_ref().is_err_and(|error| error.advice == Advice::Alone) {
            result = provider.attempt(&ask).await;
        }
        results.insert(ask.sample.id, result);
    }
    results
}
