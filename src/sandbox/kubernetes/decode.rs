//! What a client sent, as it would be stored.
//!
//! Decides what is dropped and what is refused as unreadable. Never looks at what is stored already.

use std::sync::Arc;

use k8s_openapi::api::apps::v1::{DaemonSet, Deployment, ReplicaSet, StatefulSet};
use k8s_openapi::api::batch::v1::{CronJob, Job};
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::{ConfigMap, Event, Namespace, Pod, Secret};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::events;
use super::failure::{Failure, Fault};
use super::object::Document;
use super::resource::Resource;
use super::schema;

/// Where a request goes.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub(super) resource: Arc<Resource>,
    /// The apiVersion that the client speaks.
    pub(super) api_version: String,
    /// Empty for the whole cluster.
    pub(super) namespace: String,
    /// Empty for a list or a create.
    pub(super) name: String,
    /// Whether only the status is meant.
    pub(super) status: bool,
}

impl Target {
    /// The schema of the version that the client speaks.
    pub(super) fn schema(&self) -> &Value {
        let version = self.api_version.rsplit('/').next().unwrap_or_default();
        self.resource.version(version).map_or(&Value::Null, |version| &version.schema)
    }

    pub(super) fn key(&self) -> (String, String) {
        (self.namespace.clone(), self.name.clone())
    }

    fn unreadable(&self, why: &str) -> Failure {
        let version = self.api_version.rsplit('/').next().unwrap_or_default();
        let kind = &self.resource.kind;
        let message = format!("{kind} in version \"{version}\" cannot be handled as a {kind}: {why}");
        Failure { unreadable: Some(why.into()), ..Failure::bad_request(message) }
    }

    /// What strict clients are told about fields that nobody knows.
    pub(super) fn unknown(&self, fields: &[String]) -> Failure {
        let fields: Vec<String> = fields.iter().map(|field| format!("unknown field \"{field}\"")).collect();
        self.unreadable(&format!("strict decoding error: {}", fields.join(", ")))
    }
}

/// An object as it would be stored, and the names of fields that were dropped.
pub(super) fn decode(target: &Target, value: Value) -> Result<(Document, Vec<String>), Failure> {
    check_type(target, &value)?;
    let mut document = Document::from_value(value)?;
    if events::are_other(&target.api_version) {
        events::to_core(&mut document.rest);
    }
    let sent = members(document.clone());
    let kept = if target.resource.custom { custom(target, document) } else { typed(&target.resource, sent.clone()) };
    let kept = kept.map_err(|why| target.unreadable(&why))?;
    let unknown = schema::lost(&sent, &kept);
    let mut document = Document::from_value(kept)?;
    document.metadata.remove("managedFields");
    leave_out_empty(target, &mut document);
    place(target, &mut document)?;
    Ok((document, unknown))
}

/// The object without apiVersion and kind.
fn members(document: Document) -> Value {
    let mut members = document.rest;
    members.insert("metadata".to_owned(), Value::Object(document.metadata));
    Value::Object(members)
}

/// Kubernetes has no empty maps and lists here.
fn leave_out_empty(target: &Target, document: &mut Document) {
    let is_empty = |value: &Value| match value {
        Value::Object(members) => members.is_empty(),
        Value::Array(items) => items.is_empty(),
        _ => false,
    };
    document.metadata.retain(|_, value| !is_empty(value));
    if matches!(target.resource.kind.as_str(), "Secret" | "ConfigMap") {
        document.rest.retain(|_, value| !is_empty(value));
    }
    if target.resource.kind == "Event" {
        events::complete(&mut document.rest);
    }
}

fn check_type(target: &Target, value: &Value) -> Result<(), Failure> {
    let said = |name: &str| value.get(name).and_then(Value::as_str);
    let kind = &target.resource.kind;
    match (said("apiVersion"), said("kind")) {
        (_, Some(other)) if other != kind && target.resource.custom => {
            let named = Resource { kind: other.to_owned(), ..Resource::clone(&target.resource) };
            let fault = Fault::invalid("kind", &json!(other), &format!("must be {kind}"));
            let name = value.pointer("/metadata/name").and_then(Value::as_str).unwrap_or_default();
            Err(Failure::invalid(&named, name, &[fault]))
        }
        (_, Some(other)) if other != kind => Err(target.unreadable(&format!("the kind in the data is {other}"))),
        (Some(other), _) if other != target.api_version => Err(Failure::bad_request(format!(
            "the API version in the data ({other}) does not match the expected API version ({})",
            target.api_version
        ))),
        _ => Ok(()),
    }
}

