//! What kinds of objects there are: names, versions, and which rules hold for each.
//!
//! Decides what is served. Takes custom resources from their definitions; never holds objects.

use serde_json::{Value, json};

/// What a kind of object is.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Resource {
    pub(super) group: String,
    pub(super) plural: String,
    pub(super) singular: String,
    pub(super) kind: String,
    pub(super) list_kind: String,
    pub(super) short: Vec<String>,
    pub(super) categories: Vec<String>,
    pub(super) namespaced: bool,
    /// Whether status is written apart from the rest.
    pub(super) status: bool,
    /// Whether changes of the spec are counted.
    pub(super) generation: bool,
    /// Whether a replacement may leave out the version that it rests on.
    pub(super) unconditional: bool,
    /// Whether a definition made it.
    pub(super) custom: bool,
    /// Served versions, the preferred one first.
    pub(super) versions: Vec<Version>,
}

/// One served version.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Version {
    pub(super) name: String,
    pub(super) schema: Value,
    pub(super) columns: Vec<Value>,
    /// What clients of this version are warned with.
    pub(super) warning: Option<String>,
    pub(super) storage: bool,
}

/// Whether status and generation are kept, and whether a replacement needs a version.
#[derive(Clone, Copy, PartialEq)]
enum Rules {
    /// Neither status nor generation.
    Plain,
    /// As plain, and a replacement names the version that it rests on.
    Strict,
    /// A status of its own, no generation.
    Status,
    /// A status of its own and a generation.
    Spec,
}

const BUILT_IN: &[(&str, &str, &str, &[&str], Rules)] = &[
    ("v1", "Pod", "pods", &["po"], Rules::Status),
    ("v1", "Secret", "secrets", &[], Rules::Plain),
    ("v1", "ConfigMap", "configmaps", &["cm"], Rules::Plain),
    ("v1", "Namespace", "namespaces", &["ns"], Rules::Status),
    ("v1", "Event", "events", &["ev"], Rules::Plain),
    ("apps/v1", "ReplicaSet", "replicasets", &["rs"], Rules::Spec),
    ("apps/v1", "Deployment", "deployments", &["deploy"], Rules::Spec),
    ("apps/v1", "StatefulSet", "statefulsets", &["sts"], Rules::Spec),
    ("apps/v1", "DaemonSet", "daemonsets", &["ds"], Rules::Spec),
    ("batch/v1", "Job", "jobs", &[], Rules::Spec),
    ("batch/v1", "CronJob", "cronjobs", &["cj"], Rules::Spec),
    ("coordination.k8s.io/v1", "Lease", "leases", &[], Rules::Strict),
    ("apiextensions.k8s.io/v1", "CustomResourceDefinition", "customresourcedefinitions", &["crd", "crds"], Rules::Spec),
];

/// The resource that the other group serves too.
pub(super) const EVENTS_GROUP: &str = "events.k8s.io";

/// The kinds that every cluster has.
pub(super) fn built_in() -> Vec<Resource> {
    BUILT_IN.iter().map(|(version, kind, plural, short, rules)| built(version, (kind, plural), short, *rules)).collect()
}

fn built(api_version: &str, (kind, plural): (&str, &str), short: &[&str], rules: Rules) -> Resource {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let all = matches!(kind, "Pod" | "ReplicaSet" | "Deployment" | "StatefulSet" | "DaemonSet" | "Job" | "CronJob");
    Resource {
        group: group.to_owned(),
        plural: plural.to_owned(),
        singular: kind.to_lowercase(),
        kind: kind.to_owned(),
        list_kind: format!("{kind}List"),
        short: short.iter().map(|&name| name.to_owned()).collect(),
        categories: if all { vec!["all".to_owned()] } else { vec![] },
        namespaced: !matches!(kind, "Namespace" | "CustomResourceDefinition"),
        status: matches!(rules, Rules::Status | Rules::Spec),
        generation: rules == Rules::Spec,
        unconditional: rules != Rules::Strict && kind != "CustomResourceDefinition",
        custom: false,
        versions: vec![Version {
            name: version.to_owned(),
            schema: Value::Null,
            columns: vec![],
            warning: None,
            storage: true,
        }],
    }
}

