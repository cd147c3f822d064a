//! Any text as documents: a world with a plan, or an error of one line; no value of a Secret comes out.

use aivenator::documents::{Source, read, values};
use aivenator::world::{Digester, Settings, World};
use serde_json::Value;

use crate::judge::{json, judged};

/// See the module.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let said = said(text);
    for value in secret_values(&values(&[source(text)]).unwrap_or_default()) {
        if text.matches(&value).count() == 1 && said.contains(&value) {
            // It may be the name of something, too: then it is there without the value as well.
            let without = self::said(&text.replace(&value, &"z".repeat(value.len())));
            assert!(without.contains(&value), "shows {value:?} of a Secret: {said}");
        }
    }
}

/// Everything that is said of documents.
fn said(text: &str) -> String {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let world = World::new(now, Settings::default(), Digester::new(&[7; 32]));
    match read(&[source(text)], world, Some("aivenator")) {
        Ok(world) => format!("{}{world:?}", json(&judged(&world))),
        Err(error) => {
            let message = error.to_string();
            assert!(!message.contains(['\n', '\r']), "more than one line: {message:?}");
            assert!(message.starts_with("a.yaml"), "does not say where: {message}");
            message
        }
    }
}

fn source(text: &str) -> Source {
    Source { name: "a.yaml".to_owned(), text: text.to_owned() }
}

/// The values of Secrets that are long enough to be told from other texts; when it was written is none.
fn secret_values(documents: &[Value]) -> Vec<String> {
    let secrets = documents.iter().filter(|document| document["kind"] == "Secret" && document["apiVersion"] == "v1");
    let data = secrets.flat_map(|secret| [&secret["data"], &secret["stringData"]]).filter_map(Value::as_object);
    let texts = data.flatten().filter(|(key, _)| !key.ends_with("_UPDATED")).filter_map(|(_, value)| value.as_str());
    let marks = ["digest:", "present", "<redacted>"];
    texts
        .filter(|text| text.len() >= 10 && !marks.iter().any(|mark| text.starts_with(mark)))
        .map(str::to_owned)
        .collect()
}
