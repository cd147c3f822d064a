//! A fresh look at what a decision rests on, right before it is executed: how long it counts, and for what.
//!
//! Takes as given that lists are made for what cannot be undone, and for nothing else. Never lets lists that were made for
//! one decision count for another: by then the watches know better.

use std::time::Duration;

use tokio::time::Instant;

#[cfg(feature = "defects")]
use crate::sandbox::simulation::sabotage;
use crate::shell::ask::Ground;

/// How long a look is fresh.
const FRESH: Duration = Duration::from_secs(5);

/// A look that was taken.
pub(super) struct Look {
    at: Instant,
    ground: Ground,
    #[cfg(feature = "defects")]
    spared: bool,
}

impl Look {
    /// What was just looked at.
    pub(super) fn now(ground: Ground) -> Self {
        Look {
            at: Instant::now(),
            ground,
            #[cfg(feature = "defects")]
            spared: false,
        }
    }

    pub(super) fn is_fresh(&self) -> bool {
        self.at.elapsed() < FRESH
    }

    /// Whether the namespace was listed.
    pub(super) fn listed(&self) -> bool {
        self.ground.namespace.is_some()
    }

    /// Whether it has shown everything that a decision rests on. What was learned by it may have led to another decision,
    /// which rests on more.
    pub(super) fn suffices(&self, ground: &Ground) -> bool {
        #[cfg(feature = "defects")]
        if self.spared {
            return true;
        }
        self.ground.covers(ground)
    }

    #[cfg(feature = "defects")]
    pub(super) fn spared() -> Option<Self> {
        sabotage::has_no_look().then(|| Look { at: Instant::now(), ground: Ground::default(), spared: true })
    }
}
