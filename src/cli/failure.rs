//! What can go wrong on the command line: one line each, which names what and where.

use thiserror::Error;

use crate::documents::DocumentError;

/// Why a command gives no answer.
#[derive(Debug, Error)]
pub(super) enum Failure {
    /// The arguments make no sense.
    #[error("{why} (see --help)")]
    Usage {
        /// What is wrong.
        why: String,
    },
    /// A setting cannot be read.
    #[error("{place}: {why}")]
    Setting {
        /// The flag or the variable.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// A file cannot be read.
    #[error("{name}: {why}")]
    File {
        /// Its name.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// Documents cannot be read.
    #[error("{0}")]
    Documents(DocumentError),
    /// Nothing has that name.
    #[error("there is no {what} named \"{name}\"{place}")]
    NotFound {
        /// The kinds of objects that were looked for.
        what: &'static str,
        /// The name.
        name: String,
        /// Where; empty, or with a blank before it.
        place: String,
    },
    /// The name fits several objects.
    #[error("{what} \"{name}\" is in namespaces {namespaces}: say which with -n")]
    Ambiguous {
        /// The kind of object.
        what: &'static str,
        /// The name.
        name: String,
        /// Where it is.
        namespaces: String,
    },
    /// A command that is not there yet.
    #[error("'{command}' is not in this build yet: 'plan -f' and 'explain -f' work on saved documents (see --help)")]
    Later {
        /// The command.
        command: &'static str,
    },
    /// A live cluster was meant.
    #[cfg(not(feature = "shell"))]
    #[error("asking a live cluster is not in this build: name saved documents with -f FILE|DIR|-")]
    Live,
    /// The operator does not run, or does not go on.
    #[cfg(feature = "shell")]
    #[error("{0}")]
    Shell(String),
    /// The answer cannot be written.
    #[error("the output could not be written: {why}")]
    Output {
        /// Why.
        why: String,
    },
}
