//! What is wrong with a document, and where it stands.
//!
//! Takes as given that whoever reports a fault has left out what may be secret; never shows a value itself. Every
//! message is one line.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

use super::field::{Fault, Object};
use super::syntax::Mistake;
use crate::world::Name;

/// Why documents cannot be read: the first mistake that was found in them.
#[derive(Debug, thiserror::Error)]
pub enum DocumentError {
    /// A document is neither YAML nor JSON.
    #[error("{place}: line {line}, column {column}: {problem}")]
    Syntax {
        /// The document.
        place: Place,
        /// The line of the file, from 1.
        line: u64,
        /// The column, from 1.
        column: u64,
        /// What is wrong there.
        problem: String,
    },
    /// A field is missing or holds something else than it should.
    #[error("{place}: {problem}")]
    Field {
        /// The document.
        place: Place,
        /// The path of the field, what was expected and what was found.
        problem: String,
    },
    /// An object stands in the documents more than once.
    #[error("{second}: the same object is also in {first}")]
    Twice {
        /// Where it was first found.
        first: Place,
        /// Where it was found again.
        second: Place,
    },
    /// Journals of several namespaces are in the documents, and nobody has said which is ours.
    #[error(
        "{second}: a second journal, beside {first}: give the operator's namespace (--operator-namespace), or leave one out"
    )]
    Journals {
        /// The first.
        first: Place,
        /// The second.
        second: Place,
    },
}

impl DocumentError {
    pub(super) fn fault(place: Place, fault: &Fault, public: bool) -> Self {
        DocumentError::Field { place, problem: fault.describe(public) }
    }

    pub(super) fn syntax(place: Place, mistake: Mistake) -> Self {
        let Mistake { line, column, problem } = mistake;
        DocumentError::Syntax { place, line, column, problem }
    }
}

/// Where a document stands: `apps.yaml: document 2, item 3 (Secret team/app)`.
#[derive(Clone, Debug)]
pub struct Place(Arc<Spot>);

#[derive(Clone, Debug)]
struct Spot {
    file: Name,
    document: usize,
    items: Vec<usize>,
    object: Option<String>,
}

impl Place {
    pub(super) fn new(file: Name, document: usize) -> Self {
        Place(Arc::new(Spot { file, document, items: Vec::new(), object: None }))
    }

    /// The place of a member of a list, counted from 1.
    pub(super) fn item(&self, number: usize) -> Self {
        let Spot { file, document, items, .. } = &*self.0;
        let items = items.iter().copied().chain([number]).collect();
        Place(Arc::new(Spot { file: file.clone(), document: *document, items, object: None }))
    }

    /// The same place with what can be said of the object there.
    pub(super) fn naming(&self, inherited: Option<&str>, root: &Object<'_>) -> Self {
        let kind = root.get("kind").and_then(Value::as_str).or(inherited).unwrap_or("object");
        let metadata = root.get("metadata");
        let part = |key| metadata.and_then(|metadata| metadata.get(key)).and_then(Value::as_str);
        let object = match (part("namespace"), part("name")) {
            (Some(namespace), Some(name)) => format!("{kind} {namespace}/{name}"),
            (None, Some(name)) => format!("{kind} {name}"),
            (Some(namespace), None) => format!("{kind} in {namespace}"),
            (None, None) => kind.to_owned(),
        };
        let object = Some(line(&object)).filter(|_| root.get("kind").is_some() || metadata.is_some());
        Place(Arc::new(Spot { object, ..(*self.0).clone() }))
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Spot { file, document, items, object } = &*self.0;
        write!(f, "{}: document {document}", line(file))?;
        for item in items {
            write!(f, ", item {item}")?;
        }
        match object {
            Some(object) => write!(f, " ({object})"),
            None => Ok(()),
        }
    }
}

/// A text that somebody else wrote, such that it fits into one line of a message.
pub(super) fn line(text: &str) -> String {
    const LONGEST: usize = 600;
    let shown = text.chars().take(LONGEST).map(|c| if c.is_control() { '\u{fffd}' } else { c });
    let cut = if text.chars().nth(LONGEST).is_some() { "…" } else { "" };
    shown.chain(cut.chars()).collect()
}
