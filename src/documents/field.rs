//! Fields of a document, read one by one, with the path of what is wrong.
//!
//! Each reader takes a value and gives what it means or a [`Fault`]; whoever called it puts its own key before the
//! path. (Serde would quote the values that it complains about, and some of them are secrets.) A fault is worded
//! twice: for documents that may hold a secret without any value.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value};

/// What is wrong, and the path to it.
#[derive(Debug)]
pub(super) struct Fault {
    path: String,
    problem: String,
    with_value: Option<String>,
}

impl Fault {
    /// Something wrong that is no secret.
    pub(super) fn new(problem: impl Into<String>) -> Self {
        Fault { path: String::new(), problem: problem.into(), with_value: None }
    }

    /// A value of another type than expected.
    pub(super) fn mismatch(expected: &str, found: &Value) -> Self {
        let (kind, value) = match found {
            Value::Null => ("nothing", None),
            Value::Bool(value) => ("a boolean", Some(format!("the boolean {value}"))),
            Value::Number(value) => ("a number", Some(format!("the number {value}"))),
            Value::String(value) => ("a string", Some(format!("the string {}", quoted(value)))),
            Value::Array(_) => ("a list", None),
            Value::Object(_) => ("a mapping", None),
        };
        let with_value = value.map(|value| format!("expected {expected}, found {value}"));
        Fault { path: String::new(), problem: format!("expected {expected}, found {kind}"), with_value }
    }

    /// A text that means nothing here.
    pub(super) fn other_text(expected: &str, found: &str) -> Self {
        let with_value = Some(format!("expected {expected}, found {}", quoted(found)));
        let found = if found.is_empty() { "an empty string" } else { "another string" };
        Fault { path: String::new(), problem: format!("expected {expected}, found {found}"), with_value }
    }

    /// The same fault, seen from the mapping that holds the key.
    pub(super) fn under(self, key: &str) -> Self {
        let plain = !key.is_empty() && key.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        let own = if plain { key.to_owned() } else { format!("[{}]", quoted(key)) };
        self.before(&own)
    }

    /// The same fault, seen from the list that holds the entry.
    pub(super) fn entry(self, index: usize) -> Self {
        self.before(&format!("[{index}]"))
    }

    fn before(mut self, own: &str) -> Self {
        let dot = if self.path.is_empty() || self.path.starts_with('[') { "" } else { "." };
        self.path = format!("{own}{dot}{}", self.path);
        self
    }

    /// The words for it; values are shown only where the document cannot hold a secret.
    pub(super) fn describe(&self, public: bool) -> String {
        let problem = self.with_value.as_ref().filter(|_| public).unwrap_or(&self.problem);
        if self.path.is_empty() { problem.clone() } else { format!("{}: {problem}", self.path) }
    }
}

/// A text in quotes, on one line and not too long.
pub(super) fn quoted(text: &str) -> String {
    const LONGEST: usize = 80;
    let short: String = text.chars().take(LONGEST).collect();
    let cut = if short.len() < text.len() { "…" } else { "" };
    format!("{short:?}{cut}")
}

/// A mapping.
pub(super) struct Object<'a>(&'a Map<String, Value>);

impl<'a> Object<'a> {
    pub(super) fn of(value: &'a Value) -> Result<Self, Fault> {
        value.as_object().map(Object).ok_or_else(|| Fault::mismatch("a mapping", value))
    }

