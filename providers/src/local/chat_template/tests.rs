use super::*;
use crate::Role;
use serde_json::Value as Json;
use std::path::Path;

fn tokens() -> SpecialTokens {
    SpecialTokens { bos: Some("<s>".into()), eos: Some("</s>".into()), ..SpecialTokens::default() }
}

fn message(role: Role, content: &str) -> Message {
    Message { role, content: content.into() }
}

fn render(source: &str) -> Result<String, TemplateError> {
    let messages = [message(Role::System, "Say \"hi\" & <b>."), message(Role::User, "Grüße\n\té")];
    ChatTemplate::compile(source, tokens())?.render(&messages)
}

/// Computed by Jinja2 3.1 in the environment of transformers 5 (its own `tojson`,
/// `raise_exception`, `generation` tag; `strftime_now` fixed to the same date).
#[rustfmt::skip]
const JINJA2: &[(&str, &str)] = &[
        ("{{ [true, none, 1, 1.0, 2.5e-7, 1e16, 'a', \"it's\", 'q\\'\"', 'n\\n'] }}|{{ {'b': 1, 'a': [none]} }}", "[True, None, 1, 1.0, 2.5e-07, 1e+16, 'a', \"it's\", 'q\\'\"', 'n\\n']|{'b': 1, 'a': [None]}"),
        ("{{ true }}{{ none }}{{ nothing }}{{ nothing | string }}{{ 3 | string }}", "TrueNone3"),
        ("{% for x in nothing %}x{% else %}none{% endfor %}{{ nothing is defined }}{% if nothing %}y{% endif %}", "noneFalse"),
        ("{{ messages | tojson }}", "[{\"role\": \"system\", \"content\": \"Say \\\"hi\\\" & <b>.\"}, {\"role\": \"user\", \"content\": \"Grüße\\n\\té\"}]"),
        ("{{ messages[1] | tojson(indent=2) }}", "{\n  \"role\": \"user\",\n  \"content\": \"Grüße\\n\\té\"\n}"),
        ("{{ {'z': [1, {}], 'a': []} | tojson(indent=4, sort_keys=true) }}", "{\n    \"a\": [],\n    \"z\": [\n        1,\n        {}\n    ]\n}"),
        ("{{ messages[1].content | tojson(ensure_ascii=true) }}{{ [1, 2] | tojson(separators=(',', ':')) }}", "\"Gr\\u00fc\\u00dfe\\n\\t\\u00e9\"[1,2]"),
        ("{% for m in messages %}\n  {% if loop.first %}\n    {% continue %}\n  {% endif %}\n  {{ m.role }}\n  {% break %}\n{% endfor %}\nend\n", "  user\nend"),
        ("{% set ns = namespace(n=0) %}{% for m in messages %}{% set ns.n = ns.n + loop.index %}{% endfor %}{{ ns.n }}", "3"),
        ("{{ strftime_now('%d %b %Y, %A %H:%M') }}", "26 Jul 2024, Friday 00:00"),
        ("{{ ' a,b '.strip().split(',') }}{{ 'abc'.upper()[::-1] }}{{ 'éab'.find('b') }}{{ 'xx'.count('') }}{{ 'aXb'.replace('X', '-') }}", "['a', 'b']CBA23a-b"),
        ("{{ messages[0].get('nope') }}{{ messages[0].get('nope', 'd') }}{% for k, v in messages[0].items() %}{{ k }}={{ v }};{% endfor %}", "Nonedrole=system;content=Say \"hi\" & <b>.;"),
        ("{{ messages[1:] | length }}{{ messages[-1].role }}{{ messages[0]['role'] in ['system'] }}{{ 'x' in messages[0] }}", "1userTrueFalse"),
        ("{%- macro turn(m, last=false) -%}[{{ m.role }}{{ '!' if last }}]{%- endmacro -%}{% for m in messages %}{{ turn(m, loop.last) }}{% endfor %}", "[system][user!]"),
        ("{{ 'a' is sequence }}{{ [] is sequence }}{{ {} is sequence }}{{ 1 is sequence }}{{ 'a' is iterable }}{{ {} is mapping }}{{ 1 is number }}{{ none is none }}", "TrueTrueTrueFalseTrueTrueTrueTrue"),
        ("{% generation %}\n{{ messages[1].role }}\n{% endgeneration %}\nx{% raw %}{% generation %}{% endraw %}", "user\nx{% generation %}"),
        ("{{ messages | map(attribute='role') | join(', ') }}{{ messages | selectattr('role', 'equalto', 'user') | list | length }}", "system, user1"),
        ("{{ tools is none }}{{ documents is defined }}{{ bos_token }}{{ pad_token is defined }}", "TrueTrue<s>False"),
        ("a\r\n{% if true %}\r\nb\r\n{% endif %}\r\nc\r\n", "a\nb\nc"),
        ("{{ 7 // 2 }}{{ -7 // 2 }}{{ -7 % 3 }}{{ 2 ** 3 }}{{ 7 / 2 }}{{ 'a' ~ 1 ~ none }}{{ 'ab' * 2 }}", "3-4283.5a1Noneabab"),
        ("{{ 'hello world' | title }}{{ 'hELLO' | capitalize }}{{ ' x ' | trim }}{{ 'a' | upper }}{{ [3, 1, 2] | sort }}{{ [1, 2] | first }}", "Hello WorldHelloxA[1, 2, 3]1"),
        ("{{ '%s-%s' | format('a', 1) }}{{ 'a{}b{}'.format(1, 'x') }}", "a-1a1bx"),
        ("{{ [true, none] | join(',') }}{{ 'x\\ny' | indent(2) }}{{ {'b': 1, 'a': 2} | dictsort | length }}", "True,Nonex\n  y2"),
];

