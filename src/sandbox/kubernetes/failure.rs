//! A refusal, in the words and the shape in which Kubernetes refuses.
//!
//! Decides code, reason, message and details. Takes as given why something is refused; never decides that.

use serde_json::{Value, json};

use super::resource::Resource;

/// A refused request: what becomes a `Status` object over HTTP.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("{message}")]
pub struct Failure {
    /// The HTTP status code.
    pub code: u16,
    /// The reason for machines, such as `NotFound`; empty where Kubernetes gives none.
    pub reason: &'static str,
    /// The message for people.
    pub message: String,
    /// What it is about: name, group, kind, causes.
    pub details: Value,
    /// What the client is told besides.
    pub(super) warnings: Vec<String>,
    /// Why the body makes no object of its kind, where that is why.
    pub(super) unreadable: Option<Box<str>>,
}

/// One thing that is wrong with a field.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fault {
    field: String,
    reason: &'static str,
    message: String,
}

impl Fault {
    pub(super) fn required(field: impl Into<String>) -> Self {
        Self { field: field.into(), reason: "FieldValueRequired", message: "Required value".to_owned() }
    }

    /// A value that is not valid; strings are quoted as Go quotes them.
    pub(super) fn invalid(field: impl Into<String>, value: &Value, why: &str) -> Self {
        let message = format!("Invalid value: {value}: {why}");
        Self { field: field.into(), reason: "FieldValueInvalid", message }
    }

    /// A value of the wrong type: Kubernetes names the type instead of the value.
    pub(super) fn mistyped(field: &str, found: &str, wanted: &str) -> Self {
        let message = format!("Invalid value: \"{found}\": {field} in body must be of type {wanted}: \"{found}\"");
        Self { field: field.to_owned(), reason: "FieldValueTypeInvalid", message }
    }

    /// A text that is not of its format.
    pub(super) fn misformed(field: &str, value: &Value, format: &str) -> Self {
        let message = format!("Invalid value: {value}: {field} in body must be of type {format}: {value}");
        Self { field: field.to_owned(), reason: "FieldValueTypeInvalid", message }
    }

    /// The same in a body that is only the status: there the path is told from there.
    pub(super) fn in_status(self) -> Self {
        let inside = self.field.strip_prefix("status.").unwrap_or(&self.field);
        let message = self.message.replace(&format!("{} in body", self.field), &format!("{inside} in body"));
        Self { message, ..self }
    }

    pub(super) fn unsupported(field: &str, value: &Value, supported: &[Value]) -> Self {
        let supported: Vec<String> = supported.iter().map(Value::to_string).collect();
        let message = format!("Unsupported value: {value}: supported values: {}", supported.join(", "));
        Self { field: field.to_owned(), reason: "FieldValueNotSupported", message }
    }

    pub(super) fn forbidden(field: &str, why: &str) -> Self {
        Self { field: field.to_owned(), reason: "FieldValueForbidden", message: format!("Forbidden: {why}") }
    }

    /// Field and message in one.
    pub(super) fn text(&self) -> String {
        format!("{}: {}", self.field, self.message)
    }

    pub(super) fn too_long(field: &str, most: usize) -> Self {
        let message = format!("Too long: may not be more than {most} bytes");
        Self { field: field.to_owned(), reason: "FieldValueTooLong", message }
    }
}

impl Failure {
    pub(super) fn new(code: u16, reason: &'static str, message: impl Into<String>) -> Self {
        Self { code, reason, message: message.into(), details: json!({}), warnings: vec![], unreadable: None }
    }

