//! Every test that is not beside what it tests, in one binary: linking is what costs.

mod cli;
mod decisions;
mod laws;
mod support;
mod tidy;
