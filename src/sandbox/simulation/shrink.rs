//! A case that breaks something, made as small as it can be: what is not needed for that is left out.
//!
//! Takes as given that the same case goes the same way every time. Never gives a case that breaks another rule.

use super::case::Case;

/// The smallest case that was found that breaks the same rule, within so many tries.
pub fn shrink(case: &Case, mut tries: u32) -> Case {
    let Some(breach) = case.play().breach else { return case.clone() };
    let mut smallest = case.clone();
    let mut holds = |candidate: &Case| {
        tries = tries.saturating_sub(1);
        tries > 0 && candidate.play().breach.is_some_and(|found| found.rule == breach.rule)
    };
    let plain = Case { order: None, ..smallest.clone() };
    if holds(&plain) {
        smallest = plain;
    }
    // Halves first, then smaller and smaller parts.
    let mut size = smallest.deeds.len().div_ceil(2);
    while size > 0 {
        let mut begin = 0;
        while begin < smallest.deeds.len() {
            let mut candidate = smallest.clone();
            candidate.deeds.drain(begin..(begin + size).min(smallest.deeds.len()));
            if holds(&candidate) {
                smallest = candidate;
            } else {
                begin += size;
            }
        }
        size /= 2;
    }
    let mut steps = smallest.steps;
    while steps > 0 {
        steps /= 2;
        let candidate = Case { steps, ..smallest.clone() };
        if holds(&candidate) {
            smallest = candidate;
        }
    }
    smallest
}
