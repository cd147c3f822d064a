//! Whether the program makes progress, and whether it is ready, as its parts say it.
//!
//! Decides only that a heartbeat is too old. A part that ends without saying so has stopped making progress; a program
//! that has not said what it needs is not ready.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

/// The heartbeats of all parts; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<BTreeMap<&'static str, Beat>>>);

#[derive(Debug)]
struct Beat {
    seen: Instant,
    limit: Duration,
}

/// The heartbeat of one part.
#[derive(Debug)]
pub struct Heartbeat {
    health: Health,
    name: &'static str,
}

impl Health {
    /// Expects a heartbeat from now on, at least as often as that.
    pub fn heartbeat(&self, name: &'static str, limit: Duration) -> Heartbeat {
        self.lock().insert(name, Beat { seen: Instant::now(), limit });
        Heartbeat { health: self.clone(), name }
    }

    /// The parts that make no progress.
    pub fn why_not(&self) -> Vec<String> {
        let beats = self.lock();
        let late = beats.iter().map(|(name, beat)| (name, beat.seen.elapsed(), beat.limit));
        let late = late.filter(|(_, age, limit)| age > limit);
        late.map(|(name, age, limit)| format!("{name}: no progress for {}s, limit {}s", age.as_secs(), limit.as_secs()))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, Beat>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Heartbeat {
    /// Says that the part makes progress.
    pub fn beat(&self) {
        if let Some(beat) = self.health.lock().get_mut(self.name) {
            beat.seen = Instant::now();
        }
    }

    /// Says that the part has ended, as it should.
    pub fn end(self) {
        self.health.lock().remove(self.name);
    }
}

/// What the program needs to be ready; clones are the same.
#[derive(Clone, Debug, Default)]
pub struct Readiness(Arc<Mutex<BTreeMap<&'static str, bool>>>);

/// One thing that it needs.
#[derive(Clone, Debug)]
pub struct Condition {
    readiness: Readiness,
    name: &'static str,
}

impl Readiness {
    /// Needs something more, which is not met yet.
    pub fn condition(&self, name: &'static str) -> Condition {
        self.lock().insert(name, false);
        Condition { readiness: self.clone(), name }
    }

    /// What is not met.
    pub fn why_not(&self) -> Vec<String> {
        let conditions = self.lock();
        if conditions.is_empty() {
            return vec!["starting".to_owned()];
        }
        conditions.iter().filter(|(_, met)| !**met).map(|(name, _)| (*name).to_owned()).collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<&'static str, bool>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Condition {
    /// Says whether it is met.
    pub fn set(&self, met: bool) {
        self.readiness.lock().insert(self.name, met);
    }
}
