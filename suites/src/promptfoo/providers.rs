//! Providers, as entries of a bake-off. Those that speak OpenAI's chat completions are entries of the
//! provider `openai`; the others have no counterpart.

use serde_json::{Map, Value, json};

use super::config::Node;
use super::remarks::Remarks;

/// A model entry of a bake-off, of the provider `openai`.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Its name, once.
    pub id: String,
    /// The server's name of the model.
    pub model: String,
    /// Where the server is; absent for OpenAI's own.
    pub base_url: Option<String>,
    /// The environment variable with the key; absent for servers that need none.
    pub key_env: Option<String>,
    /// `temperature`, `top_p`, `seed` and `max_tokens`.
    pub sampling: Map<String, Value>,
    /// Asks in flight at once, where the configuration says.
    pub concurrency: Option<u64>,
    /// Further fields of the request.
    pub extras: Map<String, Value>,
}

/// A vendor whose own wire is that of OpenAI's chat completions.
struct Vendor {
    name: &'static str,
    base_url: Option<&'static str>,
    key_env: Option<&'static str>,
}

const fn vendor(name: &'static str, base_url: &'static str, key_env: &'static str) -> Vendor {
    Vendor { name, base_url: Some(base_url), key_env: Some(key_env) }
}

const VENDORS: [Vendor; 14] = [
    Vendor { name: "openai", base_url: None, key_env: Some("OPENAI_API_KEY") },
    Vendor { name: "ollama", base_url: Some("http://localhost:11434/v1"), key_env: None },
    Vendor { name: "localai", base_url: Some("http://localhost:8080/v1"), key_env: None },
    vendor("openrouter", "https://openrouter.ai/api/v1", "OPENROUTER_API_KEY"),
    vendor("groq", "https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    vendor("mistral", "https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    vendor("deepseek", "https://api.deepseek.com/v1", "DEEPSEEK_API_KEY"),
    vendor("togetherai", "https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    vendor("xai", "https://api.x.ai/v1", "XAI_API_KEY"),
    vendor("perplexity", "https://api.perplexity.ai", "PERPLEXITY_API_KEY"),
    vendor("cerebras", "https://api.cerebras.ai/v1", "CEREBRAS_API_KEY"),
    vendor("fireworks", "https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    vendor("github", "https://models.github.ai/inference", "GITHUB_TOKEN"),
    vendor("huggingface", "https://router.huggingface.co/v1", "HF_TOKEN"),
];

/// Second words of an id that ask for something else than a chat.
const NO_CHAT: [&str; 18] = [
    "responses",
    "embedding",
    "embeddings",
    "completion",
    "completions",
    "realtime",
    "assistant",
    "moderation",
    "image",
    "video",
    "speech",
    "transcription",
    "agents",
    "text-generation",
    "text-classification",
    "token-classification",
    "feature-extraction",
    "sentence-similarity",
];

/// Fields of a request that are handed on as they are.
const EXTRAS: [&str; 5] =
    ["stop", "presence_penalty", "frequency_penalty", "response_format", "reasoning_effort"];

/// The entries of all providers that have a counterpart.
pub(super) fn all(root: &Node, remarks: &mut Remarks) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    for key in ["providers", "targets"] {
        for node in root.get(key).map(|all| all.items()).unwrap_or_default() {
            let Some(mut entry) = entry(&node, remarks) else { continue };
            let id = entry.id.clone();
            let mut number = 2usize;
            while entries.iter().any(|other| other.id == entry.id) {
                entry.id = format!("{id}-{number}");
                number = number.saturating_add(1);
            }
            entries.push(entry);
        }
    }
    entries
}

fn entry(node: &Node, remarks: &mut Remarks) -> Option<Entry> {
    let (id, node) = match node.text() {
        Some(id) => (id.to_owned(), node.clone()),
        None => match node.get("id").and_then(|id| id.text().map(str::to_owned)) {
            Some(id) => (id, node.clone()),
            // An old form: the id is the only key.
            None => {
                node.members().into_iter().next().filter(|(_, inner)| inner.value.is_object())?
            }
        },
    };
    let shown = format!("provider `{id}`");
    let config = node.get("config");
    let text = |key: &str| {
        let value = config.as_ref().and_then(|config| config.get(key))?;
        value.text().map(str::to_owned)
    };
    let server = match server(&id, &text, config.as_ref()) {
        Ok(server) => server,
        Err(why) => {
            remarks.not(&node, shown, why);
            return None;
        }
    };
    if server.base_url.as_ref().is_some_and(|url| url.contains("{{")) {
        remarks.not(&node, shown, "its address is a template: write it out");
        return None;
    }
    let label = node.get("label").and_then(|label| label.text().map(str::to_owned));
    let name = |c: char| if c.is_alphanumeric() || "._:-".contains(c) { c } else { '-' };
    let mut entry = Entry {
        id: label.unwrap_or_else(|| server.model.clone()).chars().map(name).collect(),
        model: server.model,
        base_url: server.base_url,
        key_env: server.key_env,
        sampling: Map::new(),
        concurrency: None,
        extras: Map::new(),
    };
    for (key, member) in node.members() {
        if !["id", "label", "config"].contains(&key.as_str()) {
            let why = "an entry has no such key: every entry is asked all prompts as they are";
            remarks.not(&member, format!("`{key}` of {shown}"), why);
        }
    }
    for (key, member) in config.iter().flat_map(Node::members) {
        configure(&mut entry, &key, &member, &shown, remarks);
    }
    Some(entry)
}

/// A server that can be asked.
struct Server {
    model: String,
    base_url: Option<String>,
    key_env: Option<String>,
}

/// The server of an id.
fn server(
    id: &str,
    text: &dyn Fn(&str) -> Option<String>,
    config: Option<&Node>,
) -> Result<Server, String> {
    let host = text("apiHost").map(|host| {
        let host = host.trim_end_matches('/');
        if host.contains("://") { host.to_owned() } else { format!("https://{host}") }
    });
    let own_url = text("apiBaseUrl").map(|url| url.trim_end_matches('/').to_owned());
    let key = text("apiKeyEnvar").or_else(|| environment_of(&text("apiKey")?));
    let (vendor, rest) = id.split_once(':').unwrap_or((id, ""));
    if matches!(vendor, "http" | "https") || id == "http" {
        return custom(id, text, config, key);
    }
    let runs = ["file", "exec", "python", "javascript", "golang", "ruby", "package", "webhook"];
    if runs.contains(&vendor) || id.starts_with("file://") {
        return Err("it runs code or calls a service of its own".to_owned());
    }
    let model_of = |rest: &str| match rest.split_once(':') {
        Some(("chat" | "messages", model)) => Ok(model.to_owned()),
        // The chat of a model that is served as completions.
        Some(("completion", model)) if vendor == "ollama" => Ok(model.to_owned()),
        Some((kind, _)) if NO_CHAT.contains(&kind) => {
            Err(format!("`{kind}` is no chat; entries speak chat completions"))
        }
        _ if rest.is_empty() || rest == "chat" => Err("it names no model".to_owned()),
        _ if NO_CHAT.contains(&rest) => Err("it names no model".to_owned()),
        _ => Ok(rest.to_owned()),
    };
    if matches!(vendor, "azure" | "azureopenai") {
        let host = own_url.or(host.map(|host| format!("{host}/openai/v1")));
        let base_url = host.ok_or("the resource is not named: write `config.apiHost`")?;
        let key_env = key.or_else(|| Some("AZURE_API_KEY".to_owned()));
        return Ok(Server { model: model_of(rest)?, base_url: Some(base_url), key_env });
    }
    let Some(known) = VENDORS.iter().find(|known| known.name == vendor) else {
        return Err(format!(
            "there is no provider `{vendor}`; a gateway that speaks OpenAI's chat completions can be \
             named by `base_url`"
        ));
    };
    let base_url = own_url
        .or(host.map(|host| if host.ends_with("/v1") { host } else { format!("{host}/v1") }))
        .or_else(|| known.base_url.map(str::to_owned));
    let local = |url: &String| url.contains("//localhost") || url.contains("//127.0.0.1");
    let usual = known.key_env.map(str::to_owned).filter(|_| !base_url.as_ref().is_some_and(local));
    Ok(Server { model: model_of(rest)?, base_url, key_env: key.or(usual) })
}

/// A server of one's own whose request is a chat completion.
fn custom(
    id: &str,
    text: &dyn Fn(&str) -> Option<String>,
    config: Option<&Node>,
    key_env: Option<String>,
) -> Result<Server, String> {
    let url = if id.contains("://") { Some(id.to_owned()) } else { text("url") };
    let url = url.ok_or("it names no address")?;
    let body = config.and_then(|config| config.get("body"));
    let model = body.and_then(|body| body.get("model")?.text().map(str::to_owned));
    match (url.trim_end_matches('/').strip_suffix("/chat/completions"), model) {
        (Some(base_url), Some(model)) if !model.contains("{{") => {
            Ok(Server { model, base_url: Some(base_url.to_owned()), key_env })
        }
        _ => Err("its request is not that of OpenAI's chat completions".to_owned()),
    }
}

/// The variable with the key, where that is all that the headers say beside the type of content.
fn bearer(headers: &Node) -> Option<String> {
    let mut key = None;
    for (name, value) in headers.members() {
        match name.to_lowercase().as_str() {
            "content-type" => {}
            "authorization" => key = environment_of(value.text()?.strip_prefix("Bearer ")?),
            _ => return None,
        }
    }
    key
}

/// The name in `{{ env.NAME }}`.
fn environment_of(text: &str) -> Option<String> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    let name = inner.strip_prefix("env.").or_else(|| inner.strip_prefix("process.env."))?;
    let fine = |c: char| c.is_ascii_alphanumeric() || c == '_';
    name.chars().all(fine).then(|| name.to_owned())
}

/// Puts a key of `config` into the entry.
fn configure(entry: &mut Entry, key: &str, node: &Node, shown: &str, remarks: &mut Remarks) {
    let what = || format!("`config.{key}` of {shown}");
    let number = node.value.as_f64();
    let whole = node.value.as_u64().filter(|n| *n > 0 && *n <= u64::from(u32::MAX));
    let mut sample = |name: &str, value: Value| {
        entry.sampling.insert(name.to_owned(), value);
    };
    match (key, number, whole) {
        ("apiBaseUrl" | "apiHost" | "apiKeyEnvar" | "url" | "method", ..) => {}
        // Of a request of one's own.
        ("model" | "messages" | "stream", ..) if shown.contains("http") => {}
        ("body", ..) if node.value.is_object() => {
            for (key, member) in node.members() {
                configure(entry, &key, &member, shown, remarks);
            }
        }
        ("headers", ..) if entry.key_env.is_none() && bearer(node).is_some() => {
            entry.key_env = bearer(node);
        }
        ("temperature", Some(t), _) if (0.0..=2.0).contains(&t) => sample("temperature", json!(t)),
        ("top_p", Some(p), _) if p > 0.0 && p <= 1.0 => sample("top_p", json!(p)),
        ("seed", ..) if node.value.is_u64() => sample("seed", node.value.clone()),
        (
            "max_tokens" | "max_completion_tokens" | "maxTokens" | "num_predict" | "max_new_tokens",
            _,
            Some(n),
        ) => sample("max_tokens", json!(n)),
        ("apiKey", ..) => {
            if node.text().and_then(environment_of).is_none() {
                let name =
                    entry.key_env.clone().unwrap_or_else(|| "an environment variable".into());
                remarks.not(node, what(), format!("a key stands in no file: put it into {name}"));
            }
        }
        ("passthrough", ..) if node.value.is_object() => {
            entry.extras.extend(node.members().into_iter().map(|(k, n)| (k, n.value)));
        }
        ("transformResponse", ..) if entry.base_url.is_some() => {}
        _ if EXTRAS.contains(&key) => {
            entry.extras.insert(key.to_owned(), node.value.clone());
        }
        _ => remarks.not(node, what(), "an entry has no such setting"),
    }
}