    /// The value of a key, `null` included.
    pub(super) fn get(&self, key: &str) -> Option<&'a Value> {
        self.0.get(key)
    }

    /// The entries of the mapping, in order.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'a str, &'a Value)> + use<'a> {
        self.0.iter().map(|(key, value)| (key.as_str(), value))
    }

    /// What a key says; absent and `null` say nothing.
    pub(super) fn opt<T>(
        &self,
        key: &str,
        read: impl FnOnce(&'a Value) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let value = self.0.get(key).filter(|value| !value.is_null());
        value.map(read).transpose().map_err(|fault| fault.under(key))
    }

    /// What a key that must be there says.
    pub(super) fn need<T>(&self, key: &str, read: impl FnOnce(&'a Value) -> Result<T, Fault>) -> Result<T, Fault> {
        self.opt(key, read)?.ok_or_else(|| Fault::new("required, but missing").under(key))
    }

    /// What each entry of a list says; absent and `null` are an empty list.
    pub(super) fn each<T>(
        &self,
        key: &str,
        mut read: impl FnMut(&'a Value) -> Result<T, Fault>,
    ) -> Result<Vec<T>, Fault> {
        let read = |value| {
            let entries = list(value)?.iter().enumerate();
            entries.map(|(index, entry)| read(entry).map_err(|fault| fault.entry(index))).collect()
        };
        self.opt(key, read).map(Option::unwrap_or_default)
    }
}

pub(super) fn list(value: &Value) -> Result<&Vec<Value>, Fault> {
    value.as_array().ok_or_else(|| Fault::mismatch("a list", value))
}

pub(super) fn text(value: &Value) -> Result<&str, Fault> {
    value.as_str().ok_or_else(|| Fault::mismatch("a string", value))
}

/// A text that is not empty.
pub(super) fn some_text(value: &Value) -> Result<&str, Fault> {
    match text(value)? {
        "" => Err(Fault::other_text("a string that is not empty", "")),
        text => Ok(text),
    }
}

pub(super) fn boolean(value: &Value) -> Result<bool, Fault> {
    value.as_bool().ok_or_else(|| Fault::mismatch("true or false", value))
}

pub(super) fn integer(value: &Value) -> Result<i64, Fault> {
    value.as_i64().ok_or_else(|| Fault::mismatch("an integer", value))
}

/// A number of things or of seconds.
pub(super) fn count(value: &Value) -> Result<u32, Fault> {
    let found = value.as_u64().and_then(|number| u32::try_from(number).ok());
    found.ok_or_else(|| Fault::mismatch("an integer from 0 to 4294967295", value))
}

pub(super) fn port(value: &Value) -> Result<u16, Fault> {
    let found = value.as_u64().and_then(|number| u16::try_from(number).ok());
    found.ok_or_else(|| Fault::mismatch("a port from 0 to 65535", value))
}

/// A moment.
pub(super) fn time(value: &Value) -> Result<Timestamp, Fault> {
    let expected = "an RFC 3339 time such as 2026-12-24T18:00:00Z";
    let text = value.as_str().ok_or_else(|| Fault::mismatch(expected, value))?;
    parse_time(text).ok_or_else(|| Fault::other_text(expected, text))
}

/// Parses what Kubernetes takes for a time, and nothing else: RFC 3339, with any character before the fraction, any number of
/// digits in it, any offset, and whatever follows another `T`. What a clock here does not reach, such as the last day of the
/// year 9999, is the end of time.
pub(super) fn parse_time(text: &str) -> Option<Timestamp> {
    let shape = |text: &str, shape: &str| {
        text.len() == shape.len()
            && text.bytes().zip(shape.bytes()).all(|(byte, like)| match like {
                b'0' => byte.is_ascii_digit(),
                like => byte.eq_ignore_ascii_case(&like),
            })
    };
    let mut parts = text.split(['T', 't']);
    let (date, time) = (parts.next()?, parts.next()?);
    let (clock, rest) = time.split_at_checked(8)?;
    let zone = if rest.ends_with(['Z', 'z']) { 1 } else { 6 };
    let (fraction, zone) = rest.split_at_checked(rest.len().checked_sub(zone)?)?;
    let digits = fraction.char_indices().nth(1).map_or("", |(place, _)| fraction.get(place..).unwrap_or_default());
    let whole = shape(date, "0000-00-00")
        && shape(clock, "00:00:00")
        && clock.get(6..) <= Some("59")
        && (fraction.is_empty() || !digits.is_empty())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && (shape(zone, "Z") || shape(zone, "+00:00") || shape(zone, "-00:00"));
    if !whole {
        return None;
    }
    let digits = digits.get(..9).unwrap_or(digits);
    let point = if digits.is_empty() { "" } else { "." };
    let local = format!("{date}T{clock}");
    format!("{local}{point}{digits}{zone}").parse().ok().or_else(|| far_off(&local, zone))
}

/// A moment that only its offset or the last hours of time keep from being one.
fn far_off(date: &str, zone: &str) -> Option<Timestamp> {
    let local = date.parse::<jiff::civil::DateTime>().ok()?;
    let Ok(local) = local.to_zoned(jiff::tz::TimeZone::UTC) else { return Some(Timestamp::MAX) };
    let number = |range| zone.get(range).and_then(|digits: &str| digits.parse::<i64>().ok());
    let offset = SignedDuration::from_mins(number(1..3)? * 60 + number(4..6)?);
    let offset = if zone.starts_with('-') { -offset } else { offset };
    Some(local.timestamp().checked_sub(offset).unwrap_or(Timestamp::MAX))
}

/// One of a few texts.
pub(super) fn one_of<T: Copy>(value: &Value, known: &[(&str, T)]) -> Result<T, Fault> {
    let found = text(value)?;
    let meant = known.iter().find(|(text, _)| *text == found).map(|(_, meaning)| *meaning);
    meant.ok_or_else(|| {
        let known: Vec<&str> = known.iter().map(|(text, _)| *text).collect();
        Fault::other_text(&format!("one of {}", known.join(", ")), found)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The server takes both, so that no tenant may stop anything with them.
    #[test]
    fn what_no_clock_reaches_is_the_end_of_time() {
        assert_eq!(parse_time("9999-12-31T23:59:59Z"), Some(Timestamp::MAX));
        assert_eq!(parse_time("9999-12-31T23:59:59-12:00"), Some(Timestamp::MAX));
        assert_eq!(parse_time("2026-01-05T04:39:00+99:99"), parse_time("2026-01-01T00:00:00Z"));
        assert_eq!(parse_time("2026-02-30T00:00:00Z"), None);
    }

    /// One object that cannot be read would stop everything for everybody.
    #[test]
    fn whatever_the_server_takes_is_a_moment() {
        let half = parse_time("2026-12-24T18:00:00.5Z");
        assert!(half.is_some());
        for same in [
            "2026-12-24T18:00:00,5Z",
            "2026-12-24t18:00:00x5z",
            "2026-12-24T18:00:00.5000000009Z",
            "2026-12-24T18:00:00-5Z",
            "2026-12-24T18:00:00é5+00:00",
            "2026-12-24T18:00:00.5ZTomorrow",
        ] {
            assert_eq!(parse_time(same), half, "{same}");
        }
        for none in [
            "2026-12-24",
            "2026-12-24T",
            "2026-12-24T18:00:00",
            "2026-12-24T18:00:00.Z",
            "2026-12-24T18:00:00é",
            "",
            "TT",
            "2026-12-24T18:00:00.5xZ",
            "2026-12-24T24:00:00Z",
            "2026-12-24T18:60:00Z",
            "2026-12-24T18:00:60Z",
            "2026-12-24 18:00:00Z",
            "26-12-24T18:00:00Z",
        ] {
            assert_eq!(parse_time(none), None, "{none}");
        }
    }
}
