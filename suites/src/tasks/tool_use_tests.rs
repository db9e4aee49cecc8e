use super::*;
use proptest::prelude::*;

fn tools() -> Vec<Tool> {
    let weather = json!({"name": "get_weather", "description": "The weather", "parameters": {
        "type": "object",
        "properties": {"city": {"type": "string"}, "days": {"type": "integer", "maximum": 10}},
        "required": ["city"], "additionalProperties": false}});
    let now = json!({"type": "function", "function": {"name": "now"}});
    [weather, now].iter().map(|tool| Tool::new(tool).unwrap()).collect()
}

fn task(typed: bool) -> ToolUse {
    ToolUse { tools: tools(), expected: "calls".into(), typed, primary: Metric::CallAccuracy }
}

fn text(text: &str) -> Response {
    Response { text: text.to_owned(), ..Response::default() }
}

fn bern() -> Value {
    json!({"name": "get_weather", "arguments": {"city": "Bern"}})
}

fn expected(column: Value) -> Result<Value, String> {
    let row = Fields::from_iter([("calls".to_owned(), column)]);
    task(false).expected_in(&row).map_err(|bad| bad.message)
}

#[test]
fn expected_calls_are_read_from_columns() {
    for (column, calls) in [
        (bern(), json!([bern()])),
        (json!([bern(), {"name": "now"}]), json!([bern(), {"name": "now", "arguments": {}}])),
        (json!(bern().to_string()), json!([bern()])),
        (json!(null), json!([])),
        (json!(" "), json!([])),
        (json!([]), json!([])),
    ] {
        assert_eq!(expected(column.clone()), Ok(calls), "{column}");
    }
    for (column, message) in [
        (json!("get_weather"), "no JSON"),
        (json!(3), "3 is no call"),
        (json!({"name": "now", "args": {}}), "is no call"),
        (json!({"name": "get_wether", "arguments": {}}), "`get_wether` is no tool"),
        (json!({"name": "get_weather", "arguments": {}}), "against `required`"),
        (json!({"name": "get_weather", "arguments": {"city": "Bern", "days": 11}}), "`maximum`"),
        (json!({"name": "now", "arguments": []}), "against `type`"),
    ] {
        let error = expected(column.clone()).unwrap_err();
        assert!(error.contains(message), "{column}: {error}");
    }
    assert!(task(false).expected_in(&Fields::new()).is_err());
}

#[test]
fn definitions_that_are_none() {
    for (tool, message) in [
        (json!("now"), "is no definition"),
        (json!({"name": "now", "returns": "text"}), "unknown key `returns`"),
        (json!({"name": "what time"}), "cannot name a tool"),
        (json!({"description": "x"}), "cannot name a tool"),
        (json!({"name": "now", "description": 3}), "no text"),
        (json!({"name": "now", "parameters": {"type": "dict"}}), "no schema of an object"),
        (json!({"name": "now", "parameters": {"type": "object", "required": 3}}), "JSON Schema"),
    ] {
        let error = Tool::new(&tool).unwrap_err().message;
        assert!(error.contains(message), "{tool}: {error}");
    }
}

