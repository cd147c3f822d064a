//! Identical reads at the same time are one request.
//!
//! Decides which reads share an answer. Takes as given that a key says all about a read. Never lets a read that begins
//! after a write has ended share an answer that was asked for before: what is read back must be what was written.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared, WeakShared};

use super::call::Answer;
use super::error::Error;

/// A read under way.
pub(super) type Flight = Shared<BoxFuture<'static, Result<Arc<Answer>, Error>>>;
type Open = BTreeMap<String, WeakShared<BoxFuture<'static, Result<Arc<Answer>, Error>>>>;

/// The reads under way.
#[derive(Default)]
pub(super) struct Flights(Mutex<Open>);

impl Flights {
    /// The read of that key that is under way, else this one.
    pub(super) fn join(
        &self,
        key: &str,
        start: impl FnOnce() -> BoxFuture<'static, Result<Arc<Answer>, Error>>,
    ) -> Flight {
        let mut open = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let under_way = |flight: &WeakShared<_>| flight.upgrade().filter(|flight: &Flight| flight.peek().is_none());
        open.retain(|_, flight| under_way(flight).is_some());
        if let Some(flight) = open.get(key).and_then(under_way) {
            return flight;
        }
        let flight = start().shared();
        if let Some(weak) = flight.downgrade() {
            open.insert(key.to_owned(), weak);
        }
        flight
    }

    /// From here on every read is a new one; to be dropped when a write has ended, however it has.
    pub(super) fn writing(&self) -> Writing<'_> {
        Writing(self)
    }
}

/// A write under way.
pub(super) struct Writing<'f>(&'f Flights);

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner).clear();
    }
}
