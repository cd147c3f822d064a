//! Faults on demand, for both APIs: which requests meet one, and what goes wrong then.
//!
//! Decides by method, path, count and seeded chance, in the order in which the rules were added. Takes as given that it
//! wraps a whole router; never looks into a request's body and knows nothing of what either API means.

mod chance;
mod rule;
mod strike;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::http::{Method, Uri};

pub(in crate::sandbox) use self::chance::Chance;
pub use self::rule::{Effect, Rule};
pub use self::strike::Struck;

/// The faults of one API; a clone is the same faults.
#[derive(Clone)]
pub struct Faults {
    book: Arc<Mutex<Book>>,
}

/// Names a rule that was added, for as long as the faults live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct RuleId(u64);

struct Book {
    seed: u64,
    added: u64,
    rules: BTreeMap<RuleId, Entry>,
}

struct Entry {
    rule: Rule,
    chance: Chance,
    left: Option<u64>,
    hits: u64,
    removed: bool,
}

/// What the rules say about one request.
#[derive(Default)]
struct Fate {
    delay: Duration,
    effect: Option<Effect>,
}

impl Faults {
    /// No faults yet; those that come by chance come at the same matches for the same seed.
    pub fn new(seed: u64) -> Self {
        Faults { book: Arc::new(Mutex::new(Book { seed, added: 0, rules: BTreeMap::new() })) }
    }

    /// Adds a rule; it holds for requests that arrive from now on.
    pub fn add(&self, rule: Rule) -> RuleId {
        let mut book = self.book();
        book.added += 1;
        let id = RuleId(book.added);
        // Chance of its own, so that what other rules meet does not change what this one does.
        let chance = Chance::new(book.seed.wrapping_add(id.0));
        let left = rule.times();
        book.rules.insert(id, Entry { rule, chance, left, hits: 0, removed: false });
        id
    }

    /// Takes a rule away; its hits stay known.
    pub fn remove(&self, id: RuleId) {
        if let Some(entry) = self.book().rules.get_mut(&id) {
            entry.removed = true;
        }
    }

    /// Takes all rules away; their hits stay known.
    pub fn clear(&self) {
        self.book().rules.values_mut().for_each(|entry| entry.removed = true);
    }

    /// How many requests have met the effect of a rule.
    pub fn hits(&self, id: RuleId) -> u64 {
        self.book().rules.get(&id).map_or(0, |entry| entry.hits)
    }

    /// The router, with these faults before everything that it does.
    pub fn wrap(&self, router: Router) -> Router {
        router.layer(axum::middleware::from_fn_with_state(self.clone(), strike::strike))
    }

    /// Delays add up; the first other effect decides, and the rules behind it do not count the request.
    fn fate(&self, method: &Method, uri: &Uri) -> Fate {
        let mut fate = Fate::default();
        for entry in self.book().rules.values_mut() {
            if !entry.strikes(method, uri) {
                continue;
            }
            match &entry.rule.effect {
                Effect::Delay(delay) => fate.delay += *delay,
                effect => {
                    fate.effect = Some(effect.clone());
                    break;
                }
            }
        }
        fate
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entry {
    fn strikes(&mut self, method: &Method, uri: &Uri) -> bool {
        if self.removed || self.left == Some(0) || !self.rule.matches(method, uri) {
            return false;
        }
        if self.rule.share().is_some_and(|share| !self.chance.meets(share)) {
            return false;
        }
        self.left = self.left.map(|left| left.saturating_sub(1));
        self.hits += 1;
        true
    }
}
