//! Durations as Go writes them (`1h30m`, `1.5h`, `500ms`), and `d` for days.
//!
//! Takes as given a text from a flag or the environment; never guesses a unit.

use jiff::SignedDuration;

/// Units and their length in nanoseconds.
const UNITS: [(&str, i128); 9] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

/// The longest that makes sense: a hundred years.
const LONGEST: i128 = 36_525 * 86_400_000_000_000;

/// Reads a duration, which has to be positive.
pub(super) fn parse(text: &str) -> Result<SignedDuration, String> {
    let wrong = || format!("'{text}' is not a duration such as 90s, 10m, 1h30m or 7d");
    let mut rest = text;
    let mut total: i128 = 0;
    while !rest.is_empty() {
        let (number, after) = split(rest, |byte| byte.is_ascii_digit() || byte == '.');
        let (unit, after) = split(after, char::is_alphabetic);
        let (_, length) = UNITS.into_iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
        total = total.checked_add(scaled(number, length).ok_or_else(wrong)?).ok_or_else(wrong)?;
        rest = after;
    }
    match total {
        0 => Err(format!("'{text}' is no time at all: it has to be positive, such as 90s, 10m, 1h30m or 7d")),
        1..=LONGEST => SignedDuration::try_from_nanos_i128(total).ok_or_else(wrong),
        _ => Err(format!("'{text}' is longer than a hundred years")),
    }
}

fn split(text: &str, inside: impl Fn(char) -> bool) -> (&str, &str) {
    let end = text.find(|character| !inside(character)).unwrap_or(text.len());
    text.split_at_checked(end).unwrap_or((text, ""))
}

/// A decimal number of units; digits that are less than a nanosecond are cut.
fn scaled(number: &str, length: i128) -> Option<i128> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let whole: i128 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total = whole.checked_mul(length)?;
    let mut unit = length;
    for digit in fraction.chars() {
        unit /= 10;
        total = total.checked_add(i128::from(digit.to_digit(10)?) * unit)?;
    }
    Some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, milliseconds: i64) {
        assert_eq!(parse(text), Ok(SignedDuration::from_millis(milliseconds)), "{text}");
    }

    #[test]
    fn durations_are_as_in_go_and_with_days() {
        check("90s", 90_000);
        check("1h30m", 5_400_000);
        check("1.5h", 5_400_000);
        check("500ms", 500);
        check(".5s", 500);
        check("1.s", 1_000);
        check("7d", 604_800_000);
        check("1d12h", 129_600_000);
        check("36525d", 3_155_760_000_000);
    }

    #[test]
    fn what_is_no_duration_is_refused_in_words() {
        for text in [
            "",
            "10",
            "h",
            "1x",
            "1 h",
            "-1h",
            "1h30",
            "1.2.3s",
            "0",
            "0s",
            "1e9h",
            "9999999999999999999999d",
            "200000d",
            "∞",
        ] {
            assert!(parse(text).unwrap_err().starts_with(&format!("'{text}'")), "{text}");
        }
    }
}