    pub(super) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(400, "BadRequest", message)
    }

    /// No such object.
    pub(super) fn not_found(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" not found", resource.qualified());
        Self { details: about(resource, name), ..Self::new(404, "NotFound", message) }
    }

    /// No such resource in a group that exists.
    pub(super) fn no_such_resource() -> Self {
        Self::new(404, "NotFound", "the server could not find the requested resource")
    }

    pub(super) fn exists(resource: &Resource, name: &str) -> Self {
        let message = format!("{} \"{name}\" already exists", resource.qualified());
        Self { details: about(resource, name), ..Self::new(409, "AlreadyExists", message) }
    }

    pub(super) fn conflict(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("Operation cannot be fulfilled on {} \"{name}\": {why}", resource.qualified());
        Self { details: about(resource, name), ..Self::new(409, "Conflict", message) }
    }

    /// A write that rests on another version than the stored one.
    pub(super) fn stale(resource: &Resource, name: &str) -> Self {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        Self::conflict(resource, name, why)
    }

    pub(super) fn forbidden(resource: &Resource, name: &str, why: &str) -> Self {
        let message = format!("{} \"{name}\" is forbidden: {why}", resource.qualified());
        Self { details: about(resource, name), ..Self::new(403, "Forbidden", message) }
    }

    /// An object that may not be stored as it is; there is at least one fault.
    pub(super) fn invalid(resource: &Resource, name: &str, faults: &[Fault]) -> Self {
        let group = if resource.group.is_empty() { String::new() } else { format!(".{}", resource.group) };
        let listed: Vec<String> = faults.iter().map(Fault::text).collect();
        let listed = if faults.len() == 1 { listed.concat() } else { format!("[{}]", listed.join(", ")) };
        let message = format!("{}{group} \"{name}\" is invalid: {listed}", resource.kind);
        let causes: Vec<Value> = faults
            .iter()
            .map(|fault| json!({"reason": fault.reason, "message": fault.message, "field": fault.field}))
            .collect();
        let mut details = about(resource, name);
        insert(&mut details, "kind", json!(resource.kind));
        insert(&mut details, "causes", json!(causes));
        Self { details, ..Self::new(422, "Invalid", message) }
    }

    /// A replacement that does not say which version it rests on; here Kubernetes names the resource, not the kind.
    pub(super) fn versionless(resource: &Resource, name: &str) -> Self {
        let fault = Fault::invalid("metadata.resourceVersion", &json!(0), "must be specified for an update");
        Self::invalid(&Resource { kind: resource.plural.clone(), ..resource.clone() }, name, &[fault])
    }

    /// A patch whose result is no object of that kind.
    pub(super) fn unpatchable(patched: &Value, why: &str) -> Self {
        let fault = Fault::invalid("patch", &json!(patched.to_string()), why);
        let cause = json!({"reason": fault.reason, "message": fault.message, "field": fault.field});
        Self::new(422, "Invalid", format!(" \"\" is invalid: {}", fault.text())).because(&cause)
    }

    /// The same in the words of another group that serves the objects too; of what may not be stored, none is named.
    pub(super) fn in_group(mut self, group: &str) -> Self {
        let kind = self.details.get("kind").and_then(Value::as_str).unwrap_or_default().to_owned();
        // Who rests on a uid is told the kind, and no group.
        let is_plural = kind.starts_with(|first: char| first.is_ascii_lowercase());
        if self.reason != "Invalid" && is_plural {
            insert(&mut self.details, "group", json!(group));
            self.message = self.message.replacen(&format!("{kind} \""), &format!("{kind}.{group} \""), 1);
        }
        self
    }

    /// The same, with more that the client is told.
    pub(super) fn warned(mut self, mut warnings: Vec<String>) -> Self {
        warnings.append(&mut self.warnings);
        Self { warnings, ..self }
    }

    /// A version that is no longer kept.
    pub(super) fn expired(asked: u64, oldest: u64) -> Self {
        Self::new(410, "Expired", format!("too old resource version: {asked} ({oldest})"))
    }

    /// A page of a list that is no longer kept.
    pub(super) fn continue_expired() -> Self {
        let message = "The provided continue parameter is too old to display a consistent list result. \
                       You can start a new list without the continue parameter.";
        Self::new(410, "Expired", message)
    }

    /// A version that is yet to come.
    pub(super) fn too_new(asked: u64, current: u64) -> Self {
        let message = format!("Too large resource version: {asked}, current: {current}");
        let causes = json!([{"reason": "ResourceVersionTooLarge", "message": "Too large resource version"}]);
        let details = json!({"causes": causes, "retryAfterSeconds": 1});
        Self { details, ..Self::new(504, "Timeout", message) }
    }

    pub(super) fn unsupported_media_type(accepted: &[&str]) -> Self {
        let message = format!(
            "the body of the request was in an unknown format - accepted media types include: {}",
            accepted.join(", ")
        );
        Self::new(415, "UnsupportedMediaType", message)
    }

    pub(super) fn method_not_allowed() -> Self {
        Self::new(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")
    }

    /// Adds a cause, as for a namespace that goes.
    pub(super) fn because(mut self, cause: &Value) -> Self {
        insert(&mut self.details, "causes", json!([cause]));
        self
    }

    /// The `Status` object that Kubernetes answers with.
    pub fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
        });
        if !self.reason.is_empty() {
            insert(&mut status, "reason", json!(self.reason));
        }
        if self.details.as_object().is_some_and(|details| !details.is_empty()) || self.reason == "NotFound" {
            insert(&mut status, "details", self.details.clone());
        }
        insert(&mut status, "code", json!(self.code));
        status
    }
}

/// The details that name an object.
pub(super) fn about(resource: &Resource, name: &str) -> Value {
    let mut details = json!({"kind": resource.plural});
    if !name.is_empty() {
        insert(&mut details, "name", json!(name));
    }
    if !resource.group.is_empty() {
        insert(&mut details, "group", json!(resource.group));
    }
    details
}

fn insert(object: &mut Value, name: &str, value: Value) {
    if let Value::Object(members) = object {
        members.insert(name.to_owned(), value);
    }
}
