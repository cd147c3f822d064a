//! The command line: arguments in, text and an exit code out.
//!
//! Takes everything from outside as an argument ([`Io`]): streams, environment, clock, the key of digests. Decides nothing
//! about the world; what a command contacts, it contacts through the shell.

#[cfg(feature = "shell")]
mod apply;
mod args;
mod duration;
mod environment;
mod explain;
mod failure;
#[cfg(feature = "shell")]
mod live;
mod manual;
mod observe;
#[cfg(feature = "shell")]
mod operator;
#[cfg(feature = "shell")]
mod orphans;
mod plan;
mod plugin;
mod policy;
#[cfg(feature = "sandbox")]
mod sandbox;
#[cfg(feature = "shell")]
mod snapshot;

use std::ffi::OsString;
use std::io::{ErrorKind, Read, Write};

use clap::error::ErrorKind as Usage;
use clap::{CommandFactory, FromArgMatches};

use self::args::{Cli, Command, SchemaOf};
use self::environment::Environment;
use self::failure::Failure;
use self::plugin::CalledAs;
use crate::world::Timestamp;

/// What a command reads and writes.
pub struct Io<'i> {
    /// Standard input.
    pub stdin: &'i mut dyn Read,
    /// Standard output.
    pub stdout: &'i mut dyn Write,
    /// Standard error.
    pub stderr: &'i mut dyn Write,
    /// Looks a variable of the environment up.
    pub environment: &'i dyn Fn(&str) -> Option<String>,
    /// The clock, read once.
    pub now: Timestamp,
    /// Whether standard output is for a terminal that shall have colour.
    pub colour: bool,
    /// How many characters fit on a line of standard output, if that is a terminal.
    pub width: Option<usize>,
    /// Whether a person can be asked, that is, standard input is a terminal.
    pub terminal: bool,
    /// The key of the digests of this process.
    pub key: [u8; 32],
}

/// What a command has to say, and the exit code if it can be said.
struct Answer {
    text: String,
    code: u8,
}

impl Answer {
    fn of(text: String) -> Self {
        Answer { text, code: 0 }
    }
}

/// Reads the settings of `operator` from the environment alone, and runs nothing; for `fuzz/`.
#[cfg(all(feature = "fuzz", feature = "shell"))]
pub fn configured(io: &Io<'_>) -> Result<(), String> {
    let environment = Environment::new(io.environment, None).map_err(|failure| failure.to_string())?;
    operator::configured(&environment, io).map_err(|failure| failure.to_string())
}

/// Runs one command and returns its exit code: 0, 1 for any error, 2 for changes where that was asked for.
pub fn run(args: impl IntoIterator<Item = OsString>, io: &mut Io<'_>) -> u8 {
    let args: Vec<OsString> = args.into_iter().collect();
    let called = CalledAs::of(args.first());
    let parsed = called.command().try_get_matches_from(called.arguments(args));
    let answer = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => answer(cli, io),
        Err(error) => help(&error, io.colour),
    };
    let said = answer.and_then(|Answer { text, code }| {
        let written = io.stdout.write_all(text.as_bytes()).and_then(|()| io.stdout.flush());
        match written {
            Ok(()) => Ok(code),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(0),
            Err(error) => Err(Failure::Output { why: error.to_string() }),
        }
    });
    said.unwrap_or_else(|failure| {
        // Where not even this can be said, the exit code does.
        drop(writeln!(io.stderr, "aivenator: {failure}"));
        1
    })
}

fn answer(cli: Cli, io: &mut Io<'_>) -> Result<Answer, Failure> {
    let Cli { command, env_file } = cli;
    let environment = Environment::new(io.environment, env_file.as_deref())?;
    match command {
        Some(Command::Plan(args)) => plan::run(args, &environment, io),
        Some(Command::Explain(args)) => explain::run(args, &environment, io),
        Some(Command::Crd) => yaml(&crate::crd::definition()).map(Answer::of),
        Some(Command::Schema(args)) => match args.of {
            SchemaOf::Plan => json(&crate::plan::schema()).map(Answer::of),
        },
        Some(Command::Completions(args)) => completions(args.shell),
        Some(Command::Man(args)) => manual::write(&args.directory),
        Some(Command::Complete(words)) => Ok(Answer::of(plugin::complete(&words.rest))),
        #[cfg(feature = "shell")]
        Some(Command::Operator(args)) => operator::run(*args, &environment, io),
        #[cfg(not(feature = "shell"))]
        Some(Command::Operator(_)) => Err(Failure::Later { command: "operator" }),
        None => Err(Failure::Later { command: "operator" }),
        #[cfg(feature = "shell")]
        Some(Command::Apply(args)) => apply::run(*args, &environment, io),
        #[cfg(not(feature = "shell"))]
        Some(Command::Apply(_)) => Err(Failure::Later { command: "apply" }),
        #[cfg(feature = "shell")]
        Some(Command::Snapshot(args)) => snapshot::run(*args, &environment, io),
        #[cfg(not(feature = "shell"))]
        Some(Command::Snapshot(_)) => Err(Failure::Later { command: "snapshot" }),
        #[cfg(feature = "shell")]
        Some(Command::Orphans(args)) => orphans::run(*args, &environment, io),
        #[cfg(not(feature = "shell"))]
        Some(Command::Orphans(_)) => Err(Failure::Later { command: "orphans" }),
        #[cfg(feature = "sandbox")]
        Some(Command::Sandbox(args)) => sandbox::run(*args, &environment, io),
        #[cfg(not(feature = "sandbox"))]
        Some(Command::Sandbox(_)) => Err(Failure::Later { command: "sandbox" }),
    }
}

/// What clap stops at: a help text, the version, or a mistake.
fn help(error: &clap::Error, colour: bool) -> Result<Answer, Failure> {
    let rendered = error.render();
    match error.kind() {
        Usage::DisplayHelp | Usage::DisplayVersion if colour => Ok(Answer::of(rendered.ansi().to_string())),
        Usage::DisplayHelp | Usage::DisplayVersion => Ok(Answer::of(rendered.to_string())),
        _ => Err(Failure::Usage { why: one_line(&rendered.to_string()) }),
    }
}

/// The first paragraph of clap's message, and what it proposes, as one line.
fn one_line(message: &str) -> String {
    let lines = message.lines().map(str::trim).filter(|line| !line.is_empty());
    let said: Vec<&str> =
        lines.take_while(|line| !line.starts_with("Usage:") && !line.starts_with("For more information")).collect();
    let text = said.join(" ");
    text.strip_prefix("error: ").unwrap_or(&text).replace(" tip: ", "; ")
}

fn completions(shell: clap_complete::Shell) -> Result<Answer, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "aivenator", &mut script);
    let text = String::from_utf8(script).map_err(|error| Failure::Output { why: error.to_string() })?;
    Ok(Answer::of(text))
}

/// Pretty JSON, the last line ended.
fn json(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::Output { why: error.to_string() })?;
    Ok(text + "\n")
}

/// The same data as [`json`] gives, as YAML.
fn yaml(value: &impl serde::Serialize) -> Result<String, Failure> {
    let text = serde_saphyr::to_string(value).map_err(|error| Failure::Output { why: error.to_string() })?;
    Ok(text.trim_end().to_owned() + "\n")
}
