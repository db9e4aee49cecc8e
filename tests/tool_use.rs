//! Tool use against a server: what it is given, typed calls streamed and whole, calls as text, and
//! what the report shows of them.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    clippy::print_stderr
)]

mod support;

use std::path::Path;

use serde_json::{Value, json};
use support::stub_server::{Reply, Request, StubServer};
use support::{analysis, assert_exit, records, rightsize, stderr, write};

const TOOLS: &str = r#"[
    {"name": "get_weather", "description": "The weather of a city", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}},
    {"name": "now"}
]"#;

/// Four questions: one call, two calls, no call, and one that models get wrong.
fn suite(dir: &Path, format: &str) {
    let weather = |city: &str| json!({"name": "get_weather", "arguments": {"city": city}});
    let rows = [
        json!({"id": "one", "question": "weather", "calls": weather("Bern")}),
        json!({"id": "two", "question": "both", "calls": [weather("Bern"), {"name": "now"}]}),
        json!({"id": "none", "question": "nothing", "calls": null}),
        json!({"id": "wrong", "question": "wrong", "calls": weather("Bern")}),
    ];
    let rows: String = rows.iter().map(|row| format!("{row}\n")).collect();
    write(&dir.join("suite/test.jsonl"), &rows);
    write(&dir.join("suite/tools.json"), TOOLS);
    write(
        &dir.join("suite/suite.yaml"),
        &format!(
            "name: assistant\ntask: tool_use\ndata: {{test: test.jsonl, id: id}}\n\
             tools: tools.json\nanswer: {{format: {format}}}\n\
             prompt: {{system: \"Tools: {{{{ tools }}}}\", user: \"{{{{ question }}}}\"}}\n"
        ),
    );
}

fn bakeoff(dir: &Path, server: &StubServer, streams: &[bool]) {
    let entry = |stream: &bool| {
        let url = server.base_url();
        format!(
            "- {{id: s-{stream}, provider: openai, base_url: '{url}', model: m, stream: {stream}}}\n"
        )
    };
    let models: String = streams.iter().map(entry).collect();
    let text =
        format!("name: b\nsuites: [suite/suite.yaml]\nbaselines: [oracle]\nmodels:\n{models}");
    write(&dir.join("bakeoff.yaml"), &text);
}

fn run(dir: &Path) -> std::process::Output {
    let mut command = rightsize();
    command.current_dir(dir).args(["run", "--out", "out"]).output().unwrap()
}

/// The wire format of OpenAI's typed calls: whole in a message, in fragments in a stream.
fn typed(request: &Request, calls: &[(&str, &str)]) -> Reply {
    let head = json!({"id": "c", "object": "chat.completion", "model": "m"});
    let with = |choice: Value| {
        let mut value = head.clone();
        value["choices"] = json!([choice]);
        value
    };
    if !request.wants_stream() {
        let call = |(i, (name, arguments)): (usize, &(&str, &str))| {
            json!({"id": format!("call_{i}"), "type": "function",
                "function": {"name": name, "arguments": arguments}})
        };
        let calls: Vec<Value> = calls.iter().enumerate().map(call).collect();
        let message = json!({"role": "assistant", "content": null, "tool_calls": calls});
        let choice = json!({"index": 0, "message": message, "finish_reason": "tool_calls"});
        return Reply::json(200, with(choice));
    }
    let delta = |delta: Value| with(json!({"index": 0, "delta": delta, "finish_reason": null}));
    let mut events = vec![delta(json!({"role": "assistant", "content": null}))];
    for (i, (name, arguments)) in calls.iter().enumerate() {
        events.push(delta(json!({"tool_calls": [{"index": i, "id": format!("call_{i}"),
            "type": "function", "function": {"name": name, "arguments": ""}}]})));
        let (start, end) = arguments.split_at(arguments.len() / 2);
        for part in [start, end] {
            let function = json!({"arguments": part});
            events.push(delta(json!({"tool_calls": [{"index": i, "function": function}]})));
        }
    }
    events.push(with(json!({"index": 0, "delta": {}, "finish_reason": "tool_calls"})));
    let data = events.iter().map(Value::to_string).chain(["[DONE]".to_owned()]);
    Reply::events(data.collect::<Vec<_>>())
}

/// Scores by sample of an entry.
fn scores(dir: &Path, entry: &str) -> Vec<(String, f64)> {
    let mut scores: Vec<(String, f64)> = records(&dir.join("out"))
        .iter()
        .filter(|r| r["model"] == entry)
        .map(|r| (r["sample"].as_str().unwrap().to_owned(), r["score"].as_f64().unwrap()))
        .collect();
    scores.sort_by(|a, b| a.0.cmp(&b.0));
    scores
}

