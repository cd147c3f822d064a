//! Which objects a list or a watch shows.
//!
//! Decides by labels, fields and namespace, as written in a query. Never looks at anything else.

use serde_json::Value;

use super::failure::Failure;
use super::object::Object;

/// A selection of objects of one resource.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    /// One namespace, or all.
    pub(super) namespace: Option<String>,
    labels: Vec<Requirement>,
    fields: Vec<Field>,
}

#[derive(Debug, Clone, PartialEq)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

#[derive(Debug, Clone)]
struct Field {
    path: String,
    value: String,
    equal: bool,
}

impl Selector {
    /// What a query selects; `supported` are the fields besides name and namespace.
    pub(super) fn parse(labels: &str, fields: &str, supported: &[&str]) -> Result<Self, Failure> {
        let labels = parse_labels(labels)
            .ok_or_else(|| Failure::bad_request(format!("unable to parse requirement: \"{labels}\"")))?;
        let fields = fields.split(',').filter(|one| !one.is_empty());
        let fields = fields.map(|one| Field::parse(one, supported)).collect::<Result<_, _>>()?;
        Ok(Self { namespace: None, labels, fields })
    }

    /// Whether it shows only some objects of the namespace: then Kubernetes does not count what remains.
    pub(super) fn is_partial(&self) -> bool {
        !self.labels.is_empty() || !self.fields.is_empty()
    }

    pub(super) fn shows(&self, object: &Object) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == object.key.0)
            && self.labels.iter().all(|one| one.holds(object))
            && self.fields.iter().all(|one| one.holds(object))
    }
}

impl Requirement {
    fn holds(&self, object: &Object) -> bool {
        let label = |key: &String| object.labels.get(key);
        match self {
            Self::In(key, values) => label(key).is_some_and(|label| values.contains(label)),
            Self::NotIn(key, values) => label(key).is_none_or(|label| !values.contains(label)),
            Self::Exists(key) => label(key).is_some(),
            Self::Missing(key) => label(key).is_none(),
        }
    }

    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        if let Some((key, values)) = text.strip_suffix(')').and_then(|text| text.split_once('(')) {
            let values = values.split(',').map(|value| value.trim().to_owned()).collect();
            let mut words = key.split_whitespace();
            let key = word(words.next()?)?;
            return match (words.next()?, words.next()) {
                ("in", None) => Some(Self::In(key, values)),
                ("notin", None) => Some(Self::NotIn(key, values)),
                _ => None,
            };
        }
        for (sign, equal) in [("!=", false), ("==", true), ("=", true)] {
            if let Some((key, value)) = text.split_once(sign) {
                let (key, values) = (word(key)?, vec![value.trim().to_owned()]);
                return Some(if equal { Self::In(key, values) } else { Self::NotIn(key, values) });
            }
        }
        match text.strip_prefix('!') {
            Some(key) => word(key).map(Self::Missing),
            None => word(text).map(Self::Exists),
        }
    }
}

/// A key of a label.
fn word(text: &str) -> Option<String> {
    let text = text.trim();
    let legal = |letter: char| letter.is_ascii_alphanumeric() || "-_./".contains(letter);
    (!text.is_empty() && text.chars().all(legal)).then(|| text.to_owned())
}

/// The requirements, split at the commas outside of parentheses.
fn parse_labels(text: &str) -> Option<Vec<Requirement>> {
    let (mut parts, mut depth) = (vec![String::new()], 0);
    for letter in text.chars() {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            _ => {}
        }
        parts.last_mut()?.push(letter);
    }
    if text.trim().is_empty() {
        return Some(vec![]);
    }
    parts.iter().map(|part| Requirement::parse(part)).collect()
}

impl Field {
    fn parse(text: &str, supported: &[&str]) -> Result<Self, Failure> {
        let (path, value, equal) = match text.split_once("!=") {
            Some((path, value)) => (path, value, false),
            None => match text.split_once("==").or_else(|| text.split_once('=')) {
                Some((path, value)) => (path, value, true),
                None => {
                    return Err(Failure::bad_request(format!("invalid selector: '{text}'; can't understand '{text}'")));
                }
            },
        };
        if !matches!(path, "metadata.name" | "metadata.namespace") && !supported.contains(&path) {
            let why = if supported == NAMES {
                format!("\"{path}\" is not a known field selector: only \"metadata.name\", \"metadata.namespace\"")
            } else {
                format!("field label not supported: {path}")
            };
            return Err(Failure::bad_request(why));
        }
        Ok(Self { path: path.to_owned(), value: value.to_owned(), equal })
    }

    fn holds(&self, object: &Object) -> bool {
        let same = match self.path.as_str() {
            "metadata.name" => object.key.1 == self.value,
            "metadata.namespace" => object.key.0 == self.value,
            path => {
                let document = Value::Object(object.document().rest);
                let found = document.pointer(&format!("/{}", path.replace('.', "/")));
                found.and_then(Value::as_str).unwrap_or_default() == self.value
            }
        };
        same == self.equal
    }
}

/// The fields of kinds that have nothing to say about fields.
const NAMES: &[&str] = &["metadata.name", "metadata.namespace"];

/// The fields of a resource that can be selected by, besides name and namespace.
pub(super) fn supported_fields(plural: &str) -> &'static [&'static str] {
    match plural {
        "events" => &[
            "involvedObject.kind",
            "involvedObject.namespace",
            "involvedObject.name",
            "involvedObject.uid",
            "involvedObject.apiVersion",
            "involvedObject.resourceVersion",
            "involvedObject.fieldPath",
            "reason",
            "reportingComponent",
            "source",
            "type",
        ],
        "pods" => {
            &["spec.nodeName", "spec.restartPolicy", "spec.schedulerName", "spec.serviceAccountName", "status.phase"]
        }
        "secrets" => &["type"],
        "namespaces" => &["status.phase"],
        "jobs" => &["status.successful"],
        "replicasets" => &["status.replicas"],
        "configmaps" | "leases" => NAMES,
        _ => &[],
    }
}
