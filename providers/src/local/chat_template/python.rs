//! Python's side of a chat template: how it prints values, writes JSON, and names string methods.
//!
//! minijinja prints `true`, `none` and `["a"]` where Jinja2, being Python, prints `True`, `None` and
//! `['a']`; a prompt must have Python's words. Methods that `minijinja_contrib::pycompat` lacks, or
//! answers otherwise than Python, stand in [`method`].

use std::fmt::Write as _;

use minijinja::value::{Value, ValueKind, from_args};
use minijinja::{Error, ErrorKind, State};

/// Deepest nesting of a printed value.
const MAX_DEPTH: usize = 64;
/// Longest printed value, in bytes.
const MAX_TEXT: usize = 16 << 20;

/// `str(value)`.
pub(super) fn text(value: &Value) -> Result<String, Error> {
    let mut out = String::new();
    match value.as_str() {
        Some(text) => out.push_str(text),
        None if value.is_undefined() => {}
        None => repr(&mut out, value, 0)?,
    }
    Ok(out)
}

/// `repr(value)`.
fn repr(out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
    check_size(out, depth)?;
    match value.kind() {
        ValueKind::None => out.push_str("None"),
        ValueKind::Bool => out.push_str(if value.is_true() { "True" } else { "False" }),
        ValueKind::Number => number(out, value),
        ValueKind::String => quoted(out, value.as_str().unwrap_or_default()),
        ValueKind::Seq | ValueKind::Iterable => {
            out.push('[');
            for (index, item) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr(out, &item, depth + 1)?;
            }
            out.push(']');
        }
        ValueKind::Map => {
            out.push('{');
            for (index, key) in value.try_iter()?.enumerate() {
                if index > 0 {
                    out.push_str(", ");
                }
                repr(out, &key, depth + 1)?;
                out.push_str(": ");
                repr(out, &value.get_item(&key)?, depth + 1)?;
            }
            out.push('}');
        }
        _ => {
            let _ = write!(out, "{value}");
        }
    }
    Ok(())
}

fn check_size(out: &str, depth: usize) -> Result<(), Error> {
    if depth > MAX_DEPTH || out.len() > MAX_TEXT {
        return Err(Error::new(ErrorKind::InvalidOperation, "a value is too large to be written"));
    }
    Ok(())
}

/// `repr(float)`: exponents below 1e-4 and from 1e16 on, with a sign and two digits.
fn number(out: &mut String, value: &Value) {
    if value.is_integer() {
        let _ = write!(out, "{value}");
        return;
    }
    let Ok(float) = f64::try_from(value.clone()) else {
        return;
    };
    if !float.is_finite() {
        out.push_str(if float.is_nan() {
            "nan"
        } else if float > 0.0 {
            "inf"
        } else {
            "-inf"
        });
    } else if float != 0.0 && !(1e-4..1e16).contains(&float.abs()) {
        let short = format!("{float:e}");
        let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
        let (sign, size) = match exponent.strip_prefix('-') {
            Some(size) => ('-', size),
            None => ('+', exponent),
        };
        let _ = write!(out, "{digits}e{sign}{size:0>2}");
    } else {
        let _ = write!(out, "{float:?}");
    }
}

