//! How the sandbox behaves where Aiven does one thing today and another tomorrow, or where tests want no surprises.

use std::time::Duration;

/// What can be chosen when an Aiven is started.
#[derive(Clone, Debug)]
pub struct Options {
    /// Passwords, the token and chance follow from it; keys and certificates are always new.
    pub seed: u64,
    /// How long every answer takes at least.
    pub latency: Duration,
    /// How far reads are behind writes.
    pub lag: Lag,
    /// Whether secrets are shown only by who asks for them and by a creation, as from March 2027.
    pub redact: bool,
    /// Whether certificates are renewed 90 days before their end.
    pub renew: bool,
    /// Whether enabling OpenSearch ACLs for the first time gives all access to users that have no rules.
    pub open_when_enabled: bool,
    /// How many users a Kafka or OpenSearch service may have.
    pub user_limit: usize,
}

/// How far reads are behind writes, by the clock of the sandbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lag {
    /// How long reads miss a user that was made.
    pub create: Duration,
    /// How long reads still show a user that was deleted.
    pub delete: Duration,
    /// How many answers show an empty password, from the creation or the reset on.
    pub empty_passwords: u32,
}

impl Default for Options {
    fn default() -> Self {
        Options {
            seed: 0,
            latency: Duration::ZERO,
            lag: Lag::default(),
            redact: true,
            renew: true,
            open_when_enabled: true,
            user_limit: 10_000,
        }
    }
}

impl Default for Lag {
    fn default() -> Self {
        Lag { create: Duration::from_millis(150), delete: Duration::from_millis(150), empty_passwords: 0 }
    }
}

impl Lag {
    /// Reads show every write at once.
    pub const NONE: Lag = Lag { create: Duration::ZERO, delete: Duration::ZERO, empty_passwords: 0 };
}
