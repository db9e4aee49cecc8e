//! An ask as the body of `POST {base}/chat/completions`.

use serde_json::{Map, Value, json};

use crate::{Advice, Ask, AskKind, ErrorKind, Generate, Prompt, ProviderError, Side, Stage};

/// The body of the request.
///
/// `extras` are merged last and win; a `null` among them leaves the field out (RFC 7396), for
/// servers that refuse `seed` or want `max_completion_tokens` instead of `max_tokens`.
///
/// # Errors
/// `Unsupported`, ends the entry: a raw prompt (a chat endpoint always applies its template),
/// choices or an embedding.
pub fn body(model: &str, ask: &Ask) -> Result<Value, ProviderError> {
    let generate = match &ask.kind {
        AskKind::Generate(generate) => generate,
        AskKind::Choose(_) => return Err(unsupported("it scores no choices: ask for an answer")),
        AskKind::Embed(_) => return Err(unsupported("it embeds no texts")),
    };
    let Prompt::Messages(messages) = &generate.prompt else {
        return Err(unsupported(
            "a chat endpoint takes no raw prompt: write the prompt as messages, or use a local engine",
        ));
    };
    let messages: Vec<Value> =
        messages.iter().map(|m| json!({"role": m.role.as_str(), "content": m.content})).collect();
    let mut body = Map::new();
    body.insert("model".into(), model.into());
    body.insert("messages".into(), messages.into());
    body.insert("max_tokens".into(), generate.max_tokens.into());
    put_sampling(&mut body, generate);
    put_form(&mut body, generate);
    if generate.stream {
        body.insert("stream".into(), true.into());
        body.insert("stream_options".into(), json!({"include_usage": true}));
    }
    for (name, value) in &generate.extras {
        if value.is_null() {
            body.remove(name);
        } else {
            body.insert(name.clone(), value.clone());
        }
    }
    Ok(Value::Object(body))
}

fn put_sampling(body: &mut Map<String, Value>, generate: &Generate) {
    body.insert("temperature".into(), generate.sampling.temperature.into());
    if let Some(top_p) = generate.sampling.top_p {
        body.insert("top_p".into(), top_p.into());
    }
    body.insert("seed".into(), generate.sampling.seed.into());
    if !generate.stop.is_empty() {
        body.insert("stop".into(), generate.stop.clone().into());
    }
    if let Some(alternatives) = generate.logprobs {
        body.insert("logprobs".into(), true.into());
        body.insert("top_logprobs".into(), alternatives.into());
    }
    if let Some(effort) = &generate.effort {
        body.insert("reasoning_effort".into(), effort.clone().into());
    }
}

fn put_form(body: &mut Map<String, Value>, generate: &Generate) {
    if let Some(schema) = &generate.schema {
        let form = json!({
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema, "strict": is_strict(schema)},
        });
        body.insert("response_format".into(), form);
    }
    if !generate.tools.is_empty() {
        body.insert("tools".into(), generate.tools.clone().into());
    }
    if let Some(choice) = &generate.tool_choice {
        body.insert("tool_choice".into(), choice.clone());
    }
}

/// Whether a schema is of the strict kind: every object closed and all its properties required.
/// Servers refuse `strict: true` with any other schema ("Structured outputs", supported schemas).
fn is_strict(schema: &Value) -> bool {
    match schema {
        Value::Object(map) => {
            let closed = match map.get("properties") {
                Some(Value::Object(properties)) => {
                    let required = map.get("required").and_then(Value::as_array);
                    map.get("additionalProperties") == Some(&Value::Bool(false))
                        && properties.keys().all(|name| {
                            required.is_some_and(|r| r.iter().any(|x| x.as_str() == Some(name)))
                        })
                }
                _ => map.get("type").and_then(Value::as_str) != Some("object"),
            };
            closed && map.values().all(is_strict)
        }
        Value::Array(items) => items.iter().all(is_strict),
        _ => true,
    }
}

fn unsupported(why: &str) -> ProviderError {
    ProviderError::new(
        Side::Ours,
        ErrorKind::Unsupported,
        Stage::Prepare,
        Advice::EndsEntry,
        format!("an OpenAI-compatible server cannot serve this ask: {why}"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn strict_only_where_servers_take_it() {
        let closed = json!({"type": "object", "properties": {"a": {"type": "string"}},
            "required": ["a"], "additionalProperties": false});
        assert!(is_strict(&closed));
        let optional = json!({"type": "object", "properties": {"a": {"type": "string"}},
            "additionalProperties": false});
        assert!(!is_strict(&optional));
        let nested = json!({"type": "object", "properties": {"a": {"type": "array", "items": optional}},
            "required": ["a"], "additionalProperties": false});
        assert!(!is_strict(&nested));
        assert!(!is_strict(&json!({"type": "object"})));
    }
}