#[test]
fn agrees_with_jinja2() {
    for (source, expected) in JINJA2 {
        assert_eq!(render(source).as_deref(), Ok(*expected), "{source}");
    }
}

fn check_golden(golden: &Json, template: &str) -> usize {
    let template = ChatTemplate::compile(template, tokens()).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    for case in cases {
        let messages: Vec<Message> = serde_json::from_value(case["messages"].clone()).unwrap();
        let rendered = match case["add_generation_prompt"].as_bool().unwrap() {
            true => template.render(&messages),
            false => template.render_transcript(&messages),
        };
        assert_eq!(rendered.as_deref(), Ok(case["rendered"].as_str().unwrap()), "{}", case["id"]);
    }
    cases.len()
}

fn read_json(path: &Path) -> Option<Json> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(serde_json::from_str(&text).unwrap())
}

#[test]
fn renders_smollm2_as_transformers_does() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let extract = read_json(&root.join("../tests/fixtures/engine/templates.json")).unwrap();
    let template = extract["template"].as_str().unwrap();
    assert_eq!(check_golden(&extract, template), 15);
    match read_json(&root.join("../../shared/engine/templates.json")) {
        Some(all) => assert_eq!(check_golden(&all, template), 40),
        None => eprintln!("skipped: the 40 cases of shared/engine/templates.json are absent"),
    }
}

#[test]
fn an_unsupported_construct_names_its_line() {
    for (source, line) in [
        ("a\n{% include 'x' %}", 2),
        ("a\n\n{{ messages | xmlattr }}", 3),
        ("{% if true %}\n{% widget %}\n{% endif %}", 2),
        ("a\n{{ messages[0].content.swapcase() }}", 2),
        ("\n{{ lipsum() }}", 2),
        ("a\n{{ 'b' ", 2),
    ] {
        let error = render(source).unwrap_err();
        assert_eq!((error.line, error.cause), (Some(line), Cause::Unsupported), "{error}");
        let error = ProviderError::from(error);
        assert_eq!(error.advice, Advice::EndsEntry);
        assert!(error.message.contains(&format!("line {line}: ")), "{}", error.message);
    }
}

#[test]
fn an_exception_of_the_template_is_about_these_messages() {
    let source =
        "{% macro no() %}\n{{ raise_exception('No system role, ' ~ 1) }}{% endmacro %}{{ no() }}";
    let error = render(source).unwrap_err();
    assert_eq!(error.cause, Cause::Refused);
    assert_eq!(error.line, Some(2));
    assert_eq!(error.message, "No system role, 1");
    assert_eq!(ProviderError::from(error).advice, Advice::Never);
}

#[test]
fn an_attribute_of_nothing_is_an_error_as_in_jinja2() {
    let error = render("\n{{ nothing.more }}").unwrap_err();
    assert_eq!((error.line, error.cause), (Some(2), Cause::Failed));
}

#[test]
fn a_hostile_template_ends() {
    let nested = format!("{{{{ ({}x", "(".repeat(100_000));
    for source in [
        "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}",
        "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
        "{% for a in range(99) %}{{ 'x' * 1000000 }}{% endfor %}",
        "{{ 'xyz'[0:2:-1] }}{{ 'x' * 99999999999 }}",
        "{{ [1, 2, 3][0:2:-1] | list }}{{ strftime_now('%') }}",
        &nested,
    ] {
        let error = render(source).unwrap_err();
        assert!(!error.message.is_empty());
    }
    assert!(ChatTemplate::compile(&" ".repeat(MAX_SOURCE + 1), tokens()).is_err());
}

proptest::proptest! {
    #[test]
    fn no_template_panics(source in "[{}%# a-z'\"|.()\\[\\]:0-9=-]{0,60}") {
        let _ = render(&source);
    }

    #[test]
    fn messages_are_never_read_as_template(content in ".{0,40}") {
        let source = "{% for m in messages %}{{ m.content }}{% endfor %}";
        let template = ChatTemplate::compile(source, tokens()).unwrap();
        proptest::prop_assert_eq!(
            template.render(&[message(Role::User, &content)]),
            Ok(content)
        );
    }
}