fn expected_scores() -> Vec<(String, f64)> {
    [("none", 1.0), ("one", 1.0), ("two", 1.0), ("wrong", 0.0)]
        .map(|(sample, score)| (sample.to_owned(), score))
        .to_vec()
}

#[test]
fn typed_calls_streamed_and_whole() {
    let dir = tempfile::tempdir().unwrap();
    let bern = ("get_weather", r#"{"city": "Bern"}"#);
    let server = StubServer::start(move |request| match request.prompt() {
        "weather" => typed(request, &[bern]),
        "both" => typed(request, &[("now", "{}"), bern]),
        "nothing" => Reply::text("I am a model."),
        _ => typed(request, &[("get_weather", r#"{"city": "Basel", "days": 3}"#)]),
    });
    suite(dir.path(), "tools");
    bakeoff(dir.path(), &server, &[false, true]);
    assert_exit(&run(dir.path()), 0);
    for entry in ["s-false", "s-true"] {
        assert_eq!(scores(dir.path(), entry), expected_scores(), "{entry}");
    }
    let tool = &server.chats()[0].body["tools"];
    let of_file: Value = serde_json::from_str(TOOLS).unwrap();
    assert_eq!(tool[0], json!({"type": "function", "function": of_file[0]}));
    assert!(server.chats().iter().all(|chat| chat.body["tool_choice"] == "auto"));
    // Metrics by hand: of four samples three are right; of Bern, Bern, Bern one is wrong, and `days`
    // is surplus.
    let analysis = analysis(&dir.path().join("out"));
    let cells = analysis["results"]["cells"].as_array().unwrap();
    for cell in cells.iter().filter(|cell| cell["model"] != "oracle") {
        let pass = &cell["passes"][0];
        let others = pass["others"].as_array().unwrap();
        let value = |name: &str| {
            others.iter().find(|m| m["metric"] == name).unwrap()["value"].as_f64().unwrap()
        };
        assert_eq!(pass["primary"]["metric"], "call_accuracy");
        assert_eq!(pass["primary"]["value"], 0.75);
        assert_eq!((value("tool_accuracy"), value("schema_valid")), (1.0, 1.0));
        assert_eq!(value("argument_accuracy"), 0.5);
    }
    let html = std::fs::read_to_string(dir.path().join("out/report.html")).unwrap();
    assert!(html.contains("Basel"), "the page shows the calls of a wrong answer");
    // A resumed run reads the tools in its folder.
    std::fs::remove_dir_all(dir.path().join("suite")).unwrap();
    let again = rightsize().args(["run", "--resume"]).arg(dir.path().join("out")).output().unwrap();
    assert_exit(&again, 0);
}

#[test]
fn calls_as_text() {
    let dir = tempfile::tempdir().unwrap();
    let server = StubServer::start(|request| {
        assert!(request.all_text().contains("\"name\":\"get_weather\""), "the prompt lists tools");
        assert!(request.body["tools"].is_null());
        Reply::text(match request.prompt() {
            "weather" => r#"{"name": "get_weather", "arguments": {"city": "Bern"}}"#,
            "both" => {
                "<tool_call>\n{\"name\": \"now\", \"arguments\": {}}\n</tool_call>\n<tool_call>\n\
                 {\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n</tool_call>"
            }
            "nothing" => "[]",
            _ => "{\"name\": \"get_weather\", \"argu",
        })
    });
    suite(dir.path(), "json");
    bakeoff(dir.path(), &server, &[false]);
    assert_exit(&run(dir.path()), 0);
    assert_eq!(scores(dir.path(), "s-false"), expected_scores());
    let unparsed = records(&dir.path().join("out"));
    let unparsed = unparsed.iter().filter(|r| r["outcome"] == "unparsed");
    assert_eq!(unparsed.map(|r| &r["sample"]).collect::<Vec<_>>(), ["wrong"]);
}

/// Whatever takes no tools says so before its first ask; also where another suite comes first.
#[test]
fn a_provider_without_tools_is_not_asked() {
    let dir = tempfile::tempdir().unwrap();
    suite(dir.path(), "tools");
    write(
        &dir.path().join("bakeoff.yaml"),
        "name: b\nsuites: ['catalog:kb-faq', suite/suite.yaml]\nmodels: [specialist-1m]\n",
    );
    let done = run(dir.path());
    assert_exit(&done, 3);
    assert_eq!(records(&dir.path().join("out")), Vec::<Value>::new());
    if !cfg!(feature = "llama-cpp") {
        println!("skipped: without an engine the entry ends for that reason");
        return;
    }
    let said = stderr(&done);
    assert!(said.contains("takes no tools, which the suite `assistant` needs"), "{said}");
}
