//! Tool use: which tools are called, and with which arguments.
//!
//! **How an answer is read**: typed tool calls are taken as they are. Without any, calls are read in
//! the text, after its thoughts (`<think>…</think>`): an object with `name` and `arguments`, a list
//! of them, or such objects between prose, in a fence or in the tags `<tool_call>` of Hermes and
//! Qwen (a repair). `parameters` in the place of `arguments`, arguments as JSON text, and the
//! wrapping of OpenAI's wire format are understood. A tool of the suite without arguments is called
//! by its name alone.
//!
//! **No call** is an answer too: whatever text has no call in it, also an empty one, says that no
//! tool is needed. **Unparsed**: a call was begun but is no JSON, or there are more than 128 calls.
//!
//! **Scored** against the expected calls, paired one to one in any order
//! ([`crate::metrics::tool_calls`]). Metrics: call accuracy (the right tools with all arguments
//! right, and nothing else), tool accuracy (the right tools), schema valid (every call names a tool
//! of the suite and satisfies its parameters; so does an answer without a call), argument accuracy
//! (right arguments among all that are expected or surplus, over all samples).

use rightsize_providers::{Fields, Finish, Response, ToolCall};
use serde_json::{Map, Value, json};

use super::tools::Tool;
use super::{BadExpected, Reading, Score, json_answer, thoughts};
use crate::metrics::precision_recall::Counts;
use crate::metrics::tool_calls::{Call, Comparison, Fate, compare};
use crate::metrics::{Metric, Parts, spans_pii};
use crate::problem::{listed, nearest};

/// The name of the counts of arguments in a score's statistics; a wrong one counts as missed.
pub(crate) const ARGUMENTS: &str = "(arguments)";

/// The metrics of this kind, the default primary one first.
pub(super) const METRICS: [Metric; 4] =
    [Metric::CallAccuracy, Metric::ToolAccuracy, Metric::SchemaValid, Metric::ArgumentAccuracy];

/// Most calls of one answer.
const MOST_CALLS: usize = 128;

/// A task of tool use.
#[derive(Debug, Clone, PartialEq)]
pub struct ToolUse {
    /// The tools, in the suite's order.
    pub tools: Vec<Tool>,
    /// The column with the expected calls.
    pub expected: String,
    /// Whether tools are given to the model as such, and calls come back typed; else the prompt
    /// lists them, and calls come back as JSON in the text.
    pub typed: bool,
    /// The metric that headlines this task.
    pub primary: Metric,
}

impl ToolUse {
    /// The calls of a row: an object, a list, the same as JSON text, or nothing for no call.
    pub(super) fn expected_in(&self, row: &Fields) -> Result<Value, BadExpected> {
        const FORM: &str = "write {\"name\": \"now\", \"arguments\": {}}, a list of such objects, or \
             null where no tool is to be called";
        let value = row.get(&self.expected).ok_or_else(|| BadExpected::absent(&self.expected))?;
        let read: Value;
        let value = match value {
            Value::String(text) if text.trim().is_empty() => &Value::Null,
            Value::String(text) => {
                read = serde_json::from_str(text).map_err(|e| {
                    BadExpected::new(format!("the expected call is no JSON: {e}"), FORM)
                })?;
                &read
            }
            value => value,
        };
        let calls = match value {
            Value::Null => &[],
            Value::Array(calls) => calls.as_slice(),
            call => std::slice::from_ref(call),
        };
        if calls.len() > MOST_CALLS {
            let message = format!("{} calls are expected", calls.len());
            return Err(BadExpected::new(message, format!("the most are {MOST_CALLS}")));
        }
        let calls: Result<Vec<Value>, BadExpected> = calls
            .iter()
            .map(|call| {
                let object = call.as_object().filter(|object| {
                    object.keys().all(|key| matches!(key.as_str(), "name" | "arguments"))
                });
                let named = object.and_then(|object| Some((object, object.get("name")?.as_str()?)));
                let Some((object, name)) = named else {
                    return Err(BadExpected::new(format!("{call} is no call"), FORM));
                };
                let arguments = object.get("arguments").cloned().unwrap_or_else(|| json!({}));
                self.check_expected(name, &arguments)?;
                Ok(json!({"name": name, "arguments": arguments}))
            })
            .collect();
        calls.map(Value::Array)
    }

