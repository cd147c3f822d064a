//! Logs on standard error: which lines are written, and in which form.
//!
//! Decides how levels are named and who may speak: of what others log, warnings and worse. Takes the fields that events
//! and spans carry; which of them may be shown is up to whoever logs. Never writes bodies of answers of Kubernetes.

mod line;

use std::io::IsTerminal as _;
use std::str::FromStr;

use tracing::level_filters::LevelFilter;
use tracing::{Metadata, Subscriber};
use tracing_subscriber::Layer as _;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt as _;

use self::line::Lines;

/// Where the client of Kubernetes logs an answer that it cannot read, whole, and so the values of a Secret with it.
const BODIES: &str = "kube_client::client";

/// How lines look (`--log-format`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    /// For people.
    #[default]
    Text,
    /// One JSON object a line.
    Json,
}

/// From where on lines are written (`--log-level`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Level {
    /// Nothing: this program does not log what ends it, it prints it.
    Panic,
    /// Nothing, like [`Level::Panic`].
    Fatal,
    /// What failed.
    Error,
    /// What may need a person, too.
    Warn,
    /// What was done, too.
    #[default]
    Info,
    /// Why, too.
    Debug,
    /// Everything, also from libraries.
    Trace,
}

/// What the lines look like, and which there are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// How they look.
    pub format: Format,
    /// Which are written.
    pub level: Level,
    /// Whether text has colours.
    pub colour: bool,
}

/// Logs are written already.
#[derive(Debug, thiserror::Error)]
#[error("set up logs: that was done before")]
pub struct AlreadyInstalled;

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "text" => Ok(Format::Text),
            "json" => Ok(Format::Json),
            _ => Err(format!("'{text}' is not a log format: it is text or json")),
        }
    }
}

impl FromStr for Level {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.to_lowercase().as_str() {
            "panic" => Ok(Level::Panic),
            "fatal" => Ok(Level::Fatal),
            "error" => Ok(Level::Error),
            "warn" | "warning" => Ok(Level::Warn),
            "info" => Ok(Level::Info),
            "debug" => Ok(Level::Debug),
            "trace" => Ok(Level::Trace),
            _ => Err(format!("'{text}' is not a log level: it is panic, fatal, error, warn, info, debug or trace")),
        }
    }
}

impl Level {
    const fn filter(self) -> LevelFilter {
        match self {
            Level::Panic | Level::Fatal => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        }
    }

    /// Whether something is written at all.
    fn admits(self, metadata: &Metadata<'_>) -> bool {
        let target = metadata.target();
        let ours = target.split("::").next() == Some(env!("CARGO_CRATE_NAME"));
        let quiet = if self == Level::Trace { LevelFilter::TRACE } else { LevelFilter::WARN };
        *metadata.level() <= self.filter() && (ours || (*metadata.level() <= quiet && target != BODIES))
    }
}

/// Whether standard error shows colours; takes the environment's `NO_COLOR`.
pub fn colour(no_color: Option<&str>) -> bool {
    std::io::stderr().is_terminal() && no_color.is_none_or(str::is_empty)
}

/// Writes the logs of the whole process to standard error from now on.
pub fn install(style: Style) -> Result<(), AlreadyInstalled> {
    tracing::subscriber::set_global_default(subscriber(style, std::io::stderr)).map_err(|_| AlreadyInstalled)
}

/// What writes such lines to anything.
pub fn subscriber<W>(style: Style, writer: W) -> impl Subscriber + Send + Sync + use<W>
where
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let admitted = filter_fn(move |metadata| style.level.admits(metadata)).with_max_level_hint(style.level.filter());
    tracing_subscriber::registry().with(Lines::new(style, writer).with_filter(admitted))
}
