//! Lines of logs as machines and people read them.

use std::io;
use std::sync::{Arc, Mutex};

use aivenator::shell::logs::{Format, Level, Style, subscriber};
use jiff::Timestamp;
use serde_json::Value;

/// Keeps what is written, and how often something was.
#[derive(Clone, Default)]
struct Sink(Arc<Mutex<Vec<String>>>);

impl io::Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(String::from_utf8(bytes.to_vec()).unwrap());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What is written while something runs.
fn written(style: Style, run: impl FnOnce()) -> String {
    let sink = Sink::default();
    let same = sink.clone();
    tracing::subscriber::with_default(subscriber(style, move || same.clone()), run);
    let lines = sink.0.lock().unwrap();
    assert!(lines.iter().all(|line| line.lines().count() == 1 && line.ends_with('\n')), "a line at once: {lines:?}");
    lines.concat()
}

fn logged(format: Format, level: Level, run: impl FnOnce()) -> String {
    written(Style { format, level, colour: false }, run)
}

fn objects(level: Level, run: impl FnOnce()) -> Vec<Value> {
    logged(Format::Json, level, run).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn json_has_the_names_that_queries_select_on() {
    let lines = objects(Level::Info, || {
        let application = tracing::info_span!(
            target: "aivenator::shell::run",
            "application",
            team = "basseng",
            aiven_application = "kafka-test",
            app = "kafka-test",
            correlation_id = "abc-123",
            pool = tracing::field::Empty,
        );
        application.record("pool", "dev-nais-dev");
        let _inside = application.enter();
        tracing::warn!(target: "aivenator::shell::execute", secret_name = %"a", reason = "SecretMissing", count = 3, protected = true, "wrote {}", 1);
    });
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let time = line["time"].as_str().unwrap();
    assert!(time.parse::<Timestamp>().is_ok() && time.len() == "2026-11-20T12:00:00.123456789Z".len(), "{time}");
    let mut rest = line.clone();
    rest.as_object_mut().unwrap().remove("time");
    assert_eq!(
        rest,
        serde_json::json!({
            "level": "warning", "msg": "wrote 1", "component": "execute", "team": "basseng", "app": "kafka-test",
            "aiven_application": "kafka-test", "nais.io/deploymentCorrelationID": "abc-123", "pool": "dev-nais-dev",
            "secret_name": "a", "reason": "SecretMissing", "count": 3, "protected": true,
        })
    );
}

#[test]
fn fields_neither_replace_what_a_line_has_nor_hide_why() {
    let cause = io::Error::other("inner");
    let error = io::Error::other(cause);
    let lines = objects(Level::Trace, || {
        tracing::error!(target: "aivenator", level = "mine", time = 1, component = "kafka", error = &error as &dyn std::error::Error);
        tracing::trace!(target: "hyper::proto", "flushed");
    });
    assert_eq!(lines[0]["level"], "error");
    assert_eq!((&lines[0]["fields.level"], &lines[0]["fields.time"]), (&"mine".into(), &1.into()));
    assert_eq!(lines[0]["component"], "kafka");
    assert!(lines[0]["error"].as_str().unwrap().starts_with("inner"));
    assert_eq!((&lines[1]["level"], &lines[1]["component"]), (&"trace".into(), &"hyper".into()));
}

/// Logs at each level, from here and from a library.
fn speak() {
    tracing::error!(target: "aivenator::shell", "ours-error");
    tracing::info!(target: "aivenator::shell", "ours-info");
    tracing::debug!(target: "aivenator::shell", "ours-debug");
    tracing::warn!(target: "kube_runtime::watcher", "theirs-warn");
    tracing::info!(target: "kube_runtime::watcher", "theirs-info");
    tracing::warn!(target: "kube_client::client", "{}", r#"{"data":{"KAFKA_PRIVATE_KEY":"c2VjcmV0"}}"#);
    tracing::info!(target: "aivenator_lookalike", "other-info");
}

#[track_caller]
fn check(level: &str, expected: &[&str]) {
    let lines = objects(level.parse().unwrap(), speak);
    let messages: Vec<&str> = lines.iter().map(|line| line["msg"].as_str().unwrap()).collect();
    assert_eq!(messages, expected, "{level}");
}

#[test]
fn libraries_speak_from_warnings_on_and_never_show_a_body() {
    check("error", &["ours-error"]);
    check("WARN", &["ours-error", "theirs-warn"]);
    check("Info", &["ours-error", "ours-info", "theirs-warn"]);
    check("debug", &["ours-error", "ours-info", "ours-debug", "theirs-warn"]);
    check("trace", &["ours-error", "ours-info", "ours-debug", "theirs-warn", "theirs-info", "other-info"]);
    check("fatal", &[]);
    check("panic", &[]);
}

#[test]
fn words_that_are_no_level_or_format_are_refused() {
    let level = "loud".parse::<Level>().unwrap_err();
    assert_eq!(level, "'loud' is not a log level: it is panic, fatal, error, warn, info, debug or trace");
    assert_eq!("xml".parse::<Format>().unwrap_err(), "'xml' is not a log format: it is text or json");
    assert_eq!("JSON".parse(), Ok(Format::Json));
    assert_eq!("warning".parse(), Ok(Level::Warn));
}

#[test]
fn text_is_for_people_and_stays_one_line() {
    let text = logged(Format::Text, Level::Info, || {
        tracing::info!(target: "aivenator::shell::lease", name = "a b", empty = "", count = 2, "first\nsecond \u{1b}[31m");
    });
    let (time, rest) = text.split_once(' ').unwrap();
    assert!(time.parse::<Timestamp>().is_ok(), "{time}");
    assert_eq!(rest, "info    lease: first\\nsecond \\u{1b}[31m count=2 empty=\"\" name=\"a b\"\n");
}

#[test]
fn colours_only_where_they_are_asked_for() {
    let style = Style { format: Format::Text, level: Level::Info, colour: true };
    let text = written(style, || tracing::error!(target: "aivenator", "broken"));
    assert!(text.contains("\u{1b}[31merror  \u{1b}[0m"), "{text:?}");
}
