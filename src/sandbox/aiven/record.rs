//! What was asked of the API, as it happened: for tests, and for whoever tells a story about it.
//!
//! Holds no bodies and no headers, so nothing secret.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::broadcast;

use super::call::{Call, Operation};

/// The records that are kept; older ones are in the counts only.
const KEPT: usize = 20_000;

/// One request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it asked for.
    pub call: Call,
    /// The status that the client got; `None` if the answer was lost.
    pub status: Option<u16>,
    /// What a fault did to it.
    pub fault: Option<&'static str>,
    /// The size of the answer's body.
    pub bytes: u64,
    /// When it was answered, by the clock of the sandbox.
    pub at: Timestamp,
    /// How long it took.
    pub took: Duration,
}

/// How often each operation was answered by each status.
pub type Counts = BTreeMap<(Operation, Option<u16>), u64>;

/// All records.
pub(super) struct Log {
    told: broadcast::Sender<Arc<Record>>,
    kept: Mutex<Kept>,
}

#[derive(Default)]
struct Kept {
    records: VecDeque<Arc<Record>>,
    counts: Counts,
    bytes: u64,
}

impl Log {
    pub(super) fn new() -> Self {
        Log { told: broadcast::Sender::new(4096), kept: Mutex::default() }
    }

    pub(super) fn add(&self, record: Record) {
        let record = Arc::new(record);
        let mut kept = self.kept();
        *kept.counts.entry((record.call.operation, record.status)).or_default() += 1;
        kept.bytes += record.bytes;
        if kept.records.len() == KEPT {
            kept.records.pop_front();
        }
        kept.records.push_back(record.clone());
        drop(kept);
        // An error says that nobody listens.
        let _ = self.told.send(record);
    }

    pub(super) fn listen(&self) -> broadcast::Receiver<Arc<Record>> {
        self.told.subscribe()
    }

    pub(super) fn records(&self) -> Vec<Arc<Record>> {
        self.kept().records.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> Counts {
        self.kept().counts.clone()
    }

    pub(super) fn bytes(&self) -> u64 {
        self.kept().bytes
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
