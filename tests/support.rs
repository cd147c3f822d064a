//! What several kinds of tests need.

pub mod account;
pub mod build;
pub mod events;
pub mod generate;
pub mod hide;
pub mod input;
pub mod lot;
pub mod run;
pub mod secrets;
pub mod show;
pub mod vectors;

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use aivenator::cli::{self, Io};

/// A path in the repository.
pub fn repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

/// What a command printed.
#[derive(Debug)]
pub struct Printed {
    /// The exit code.
    pub code: u8,
    /// Standard output.
    pub stdout: String,
    /// Standard error.
    pub stderr: String,
}

/// Runs a command in this process, without environment and colour.
pub fn run<'a>(args: impl IntoIterator<Item = &'a str>) -> Printed {
    run_at("2026-11-20T12:00:00Z", args)
}

/// The same at some moment.
pub fn run_at<'a>(now: &str, args: impl IntoIterator<Item = &'a str>) -> Printed {
    let (mut stdout, mut stderr) = (vec![], vec![]);
    let mut io = Io {
        stdin: &mut std::io::empty(),
        stdout: &mut stdout,
        stderr: &mut stderr,
        environment: &|_| None,
        now: now.parse().unwrap(),
        colour: false,
        width: None,
        terminal: false,
        key: [7; 32],
    };
    let code = cli::run(std::iter::once("aivenator").chain(args).map(OsString::from), &mut io);
    Printed { code, stdout: String::from_utf8(stdout).unwrap(), stderr: String::from_utf8(stderr).unwrap() }
}
