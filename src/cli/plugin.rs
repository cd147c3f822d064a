//! The names under which this program is called: its own, that of a plugin of kubectl, that of the plugin's completion.
//!
//! Decides what the usage texts call it, what is meant where no command is said, and which words may come next. Takes the
//! arguments as clap has them; never runs a command.

use std::ffi::OsString;
use std::path::Path;

use clap::{Arg, Command, CommandFactory};

use super::args::Cli;

/// As what the program was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CalledAs {
    /// `aivenator`
    Program,
    /// `kubectl-aivenator`, which kubectl runs for `kubectl aivenator`.
    Plugin,
    /// `kubectl_complete-aivenator`, which kubectl runs for words that may come next.
    Completion,
}

impl CalledAs {
    /// Reads it off the first argument.
    pub(super) fn of(first: Option<&OsString>) -> Self {
        let name = first.and_then(|path| Path::new(path).file_name()).and_then(|name| name.to_str());
        match name {
            Some("kubectl-aivenator") => CalledAs::Plugin,
            Some("kubectl_complete-aivenator") => CalledAs::Completion,
            Some(_) | None => CalledAs::Program,
        }
    }

    /// The arguments that there are, under that name.
    pub(super) fn command(self) -> Command {
        match self {
            CalledAs::Program => Cli::command(),
            CalledAs::Plugin | CalledAs::Completion => renamed(Cli::command().bin_name("kubectl aivenator")),
        }
    }

    /// The arguments, with the command that is meant where none is said.
    pub(super) fn arguments(self, mut args: Vec<OsString>) -> Vec<OsString> {
        let known = |arg: &OsString| {
            let arg = arg.to_str().unwrap_or_default();
            matches!(arg, "-h" | "--help" | "-V" | "--version") || Cli::command().find_subcommand(arg).is_some()
        };
        let is_option = |arg: &OsString| arg.to_str().is_some_and(|arg| arg.starts_with('-'));
        let rest = args.get(1..).unwrap_or_default();
        let says_none = rest.first().is_none_or(is_option) && !rest.iter().any(known);
        let meant = match self {
            CalledAs::Program => says_none.then_some("operator"),
            // Nobody runs the operator through kubectl without saying so.
            CalledAs::Plugin => rest.is_empty().then_some("--help"),
            CalledAs::Completion => Some("__complete"),
        };
        if let Some(meant) = meant {
            args.insert(1.min(args.len()), meant.into());
        }
        args
    }
}

/// The same command and all below it, with examples as they are typed for a plugin.
fn renamed(command: Command) -> Command {
    let plugin = |text: String| text.replace("aivenator ", "kubectl aivenator ");
    let examples = command.get_after_help().map(|text| plugin(text.to_string()));
    let about = command.get_long_about().map(|text| plugin(text.to_string()));
    let mut command = command.mut_subcommands(renamed);
    if let Some(examples) = examples {
        command = command.after_help(examples);
    }
    if let Some(about) = about {
        command = command.long_about(about);
    }
    command
}

/// What kubectl takes as "complete the names of files".
const FILES: &str = ":0\n";
/// What kubectl takes as "that is all".
const NO_FILES: &str = ":4\n";

/// What may come next, as kubectl reads it: a line each with a description, then what to do about files. The last word is the
/// one that is being typed.
pub(super) fn complete(words: &[String]) -> String {
    let (typed, before) = words.split_last().map_or(("", words), |(typed, before)| (typed.as_str(), before));
    let mut command = Cli::command();
    command.build();
    let mut command = &command;
    let mut awaited: Option<&Arg> = None;
    for word in before {
        // A value may look like a command.
        if awaited.take().is_some() {
            continue;
        }
        match (option(command, word), command.find_subcommand(word)) {
            (Some(found), _) if !word.contains('=') => awaited = Some(found),
            (Some(_), _) | (None, None) => {}
            (None, Some(below)) => command = below,
        }
    }
    let mut lines: Vec<(String, String)> = match awaited {
        Some(option) => values(option),
        None if typed.starts_with('-') => flags(command),
        None => {
            let below = command.get_subcommands().filter(|below| !below.is_hide_set());
            let below = below.map(|below| (below.get_name().to_owned(), first_line(below.get_about())));
            below.chain(command.get_positionals().flat_map(values)).collect()
        }
    };
    lines.retain(|(word, _)| word.starts_with(typed));
    let names_a_file = awaited.is_some_and(|option| {
        let names = option.get_value_names().unwrap_or_default();
        names.iter().any(|name| name.contains("FILE") || name.contains("DIR"))
    });
    let lines: Vec<String> = lines.into_iter().map(|(word, about)| format!("{word}\t{about}\n")).collect();
    lines.concat() + if names_a_file { FILES } else { NO_FILES }
}

/// The option that a word is, if it is one that takes a value.
fn option<'c>(command: &'c Command, word: &str) -> Option<&'c Arg> {
    let name = word.split('=').next().unwrap_or_default();
    let is = |arg: &&Arg| {
        let long = arg.get_long().is_some_and(|long| name.strip_prefix("--") == Some(long));
        let short = arg.get_short().is_some_and(|short| name.strip_prefix('-') == Some(&short.to_string()));
        (long || short) && arg.get_action().takes_values() && !arg.is_require_equals_set()
    };
    command.get_arguments().find(is)
}

fn flags(command: &Command) -> Vec<(String, String)> {
    let shown = command.get_arguments().filter(|arg| !arg.is_hide_set());
    shown.filter_map(|arg| Some((format!("--{}", arg.get_long()?), first_line(arg.get_help())))).collect()
}

fn values(arg: &Arg) -> Vec<(String, String)> {
    let shown = arg.get_possible_values().into_iter().filter(|value| !value.is_hide_set());
    shown.map(|value| (value.get_name().to_owned(), first_line(value.get_help()))).collect()
}

fn first_line(text: Option<&clap::builder::StyledStr>) -> String {
    text.map(|text| text.to_string().lines().next().unwrap_or_default().to_owned()).unwrap_or_default()
}
