//! Pages of the manual, one for each command, from the arguments as clap has them.

use std::path::Path;

use clap::CommandFactory;

use super::args::Cli;
use super::{Answer, Failure};

/// Writes them into a directory.
pub(super) fn write(directory: &Path) -> Result<Answer, Failure> {
    let written = std::fs::create_dir_all(directory).and_then(|()| clap_mangen::generate_to(Cli::command(), directory));
    let wrong = |error: std::io::Error| Failure::File { name: directory.display().to_string(), why: error.to_string() };
    written.map(|()| Answer::of(String::new())).map_err(wrong)
}