    fn check_expected(&self, name: &str, arguments: &Value) -> Result<(), BadExpected> {
        let names = || self.tools.iter().map(Tool::name);
        let Some(tool) = self.tool(name) else {
            let remedy = match nearest(name, names()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("the tools are {}", listed(names())),
            };
            return Err(BadExpected::new(format!("`{name}` is no tool of the suite"), remedy));
        };
        match tool.objects_to(arguments) {
            None => Ok(()),
            Some(why) => {
                let message = format!("the expected call of `{name}` is not valid: {why}");
                Err(BadExpected::new(message, "correct the row, or the tool's parameters"))
            }
        }
    }

    fn tool(&self, name: &str) -> Option<&Tool> {
        self.tools.iter().find(|tool| tool.name() == name)
    }

    /// The tools as prompts show them: a JSON list of their definitions.
    pub(super) fn tools_text(&self) -> String {
        let all: Vec<&Value> = self.tools.iter().map(Tool::definition).collect();
        json!(all).to_string()
    }

    /// The tools as an ask has them; none where the prompt lists them.
    pub(super) fn offered(&self) -> Vec<Value> {
        match self.typed {
            true => self.tools.iter().map(Tool::on_the_wire).collect(),
            false => Vec::new(),
        }
    }

    /// One call as an object, else a list.
    pub(super) fn write(&self, expected: &Value) -> String {
        match expected.as_array().map(Vec::as_slice) {
            Some([one]) => one.to_string(),
            _ => expected.to_string(),
        }
    }

    pub(super) fn write_expected(&self, expected: &Value) -> Response {
        let calls = expected.as_array().map(Vec::as_slice).unwrap_or_default();
        if !self.typed {
            return Response { text: self.write(expected), ..Response::default() };
        }
        let typed = |call: &Value| ToolCall {
            name: call.get("name").and_then(Value::as_str).unwrap_or_default().to_owned(),
            arguments: call.get("arguments").cloned().unwrap_or_default(),
        };
        let finish = if calls.is_empty() { Finish::Stop } else { Finish::ToolCall };
        Response { tool_calls: calls.iter().map(typed).collect(), finish, ..Response::default() }
    }

    /// The name of the reader.
    pub(super) fn reader(&self) -> &'static str {
        if self.typed { "tools" } else { "json" }
    }

    pub(super) fn read(&self, response: &Response) -> Reading {
        if !response.tool_calls.is_empty() {
            let calls = response.tool_calls.iter();
            let calls = calls.map(|call| called(&call.name, Some(&call.arguments))).collect();
            return self.reading(calls, "tools", false);
        }
        let nothing = |why: &str| Reading {
            schema_valid: Some(false),
            ..Reading::nothing(self.reader(), why)
        };
        let Some(text) = thoughts::removed(&response.text) else {
            return nothing("the answer ends inside a thought");
        };
        let found = json_answer::find(&text, |value| !self.calls_in(value).is_empty());
        let calls: Vec<Value> = found.values.iter().flat_map(|v| self.calls_in(v)).collect();
        if !calls.is_empty() {
            return self.reading(calls, "json", found.repaired || self.typed);
        }
        if response.finish == Finish::Length {
            return nothing("the answer reached its length limit before any call");
        }
        if text.contains("<tool_call>") || (text.contains('{') && text.contains("\"name\"")) {
            return nothing("a call was begun, but there is none that can be read");
        }
        let in_words = found.repaired && !self.typed && !text.trim().is_empty();
        self.reading(calls, self.reader(), in_words)
    }

    fn reading(&self, calls: Vec<Value>, reader: &'static str, repaired: bool) -> Reading {
        if calls.len() > MOST_CALLS {
            let why = format!("the answer has more than {MOST_CALLS} calls");
            return Reading { schema_valid: Some(false), ..Reading::nothing(reader, why) };
        }
        let valid = !repaired && self.are_valid(&calls);
        Reading {
            repaired,
            schema_valid: Some(valid),
            ..Reading::of(reader, Some(Value::Array(calls)))
        }
    }

    /// The calls that a JSON value is.
    fn calls_in(&self, value: &Value) -> Vec<Value> {
        let items = match value {
            Value::Array(items) => items.as_slice(),
            Value::Object(map) => match map.get("tool_calls") {
                Some(Value::Array(items)) => items.as_slice(),
                _ => std::slice::from_ref(value),
            },
            _ => return Vec::new(),
        };
        items.iter().filter_map(|item| self.call(item)).collect()
    }

    fn call(&self, value: &Value) -> Option<Value> {
        let value = value.get("function").filter(|f| f.is_object()).unwrap_or(value);
        let name = value.get("name")?.as_str()?;
        // A definition has parameters too: a prompt that is repeated is no call.
        let parameters = || value.get("parameters").filter(|_| value.get("description").is_none());
        match value.get("arguments").or_else(parameters) {
            Some(arguments) => Some(called(name, Some(arguments))),
            None if value.get("parameters").is_none() && self.tool(name).is_some() => {
                Some(called(name, None))
            }
            None => None,
        }
    }

    fn are_valid(&self, calls: &[Value]) -> bool {
        calls.iter().all(|call| {
            let name = call.get("name").and_then(Value::as_str).unwrap_or_default();
            let arguments = call.get("arguments").unwrap_or(&Value::Null);
            self.tool(name).is_some_and(|tool| tool.accepts(arguments))
        })
    }

    pub(super) fn score(&self, read: Option<&Value>, expected: &Value) -> Option<Score> {
        let expected = as_calls(expected)?;
        let given = read.map_or(Some(Vec::new()), as_calls)?;
        let found = compare(&given, &expected);
        let was_read = read.is_some();
        let valid = read.and_then(Value::as_array).is_some_and(|calls| self.are_valid(calls));
        let right = found.count(Fate::Exact);
        let surplus = found.count(Fate::Surplus);
        let missed = found.count(Fate::Wrong).saturating_add(found.count(Fate::Missing));
        let one = |is: bool| if is { 1.0 } else { 0.0 };
        let exact = one(was_read && found.is_exact());
        let parts = [
            ("n", 1.0),
            (Metric::CallAccuracy.as_str(), exact),
            (Metric::ToolAccuracy.as_str(), one(was_read && found.has_the_tools())),
            (Metric::SchemaValid.as_str(), one(valid)),
        ];
        let mut parts: Parts = parts.into_iter().map(|(name, v)| (name.to_owned(), v)).collect();
        let arguments = Counts {
            tp: right as f64,
            predicted: right.saturating_add(surplus) as f64,
            gold: right.saturating_add(missed) as f64,
        };
        spans_pii::add_parts(&mut parts, ARGUMENTS, arguments);
        // Where there are no arguments at all, the calls say whether the sample is right.
        let primary = self.primary.finish(&parts).unwrap_or(exact);
        Some(Score { primary, parts, detail: verdicts(&found) })
    }
}

