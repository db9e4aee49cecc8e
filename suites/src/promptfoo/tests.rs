use std::path::Path;

use serde_json::{Value, json};

use super::*;

/// A configuration with these keys, beside files.
fn translated(config: &str, files: &[(&str, &str)]) -> Result<Translation, String> {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        std::fs::write(dir.path().join(name), text).unwrap();
    }
    let path = dir.path().join("c.yaml");
    std::fs::write(&path, config).unwrap();
    let in_folder = |text: String| text.replace(&format!("{}/", dir.path().display()), "");
    match translate(&path) {
        Ok(mut translation) => {
            for group in &mut translation.remarks {
                group.places.iter_mut().for_each(|place| *place = in_folder(place.clone()));
            }
            Ok(translation)
        }
        Err(problems) => Err(in_folder(problems.to_string())),
    }
}

fn remarks(translation: &Translation) -> Vec<String> {
    translation.remarks.iter().map(ToString::to_string).collect()
}

/// One test with assertions, all else plain.
fn with_assertions(assertions: &str) -> Result<Translation, String> {
    let config = format!(
        "prompts: ['{{{{q}}}}']\nproviders: [openai:m]\ntests:\n- vars: {{q: a, city: Paris}}\n  assert:\n{assertions}"
    );
    translated(&config, &[])
}

