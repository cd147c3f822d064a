//! What is to be read, and when: each at once, again while it is still wanted, and all of it once per sync period.
//!
//! Decides only the pace. Takes what is wanted from the plan; never reads a clock, and never asks for one thing twice at a
//! time.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::read::Read;
use crate::world::Timestamp;

/// How soon something is read again that did not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pace {
    /// 1, 2, 4, 8 and then 10 seconds in the first minute, then every 100 seconds.
    Soon,
    /// Every 100 seconds.
    Slow,
}

/// The longest wait after a failure.
const LONGEST: SignedDuration = SignedDuration::from_mins(5);
const SLOW: SignedDuration = SignedDuration::from_secs(100);
/// How many tries a minute of [`Pace::Soon`] takes.
const SOON_TRIES: u32 = 9;

/// Every read that is wanted, under way or to be repeated.
pub(crate) struct Reads {
    sync_period: SignedDuration,
    entries: BTreeMap<Read, Entry>,
    refreshed: BTreeMap<Read, Timestamp>,
}

#[derive(Clone, Debug)]
struct Entry {
    pace: Pace,
    wanted: bool,
    busy: bool,
    answers: u32,
    failures: u32,
    next: Timestamp,
}

impl Reads {
    /// Nothing is wanted yet; what was read of Aiven is read again after the period.
    pub(crate) fn new(sync_period: SignedDuration) -> Self {
        Reads { sync_period, entries: BTreeMap::new(), refreshed: BTreeMap::new() }
    }

    /// Takes in what is wanted now, and nothing else.
    pub(crate) fn want(&mut self, wanted: &BTreeMap<Read, Pace>, now: Timestamp) {
        for (read, pace) in wanted {
            let new = Entry { pace: *pace, wanted: true, busy: false, answers: 0, failures: 0, next: now };
            let entry = self.entries.entry(read.clone()).or_insert(new);
            entry.wanted = true;
            entry.pace = *pace;
        }
        for (read, entry) in &mut self.entries {
            if !wanted.contains_key(read) {
                entry.wanted = false;
                entry.answers = 0;
            }
        }
        self.entries.retain(|_, entry| entry.wanted || entry.busy || now < entry.next);
    }

    /// Something is to be read once more and at once, wanted or not.
    pub(crate) fn again(&mut self, read: Read, now: Timestamp) {
        self.entries.retain(|known, entry| *known != read || entry.busy);
        self.refreshed.insert(read, now);
    }

    /// What is to be read now; each counts as under way from then on.
    pub(crate) fn due(&mut self, now: Timestamp) -> Vec<Read> {
        for (read, at) in &self.refreshed {
            if *at <= now && !self.entries.get(read).is_some_and(|entry| entry.busy || now < entry.next) {
                let new = Entry { pace: Pace::Slow, wanted: true, busy: false, answers: 0, failures: 0, next: now };
                self.entries.entry(read.clone()).or_insert(new).wanted = true;
            }
        }
        let due = self.entries.iter_mut().filter(|(_, entry)| entry.wanted && !entry.busy && entry.next <= now);
        due.map(|(read, entry)| {
            entry.busy = true;
            read.clone()
        })
        .collect()
    }

    /// A read was answered: it is not wanted any longer, unless the next plan says so.
    pub(crate) fn answered(&mut self, read: &Read, now: Timestamp) {
        let again = is_refreshed(read).then(|| later(now, self.sync_period - jitter(read, self.sync_period / 10)));
        if let Some(entry) = self.entries.get_mut(read) {
            entry.busy = false;
            entry.wanted = false;
            entry.failures = 0;
            entry.answers = entry.answers.saturating_add(1);
            let next = later(now, entry.pace.wait(entry.answers));
            // A period that is shorter than the pace holds too.
            entry.next = again.map_or(next, |again| again.min(next));
        }
        let Some(at) = again else {
            self.refreshed.remove(read);
            return;
        };
        self.refreshed.insert(read.clone(), at);
        if let Read::Service(key) = read {
            // Its CA was read with the first service of it.
            self.refreshed.entry(Read::Project(key.project.clone())).or_insert(at);
        }
    }