/// A call in the shape of a reading. Arguments as JSON text are read; none are an empty object.
fn called(name: &str, arguments: Option<&Value>) -> Value {
    let arguments = match arguments {
        None | Some(Value::Null) => json!({}),
        Some(Value::String(text)) if text.trim().is_empty() => json!({}),
        Some(Value::String(text)) => {
            serde_json::from_str(text).unwrap_or_else(|_| Value::from(text.as_str()))
        }
        Some(arguments) => arguments.clone(),
    };
    json!({"name": name, "arguments": arguments})
}

/// A reading or an expected answer as calls; `None` if it is something else.
fn as_calls(value: &Value) -> Option<Vec<Call<'_>>> {
    let call = |call| -> Option<Call<'_>> {
        let call: &Value = call;
        let arguments = call.get("arguments").and_then(Value::as_object);
        Some(Call { name: call.get("name")?.as_str()?, arguments })
    };
    value.as_array()?.iter().map(call).collect()
}

/// What became of each call and argument, by `TOOL` and `TOOL.ARGUMENT`; a name that occurs again
/// has a number behind it.
fn verdicts(found: &Comparison<'_>) -> Value {
    let mut detail = Map::new();
    let mut note = |name: String, verdict: &str| {
        let numbered = (2..).map(|i: usize| format!("{name} #{i}"));
        let mut keys = std::iter::once(name.clone()).chain(numbered);
        if let Some(key) = keys.find(|key| !detail.contains_key(key)) {
            detail.insert(key, verdict.into());
        }
    };
    for pair in &found.pairs {
        let verdict = match (pair.given, pair.expected) {
            (true, true) if pair.exact => "exact",
            (true, true) => "wrong",
            (true, false) => "invented",
            (false, _) => "missing",
        };
        note(pair.name.to_owned(), verdict);
        if verdict != "wrong" {
            continue;
        }
        for (argument, fate) in &pair.arguments {
            let verdict = match fate {
                Fate::Exact => "exact",
                Fate::Wrong => "wrong",
                Fate::Missing => "missing",
                Fate::Surplus => "invented",
            };
            note(format!("{}.{argument}", pair.name), verdict);
        }
    }
    Value::Object(detail)
}

#[cfg(test)]
#[path = "tool_use_tests.rs"]
mod tests;
