//! How objects are shown to one client: in which version, and in which form.
//!
//! Decides by the address and the Accept header. Never decides which objects are shown.

use std::sync::Arc;

use serde_json::{Value, json};

use super::decode::Target;
use super::events;
use super::object::{Document, Object};
use super::resource::Resource;
use super::schema;
use super::table;

/// How objects are shown.
pub(super) struct View {
    resource: Arc<Resource>,
    api_version: String,
    schema: Value,
    pub(super) form: Form,
    /// apiVersion and kind of one object.
    head: String,
}

/// What of an object is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// All of it.
    Full,
    /// Its metadata.
    Metadata,
    /// A row for people.
    Table,
}

impl Form {
    /// The form that a client prefers.
    pub(super) fn accepted(accept: &str) -> Self {
        let first = accept.split(',').map(str::trim).find(|one| one.starts_with("application/json") || *one == "*/*");
        match first {
            Some(first) if first.contains("as=PartialObjectMetadata") => Self::Metadata,
            Some(first) if first.contains("as=Table") => Self::Table,
            _ => Self::Full,
        }
    }
}

impl View {
    pub(super) fn new(target: &Target, form: Form) -> Self {
        let (api_version, kind) = match form {
            Form::Full => (target.api_version.as_str(), target.resource.kind.as_str()),
            Form::Metadata => ("meta.k8s.io/v1", "PartialObjectMetadata"),
            Form::Table => ("meta.k8s.io/v1", "Table"),
        };
        Self {
            head: format!("\"apiVersion\":\"{api_version}\",\"kind\":\"{kind}\","),
            resource: Arc::clone(&target.resource),
            api_version: target.api_version.clone(),
            schema: target.schema().clone(),
            form,
        }
    }

    /// One object, as a get or a watch shows it.
    pub(super) fn one(&self, object: &Object, now: jiff::Timestamp, out: &mut Vec<u8>) {
        match self.form {
            Form::Full => self.full(object, &self.head, out),
            Form::Metadata => object.write_metadata(&self.head, out),
            Form::Table => {
                let columns = self.columns();
                let shown = json!({
                    "apiVersion": "meta.k8s.io/v1",
                    "kind": "Table",
                    "metadata": {"resourceVersion": object.version.to_string()},
                    "columnDefinitions": columns.definitions(),
                    "rows": [columns.row(&self.document(object), now)],
                });
                out.extend_from_slice(shown.to_string().as_bytes());
            }
        }
    }

    /// One object as a member of a list: those of built-in kinds leave out apiVersion and kind.
    fn item(&self, object: &Object, out: &mut Vec<u8>) {
        match self.form {
            Form::Full if self.resource.custom => self.full(object, &self.head, out),
            Form::Full => self.full(object, "", out),
            Form::Metadata | Form::Table => object.write_metadata(&self.head, out),
        }
    }

    fn full(&self, object: &Object, head: &str, out: &mut Vec<u8>) {
        if self.is_stored_version() {
            object.write(head, out);
        } else {
            Object::new(&self.document(object)).write(head, out);
        }
    }

    fn is_stored_version(&self) -> bool {
        self.api_version == self.resource.stored_api_version()
    }

    /// The object in the version of this view: a version that does not know a field does not show it.
    pub(super) fn document(&self, object: &Object) -> Document {
        let mut document = object.document();
        if self.is_stored_version() {
            return document;
        }
        if events::are_other(&self.api_version) {
            events::from_core(&mut document.rest);
        } else {
            let mut rest = Value::Object(document.rest);
            schema::prune(&mut rest, &self.schema);
            document.rest = rest.as_object().cloned().unwrap_or_default();
        }
        document
    }

    fn columns(&self) -> table::Columns {
        let version = self.api_version.rsplit('/').next().unwrap_or_default();
        table::Columns::of(&self.resource, version)
    }

    /// A list with its metadata.
    pub(super) fn list(&self, objects: &[Arc<Object>], metadata: &Value, now: jiff::Timestamp) -> Vec<u8> {
        let kind = match self.form {
            Form::Full => json!({"apiVersion": self.api_version, "kind": self.resource.list_kind}),
            Form::Metadata => json!({"apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadataList"}),
            Form::Table => {
                let columns = self.columns();
                let rows: Vec<Value> = objects.iter().map(|one| columns.row(&self.document(one), now)).collect();
                let table = json!({
                    "apiVersion": "meta.k8s.io/v1",
                    "kind": "Table",
                    "metadata": metadata,
                    "columnDefinitions": columns.definitions(),
                    "rows": rows,
                });
                return table.to_string().into_bytes();
            }
        };
        if self.form == Form::Metadata && objects.is_empty() {
            let mut empty = kind;
            if let Value::Object(members) = &mut empty {
                members.extend([("metadata".to_owned(), metadata.clone()), ("items".to_owned(), Value::Null)]);
            }
            return empty.to_string().into_bytes();
        }
        let metadata = self.list_metadata(metadata);
        let size: usize = objects.iter().map(|object| object.len() + 100).sum();
        let mut out = Vec::with_capacity(size + 200);
        let head = kind.to_string();
        out.extend_from_slice(head.trim_end_matches('}').as_bytes());
        out.extend_from_slice(format!(",\"metadata\":{metadata},\"items\":[").as_bytes());
        for (index, object) in objects.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.item(object, &mut out);
        }
        out.extend_from_slice(b"]}");
        out
    }

    /// Full lists of custom resources say where they go on even where they do not.
    fn list_metadata(&self, metadata: &Value) -> Value {
        let mut metadata = metadata.clone();
        if let (Value::Object(members), Form::Full, true) = (&mut metadata, self.form, self.resource.custom) {
            members.entry("continue").or_insert_with(|| json!(""));
        }
        metadata
    }

    /// An object that only tells of a version: a bookmark.
    pub(super) fn bookmark(&self, version: u64, annotations: &Value) -> Value {
        let mut metadata = json!({"resourceVersion": version.to_string(), "creationTimestamp": null});
        if let (Value::Object(members), false) = (&mut metadata, annotations.is_null()) {
            members.insert("annotations".to_owned(), annotations.clone());
        }
        let (api_version, kind) = match self.form {
            Form::Full => (self.api_version.as_str(), self.resource.kind.as_str()),
            Form::Metadata => ("meta.k8s.io/v1", "PartialObjectMetadata"),
            Form::Table => ("meta.k8s.io/v1", "Table"),
        };
        json!({"kind": kind, "apiVersion": api_version, "metadata": metadata})
    }
}
