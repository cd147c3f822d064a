//! What the fuzz targets ask for holds for their committed seeds; without a fuzzer and without another workspace.
//!
//! `cargo test --features fuzz --test fuzz`; the functions are those of `fuzz/src`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    dead_code,
    unreachable_pub,
    reason = "as in the other tests; and of what tests share only a part is used here"
)]

extern crate self as aivenator_fuzz;

#[path = "../fuzz/src/answers.rs"]
mod answers;
#[path = "../fuzz/src/cleanup.rs"]
mod cleanup;
#[path = "../fuzz/src/documents.rs"]
mod documents;
#[path = "../fuzz/src/errors.rs"]
mod errors;
#[path = "../fuzz/src/journal.rs"]
mod journal;
#[path = "../fuzz/src/judge.rs"]
mod judge;
#[path = "../fuzz/src/keystores.rs"]
mod keystores;
#[path = "../fuzz/src/names.rs"]
mod names;
#[path = "../fuzz/src/plans.rs"]
mod plans;
#[path = "../fuzz/tests/seeds.rs"]
mod seeds;
#[path = "../fuzz/src/settings.rs"]
mod settings;
#[path = "../fuzz/src/support.rs"]
mod support;

/// Stands for a secret; no text that is shown may hold it.
const CANARY: &str = "c4nary-0f-the-secret";
