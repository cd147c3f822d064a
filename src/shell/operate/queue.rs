//! Which subject is next, and which has to wait because the same was done to it a moment ago.
//!
//! Takes as given that a decision that was executed is not made again, unless something undoes it; then it is done more and
//! more seldom, so that nothing here and nothing elsewhere can make it spin.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::time::{Duration, Instant};

use fnv::FnvHasher;

use crate::plan::Decision;
use crate::world::Subject;

/// The subjects that wait for room, each in its turn.
#[derive(Default)]
pub(super) struct Queue {
    waiting: BTreeSet<Subject>,
    last: Option<Subject>,
}

impl Queue {
    /// Exchanges what waits; whose turn it is stays.
    pub(super) fn replace(&mut self, waiting: BTreeSet<Subject>) {
        self.waiting = waiting;
    }

    /// The next subject: the first after the one before, and then from the beginning.
    pub(super) fn pop(&mut self) -> Option<Subject> {
        let after =
            self.last.as_ref().and_then(|last| self.waiting.range((Bound::Excluded(last), Bound::Unbounded)).next());
        let next = after.or_else(|| self.waiting.first())?.clone();
        self.waiting.remove(&next);
        self.last = Some(next.clone());
        Some(next)
    }
}

/// What was executed of late, and how often the same in a row.
#[derive(Default)]
pub(super) struct Repeats {
    last: BTreeMap<Subject, Repeat>,
}

struct Repeat {
    what: u64,
    times: u32,
    until: Instant,
}

/// After this time without a repetition it counts as new.
const FORGOTTEN: Duration = Duration::from_mins(15);
/// The longest wait before the same is done again.
const LONGEST: u64 = 300;

impl Repeats {
    /// How long the very same has to wait that was done a moment ago.
    pub(super) fn wait(&self, decision: &Decision) -> Option<Duration> {
        let last = self.last.get(&decision.subject).filter(|last| last.what == what(decision))?;
        last.until.checked_duration_since(Instant::now())
    }

    /// Notes that a decision was executed as a whole.
    pub(super) fn done(&mut self, decision: &Decision) {
        let now = Instant::now();
        self.last.retain(|_, repeat| now < repeat.until + FORGOTTEN);
        let what = what(decision);
        let known = self.last.get(&decision.subject).filter(|last| last.what == what);
        let times = known.map_or(0, |last| last.times.saturating_add(1));
        let wait = (1_u64 << times.min(9)).min(LONGEST);
        let until = now + Duration::from_secs(wait);
        self.last.insert(decision.subject.clone(), Repeat { what, times, until });
    }
}

fn what(decision: &Decision) -> u64 {
    let mut hasher = FnvHasher::default();
    for planned in decision.actions.iter().filter(|planned| planned.action.is_change()) {
        format!("{:?}", planned.action).hash(&mut hasher);
    }
    hasher.finish()
}
