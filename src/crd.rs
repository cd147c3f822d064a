//! The custom resource definition of `AivenApplication`, generated from Rust types.
//!
//! Decides what is valid in both versions of the resource. Takes as given that a schema may never be stricter than what
//! runs in clusters: no defaults, since a default would change every stored hash, and no rule beyond types and names.

#![expect(clippy::doc_markdown, reason = "the comments are the descriptions that `kubectl explain` shows")]

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

/// An application's wish for users on Aiven services, and what became of it.
#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct AivenApplication {
    /// What the application asks for.
    spec: Option<Spec>,
    /// What became of it; written by aivenator.
    status: Option<Status>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Spec {
    /// Deprecated: one shared Secret for every service that names none of its own.
    secret_name: Option<String>,
    /// Whether Secrets stay when nothing uses them any longer.
    protected: Option<bool>,
    /// The moment at which this application is deleted.
    #[schemars(extend("format" = "date-time"))]
    expires_at: Option<String>,
    /// The Kafka of a pool.
    kafka: Option<Kafka>,
    /// One OpenSearch instance.
    open_search: Option<OpenSearch>,
    /// Any number of Valkey instances.
    valkey: Option<Vec<Valkey>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Kafka {
    /// The pool: an Aiven project that this cluster may use.
    pool: String,
    /// The Secret to write addresses and credentials to.
    secret_name: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct OpenSearch {
    /// The name of the OpenSearch object in this namespace.
    instance: Option<String>,
    /// What the user may do; read if nothing is said.
    access: Option<Access>,
    /// The Secret to write addresses and credentials to.
    secret_name: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Valkey {
    /// The name of the Valkey object in this namespace.
    instance: Option<String>,
    /// What the user may do; read if nothing is said.
    access: Option<Access>,
    /// The Secret to write addresses and credentials to.
    secret_name: Option<String>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "lowercase")]
#[expect(dead_code, reason = "only its schema is used")]
enum Access {
    Read,
    Write,
    ReadWrite,
    Admin,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Status {
    /// The hash of the spec that was last rolled out; empty it to have every Secret written again.
    synchronization_hash: Option<String>,
    /// The Secret that was last written.
    synchronization_secret_name: Option<String>,
    /// RolloutComplete or RolloutFailed.
    synchronization_state: Option<String>,
    /// When this status was written.
    #[schemars(extend("format" = "date-time"))]
    synchronization_time: Option<String>,
    /// The generation that was last rolled out.
    synchronized_generation: Option<i64>,
    /// The generation that this status speaks of.
    observed_generation: Option<i64>,
    /// What stands in the way, and what does not.
    conditions: Option<Vec<Condition>>,
}

#[derive(JsonSchema)]
#[schemars(rename_all = "camelCase")]
#[expect(dead_code, reason = "only its schema is used")]
struct Condition {
    /// Succeeded, AivenFailure, LocalFailure or Deprecated.
    #[schemars(rename = "type")]
    kind: String,
    /// True, False or Unknown.
    status: String,
    /// When the condition changed.
    #[schemars(extend("format" = "date-time"))]
    last_update_time: Option<String>,
    /// A stable code.
    reason: Option<String>,
    /// For people.
    message: Option<String>,
}

/// The definition, ready for `kubectl apply`.
pub fn definition() -> Value {
    let schema = schema();
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "aivenapplications.aiven.nais.io"},
        "spec": {
            "group": "aiven.nais.io",
            "names": {
                "kind": "AivenApplication",
                "listKind": "AivenApplicationList",
                "plural": "aivenapplications",
                "singular": "aivenapplication",
                "shortNames": ["aivenapp"],
            },
            "scope": "Namespaced",
            "versions": [
                {
                    "name": "v1",
                    "served": true,
                    "storage": true,
                    "deprecated": true,
                    "deprecationWarning": "deprecated, use v2",
                    "schema": {"openAPIV3Schema": schema},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns_v1(),
                },
                {
                    "name": "v2",
                    "served": true,
                    "storage": false,
                    "schema": {"openAPIV3Schema": second_version(schema)},
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": columns_v2(),
                },
            ],
        },
    })
}

/// The schema of v1, in the form that Kubernetes takes.
fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<AivenApplication>().to_value();
    structural(&mut schema);
    schema
}

/// Makes a schema structural: one type per value, no null, no titles.
fn structural(schema: &mut Value) {
    let Value::Object(members) = schema else { return };
    members.remove("title");
    if let Some(Value::Array(options)) = members.remove("anyOf") {
        let inner = options.into_iter().find(|option| option.get("type") != Some(&json!("null")));
        merge(members, inner);
    }
    if let Some(Value::Array(types)) = members.get("type") {
        let one = types.iter().find(|name| **name != json!("null")).cloned();
        members.extend(one.map(|one| ("type".to_owned(), one)));
    }
    if let Some(Value::Array(values)) = members.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Object(properties)) = members.get_mut("properties") {
        properties.values_mut().for_each(structural);
    }
    members.get_mut("items").into_iter().for_each(structural);
}

/// Adds what is not said yet.
fn merge(members: &mut Map<String, Value>, other: Option<Value>) {
    if let Some(Value::Object(other)) = other {
        for (name, value) in other {
            members.entry(name).or_insert(value);
        }
    }
}

/// The schema of v2: no shared Secret, so that every service names its own.
fn second_version(mut schema: Value) -> Value {
    if let Some(Value::Object(spec)) = schema.pointer_mut("/properties/spec/properties") {
        spec.remove("secretName");
    }
    for service in ["kafka", "openSearch", "valkey/items"] {
        if let Some(Value::Object(service)) = schema.pointer_mut(&format!("/properties/spec/properties/{service}")) {
            let required = service.entry("required").or_insert_with(|| json!([]));
            if let Value::Array(required) = required {
                required.push(json!("secretName"));
            }
        }
    }
    schema
}

fn columns_v1() -> Value {
    json!([
        column("Name of secret", "string", ".spec.secretName", None),
        column("Protected", "boolean", ".spec.protected", Some(10)),
        column("Expires", "date", ".spec.expiresAt", Some(10)),
        column("State", "string", ".status.synchronizationState", Some(20)),
        column("Synced", "date", ".status.synchronizationTime", Some(30)),
        column("Age", "date", ".metadata.creationTimestamp", Some(30)),
    ])
}

fn columns_v2() -> Value {
    json!([
        column("Kafka secret", "string", ".spec.kafka.secretName", Some(10)),
        column("OpenSearch secret", "string", ".spec.openSearch.secretName", Some(10)),
        column("Valkey secret(s)", "string", ".spec.valkey[*].secretName", Some(10)),
        column("Protected", "boolean", ".spec.protected", Some(10)),
        column("Expires", "date", ".spec.expiresAt", Some(10)),
        column("State", "string", ".status.synchronizationState", None),
        column("Synced", "date", ".status.synchronizationTime", Some(30)),
        column("Age", "date", ".metadata.creationTimestamp", None),
    ])
}

fn column(name: &str, kind: &str, path: &str, priority: Option<u8>) -> Value {
    let mut column = json!({"name": name, "type": kind, "jsonPath": path});
    if let (Some(priority), Value::Object(members)) = (priority, &mut column) {
        members.insert("priority".to_owned(), json!(priority));
    }
    column
}
