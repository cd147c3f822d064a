//! Text becomes values: YAML of several documents, or JSON values one after another.
//!
//! Decides where a document begins and ends. Takes as given that the text may be anything: nesting and aliases are
//! bounded, the same key twice is a mistake, and mistakes are told without quoting the text.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use serde_saphyr::budget::BudgetBreach;
use serde_saphyr::options::{DuplicateKeyPolicy, NonFiniteFloatPolicy};

use super::error::line;
use super::field::quoted;

/// How deep mappings and lists may stand in each other: the stack is finite (2 MiB in a thread), and no object of
/// Kubernetes comes near.
const DEEPEST: usize = 64;

/// How much aliases may unfold into: people use them, dumps do not.
const MOST_COPIES: usize = 100_000;

/// One document of a text.
pub(super) struct Document {
    /// Counted from 1; empty ones count too, as a reader counts separators.
    pub(super) number: usize,
    /// What it says; `null` if nothing.
    pub(super) value: Result<Value, Mistake>,
}

/// Why a text is not what it should be.
#[derive(Debug)]
pub(super) struct Mistake {
    pub(super) line: u64,
    pub(super) column: u64,
    pub(super) problem: String,
}

/// The documents of a text, in order; the last may be one that cannot be read.
pub(super) fn documents(text: &str) -> Vec<Document> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if !looks_like_json(text) {
        return yaml(text);
    }
    let read = json(text);
    if is_whole(&read) {
        return read;
    }
    // A mapping of YAML may begin with a brace and a quote as well.
    let as_yaml = yaml(text);
    if is_whole(&as_yaml) { as_yaml } else { read }
}

fn is_whole(documents: &[Document]) -> bool {
    documents.last().is_none_or(|last| last.value.is_ok())
}

fn looks_like_json(text: &str) -> bool {
    let begins = match text.trim_start().strip_prefix('{') {
        Some(rest) => rest.trim_start().starts_with(['"', '}']),
        None => text.trim_start().starts_with('['),
    };
    begins && !text.lines().any(|line| line.starts_with("---"))
}

/// One JSON value and nothing else, with no key twice.
pub(super) fn json_value(text: &str) -> Option<Value> {
    serde_json::from_str::<Tree>(text).ok().map(|tree| tree.0)
}

fn json(text: &str) -> Vec<Document> {
    let values = serde_json::Deserializer::from_str(text).into_iter::<Tree>();
    let value = |read: Result<Tree, serde_json::Error>| read.map(|tree| tree.0).map_err(|error| json_mistake(&error));
    let numbered = values.enumerate().map(|(index, read)| Document { number: index + 1, value: value(read) });
    until_mistake(numbered)
}

fn json_mistake(error: &serde_json::Error) -> Mistake {
    let place = format!(" at line {} column {}", error.line(), error.column());
    let text = error.to_string();
    let problem = text.strip_suffix(&place).unwrap_or(&text);
    Mistake {
        line: as_u64(error.line()),
        column: as_u64(error.column()),
        problem: format!("not valid JSON: {problem}"),
    }
}

fn yaml(text: &str) -> Vec<Document> {
    let read = chunks(text).into_iter().enumerate().map(|(index, Chunk { first_line, text })| {
        let value = serde_saphyr::from_str_with_options::<Option<Tree>>(text, options());
        let value = value.map(|tree| tree.map_or(Value::Null, |tree| tree.0));
        Document { number: index + 1, value: value.map_err(|error| yaml_mistake(&error, first_line)) }
    });
    until_mistake(read)
}

fn until_mistake(documents: impl Iterator<Item = Document>) -> Vec<Document> {
    let mut read = Vec::new();
    for document in documents {
        let is_last = document.value.is_err();
        read.push(document);
        if is_last {
            break;
        }
    }
    read
}

/// The text of one document of a stream.
struct Chunk<'a> {
    first_line: u64,
    text: &'a str,
}