/// `repr(str)`: single quotes, unless only those occur in the text.
fn quoted(out: &mut String, text: &str) {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    out.push(quote);
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if c == quote => {
                out.push('\\');
                out.push(c);
            }
            c if c.is_control() => {
                let _ = write!(out, "\\x{:02x}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push(quote);
}

/// The options of `json.dumps` that transformers' `tojson` passes on.
pub(super) struct JsonStyle {
    /// Everything beyond ASCII as `\uXXXX`.
    pub(super) ensure_ascii: bool,
    /// The text of one step of indentation; absent: all on one line.
    pub(super) indent: Option<String>,
    /// Between items, and between key and value.
    pub(super) separators: Option<(String, String)>,
    /// Keys in the order of their characters.
    pub(super) sort_keys: bool,
}

/// The `indent` of `json.dumps`: a number of spaces, or the text itself.
pub(super) fn indent(value: &Value) -> Result<String, Error> {
    match (value.as_str(), value.as_usize()) {
        (Some(text), _) => Ok(text.to_owned()),
        (None, Some(width)) if width <= 64 => Ok(" ".repeat(width)),
        _ => {
            let message = "indent of tojson is a text, or a number up to 64";
            Err(Error::new(ErrorKind::InvalidOperation, message))
        }
    }
}

impl JsonStyle {
    /// `json.dumps(value)` in this style.
    pub(super) fn json(&self, value: &Value) -> Result<String, Error> {
        let mut out = String::new();
        self.write(&mut out, value, 0)?;
        Ok(out)
    }

    fn write(&self, out: &mut String, value: &Value, depth: usize) -> Result<(), Error> {
        check_size(out, depth)?;
        match value.kind() {
            ValueKind::None => out.push_str("null"),
            ValueKind::Bool => out.push_str(if value.is_true() { "true" } else { "false" }),
            ValueKind::Number => match value.to_string().as_str() {
                "inf" => out.push_str("Infinity"),
                "-inf" => out.push_str("-Infinity"),
                "NaN" => out.push_str("NaN"),
                _ => number(out, value),
            },
            ValueKind::String => self.string(out, value.as_str().unwrap_or_default()),
            ValueKind::Seq | ValueKind::Iterable => {
                let items: Vec<Value> = value.try_iter()?.collect();
                self.container(out, ['[', ']'], &items, depth, |out, item| {
                    self.write(out, item, depth + 1)
                })?;
            }
            ValueKind::Map => {
                let mut keys: Vec<Value> = value.try_iter()?.collect();
                if self.sort_keys {
                    keys.sort();
                }
                self.container(out, ['{', '}'], &keys, depth, |out, key| {
                    match key.kind() {
                        ValueKind::String => self.string(out, key.as_str().unwrap_or_default()),
                        _ => {
                            out.push('"');
                            self.write(out, key, depth + 1)?;
                            out.push('"');
                        }
                    }
                    out.push_str(self.separators.as_ref().map_or(": ", |(_, key)| key));
                    self.write(out, &value.get_item(key)?, depth + 1)
                })?;
            }
            other => {
                let message = format!("a value of type {other} cannot be written as JSON");
                return Err(Error::new(ErrorKind::InvalidOperation, message));
            }
        }
        Ok(())
    }

    fn container(
        &self,
        out: &mut String,
        [open, close]: [char; 2],
        items: &[Value],
        depth: usize,
        mut write: impl FnMut(&mut String, &Value) -> Result<(), Error>,
    ) -> Result<(), Error> {
        // Without indentation the comma is followed by a space, with it by the new line alone.
        let comma = match (&self.separators, &self.indent) {
            (Some((item, _)), _) => item,
            (None, Some(_)) => ",",
            (None, None) => ", ",
        };
        out.push(open);
        for (index, item) in items.iter().enumerate() {
            if index > 0 {
                out.push_str(comma);
            }
            self.new_line(out, depth + 1);
            write(out, item)?;
        }
        if !items.is_empty() {
            self.new_line(out, depth);
        }
        out.push(close);
        Ok(())
    }

    fn new_line(&self, out: &mut String, depth: usize) {
        if let Some(step) = &self.indent {
            out.push('\n');
            (0..depth).for_each(|_| out.push_str(step));
        }
    }

    fn string(&self, out: &mut String, text: &str) {
        out.push('"');
        for c in text.chars() {
            match c {
                '"' => out.push_str("\\\""),
                '\\' => out.push_str("\\\\"),
                '\n' => out.push_str("\\n"),
                '\r' => out.push_str("\\r"),
                '\t' => out.push_str("\\t"),
                '\u{8}' => out.push_str("\\b"),
                '\u{c}' => out.push_str("\\f"),
                c if u32::from(c) < 0x20 || (self.ensure_ascii && !c.is_ascii()) => {
                    for unit in c.encode_utf16(&mut [0; 2]) {
                        let _ = write!(out, "\\u{unit:04x}");
                    }
                }
                c => out.push(c),
            }
        }
        out.push('"');
    }
}

/// A method of a Python value.
pub(super) fn method(
    state: &State,
    value: &Value,
    name: &str,
    args: &[Value],
) -> Result<Value, Error> {
    if let Some(text) = value.as_str() {
        match (name, args) {
            // Counted in characters, as Python counts; pycompat counts in bytes.
            ("find" | "index", [part]) => {
                return position(name, text, part, |all, part| all.find(part));
            }
            ("rfind" | "rindex", [part]) => {
                return position(name, text, part, |all, part| all.rfind(part));
            }
            // pycompat never ends on the empty text.
            ("count", [part]) => {
                let (part,): (&str,) = from_args(std::slice::from_ref(part))?;
                return Ok(Value::from(text.matches(part).count()));
            }
            ("removeprefix", [part]) => {
                let (part,): (&str,) = from_args(std::slice::from_ref(part))?;
                return Ok(Value::from(text.strip_prefix(part).unwrap_or(text)));
            }
            ("removesuffix", [part]) => {
                let (part,): (&str,) = from_args(std::slice::from_ref(part))?;
                return Ok(Value::from(text.strip_suffix(part).unwrap_or(text)));
            }
            _ => {}
        }
    }
    minijinja_contrib::pycompat::unknown_method_callback(state, value, name, args)
}

fn position(
    name: &str,
    text: &str,
    part: &Value,
    search: fn(&str, &str) -> Option<usize>,
) -> Result<Value, Error> {
    let (part,): (&str,) = from_args(std::slice::from_ref(part))?;
    match search(text, part).and_then(|at| text.get(..at)) {
        Some(before) => Ok(Value::from(before.chars().count())),
        None if name.ends_with("find") => Ok(Value::from(-1)),
        None => Err(Error::new(ErrorKind::InvalidOperation, "substring not found")),
    }
}

/// The source with each `{% generation %}` block, by which transformers marks the assistant's words
/// for training, made a plain `{% with %}` block: a scope of its own that prints what it holds.
pub(super) fn without_generation_tags(source: &str) -> String {
    let mut out = String::with_capacity(source.len());
    let mut rest = source;
    while let Some((at, close)) = next_tag(rest) {
        let (before, tag) = rest.split_at(at);
        out.push_str(before);
        let end = tag.find(close).map_or(tag.len(), |end| end + close.len());
        let (tag, after) = tag.split_at(end);
        match tag.trim_matches(|c: char| "{%}-+".contains(c) || c.is_whitespace()) {
            "generation" => out.push_str(&tag.replace("generation", "with")),
            "endgeneration" => out.push_str(&tag.replace("endgeneration", "endwith")),
            "raw" => {
                let raw = after.find("endraw").unwrap_or(after.len());
                out.push_str(tag);
                out.push_str(&after[..raw]);
                rest = &after[raw..];
                continue;
            }
            _ => out.push_str(tag),
        }
        rest = after;
    }
    out.push_str(rest);
    out
}

/// Where the next tag, expression or comment begins, and what closes it.
fn next_tag(text: &str) -> Option<(usize, &'static str)> {
    text.match_indices('{').find_map(|(at, _)| match text.as_bytes().get(at + 1) {
        Some(b'%') => Some((at, "%}")),
        Some(b'#') => Some((at, "#}")),
        Some(b'{') => Some((at, "}}")),
        _ => None,
    })
}
