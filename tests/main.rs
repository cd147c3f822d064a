//! Every test that is not beside what it tests, in one binary: linking is what costs.

mod decisions;
mod support;
mod tidy;
