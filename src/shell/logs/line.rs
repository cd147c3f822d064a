//! One line of a log: the event, and what the spans around it say, under the names that queries select on.
//!
//! Decides names and order of fields. An inner value wins over an outer one of that name. A line is one line, whatever a
//! text holds, and is written at once.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt::{self, Write as _};
use std::io::Write as _;

use anstyle::{AnsiColor, Style as Paint};
use jiff::Timestamp;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::{LookupSpan, Scope};

use super::{Format, Style};
use crate::shell::clock;
use crate::world::names;

/// Fields whose names cannot be written down comfortably where something is logged.
const RENAMED: [(&str, &str); 1] = [("correlation_id", names::CORRELATION_ID)];

/// Names that every line has; a field of such a name is told apart as it is by logrus.
const TAKEN: [&str; 3] = ["level", "msg", "time"];

/// Writes lines.
pub(super) struct Lines<W> {
    style: Style,
    writer: W,
}

impl<W> Lines<W> {
    pub(super) fn new(style: Style, writer: W) -> Self {
        Lines { style, writer }
    }
}

impl<S, W> Layer<S> for Lines<W>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            let mut fields = Fields::default();
            attributes.record(&mut fields);
            span.extensions_mut().insert(fields);
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(fields) = span.extensions_mut().get_mut::<Fields>()
        {
            values.record(fields);
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let metadata = event.metadata();
        let mut fields = Fields::default();
        for span in context.event_scope(event).into_iter().flat_map(Scope::from_root) {
            if let Some(outer) = span.extensions().get::<Fields>() {
                fields.values.extend(outer.values.clone());
            }
        }
        event.record(&mut fields);
        let component = component(metadata.target());
        fields.values.entry("component".to_owned()).or_insert_with(|| component.into());
        let line = match self.style.format {
            Format::Json => json(fields, *metadata.level(), clock::now()),
            Format::Text => text(fields, *metadata.level(), clock::now(), self.style.colour),
        };
        // There is nowhere to say that a log cannot be written.
        let _ = self.writer.make_writer_for(metadata).write_all(line.as_bytes());
    }
}

/// What an event or a span carries.
#[derive(Default)]
struct Fields {
    message: String,
    values: BTreeMap<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: impl Into<Value>) {
        let name = field.name().trim_start_matches("r#");
        let renamed = RENAMED.iter().find(|(given, _)| *given == name).map_or(name, |(_, renamed)| *renamed);
        let name = if TAKEN.contains(&renamed) { format!("fields.{renamed}") } else { renamed.to_owned() };
        self.values.insert(name, value.into());
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value);
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value);
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.put(field, value);
        }
    }

    fn record_error(&mut self, field: &Field, value: &(dyn Error + 'static)) {
        let mut text = value.to_string();
        let mut cause = value.source();
        while let Some(error) = cause {
            let _ = write!(text, ": {error}");
            cause = error.source();
        }
        self.put(field, text);
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.put(field, format!("{value:?}"));
        }
    }
}

/// The part of this program that speaks, or the library.
fn component(target: &str) -> &str {
    let ours = target.strip_prefix(concat!(env!("CARGO_CRATE_NAME"), "::")).unwrap_or(target);
    let inner = ours.strip_prefix("shell::").unwrap_or(ours);
    inner.split("::").next().unwrap_or(target)
}

/// As logrus names it.
fn name(level: Level) -> &'static str {
    if level == Level::ERROR {
        "error"
    } else if level == Level::WARN {
        "warning"
    } else if level == Level::INFO {
        "info"
    } else if level == Level::DEBUG {
        "debug"
    } else {
        "trace"
    }
}

fn json(fields: Fields, level: Level, now: Timestamp) -> String {
    let mut object: Map<String, Value> = fields.values.into_iter().collect();
    object.insert("level".to_owned(), name(level).into());
    object.insert("msg".to_owned(), fields.message.into());
    object.insert("time".to_owned(), format!("{now:.9}").into());
    format!("{}\n", Value::Object(object))
}

fn text(mut fields: Fields, level: Level, now: Timestamp, colour: bool) -> String {
    let (loud, dim) = if colour { (paint(level), Paint::new().dimmed()) } else { (Paint::new(), Paint::new()) };
    let component = fields.values.remove("component").unwrap_or_default();
    let mut line = format!("{dim}{now:.3}{dim:#} {loud}{:<7}{loud:#} {dim}", name(level));
    plain(&mut line, &shown(&component));
    let _ = write!(line, "{dim:#}: ");
    plain(&mut line, &fields.message);
    for (name, value) in &fields.values {
        let value = shown(value);
        let _ = write!(line, " {dim}{name}={dim:#}");
        if value.is_empty() || value.contains(|sign: char| sign.is_whitespace() || sign == '"' || sign == '=') {
            let _ = write!(line, "{value:?}");
        } else {
            plain(&mut line, &value);
        }
    }
    line.push('\n');
    line
}

fn shown(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// Adds a text that can neither end the line nor steer a terminal.
fn plain(line: &mut String, text: &str) {
    for sign in text.chars() {
        if sign.is_control() {
            line.extend(sign.escape_debug());
        } else {
            line.push(sign);
        }
    }
}

fn paint(level: Level) -> Paint {
    let colour = if level == Level::ERROR {
        AnsiColor::Red
    } else if level == Level::WARN {
        AnsiColor::Yellow
    } else if level == Level::INFO {
        AnsiColor::Green
    } else {
        AnsiColor::Blue
    };
    colour.on_default()
}
