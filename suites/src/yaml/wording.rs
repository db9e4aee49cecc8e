//! Serde's messages in the words of a YAML file.

/// The key and the known keys of serde's "unknown field" message.
pub(super) fn unknown_key(message: &str) -> Option<(String, Vec<String>)> {
    let rest = message.strip_prefix("unknown field `")?;
    let (key, rest) = rest.split_once("`, ")?;
    Some((key.to_owned(), quoted(rest)))
}

/// The words in backticks.
fn quoted(text: &str) -> Vec<String> {
    text.split('`').skip(1).step_by(2).map(str::to_owned).collect()
}

/// What is wrong, and what to do about it if that is known.
pub(super) fn of_serde(message: &str) -> (String, Option<String>) {
    if let Some((found, expected)) = split(message, "invalid type: ") {
        return wrong_type(found, expected);
    }
    if let Some((found, expected)) = split(message, "invalid value: ") {
        return (format!("{} does not fit: {} is expected", plain(found), kind(expected)), None);
    }
    let variant = message.strip_prefix("unknown variant `").and_then(|r| r.split_once("`, "));
    if let Some((found, expected)) = variant {
        let known = quoted(expected);
        let known: Vec<&str> = known.iter().map(String::as_str).collect();
        let remedy = match crate::problem::nearest(found, known.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known here: {}", crate::problem::listed(known)),
        };
        return (format!("unknown value `{found}`"), Some(remedy));
    }
    if let Some(field) = message.strip_prefix("missing field `") {
        let field = field.trim_end_matches('`');
        return (format!("the key `{field}` is missing"), Some(format!("add `{field}: ...`")));
    }
    // A remedy of our own visitors follows a semicolon.
    match message.split_once("; ") {
        Some((message, remedy)) => (message.to_owned(), Some(remedy.to_owned())),
        None => (message.to_owned(), None),
    }
}

fn split<'m>(message: &'m str, prefix: &str) -> Option<(&'m str, &'m str)> {
    message.strip_prefix(prefix)?.rsplit_once(", expected ")
}

fn wrong_type(found: &str, expected: &str) -> (String, Option<String>) {
    let text = found.strip_prefix("string ").map(|t| t.trim_matches('"'));
    let number =
        ["u8", "u16", "u32", "u64", "usize", "i32", "i64", "f32", "f64"].contains(&expected);
    let without = text.map(|t| t.replace(['_', ','], "")).filter(|t| t.parse::<f64>().is_ok());
    let remedy = match (text, without) {
        (Some(text), Some(plain)) if number && text.contains('_') => {
            Some(format!("YAML reads `{text}` as text: write `{plain}`"))
        }
        (Some(_), Some(plain)) if number => Some(format!("write `{plain}`, without quotes")),
        _ if expected == "a string"
            && !found.starts_with("sequence")
            && !found.starts_with("map") =>
        {
            Some("put it in quotes".to_owned())
        }
        (Some(text), _) if expected == "a sequence" => Some(format!("write `[{text}]`")),
        _ => None,
    };
    (format!("{} where {} is expected", plain(found), kind(expected)), remedy)
}

/// Serde's description of a value that was found.
fn plain(found: &str) -> String {
    for (serde, ours) in [
        ("string ", "the text "),
        ("integer ", "the number "),
        ("floating point ", "the number "),
        ("boolean ", "the truth value "),
    ] {
        if let Some(value) = found.strip_prefix(serde) {
            return format!("{ours}{value}");
        }
    }
    match found {
        "unit value" => "nothing".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" => "a mapping".to_owned(),
        other => other.to_owned(),
    }
}

/// Serde's description of what a type expects.
fn kind(expected: &str) -> String {
    match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number from 0".to_owned(),
        "i8" | "i16" | "i32" | "i64" => "a whole number".to_owned(),
        "f32" | "f64" => "a number".to_owned(),
        "a boolean" => "`true` or `false`".to_owned(),
        "a string" => "text".to_owned(),
        "a sequence" => "a list".to_owned(),
        "a map" => "a mapping".to_owned(),
        other if other.starts_with("struct ") => "a mapping of keys".to_owned(),
        other => other.to_owned(),
    }
}
