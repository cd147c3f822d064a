//! Users that reads may miss: what a creation has said counts for more, until everything has settled.
//!
//! Decides which 404 says that a user does not exist: one that was asked for after that time. Takes as given that every
//! POST is announced here before it is sent; never says that a user is ours.

use std::collections::BTreeMap;

use jiff::SignedDuration;

use crate::world::{Outcome, Timestamp, UserKey};

/// What a 404 says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Missing {
    /// The user does not exist.
    Believed,
    /// It does not show yet; that is to be looked at again.
    ForNow,
    /// It does exist, and does not show yet.
    Ignored,
}

/// What is not known for sure yet, of each user that was made of late.
pub(super) struct Doubts {
    settle: SignedDuration,
    of: BTreeMap<UserKey, Doubt>,
}

struct Doubt {
    sent: Timestamp,
    /// Whether Aiven has said that it exists.
    exists: bool,
    /// Whether an earlier POST may have made it.
    again: bool,
    /// Whether a read has missed it.
    missed: bool,
}

impl Doubts {
    pub(super) fn new(settle: SignedDuration) -> Self {
        Doubts { settle, of: BTreeMap::new() }
    }

    /// A POST is about to be sent; `before` is what was known of those that were sent for the same intent.
    pub(super) fn sending(&mut self, user: &UserKey, before: Outcome, at: Timestamp) {
        let earlier = self.of.remove(user).is_some_and(|doubt| doubt.again);
        let again = earlier || matches!(before, Outcome::Unknown | Outcome::Found);
        self.of.insert(user.clone(), Doubt { sent: at, exists: false, again, missed: false });
    }

    /// An intent of another process was found: nobody knows what it has sent.
    pub(super) fn inherited(&mut self, user: &UserKey, since: Timestamp) {
        let doubt = Doubt { sent: since, exists: false, again: true, missed: false };
        self.of.entry(user.clone()).or_insert(doubt);
    }

    /// What the answer to a POST comes to: a name that is taken may be so by an earlier one of the same intent.
    pub(super) fn answered(&mut self, user: &UserKey, answer: Outcome, at: Timestamp) -> Outcome {
        let Some(doubt) = self.of.get_mut(user) else { return answer };
        doubt.sent = at;
        doubt.exists = matches!(answer, Outcome::Created | Outcome::Taken);
        match answer {
            Outcome::Taken | Outcome::NotSent if doubt.again => Outcome::Unknown,
            Outcome::Unknown => {
                doubt.again = true;
                answer
            }
            Outcome::Taken | Outcome::NotSent | Outcome::Created | Outcome::Found => answer,
        }
    }

    /// A read has shown it.
    pub(super) fn shown(&mut self, user: &UserKey) {
        if let Some(doubt) = self.of.get_mut(user) {
            doubt.exists = true;
        }
    }

    /// A read that was begun then has missed it.
    pub(super) fn missing(&mut self, user: &UserKey, asked: Timestamp) -> Missing {
        let settle = self.settle;
        let Some(doubt) = self.of.get_mut(user) else { return Missing::Believed };
        if settled_at(doubt, settle) <= asked {
            self.of.remove(user);
            return Missing::Believed;
        }
        doubt.missed = true;
        if doubt.exists { Missing::Ignored } else { Missing::ForNow }
    }

    /// It was deleted here.
    pub(super) fn deleted(&mut self, user: &UserKey) {
        self.of.remove(user);
    }

    /// Those of which nothing is in doubt any longer once somebody has looked again.
    pub(super) fn settled(&mut self, now: Timestamp) -> Vec<UserKey> {
        let settle = self.settle;
        let over = self.of.extract_if(.., |_, doubt| settled_at(doubt, settle) <= now);
        over.filter(|(_, doubt)| doubt.missed && !doubt.exists).map(|(user, _)| user).collect()
    }
}

fn settled_at(doubt: &Doubt, settle: SignedDuration) -> Timestamp {
    doubt.sent.checked_add(settle).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn doubts() -> (Doubts, UserKey) {
        let user = UserKey { project: "p".into(), service: "s".into(), username: "u".into() };
        (Doubts::new(SignedDuration::from_secs(60)), user)
    }

    /// Of somebody else is only a name that was taken before anything of ours can have made it.
    #[test]
    fn a_name_is_taken_by_others_only_at_the_first_try() {
        let (mut doubts, user) = doubts();
        doubts.sending(&user, Outcome::NotSent, at(0));
        assert_eq!(doubts.answered(&user, Outcome::Taken, at(1)), Outcome::Taken);
        let (mut doubts, user) = self::doubts();
        doubts.sending(&user, Outcome::NotSent, at(0));
        assert_eq!(doubts.answered(&user, Outcome::Unknown, at(1)), Outcome::Unknown);
        doubts.sending(&user, Outcome::Unknown, at(90));
        assert_eq!(doubts.answered(&user, Outcome::NotSent, at(91)), Outcome::Unknown);
        doubts.sending(&user, Outcome::Unknown, at(180));
        assert_eq!(doubts.answered(&user, Outcome::Taken, at(181)), Outcome::Unknown);
        let (mut doubts, user) = self::doubts();
        doubts.sending(&user, Outcome::Found, at(0));
        assert_eq!(doubts.answered(&user, Outcome::Taken, at(1)), Outcome::Unknown);
    }

    #[test]
    fn what_was_missed_too_early_is_looked_at_again() {
        let (mut doubts, user) = doubts();
        doubts.sending(&user, Outcome::NotSent, at(0));
        doubts.answered(&user, Outcome::Unknown, at(1));
        assert_eq!(doubts.missing(&user, at(60)), Missing::ForNow);
        assert_eq!(doubts.settled(at(60)), []);
        assert_eq!(doubts.settled(at(61)), std::slice::from_ref(&user));
        assert_eq!(doubts.missing(&user, at(61)), Missing::Believed);
    }

    #[test]
    fn what_aiven_has_said_to_exist_is_not_missed_before_it_has_settled() {
        let (mut doubts, user) = doubts();
        doubts.sending(&user, Outcome::NotSent, at(0));
        doubts.answered(&user, Outcome::Created, at(1));
        assert_eq!(doubts.missing(&user, at(2)), Missing::Ignored);
        assert_eq!(doubts.missing(&user, at(61)), Missing::Believed);
        assert_eq!(doubts.settled(at(61)), []);
    }
}