#[test]
fn a_configuration_is_known_by_its_keys() {
    assert!(is_config("prompts: [a]\nproviders: [b]\n"));
    assert!(is_config(r#"{"prompts": ["a"], "tests": []}"#));
    for other in
        ["name: a\ntask: faq\n", "[{\"prompts\": 1, \"tests\": 2}]", "prompts: [a]", "", ":"]
    {
        assert!(!is_config(other), "{other}");
    }
}

#[test]
fn templates_of_assertions_are_filled_with_the_variables() {
    let made = with_assertions("  - {type: contains, value: 'in {{city}}'}\n  - is-json").unwrap();
    assert_eq!(
        made.rows[0]["__expected"],
        json!([{"type": "contains", "value": "in Paris"}, {"type": "is-json"}])
    );
}

#[test]
fn what_is_not_translated_has_its_line_and_a_reason() {
    let made = with_assertions(
        "  - {type: contains, value: a}\n  - {type: python, value: 'x'}\n  - type: regex\n    \
         value: (?=a)\n  - {type: nonsense}\n  - {type: contains, value: b, transform: x}\n",
    )
    .unwrap();
    let remarks = remarks(&made);
    for (start, says) in [
        ("c.yaml:7: assertion `python`", "it runs code"),
        ("c.yaml:8: assertion `regex`", "look-around"),
        ("c.yaml:10: assertion `nonsense`", "do not know it"),
        ("c.yaml:11: `transform` of assertion `contains`", "left out"),
        ("c.yaml:4: test", "passes by the assertions that are left"),
    ] {
        assert!(remarks.iter().any(|r| r.starts_with(start) && r.contains(says)), "{remarks:#?}");
    }
    assert_eq!(remarks.len(), 5, "{remarks:#?}");
}

#[test]
fn a_configuration_without_anything_to_judge_is_refused() {
    let refused = with_assertions("  - {type: llm-rubric, value: nice}").unwrap_err();
    assert!(refused.contains("no test has an assertion that can be judged"), "{refused}");
    assert!(refused.contains("c.yaml:6: assertion `llm-rubric` cannot be translated"), "{refused}");
    let refused = translated("prompts: [file://p.js]\ntests: [{assert: [a]}]", &[]).unwrap_err();
    assert!(refused.contains("none of its prompts"), "{refused}");
    let refused = translated("prompts: [a]\ntests: file://none.csv", &[]).unwrap_err();
    assert!(refused.contains("none.csv: there is no such file"), "{refused}");
}

#[test]
fn lists_of_variables_multiply_and_nested_templates_are_filled() {
    let made = translated(
        "prompts: ['{{a}} {{b}} {{absent}}']\ntests:\n- vars: {a: [1, 2], b: [x, 'y{{a}}']}\n  assert: ['c']",
        &[],
    )
    .unwrap();
    let pairs: Vec<(&Value, &Value)> = made.rows.iter().map(|row| (&row["a"], &row["b"])).collect();
    let [one, two] = [json!(1), json!(2)];
    let [x, y1, y2] = [json!("x"), json!("y1"), json!("y2")];
    assert_eq!(pairs, [(&one, &x), (&one, &y1), (&two, &x), (&two, &y2)]);
    assert_eq!(made.rows[0]["absent"], "", "undefined variables are empty in nunjucks");
    let many: Vec<String> = (0..400).map(|i| i.to_string()).collect();
    let many = many.join(",");
    let config =
        format!("prompts: [a]\ntests: [{{vars: {{a: [{many}], b: [{many}]}}, assert: [a]}}]");
    assert!(translated(&config, &[]).unwrap_err().contains("more than 100,000 tests"));
}

#[test]
fn the_nearest_threshold_counts() {
    let made = translated(
        "prompts: [a]\ndefaultTest: {threshold: 0.1}\ntests: [{assert: ['contains: a'], threshold: 0.5}, \
         {assert: ['contains: a']}, t.csv]",
        &[("t.csv", "q,__expected,__threshold\nx,contains: a,0.9\n")],
    )
    .unwrap();
    let thresholds: Vec<&Value> = made.rows.iter().map(|row| &row["__threshold"]).collect();
    assert_eq!(thresholds, [&json!(0.5), &json!(0.1), &json!(0.9)]);
}

#[test]
fn the_task_is_the_one_that_says_most() {
    let task = |tests: &str| {
        let config = format!("prompts: [a]\ntests: [{tests}]");
        translated(&config, &[]).unwrap().task
    };
    let equals = |values: &[&str]| {
        let tests: Vec<String> = values.iter().map(|v| format!("{{assert: ['{v}']}}")).collect();
        tests.join(", ")
    };
    assert_eq!(task(&equals(&["a", "b", "a", "b"])), "classification");
    assert_eq!(task(&equals(&["x", "X", "x", "X"])), "faq", "no two labels differ in case alone");
    assert_eq!(task(&equals(&["x", "y", "z"])), "faq");
    assert_eq!(task(&equals(&["+", "-"])), "checks", "SQuAD sees no difference");
    assert_eq!(task(&equals(&["a", "contains: b"])), "checks");
    assert_eq!(task("{assert: [{type: equals, value: {a: 1}}]}"), "extraction");
    assert_eq!(task("{assert: [{type: equals, value: {a: {b: 1}}}]}"), "checks");
    assert_eq!(task("{assert: [{type: is-json, value: {required: [a]}}]}"), "checks");
    assert_eq!(task("{assert: [{type: equals, value: a, weight: 2}]}"), "checks");
}

#[test]
fn providers_with_the_wire_of_openai_are_entries() {
    let of = |providers: &str| {
        let config = format!("prompts: [a]\nproviders:\n{providers}\ntests: [{{assert: [a]}}]");
        translated(&config, &[]).unwrap()
    };
    for (id, model, url, key) in [
        ("openai:gpt-4o", "gpt-4o", None, Some("OPENAI_API_KEY")),
        ("openai:chat:ft:gpt-4o:us", "ft:gpt-4o:us", None, Some("OPENAI_API_KEY")),
        ("ollama:chat:llama3.2:1b", "llama3.2:1b", Some("http://localhost:11434/v1"), None),
        ("ollama:llama3.2", "llama3.2", Some("http://localhost:11434/v1"), None),
        ("groq:llama-3", "llama-3", Some("https://api.groq.com/openai/v1"), Some("GROQ_API_KEY")),
    ] {
        let entry = &of(&format!("- {id}")).entries[0];
        let said = (entry.model.as_str(), entry.base_url.as_deref(), entry.key_env.as_deref());
        assert_eq!(said, (model, url, key), "{id}");
    }
    for (id, why) in [
        ("anthropic:messages:claude", "no provider `anthropic`"),
        ("openai:responses:gpt-5", "`responses` is no chat"),
        ("openai:embedding:e", "`embedding` is no chat"),
        ("python:p.py", "it runs code"),
        ("azure:chat:d", "`config.apiHost`"),
        ("https://a.example/ask", "not that of OpenAI's chat completions"),
        ("openai:chat", "it names no model"),
    ] {
        let made = of(&format!("- {id}"));
        assert!(made.entries.is_empty(), "{id}");
        let remarks = remarks(&made);
        assert!(
            remarks.iter().any(|r| r.starts_with("c.yaml:3: ") && r.contains(why)),
            "{remarks:?}"
        );
    }
    let made = of(
        "- {id: openai:m, config: {temperature: 3, apiKey: '{{env.MY_KEY}}', top_p: 0.5, stop: [x]}}\n\
         - {id: openai:m, config: {apiKey: secret}}",
    );
    assert_eq!(made.entries[0].key_env.as_deref(), Some("MY_KEY"));
    assert_eq!(made.entries[0].sampling, *json!({"top_p": 0.5}).as_object().unwrap());
    assert_eq!(made.entries[0].extras, *json!({"stop": ["x"]}).as_object().unwrap());
    assert_eq!(made.entries[1].id, "m-2");
    let remarks = remarks(&made).join("\n");
    assert!(remarks.contains("`config.temperature`") && !remarks.contains("secret"), "{remarks}");
}

#[test]
fn prompts_are_texts_conversations_and_files() {
    let of = |prompts: &str, files: &[(&str, &str)]| {
        let config =
            format!("prompts:\n{prompts}\ntests: [{{vars: {{q: 'a \"b\"'}}, assert: [a]}}]");
        translated(&config, files)
    };
    let said = |made: &Translation| -> Vec<Vec<(String, String)>> {
        made.prompts.iter().map(|prompt| prompt.messages.clone()).collect()
    };
    let turn = |role: &str, text: &str| (role.to_owned(), text.to_owned());
    let made = of("- 'Say {{ q | dump }}'", &[]).unwrap();
    assert_eq!(said(&made), [[turn("user", "Say {{ q | tojson }}")]]);
    let chat = r#"- '[{"role": "developer", "content": "s"}, {"role": "user", "content": [{"type": "text", "text": "{{q}}"}]}]'"#;
    let made = of(chat, &[]).unwrap();
    assert_eq!(said(&made), [[turn("system", "s"), turn("user", "{{q}}")]]);
    let made =
        of("- p.txt\n- {id: 'file://p.md', label: l}", &[("p.txt", "a\n---\nb\n"), ("p.md", "c")]);
    let made = made.unwrap();
    assert_eq!(said(&made), [[turn("user", "a")], [turn("user", "b")], [turn("user", "c")]]);
    assert_eq!(made.prompts[2].label.as_deref(), Some("l"));
    let made = of(
        "- a\n- '{{ env.HOME }}'\n- '{{ q | nothing }}'\n- '{% if %}'\n- x/*.txt\n- no.txt",
        &[],
    );
    let made = made.unwrap();
    assert_eq!(made.prompts.len(), 1);
    assert_eq!(made.remarks.iter().filter(|g| g.first.kind == Kind::Not).count(), 5);
}

/// Prefix and suffix stand around a prompt, and a template cannot get at the file system.
#[test]
fn texts_around_a_prompt() {
    let made = translated(
        "prompts: ['{{q}}']\ntests: t.csv",
        &[("t.csv", "q,__prefix,__expected\nx,Hi: ,contains: a\ny,,contains: b\n")],
    )
    .unwrap();
    assert_eq!(made.prompts[0].messages[0].1, "{{ __prefix }}{{q}}");
    assert_eq!(
        (&made.rows[0]["__prefix"], &made.rows[1]["__prefix"]),
        (&json!("Hi: "), &json!(""))
    );
    let made = translated("prompts: ['{% include \"c.yaml\" %}', b]\ntests: [{assert: [a]}]", &[]);
    assert_eq!(made.unwrap().prompts.len(), 1);
}

#[test]
fn whatever_a_configuration_holds_is_no_panic() {
    for config in [
        "prompts: 5\ntests: 7\nproviders: {a: 1}",
        "prompts: {a: [b]}\ntests: [[1], null, {vars: 3, assert: {}, options: []}]\nproviders: [[], 1]",
        "prompts: [[a], {raw: 5}, null]\ntests: {path: 5}\nscenarios: [{config: 1, tests: 2}]",
        "prompts: [a]\ndefaultTest: {assert: 1}\ntests: [{$ref: '#/tests/0'}, {$ref: '#'}]",
        "prompts: [a]\ntests: [{assert: [{type: assert-set, assert: [{type: assert-set}]}]}]",
        "a: &a [*a]\nprompts: [a]\ntests: []",
    ] {
        let _ = translated(config, &[]);
    }
    assert!(translate(Path::new("/nowhere/c.yaml")).is_err());
}
