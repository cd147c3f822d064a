//! Which subject is next, and which has to wait because the same was done to it a moment ago.
//!
//! Takes as given that a decision that was executed is not made again, unless something undoes it; then it is done more and
//! more seldom, so that nothing here and nothing elsewhere can make it spin.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};
use std::ops::Bound;
use std::time::Duration;

use fnv::FnvHasher;
use tokio::time::Instant;

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

    /// The next subject: users first, since to forget or undo one makes room in the journal for the next; then the first
    /// after the one before, and then from the beginning.
    pub(super) fn pop(&mut self) -> Option<Subject> {
        if matches!(self.waiting.last(), Some(Subject::User(_))) {
            return self.waiting.pop_last();
        }
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
    /// What was done; `None` if nobody knows.
    what: Option<u64>,
    times: u32,
    until: Instant,
}

/// After this time without a repetition it counts as new.
const FORGOTTEN: Duration = Duration::from_mins(15);
/// The members of an action that say of which version it was decided.
const EXPECTED: [&str; 2] = ["uid", "resource_version"];
/// The longest wait before the same is done again.
const LONGEST: u64 = 300;

impl Repeats {
    /// How long the very same has to wait that was done a moment ago.
    pub(super) fn wait(&self, decision: &Decision) -> Option<Duration> {
        let last = self.last.get(&decision.subject)?;
        let wait = last.until.checked_duration_since(Instant::now())?;
        last.what.is_none_or(|known| known == what(decision)).then_some(wait)
    }

    /// Notes that a decision was executed as a whole.
    pub(super) fn done(&mut self, decision: &Decision) {
        let now = Instant::now();
        self.last.retain(|_, repeat| now < repeat.until + FORGOTTEN);
        let what = Some(what(decision));
        let known = self.last.get(&decision.subject).filter(|last| last.what == what);
        let times = known.map_or(0, |last| last.times.saturating_add(1));
        let wait = (1_u64 << times.min(9)).min(LONGEST);
        let until = now + Duration::from_secs(wait);
        self.last.insert(decision.subject.clone(), Repeat { what, times, until });
    }

    /// A decision about a subject was executed, and nobody knows how far.
    pub(super) fn lost(&mut self, subject: Subject) {
        let until = Instant::now() + Duration::from_secs(LONGEST);
        self.last.insert(subject, Repeat { what: None, times: 0, until });
    }
}

/// What a decision does, in whichever version of its objects: each write gives another.
fn what(decision: &Decision) -> u64 {
    let mut hasher = FnvHasher::default();
    for planned in decision.actions.iter().filter(|planned| planned.action.is_change()) {
        let mut action = serde_json::to_value(&planned.action).unwrap_or_default();
        if let Some(members) = action.as_object_mut() {
            members.retain(|name, _| !EXPECTED.contains(&name.as_str()));
        }
        action.to_string().hash(&mut hasher);
    }
    hasher.finish()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::Action;
    use crate::plan::{Planned, Step, Verdict};
    use crate::reason::Reason;
    use crate::world::{Expect, SecretKey, UserKey};

    fn deletion(version: &str) -> Decision {
        let key = SecretKey::new("shop", "web");
        let action = Action::DeleteSecret {
            namespace: key.namespace.clone(),
            name: key.name.clone(),
            expect: Expect { uid: "u".into(), version: version.into() },
        };
        let step = Step::Secret(key.name.clone());
        Decision {
            subject: Subject::Secret(key),
            verdict: Verdict::Change,
            reason: Reason::Unused,
            actions: vec![Planned { step, action }],
            parts: vec![],
        }
    }

    #[test]
    fn users_come_first_and_everyone_in_turn() {
        let secret = |name: &str| Subject::Secret(SecretKey::new("shop", name));
        let user = UserKey { project: "p".into(), service: "s".into(), username: "u".into() };
        let mut queue = Queue::default();
        queue.replace([secret("a"), secret("b"), secret("c")].into());
        assert_eq!(queue.pop(), Some(secret("a")));
        queue.replace([secret("a"), secret("b"), secret("c"), Subject::User(user.clone())].into());
        assert_eq!(queue.pop(), Some(Subject::User(user)));
        let rest: Vec<_> = std::iter::from_fn(|| queue.pop()).collect();
        assert_eq!(rest, [secret("b"), secret("c"), secret("a")]);
    }

    /// Whoever undoes each write at once gives each time another version.
    #[test]
    fn what_is_undone_again_and_again_is_done_more_and_more_seldom() {
        let mut repeats = Repeats::default();
        assert_eq!(repeats.wait(&deletion("1")), None);
        repeats.done(&deletion("1"));
        let first = repeats.wait(&deletion("2")).unwrap();
        repeats.done(&deletion("2"));
        let second = repeats.wait(&deletion("3")).unwrap();
        assert!(first <= Duration::from_secs(1) && second > first, "{first:?} {second:?}");
    }

    #[test]
    fn what_was_lost_waits_whatever_it_is() {
        let mut repeats = Repeats::default();
        repeats.lost(deletion("1").subject);
        assert!(repeats.wait(&deletion("2")).is_some());
    }
}
