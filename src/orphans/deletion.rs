//! Which of the users that nothing records may be deleted.
//!
//! Decides it twice: for all of them, which is shown and confirmed, and for each right before it goes, from what was
//! looked at afresh. Takes as given that every cluster was named; lets nothing go while something was not seen.

use std::collections::BTreeMap;
use std::fmt;

use super::{Cluster, Known, Orphan, Orphans, Spared, orphans};
use crate::action::Action;
use crate::want::ServiceType;
use crate::world::{Lookup, Name, Service, UserKey, World};

/// What becomes of a user that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is deleted, by these actions in this order.
    Delete(Vec<Action>),
    /// It is gone already.
    Gone,
    /// It stays.
    Stays(Stay),
}

/// Why a user stays that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stay {
    /// Something records it by now.
    Recorded,
    /// It may not be deleted now.
    Spared(Spared),
    /// Somebody may record it, or it is not known what it is by now: this was not seen.
    Unseen(String),
}

impl fmt::Display for Stay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Stay::Recorded => f.write_str("something records it by now"),
            Stay::Spared(why) => f.write_str(why.as_str()),
            Stay::Unseen(what) => write!(f, "somebody may record it: {what}"),
        }
    }
}

impl Orphans {
    /// The same, with more that was not seen.
    #[must_use]
    pub fn with_unseen(mut self, lines: impl IntoIterator<Item = String>) -> Self {
        self.unseen.extend(lines);
        self.unseen.sort();
        self.unseen.dedup();
        self
    }

    /// Why none of them may be deleted, if so: whatever was not seen may record any of them.
    pub fn why_none(&self) -> Option<String> {
        let (first, others) = self.unseen.split_first()?;
        let more = match others.len() {
            0 => String::new(),
            1 => ", and 1 thing more".to_owned(),
            count => format!(", and {count} things more"),
        };
        Some(format!("users may be recorded where nobody could look: {first}{more}"))
    }

    /// Those that may be deleted.
    pub fn deletable(&self) -> impl Iterator<Item = &Orphan> {
        self.orphans.iter().filter(|orphan| orphan.spared.is_none())
    }

    /// Those that stay, and why.
    pub fn spared(&self) -> impl Iterator<Item = (&Orphan, Spared)> {
        self.orphans.iter().filter_map(|orphan| Some((orphan, orphan.spared?)))
    }

    /// How many may be deleted in each project that has any.
    pub fn by_project(&self) -> BTreeMap<&Name, usize> {
        self.deletable().fold(BTreeMap::new(), |mut counts, orphan| {
            *counts.entry(&orphan.user.project).or_default() += 1;
            counts
        })
    }
}

/// Decides about one user; `fresh` is the world of a cluster through which it was just looked at, one of all.
pub fn fate(fresh: &World, clusters: &[Cluster], user: &UserKey) -> Fate {
    let service = match (fresh.service(&user.service_key()), fresh.user(user)) {
        (Lookup::Absent, _) | (Lookup::Found(_), Lookup::Absent) => return Fate::Gone,
        (Lookup::Unseen(why), _) | (Lookup::Found(_), Lookup::Unseen(why)) => {
            return Fate::Stays(Stay::Unseen(why.to_string()));
        }
        (Lookup::Found(service), Lookup::Found(_)) => service,
    };
    let found = orphans(clusters, fresh.now);
    if let Some(what) = found.unseen.first() {
        return Fate::Stays(Stay::Unseen(what.clone()));
    }
    match found.orphans.iter().find(|orphan| orphan.user == *user).map(|orphan| orphan.spared) {
        Some(None) => Fate::Delete(actions(service, user)),
        Some(Some(why)) => Fate::Stays(Stay::Spared(why)),
        None if Known::of(clusters).is_recorded(clusters, user) => Fate::Stays(Stay::Recorded),
        None => Fate::Stays(Stay::Spared(Spared::NameUnsure)),
    }
}

/// Its rules go first: a user without rules can do nothing, rules without a user wait for the next of that name.
fn actions(service: &Service, user: &UserKey) -> Vec<Action> {
    let delete = Action::DeleteUser { user: user.clone() };
    match ServiceType::named(&service.service_type) {
        Some(ServiceType::OpenSearch) => vec![Action::RevokeAcl { user: user.clone() }, delete],
        Some(ServiceType::Kafka | ServiceType::Valkey) | None => vec![delete],
    }
}
