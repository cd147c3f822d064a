//! How far away a moment is, in words.
//!
//! Takes as given the moment that counts as now; never reads a clock.

use crate::world::{Timestamp, rfc3339};

/// A moment and how far away it is: `2026-11-23T12:00:00Z (in 3 days)`.
pub(super) fn at(moment: Timestamp, now: Timestamp) -> String {
    format!("{} ({})", rfc3339(moment), distance(moment, now))
}

/// How far away a moment is, from now.
pub(super) fn distance(moment: Timestamp, now: Timestamp) -> String {
    let seconds = moment.as_second() - now.as_second();
    let size = seconds.unsigned_abs();
    let (count, unit) = match size {
        0 => return "now".to_owned(),
        1..120 => (size, "second"),
        120..7_200 => (size / 60, "minute"),
        7_200..172_800 => (size / 3_600, "hour"),
        172_800..5_184_000 => (size / 86_400, "day"),
        5_184_000..63_072_000 => (size / 2_628_000, "month"),
        _ => (size / 31_536_000, "year"),
    };
    let plural = if count == 1 { "" } else { "s" };
    if seconds > 0 { format!("in {count} {unit}{plural}") } else { format!("{count} {unit}{plural} ago") }
}

/// The text, with how far away it is after each moment in it.
pub(super) fn annotate(text: &str, now: Timestamp) -> String {
    let word = |word: &str| {
        let bare = word.trim_end_matches([',', ';', ':', '.', ')']);
        let moment = if bare.ends_with('Z') { bare.parse::<Timestamp>().ok() } else { None };
        match moment {
            Some(moment) => {
                let rest = word.strip_prefix(bare).unwrap_or_default();
                format!("{bare} ({}){rest}", distance(moment, now))
            }
            None => word.to_owned(),
        }
    };
    text.split(' ').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(moment: &str, expected: &str) {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        assert_eq!(distance(moment.parse().unwrap(), now), expected, "{moment}");
    }

    #[test]
    fn distances_are_rounded_to_what_people_say() {
        check("2026-11-20T12:00:00Z", "now");
        check("2026-11-20T12:00:01Z", "in 1 second");
        check("2026-11-20T12:10:00Z", "in 10 minutes");
        check("2026-11-20T10:00:00Z", "2 hours ago");
        check("2026-11-23T12:00:00Z", "in 3 days");
        check("2027-03-01T12:00:00Z", "in 3 months");
        check("2029-03-01T12:00:00Z", "in 2 years");
    }

    #[test]
    fn every_moment_in_a_text_gets_its_distance() {
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        let text = annotate("it stays until 2026-11-20T12:10:00Z, or not; Z", now);
        assert_eq!(text, "it stays until 2026-11-20T12:10:00Z (in 10 minutes), or not; Z");
    }
}