/// Cuts a stream at its markers: lines that begin with `---` or `...` can be nothing else.
fn chunks(text: &str) -> Vec<Chunk<'_>> {
    let mut chunks = Vec::new();
    let (mut start, mut first_line, mut is_begun, mut offset) = (0, 1, false, 0);
    for (number, line) in (1..).zip(text.split_inclusive('\n')) {
        let is_end = is_marker(line, "...");
        if is_end || (is_marker(line, "---") && is_begun) {
            chunks.push((start, offset, first_line));
            start = if is_end { offset + line.len() } else { offset };
            first_line = if is_end { number + 1 } else { number };
            is_begun = !is_end;
        } else {
            // Comments and directives before the first marker belong to the document after it.
            let bare = line.trim();
            is_begun |= !(bare.is_empty() || bare.starts_with('#') || line.starts_with('%'));
        }
        offset += line.len();
    }
    chunks.push((start, offset, first_line));
    let chunk = |(from, to, first_line)| text.get(from..to).map(|text| Chunk { first_line, text });
    chunks.into_iter().filter_map(chunk).collect()
}

fn is_marker(line: &str, marker: &str) -> bool {
    line.strip_prefix(marker).is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n']))
}

fn options() -> serde_saphyr::Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: DEEPEST,
            flow_nesting_limit: DEEPEST,
            // A dump of a cluster is as large as the cluster.
            max_events: usize::MAX,
            max_nodes: usize::MAX,
            max_documents: usize::MAX,
            max_total_scalar_bytes: usize::MAX,
        },
        alias_limits: serde_saphyr::alias_limits! { max_total_replayed_events: MOST_COPIES },
        duplicate_keys: DuplicateKeyPolicy::Error,
        // `no` is a text, as `kubectl` says whenever it is one.
        strict_booleans: true,
        ignore_binary_tag_for_string: true,
        non_finite_float_policy: NonFiniteFloatPolicy::AsString,
        with_snippet: false,
    }
}

fn yaml_mistake(error: &serde_saphyr::Error, first_line: u64) -> Mistake {
    let (in_chunk, column) = error.location().map_or((1, 1), |place| (place.line(), place.column()));
    let problem = line(&yaml_problem(error));
    Mistake { line: first_line + in_chunk.max(1) - 1, column, problem: format!("not valid YAML: {problem}") }
}

/// The words for a mistake, without those of the parser that could quote the text.
fn yaml_problem(error: &serde_saphyr::Error) -> String {
    use serde_saphyr::Error;
    match error.without_snippet() {
        Error::ExternalMessage { msg, .. } if msg.contains("recursion limit") => too_deep(),
        Error::ExternalMessage { msg, .. } => msg.clone(),
        Error::DuplicateMappingKey { key: Some(key), .. } => duplicate(key),
        Error::DuplicateMappingKey { key: None, .. } => "a key is given twice".to_owned(),
        Error::AliasError { error, .. } => yaml_problem(error),
        Error::Eof { .. } => "it ends in the middle".to_owned(),
        Error::UnknownAnchor { .. } => "an alias (*) to an anchor (&) that does not exist".to_owned(),
        Error::Budget { breach: BudgetBreach::Depth { .. }, .. } => too_deep(),
        Error::Budget { .. } => "too many anchors (&), aliases (*) or merge keys (<<)".to_owned(),
        Error::AliasReplayLimitExceeded { .. } | Error::AliasReplayStackDepthExceeded { .. } => {
            "aliases (*) that unfold into too much".to_owned()
        }
        Error::MergeValueNotMapOrSeqOfMaps { .. } => "<< takes a mapping or a list of mappings".to_owned(),
        Error::NullIntoString { .. } => "a key that is no string (in quotes it is one)".to_owned(),
        Error::Unexpected { expected, .. } => format!("expected {expected}, found something else"),
        _ => "a mapping, a list or a value was expected here, found something else".to_owned(),
    }
}

fn too_deep() -> String {
    format!("more than {DEEPEST} levels deep")
}

fn duplicate(key: &str) -> String {
    format!("the key {} is given twice", quoted(key))
}

fn as_u64(number: usize) -> u64 {
    u64::try_from(number).unwrap_or(u64::MAX)
}

/// A value none of whose mappings has a key twice.
struct Tree(Value);

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor).map(Tree)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut list = Vec::new();
        while let Some(Tree(value)) = entries.next_element()? {
            list.push(value);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut mapping = Map::new();
        while let Some((key, Tree(value))) = entries.next_entry::<String, Tree>()? {
            if mapping.contains_key(&key) {
                return Err(A::Error::custom(duplicate(&key)));
            }
            mapping.insert(key, value);
        }
        Ok(Value::Object(mapping))
    }
}