impl Resource {
    /// The kind that a definition makes; none if it lacks a name or a version.
    pub(super) fn from_definition(definition: &Value) -> Option<Self> {
        let spec = definition.get("spec")?;
        let names = spec.get("names")?;
        let kind = text(names, "kind")?;
        let listed: &[Value] = spec.get("versions")?.as_array()?;
        let mut versions: Vec<Version> =
            listed.iter().filter(|one| flag(one, "served")).filter_map(Version::from_definition).collect();
        // The highest stable version is preferred; there are no alpha and beta versions beside stable ones here.
        versions.sort_by(|one, other| other.name.cmp(&one.name));
        Some(Self {
            group: text(spec, "group")?,
            plural: text(names, "plural")?,
            singular: text(names, "singular").unwrap_or_else(|| kind.to_lowercase()),
            list_kind: text(names, "listKind").unwrap_or_else(|| format!("{kind}List")),
            short: texts(names, "shortNames"),
            categories: texts(names, "categories"),
            namespaced: text(spec, "scope")? == "Namespaced",
            status: listed.iter().any(|one| one.pointer("/subresources/status").is_some()),
            generation: true,
            unconditional: false,
            custom: true,
            versions,
            kind,
        })
    }

    /// The name with its group, as messages give it.
    pub(super) fn qualified(&self) -> String {
        if self.group.is_empty() { self.plural.clone() } else { format!("{}.{}", self.plural, self.group) }
    }

    /// The apiVersion of a version of this group.
    pub(super) fn api_version(&self, version: &str) -> String {
        if self.group.is_empty() { version.to_owned() } else { format!("{}/{version}", self.group) }
    }

    /// The apiVersion in which objects are stored.
    pub(super) fn stored_api_version(&self) -> String {
        self.api_version(self.versions.iter().find(|one| one.storage).map_or("v1", |one| one.name.as_str()))
    }

    /// One of its versions.
    pub(super) fn version(&self, name: &str) -> Option<&Version> {
        self.versions.iter().find(|one| one.name == name)
    }

    /// Whether a person who types this word means this kind, as for kubectl.
    pub(super) fn is_called(&self, word: &str) -> bool {
        let word = word.to_lowercase();
        let called =
            |name: &str| word == name.to_lowercase() || word == format!("{}.{}", name.to_lowercase(), self.group);
        called(&self.plural)
            || called(&self.singular)
            || called(&self.kind)
            || self.short.iter().any(|name| called(name))
    }
}

impl Version {
    fn from_definition(version: &Value) -> Option<Self> {
        let warned = flag(version, "deprecated");
        Some(Self {
            name: text(version, "name")?,
            schema: version.pointer("/schema/openAPIV3Schema").cloned().unwrap_or(Value::Null),
            columns: version.get("additionalPrinterColumns").and_then(Value::as_array).cloned().unwrap_or_default(),
            warning: warned.then(|| text(version, "deprecationWarning").unwrap_or_else(|| "deprecated".to_owned())),
            storage: flag(version, "storage"),
        })
    }
}

fn text(value: &Value, name: &str) -> Option<String> {
    value.get(name)?.as_str().map(str::to_owned)
}

fn texts(value: &Value, name: &str) -> Vec<String> {
    let listed = value.get(name).and_then(Value::as_array);
    listed.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

fn flag(value: &Value, name: &str) -> bool {
    value.get(name).and_then(Value::as_bool).unwrap_or(false)
}

/// The definitions of Aiven's operator, as far as they matter here: names, and a status of any shape.
pub(super) fn aiven_definitions() -> Vec<Value> {
    [("OpenSearch", "opensearches"), ("Valkey", "valkeys")].map(|(kind, plural)| aiven_definition(kind, plural)).into()
}

fn aiven_definition(kind: &str, plural: &str) -> Value {
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": format!("{plural}.aiven.io")},
        "spec": {
            "group": "aiven.io",
            "names": {
                "kind": kind,
                "listKind": format!("{kind}List"),
                "plural": plural,
                "singular": kind.to_lowercase(),
            },
            "scope": "Namespaced",
            "versions": [{
                "name": "v1alpha1",
                "served": true,
                "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": anything, "status": anything}}},
                "subresources": {"status": {}},
                "additionalPrinterColumns": [
                    {"name": "Project", "type": "string", "jsonPath": ".spec.project"},
                    {"name": "State", "type": "string", "jsonPath": ".status.state"},
                ],
            }],
        },
    })
}
