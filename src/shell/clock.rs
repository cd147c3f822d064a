//! The time, read in one place; the core is given it as part of the world.

use jiff::Timestamp;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "the one place of the shell where the clock is read")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
