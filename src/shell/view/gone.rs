//! Objects that are gone, for as long as an answer of before may still come.
//!
//! Takes as given that no request takes longer than a thousand deletions; never brings an object back.

use std::collections::{BTreeMap, VecDeque};

use crate::documents::Seen;

/// How many are remembered.
const MOST: usize = 1_000;

/// The last versions of the objects that went of late.
#[derive(Default)]
pub(super) struct Graves {
    last: BTreeMap<Seen, u64>,
    order: VecDeque<Seen>,
}

impl Graves {
    /// An object went in that version, or is no longer shown by its watch since then.
    pub(super) fn dig(&mut self, seen: &Seen, version: u64) {
        if self.last.insert(seen.clone(), version).is_none() {
            self.order.push_back(seen.clone());
        }
        if self.order.len() > MOST
            && let Some(oldest) = self.order.pop_front()
        {
            self.last.remove(&oldest);
        }
    }

    /// The version in which it went, if it did so of late.
    pub(super) fn of(&self, seen: &Seen) -> Option<u64> {
        self.last.get(seen).copied()
    }
}
