//! The two APIs of the sandbox, asked over HTTP.

mod aiven;
mod kubernetes;
