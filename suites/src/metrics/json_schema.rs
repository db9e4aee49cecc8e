//! Validation of an answer by JSON Schema, drafts 7 and 2020-12, as Python's `jsonschema` reports it.
//!
//! An answer is valid or has errors: the JSON pointer of the place and the keyword that fails.
//! `anyOf`, `oneOf`, `not` and `contains` are one error each; `allOf`, `if`, `$ref` and the rest are
//! descended into. `1.0` is an integer, `true` is not 1, lengths are code points, `format` is not
//! asserted. Nothing is fetched: a reference to another document is an error of the schema.
//!
//! The work is done by the crate `jsonschema`. Two things are changed to agree with Python:
//! `multipleOf` divides as binary fractions do (0.07 is no multiple of 0.01), and a `false` schema of
//! a property or an item is reported at the object or array that holds it. One error of the crate is
//! left out: that a property is missing which is there, but not declared in a closed object.

use std::collections::BTreeSet;

use jsonschema::error::ValidationErrorKind;
use jsonschema::paths::Location;
use jsonschema::{Keyword, ValidationError};
use serde_json::{Map, Number, Value};

/// A version of the language.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Draft {
    /// Draft 7.
    Draft7,
    /// Draft 2020-12.
    Draft202012,
}

/// A schema that cannot be used, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SchemaError(String);

/// A failure: where in the answer, and by which keyword.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Failure {
    /// JSON pointer into the answer.
    pub place: String,
    /// The keyword; `None` for a `false` schema, which has none.
    pub keyword: Option<String>,
}

/// A schema, checked and ready.
#[derive(Debug)]
pub struct Schema {
    draft: Draft,
    validator: jsonschema::Validator,
}

impl Schema {
    /// Checks a schema against its meta-schema and prepares it.
    pub fn new(schema: &Value, draft: Draft) -> Result<Schema, SchemaError> {
        let validator = jsonschema::options()
            .with_draft(match draft {
                Draft::Draft7 => jsonschema::Draft::Draft7,
                Draft::Draft202012 => jsonschema::Draft::Draft202012,
            })
            .should_validate_formats(false)
            .offline()
            .with_keyword("multipleOf", multiple_of)
            .build(schema)
            .map_err(|error| SchemaError(error.to_string()))?;
        Ok(Schema { draft, validator })
    }

    /// Whether an answer is valid.
    pub fn is_valid(&self, answer: &Value) -> bool {
        self.validator.is_valid(answer)
    }

    /// All failures of an answer, each once.
    pub fn failures(&self, answer: &Value) -> BTreeSet<Failure> {
        let errors = self.validator.iter_errors(answer).filter(|error| !is_unfounded(error));
        errors.map(|error| self.failure(&error)).collect()
    }

    fn failure(&self, error: &ValidationError) -> Failure {
        let at = error.instance_path().as_str();
        let holder = || at.rsplit_once('/').map_or("", |(holder, _)| holder);
        let keyword = last_keyword(error.schema_path().as_str());
        let (place, keyword) = match keyword {
            _ if !is_false_schema(error.kind()) => {
                (at, Some(keyword.unwrap_or(error.kind().keyword())))
            }
            Some("additionalProperties") => (at, keyword),
            Some("items") if self.draft == Draft::Draft202012 => (holder(), keyword),
            Some(
                "properties" | "patternProperties" | "prefixItems" | "items" | "additionalItems",
            ) => (holder(), None),
            _ => (at, None),
        };
        Failure { place: place.to_owned(), keyword: keyword.map(str::to_owned) }
    }
}

/// Whether a property is said to be missing that is there.
fn is_unfounded(error: &ValidationError) -> bool {
    let ValidationErrorKind::Required { property } = error.kind() else {
        return false;
    };
    property.as_str().is_some_and(|property| error.instance().get(property).is_some())
}

fn is_false_schema(kind: &ValidationErrorKind) -> bool {
    match kind {
        ValidationErrorKind::FalseSchema => true,
        ValidationErrorKind::PropertyNames { error } => is_false_schema(error.kind()),
        _ => false,
    }
}

/// The last keyword of a pointer into a schema. What follows some of them is a name or a position,
/// which may read like a keyword.
fn last_keyword(path: &str) -> Option<&str> {
    let mut segments = path.split('/').skip(1).peekable();
    let mut last = None;
    while let Some(keyword) = segments.next() {
        last = Some(keyword);
        match keyword {
            "properties" | "patternProperties" | "dependentSchemas" | "dependentRequired"
            | "dependencies" | "$defs" | "definitions" | "allOf" | "anyOf" | "oneOf"
            | "prefixItems" => {
                segments.next();
            }
            "items" => {
                segments.next_if(|segment| segment.parse::<usize>().is_ok());
            }
            _ => {}
        }
    }
    last
}

/// `multipleOf` as Python computes it.
struct MultipleOf(Number);

impl<'i> Keyword<'i> for MultipleOf {
    fn validate(&self, answer: &'i Value) -> Result<(), ValidationError<'i>> {
        if Keyword::is_valid(self, answer) {
            return Ok(());
        }
        Err(ValidationError::custom(format!("{answer} is not a multiple of {}", self.0)))
    }

    fn is_valid(&self, answer: &'i Value) -> bool {
        answer.as_number().is_none_or(|answer| is_multiple(answer, &self.0))
    }
}

fn multiple_of<'a>(
    _: &'a Map<String, Value>,
    divisor: &'a Value,
    _: Location,
) -> Result<Box<dyn for<'i> Keyword<'i>>, ValidationError<'a>> {
    match divisor {
        Value::Number(divisor) => Ok(Box::new(MultipleOf(divisor.clone()))),
        _ => Err(ValidationError::custom("multipleOf is not a number")),
    }
}

/// By integers where both are; by the remainder where the divisor is one; else the quotient must be
/// whole, as it is rounded, unless it is too large to be a number.
fn is_multiple(number: &Number, divisor: &Number) -> bool {
    if let (Some(number), Some(divisor)) = (number.as_i128(), divisor.as_i128()) {
        return number.checked_rem(divisor) == Some(0);
    }
    let (Some(number), Some(by)) = (number.as_f64(), divisor.as_f64()) else {
        return false;
    };
    let quotient = number / by;
    if divisor.is_f64() && quotient.is_finite() {
        quotient.fract() == 0.0
    } else {
        number % by == 0.0
    }
}