fn custom(target: &Target, mut document: Document) -> Result<Value, String> {
    let metadata = read::<ObjectMeta>(Value::Object(document.metadata))?;
    let mut rest = Value::Object(document.rest);
    schema::prune(&mut rest, target.schema());
    document.rest = match rest {
        Value::Object(rest) => rest,
        _ => Map::new(),
    };
    document.rest.insert("metadata".to_owned(), metadata);
    Ok(Value::Object(document.rest))
}

fn typed(resource: &Resource, value: Value) -> Result<Value, String> {
    for path in ["/spec/acquireTime", "/spec/renewTime", "/eventTime", "/series/lastObservedTime"] {
        let moment = value.pointer(path).and_then(Value::as_str);
        if let Some(moment) = moment.filter(|moment| !is_micro_time(moment)) {
            return Err(format!("parsing time \"{moment}\" as \"2006-01-02T15:04:05.000000Z07:00\""));
        }
    }
    match resource.kind.as_str() {
        "Pod" => read::<Pod>(value),
        "Secret" => read::<Secret>(value),
        "ConfigMap" => read::<ConfigMap>(value),
        "Namespace" => read::<Namespace>(value),
        "Event" => read::<Event>(value),
        "ReplicaSet" => read::<ReplicaSet>(value),
        "Deployment" => read::<Deployment>(value),
        "StatefulSet" => read::<StatefulSet>(value),
        "DaemonSet" => read::<DaemonSet>(value),
        "Job" => read::<Job>(value),
        "CronJob" => read::<CronJob>(value),
        "Lease" => read::<Lease>(value),
        "CustomResourceDefinition" => read::<CustomResourceDefinition>(value),
        other => Err(format!("no kind {other} is registered")),
    }
}

/// Whether this is a time in the one form that Kubernetes reads here: with six digits after the seconds.
fn is_micro_time(text: &str) -> bool {
    let fraction = text.split_once('.').map_or("", |(_, rest)| rest.trim_end_matches(|c: char| !c.is_ascii_digit()));
    let digits = fraction.split(['+', '-']).next().unwrap_or_default();
    text.parse::<jiff::Timestamp>().is_ok() && digits.len() == 6
}

/// Through the type and back: what the type does not know is gone, what does not fit is refused.
fn read<T: DeserializeOwned + Serialize>(value: Value) -> Result<Value, String> {
    let typed: T = serde_json::from_value(value).map_err(|error| error.to_string())?;
    let mut value = serde_json::to_value(typed).map_err(|error| error.to_string())?;
    if let Value::Object(members) = &mut value {
        members.remove("apiVersion");
        members.remove("kind");
    }
    Ok(value)
}

/// An object is where the address says.
fn place(target: &Target, document: &mut Document) -> Result<(), Failure> {
    let said = document.text("namespace").to_owned();
    if !target.resource.namespaced {
        document.metadata.remove("namespace");
    } else if said.is_empty() {
        document.set("namespace", target.namespace.as_str());
    } else if said != target.namespace {
        let message = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Failure::bad_request(message));
    }
    let name = document.text("name");
    if !target.name.is_empty() && name.is_empty() {
        document.set("name", target.name.as_str());
    } else if !target.name.is_empty() && name != target.name {
        let message = format!("the name of the object ({name}) does not match the name on the URL ({})", target.name);
        return Err(Failure::bad_request(message));
    }
    Ok(())
}

/// What Kubernetes fills in at creation.
pub(super) fn fill_in(resource: &Resource, document: &mut Document) {
    let name = document.text("name").to_owned();
    match resource.kind.as_str() {
        "Secret" => drop(document.rest.entry("type").or_insert_with(|| json!("Opaque"))),
        "Pod" => drop(document.rest.entry("status").or_insert_with(|| json!({"phase": "Pending"}))),
        "Namespace" => {
            document.rest.insert("spec".to_owned(), json!({"finalizers": ["kubernetes"]}));
            document.rest.insert("status".to_owned(), json!({"phase": "Active"}));
            let mut labels = document.strings("labels");
            labels.insert("kubernetes.io/metadata.name".to_owned(), name);
            document.set("labels", json!(labels));
        }
        "CustomResourceDefinition" => {
            let spec = document.rest.get("spec").unwrap_or(&Value::Null);
            let since = document.text("creationTimestamp");
            let condition = |kind: &str, reason: &str| {
                json!({
                    "type": kind, "status": "True", "reason": reason, "lastTransitionTime": since,
                })
            };
            let status = json!({
                "acceptedNames": spec.get("names"),
                "conditions": [
                    condition("NamesAccepted", "NoConflicts"),
                    condition("Established", "InitialNamesAccepted"),
                ],
                "storedVersions": spec.pointer("/versions/0/name").map(|name| vec![name]),
            });
            document.rest.insert("status".to_owned(), status);
        }
        _ => {}
    }
}
