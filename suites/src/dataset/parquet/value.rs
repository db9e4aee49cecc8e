//! Values of Parquet as JSON.
//!
//! Truth values, whole numbers and floating-point numbers stay what they are (NaN and infinity are
//! null); texts, enumerations and JSON are texts. Lists are lists, structs are objects, maps are objects
//! whose keys are texts. A decimal is a text with all its digits (`"12.50"`), a date `"2024-01-31"`, a
//! time `"13:45:00"`, a timestamp `"2024-01-31T13:45:00Z"`; timestamps and times in nanoseconds are
//! numbers, as the file has them. Bytes are text where they are UTF-8, else Base64.

use ::parquet::data_type::Decimal;
use ::parquet::record::{Field, Row};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use rightsize_providers::Fields;
use serde_json::{Number, Value};

/// What a value takes beside its text, in bytes.
const OF_A_VALUE: u64 = 64;

/// Most digits of a decimal (256 bits).
const MOST_DIGITS: i32 = 76;

/// How many bytes the rows may still take.
pub(super) struct Budget(u64);

impl Budget {
    pub(super) fn new(bytes: u64) -> Budget {
        Budget(bytes)
    }

    pub(super) fn left(&self) -> u64 {
        self.0
    }

    /// Whether there was enough.
    fn spend(&mut self, text: usize) -> bool {
        let cost = OF_A_VALUE.saturating_add(text as u64);
        let enough = cost <= self.0;
        self.0 = self.0.saturating_sub(cost);
        enough
    }
}

/// The columns of a row; `None` where the budget is spent.
///
/// # Errors
/// What is wrong with a value.
pub(super) fn fields(row: Row, budget: &mut Budget) -> Result<Option<Fields>, String> {
    let mut fields = Fields::new();
    for (column, field) in row.into_columns() {
        if !budget.spend(column.len()) {
            return Ok(None);
        }
        let Some(value) = value(&field, budget)? else { return Ok(None) };
        if fields.contains_key(&column) {
            return Err(format!("two columns are named `{column}`"));
        }
        fields.insert(column, value);
    }
    Ok(Some(fields))
}

fn value(field: &Field, budget: &mut Budget) -> Result<Option<Value>, String> {
    let value: Value = match field {
        Field::Null => Value::Null,
        Field::Bool(value) => (*value).into(),
        Field::Byte(value) => (*value).into(),
        Field::Short(value) => (*value).into(),
        Field::Int(value) => (*value).into(),
        Field::Long(value) => (*value).into(),
        Field::UByte(value) => (*value).into(),
        Field::UShort(value) => (*value).into(),
        Field::UInt(value) => (*value).into(),
        Field::ULong(value) => (*value).into(),
        // The shortest decimal number that is this float: 0.1, not 0.10000000149011612.
        Field::Float16(value) => float(value.to_f32().to_string().parse().ok()),
        Field::Float(value) => float(value.to_string().parse().ok()),
        Field::Double(value) => float(Some(*value)),
        Field::Decimal(value) => decimal(value)?.into(),
        Field::Str(text) => text.as_str().into(),
        Field::Bytes(bytes) => match std::str::from_utf8(bytes.data()) {
            Ok(text) => text.into(),
            Err(_) => BASE64_STANDARD.encode(bytes.data()).into(),
        },
        Field::Date(days) => date(*days).ok_or_else(|| format!("day {days} is no date"))?.into(),
        Field::TimeMillis(time) => time_of_day(i64::from(*time).checked_mul(1000))?.into(),
        Field::TimeMicros(time) => time_of_day(Some(*time))?.into(),
        Field::TimestampMillis(time) => timestamp(Timestamp::from_millisecond(*time))?.into(),
        Field::TimestampMicros(time) => timestamp(Timestamp::from_microsecond(*time))?.into(),
        Field::Group(row) => {
            let mut object = Fields::new();
            for (name, field) in row.get_column_iter() {
                let Some(value) = value(field, budget)? else { return Ok(None) };
                object.insert(name.clone(), value);
            }
            object.into()
        }
        Field::ListInternal(list) => {
            let mut values = Vec::with_capacity(list.len());
            for field in list.elements() {
                let Some(value) = value(field, budget)? else { return Ok(None) };
                values.push(value);
            }
            values.into()
        }
        Field::MapInternal(map) => {
            let mut object = Fields::new();
            for (key, field) in map.entries() {
                let Some(key) = value(key, budget)? else { return Ok(None) };
                let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
                let Some(value) = value(field, budget)? else { return Ok(None) };
                object.insert(key, value);
            }
            object.into()
        }
    };
    let text = value.as_str().map_or(0, str::len);
    Ok(budget.spend(text).then_some(value))
}

fn float(value: Option<f64>) -> Value {
    value.and_then(Number::from_f64).map_or(Value::Null, Value::Number)
}

fn decimal(value: &Decimal) -> Result<String, String> {
    let (precision, scale) = (value.precision(), value.scale());
    if !(0..=MOST_DIGITS).contains(&scale) || precision < scale || value.data().len() > 32 {
        return Err(format!("a decimal has {precision} digits, {scale} of them behind the point"));
    }
    let text = Field::Decimal(value.clone()).to_string();
    // Without digits behind the point the reader leaves the point where it is.
    Ok(text.strip_suffix('.').map_or(text.clone(), str::to_owned))
}

fn date(days: i32) -> Option<String> {
    let day = SignedDuration::from_hours(i64::from(days).checked_mul(24)?);
    Some(Date::constant(1970, 1, 1).checked_add(day).ok()?.to_string())
}

fn time_of_day(micros: Option<i64>) -> Result<String, String> {
    let micros = micros.filter(|micros| (0..86_400_000_000).contains(micros));
    let time = micros.and_then(|micros| Timestamp::from_microsecond(micros).ok());
    let time = time.ok_or_else(|| "a time is outside of the day".to_owned())?;
    Ok(TimeZone::UTC.to_datetime(time).time().to_string())
}

fn timestamp(time: Result<Timestamp, jiff::Error>) -> Result<String, String> {
    time.map(|time| time.to_string())
        .map_err(|_| "a timestamp is outside of years ±9999".to_owned())
}
