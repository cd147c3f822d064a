//! What must hold whatever the bytes: one module for each fuzz target, each with one function `check` that panics if not.
//!
//! `cargo fuzz run NAME seeds/NAME` looks for bytes with which it does not; `cargo test` here shows each the committed
//! ones. See README.md.

#[cfg(feature = "shell")]
pub mod answers;
pub mod cleanup;
pub mod documents;
#[cfg(feature = "shell")]
pub mod errors;
pub mod journal;
#[cfg(feature = "shell")]
pub mod keystores;
pub mod names;
pub mod plans;
pub mod settings;

mod judge;
mod support;

/// Stands for a secret; no text that is shown may hold it.
pub const CANARY: &str = "c4nary-0f-the-secret";
