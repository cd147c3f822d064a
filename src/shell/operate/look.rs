//! A fresh look at what a decision rests on, right before it is executed: how long it counts, and for what.
//!
//! Takes as given that lists are made for what cannot be undone, and for nothing else. Never lets lists that were made for
//! one decision count for another: by then the watches know better.

use std::time::Duration;

use tokio::time::Instant;

use crate::plan::Decision;
#[cfg(feature = "defects")]
use crate::sandbox::simulation::sabotage;

/// How long a look is fresh.
const FRESH: Duration = Duration::from_secs(5);

/// A look that was taken.
pub(super) struct Look {
    at: Instant,
    listed: bool,
}

impl Look {
    /// What was just looked at for a decision.
    pub(super) fn now(decision: &Decision) -> Self {
        Look { at: Instant::now(), listed: decision.is_destructive() }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }

    /// Whether the namespace was listed.
    pub(super) fn listed(&self) -> bool {
        self.listed
    }

    /// Whether it has shown what that decision rests on.
    pub(super) fn suffices(&self, decision: &Decision) -> bool {
        self.listed || !decision.is_destructive()
    }

    #[cfg(feature = "defects")]
    pub(super) fn spared() -> Option<Self> {
        sabotage::has_no_look().then(|| Look { at: Instant::now(), listed: true })
    }
}