    /// A read has failed; `retry_after` is what the other side has asked for.
    pub(crate) fn failed(&mut self, read: &Read, now: Timestamp, retry_after: Option<SignedDuration>) {
        if let Some(entry) = self.entries.get_mut(read) {
            entry.busy = false;
            entry.failures = entry.failures.saturating_add(1);
            let half = SignedDuration::from_secs(1_i64 << entry.failures.min(9)).min(LONGEST) / 2;
            let wait = retry_after.unwrap_or(half + jitter(read, half));
            entry.next = later(now, wait);
        }
    }

    /// When something is to be read next.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        let wanted = self.entries.values().filter(|entry| entry.wanted && !entry.busy).map(|entry| entry.next);
        let again = self.refreshed.iter().filter_map(|(read, at)| match self.entries.get(read) {
            Some(entry) if entry.busy => None,
            Some(entry) => Some(entry.next.max(*at)),
            None => Some(*at),
        });
        wanted.chain(again).min()
    }
}

impl Pace {
    fn wait(self, answers: u32) -> SignedDuration {
        match self {
            Pace::Soon if answers < SOON_TRIES => {
                SignedDuration::from_secs(1_i64 << answers.saturating_sub(1).min(4)).min(SignedDuration::from_secs(10))
            }
            Pace::Soon | Pace::Slow => SLOW,
        }
    }
}

/// Whether something changes at Aiven without anybody here doing it.
fn is_refreshed(read: &Read) -> bool {
    match read {
        Read::Project(_) | Read::Service(_) | Read::Acl(_) => true,
        Read::Kind(_) | Read::Secret(_) | Read::User(_) | Read::Credentials(_) | Read::Journal => false,
    }
}

fn later(now: Timestamp, wait: SignedDuration) -> Timestamp {
    now.checked_add(wait).unwrap_or(Timestamp::MAX)
}

/// A part of a span that follows from the name, so that not everything is read at the same moment.
fn jitter(read: &Read, span: SignedDuration) -> SignedDuration {
    let place = i32::try_from(crc32fast::hash(read.target().as_bytes()) % 1_000).unwrap_or_default();
    span * place / 1_000
}

/// What would have to be read again for a plan to go on: what it has not seen, and what it waits for.
pub(crate) fn wanted(plan: &crate::plan::Plan) -> BTreeMap<Read, Pace> {
    let mut wanted: BTreeMap<Read, Pace> = plan.reads.iter().map(|read| (read.clone(), Pace::Soon)).collect();
    for decision in &plan.decisions {
        let reasons = std::iter::once(&decision.reason).chain(decision.parts.iter().map(|part| &part.reason));
        for read in reasons.filter_map(|reason| reason.awaits(&decision.subject)) {
            let soon = matches!(read, Read::Credentials(_) | Read::User(_));
            let pace = if soon { Pace::Soon } else { Pace::Slow };
            wanted.entry(read).or_insert(pace);
        }
    }
    wanted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// Else the loop would turn without rest for as long as it fails.
    #[test]
    fn what_fails_is_due_when_it_is_tried_again() {
        let mut reads = Reads::new(SignedDuration::from_secs(60));
        reads.again(Read::Journal, at(0));
        assert_eq!(reads.due(at(0)), [Read::Journal]);
        reads.failed(&Read::Journal, at(0), Some(SignedDuration::from_secs(5)));
        reads.want(&BTreeMap::new(), at(1));
        assert_eq!((reads.next(), reads.due(at(1))), (Some(at(5)), vec![]));
        assert_eq!(reads.due(at(5)), [Read::Journal]);
        reads.answered(&Read::Journal, at(5));
        reads.want(&BTreeMap::new(), at(100));
        assert_eq!((reads.next(), reads.due(at(100))), (None, vec![]), "once");
    }

    #[test]
    fn a_short_period_holds_every_time() {
        let mut reads = Reads::new(SignedDuration::from_secs(20));
        let service = Read::Service(crate::world::ServiceKey::new("dev", "kafka"));
        reads.want(&BTreeMap::from([(service.clone(), Pace::Soon)]), at(0));
        for round in 0..5 {
            let due = reads.next().unwrap();
            assert!(due <= at(20 * round), "{due}");
            assert!(reads.due(at(20 * round)).contains(&service), "{round}");
            reads.answered(&service, at(20 * round));
            reads.want(&BTreeMap::new(), at(20 * round + 1));
        }
    }
}