#[test]
fn calls_are_read_in_text() {
    let task = task(false);
    let one = json!([bern()]);
    for (said, repaired) in [
        (r#"{"name": "get_weather", "arguments": {"city": "Bern"}}"#, false),
        (r#"[{"name": "get_weather", "arguments": {"city": "Bern"}}]"#, false),
        ("```json\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \"Bern\"}}\n```", true),
        (
            "Let me see.\n<tool_call>\n{\"name\": \"get_weather\", \"arguments\": {\"city\": \
             \"Bern\"}}\n</tool_call>",
            true,
        ),
        (
            "<think>{\"name\": \"now\", \"arguments\": {}}?</think>{\"name\": \"get_weather\", \
             \"parameters\": {\"city\": \"Bern\"}}",
            false,
        ),
        (
            r#"{"tool_calls": [{"id": "1", "type": "function", "function": {"name": "get_weather", "arguments": "{\"city\": \"Bern\"}"}}]}"#,
            false,
        ),
    ] {
        let reading = task.read(&text(said));
        assert_eq!(reading.value.as_ref(), Some(&one), "{said}");
        assert_eq!((reading.reader, reading.repaired), ("json", repaired), "{said}");
        assert_eq!(reading.schema_valid, Some(!repaired), "{said}");
    }
    let two = task.read(&text(
        "<tool_call>{\"name\": \"now\"}</tool_call><tool_call>{\"name\": \"get_weather\", \
         \"arguments\": {\"city\": \"Bern\"}}</tool_call>",
    ));
    assert_eq!(two.value, Some(json!([{"name": "now", "arguments": {}}, bern()])));
}

#[test]
fn no_call_and_no_answer_differ() {
    let task = task(false);
    for said in ["", "[]", "null", "{}", "```json\n[]\n```", "Bern is the capital.", "{\"a\": 1}"] {
        assert_eq!(task.read(&text(said)).value, Some(json!([])), "{said}");
    }
    for said in [
        "{\"name\": \"get_weather\", \"arguments\": {\"city\": ",
        "<tool_call>get_weather Bern</tool_call>",
        "<think>I could call now",
        // The list of tools, repeated.
        r#"[{"name": "get_weather", "description": "x", "parameters": {"type": "object"}}]"#,
    ] {
        let reading = task.read(&text(said));
        assert_eq!((reading.value, reading.schema_valid), (None, Some(false)), "{said}");
    }
    let cut = Response { finish: Finish::Length, ..text("I will") };
    assert_eq!(task.read(&cut).value, None);
    let many = "{\"name\": \"now\"} ".repeat(129);
    assert!(task.read(&text(&many)).why.unwrap().contains("128"));
}

#[test]
fn typed_calls_are_taken_as_they_are() {
    let task = task(true);
    let call = |name: &str, arguments: Value| ToolCall { name: name.to_owned(), arguments };
    let response = Response {
        // Words beside the call are no answer.
        text: "{\"name\": \"now\"}".into(),
        tool_calls: vec![call("get_weather", json!({"city": "Bern"})), call("now", json!(""))],
        finish: Finish::ToolCall,
        ..Response::default()
    };
    let reading = task.read(&response);
    assert_eq!(reading.value, Some(json!([bern(), {"name": "now", "arguments": {}}])));
    assert_eq!((reading.reader, reading.schema_valid), ("tools", Some(true)));
    let broken = Response {
        tool_calls: vec![call("get_weather", json!("{\"city\": "))],
        ..Response::default()
    };
    assert_eq!(task.read(&broken).schema_valid, Some(false));
    let none = task.read(&text("It is sunny."));
    assert_eq!((none.value, none.reader, none.repaired), (Some(json!([])), "tools", false));
    // A server that left the call in the text.
    let left = task.read(&text("<tool_call>{\"name\": \"now\"}</tool_call>"));
    assert_eq!((left.reader, left.repaired), ("json", true));
    assert_eq!(task.offered()[1]["function"]["name"], "now");
}

/// Call, tool and argument accuracy, schema valid of one sample.
fn figures(given: Option<Value>, expected: Value) -> [Option<f64>; 4] {
    let score = task(false).score(given.as_ref(), &expected).unwrap();
    [Metric::CallAccuracy, Metric::ToolAccuracy, Metric::ArgumentAccuracy, Metric::SchemaValid]
        .map(|metric| metric.finish(&score.parts))
}

#[test]
fn scores_by_hand() {
    let weather = |arguments: Value| json!([{"name": "get_weather", "arguments": arguments}]);
    let gold = || weather(json!({"city": "Bern", "days": 2}));
    let half = Some(0.5);
    for (given, figures_by_hand) in [
        (Some(weather(json!({"days": 2.0, "city": "Bern"}))), [Some(1.0); 4]),
        // One of two right.
        (Some(weather(json!({"city": "Bern"}))), [Some(0.0), Some(1.0), half, Some(1.0)]),
        // Two right, two surplus; closed parameters take no others.
        (
            Some(weather(json!({"city": "Bern", "days": 2, "a": 1, "b": 1}))),
            [Some(0.0), Some(1.0), half, Some(0.0)],
        ),
        (Some(json!([])), [Some(0.0), Some(0.0), Some(0.0), Some(1.0)]),
        (
            Some(json!([{"name": "fly", "arguments": {}}])),
            [Some(0.0), Some(0.0), Some(0.0), Some(0.0)],
        ),
        (None, [Some(0.0); 4]),
    ] {
        assert_eq!(figures(given.clone(), gold()), figures_by_hand, "{given:?}");
    }
    assert_eq!(figures(Some(json!([])), json!([])), [Some(1.0), Some(1.0), None, Some(1.0)]);
    assert_eq!(figures(None, json!([])), [Some(0.0), Some(0.0), None, Some(0.0)]);
    let called = figures(Some(json!([bern()])), json!([]));
    assert_eq!(called, [Some(0.0), Some(0.0), Some(0.0), Some(1.0)], "no call was expected");
}

#[test]
fn verdicts_name_tools_and_arguments() {
    let expected = json!([{"name": "get_weather", "arguments": {"city": "Bern", "days": 2}}, {"name": "now", "arguments": {}}]);
    let given = json!([{"name": "get_weather", "arguments": {"city": "Basel", "wind": 1}}, {"name": "get_weather", "arguments": {}}]);
    let detail = task(false).score(Some(&given), &expected).unwrap().detail;
    let by_hand = json!({"get_weather": "wrong", "get_weather.city": "wrong",
        "get_weather.days": "missing", "get_weather.wind": "invented", "now": "missing",
        "get_weather #2": "invented"});
    assert_eq!(detail, by_hand);
}

#[test]
fn every_metric_can_head_the_task() {
    for primary in METRICS {
        let task = ToolUse { primary, ..task(false) };
        for calls in [json!([]), json!([bern()]), json!([{"name": "now", "arguments": {}}, bern()])]
        {
            for typed in [false, true] {
                let task = ToolUse { typed, ..task.clone() };
                let reading = task.read(&task.write_expected(&calls));
                let score = task.score(reading.value.as_ref(), &calls).unwrap();
                assert_eq!(score.primary, 1.0, "{primary:?} {calls}");
                assert!(!reading.repaired, "{calls}");
            }
        }
    }
}

proptest! {
    #[test]
    fn written_calls_score_1(cities in prop::collection::vec("\\PC{0,12}", 0..5), days in 0..10) {
        let call = |city: &String| json!({"name": "get_weather", "arguments": {"city": city, "days": days}});
        let calls = Value::Array(cities.iter().map(call).collect());
        for typed in [false, true] {
            let task = task(typed);
            let reading = task.read(&task.write_expected(&calls));
            let score = task.score(reading.value.as_ref(), &calls).unwrap();
            prop_assert_eq!(score.primary, 1.0);
            // However they are listed.
            let turned: Vec<Value> = calls.as_array().unwrap().iter().rev().cloned().collect();
            prop_assert_eq!(task.score(Some(&Value::Array(turned)), &calls).unwrap().primary, 1.0);
        }
    }

    #[test]
    fn any_answer_is_scored_between_0_and_1(said in "[{}\\[\\]\":,a-c<>\\PC]{0,80}") {
        let task = task(false);
        let reading = task.read(&text(&said));
        let score = task.score(reading.value.as_ref(), &json!([bern()])).unwrap();
        prop_assert!((0.0..=1.0).contains(&score.primary));
    }
}
