//! Every test that is not beside what it tests, in one binary.
#![allow(missing_docs)]
mod cli;
