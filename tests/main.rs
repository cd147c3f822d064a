//! Every test that is not beside what it tests, in one binary: linking is what costs.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    unreachable_pub,
    reason = "a test that cannot go on has failed"
)]

#[cfg(feature = "sandbox")]
mod apiserver;
mod cli;
mod decisions;
mod deploy;
mod documents;
mod histories;
mod laws;
mod orphans;
mod readme;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "shell")]
mod shell;
#[cfg(feature = "sandbox")]
mod simulation;
mod support;
mod threats;
mod tidy;
mod turns;
