//! Where each kind lives in the API of a real server.

use serde_json::Value;

/// Plural, apiVersion, kind.
const KINDS: &[(&str, &str, &str)] = &[
    ("aivenapplications", "aiven.nais.io/v1", "AivenApplication"),
    ("opensearches", "aiven.io/v1alpha1", "OpenSearch"),
    ("valkeys", "aiven.io/v1alpha1", "Valkey"),
    ("secrets", "v1", "Secret"),
    ("configmaps", "v1", "ConfigMap"),
    ("events", "v1", "Event"),
    ("pods", "v1", "Pod"),
    ("leases", "coordination.k8s.io/v1", "Lease"),
    ("replicasets", "apps/v1", "ReplicaSet"),
    ("deployments", "apps/v1", "Deployment"),
    ("statefulsets", "apps/v1", "StatefulSet"),
    ("daemonsets", "apps/v1", "DaemonSet"),
    ("jobs", "batch/v1", "Job"),
    ("cronjobs", "batch/v1", "CronJob"),
    ("customresourcedefinitions", "apiextensions.k8s.io/v1", "CustomResourceDefinition"),
    ("serviceaccounts", "v1", "ServiceAccount"),
    ("roles", "rbac.authorization.k8s.io/v1", "Role"),
    ("rolebindings", "rbac.authorization.k8s.io/v1", "RoleBinding"),
    ("clusterroles", "rbac.authorization.k8s.io/v1", "ClusterRole"),
    ("clusterrolebindings", "rbac.authorization.k8s.io/v1", "ClusterRoleBinding"),
];

/// What scenarios leave behind.
pub const LEFT: [&str; 14] = [
    "aivenapplications",
    "opensearches",
    "valkeys",
    "secrets",
    "configmaps",
    "events",
    "pods",
    "leases",
    "replicasets",
    "deployments",
    "statefulsets",
    "daemonsets",
    "jobs",
    "cronjobs",
];

fn of(plural: &str) -> (&'static str, &'static str) {
    let found = KINDS.iter().find(|(of, ..)| *of == plural);
    let (_, version, kind) = found.unwrap_or_else(|| panic!("no kind is called {plural}"));
    (version, kind)
}

/// The address of an object, or without a name of all; without a namespace in the whole cluster.
pub fn path(plural: &str, namespace: &str, name: &str) -> String {
    let version = of(plural).0;
    let root = if version.contains('/') { "apis" } else { "api" };
    let inside = if namespace.is_empty() { String::new() } else { format!("/namespaces/{namespace}") };
    let name = if name.is_empty() { String::new() } else { format!("/{name}") };
    format!("/{root}/{version}{inside}/{plural}{name}")
}

/// The plural name of what an object is.
pub fn plural_of(object: &Value) -> &'static str {
    let said = (object["apiVersion"].as_str().unwrap_or_default(), object["kind"].as_str().unwrap_or_default());
    // Any version of a kind leads to its objects.
    let same = |version: &str| version.split('/').next() == said.0.split('/').next();
    let found = KINDS.iter().find(|(_, version, kind)| *kind == said.1 && (*version == said.0 || same(version)));
    found.unwrap_or_else(|| panic!("no such kind: {said:?}")).0
}

/// Where an object is made.
pub fn place_of(object: &Value) -> String {
    path(plural_of(object), object["metadata"]["namespace"].as_str().unwrap_or_default(), "")
}

/// An object of a list, which does not say what it is.
pub fn named(plural: &str, mut object: Value) -> Value {
    let (version, kind) = of(plural);
    object["apiVersion"] = Value::from(version);
    object["kind"] = Value::from(kind);
    shown(object)
}

/// An object without what only the server's own bookkeeping needs.
pub fn shown(mut object: Value) -> Value {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove("managedFields");
    }
    object
}

/// Removes what only a server sets.
pub fn strip(object: &mut Value) {
    if let Some(metadata) = object["metadata"].as_object_mut() {
        let set = ["uid", "resourceVersion", "generation", "creationTimestamp", "managedFields", "deletionTimestamp"];
        metadata.retain(|field, _| !set.contains(&field.as_str()) && field != "deletionGracePeriodSeconds");
    }
}
