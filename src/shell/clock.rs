//! The time, read in one place; the core is given it as part of the world.
//!
//! Whoever simulates a process says what its clock shows; nothing else can.

use jiff::Timestamp;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "the one place of the shell where the clock is read")]
pub(crate) fn now() -> Timestamp {
    #[cfg(feature = "sandbox")]
    if let Some(shown) = simulated::now() {
        return shown;
    }
    Timestamp::now()
}

/// The clock of a simulated process.
#[cfg(feature = "sandbox")]
pub(crate) mod simulated {
    use std::cell::Cell;

    use jiff::{SignedDuration, Timestamp};
    use tokio::time::Instant;

    /// What a clock showed at a moment, and whether it goes on from there.
    #[derive(Clone, Copy, Debug)]
    pub(crate) struct Reading {
        pub(crate) shown: Timestamp,
        pub(crate) at: Instant,
        pub(crate) goes: bool,
    }

    thread_local! {
        static CLOCK: Cell<Option<Reading>> = const { Cell::new(None) };
    }

    /// Sets the clock of this thread; `None` is the clock of the machine.
    pub(crate) fn set(reading: Option<Reading>) {
        CLOCK.set(reading);
    }

    /// Whether this thread runs a simulated process.
    pub(crate) fn is_set() -> bool {
        CLOCK.get().is_some()
    }

    pub(super) fn now() -> Option<Timestamp> {
        let Reading { shown, at, goes } = CLOCK.get()?;
        let passed =
            if goes { SignedDuration::try_from(at.elapsed()).unwrap_or_default() } else { SignedDuration::ZERO };
        Some(shown.checked_add(passed).unwrap_or(Timestamp::MAX))
    }
}
