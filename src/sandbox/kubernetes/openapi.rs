//! As much of `OpenAPI` as kubectl needs before it leaves validation to the server.
//!
//! Decides nothing about objects; it names kinds, and says that `fieldValidation` is understood.

use serde_json::{Map, Value, json};

use super::discovery::group_versions;
use super::resource::Resource;
use super::store::Store;

/// The index of the third version.
pub(super) fn third(store: &Store) -> Value {
    let mut paths = Map::new();
    paths.insert("api/v1".to_owned(), json!({"serverRelativeURL": "/openapi/v3/api/v1"}));
    for (group, versions) in group_versions(store) {
        for version in versions {
            let path = format!("apis/{group}/{version}");
            let url = json!({"serverRelativeURL": format!("/openapi/v3/{path}")});
            paths.insert(path, url);
        }
    }
    json!({"paths": paths})
}

/// The document of one version of a group.
pub(super) fn of(store: &Store, api_version: &str) -> Value {
    let (group, version) = api_version.split_once('/').unwrap_or(("", api_version));
    let resources = store.tables.values().map(|table| &*table.resource);
    let served: Vec<&Resource> = resources.filter(|one| one.group == group && one.version(version).is_some()).collect();
    let paths: Map<String, Value> = served.iter().map(|one| (path(one, version), operations(one, version))).collect();
    let schemas: Map<String, Value> = served.iter().map(|one| (name(one, version), schema(one, version))).collect();
    json!({"openapi": "3.0.0", "info": info(), "paths": paths, "components": {"schemas": schemas}})
}

/// Everything in the second version.
pub(super) fn second(store: &Store) -> Value {
    let (mut paths, mut definitions) = (Map::new(), Map::new());
    for resource in store.tables.values().map(|table| &*table.resource) {
        for version in &resource.versions {
            paths.insert(path(resource, &version.name), operations(resource, &version.name));
            definitions.insert(name(resource, &version.name), schema(resource, &version.name));
        }
    }
    json!({"swagger": "2.0", "info": info(), "paths": paths, "definitions": definitions})
}

fn info() -> Value {
    json!({"title": "sandbox", "version": "v1"})
}

fn path(resource: &Resource, version: &str) -> String {
    let root = if resource.group.is_empty() { "/api" } else { "/apis" };
    let place = if resource.namespaced { "/namespaces/{namespace}" } else { "" };
    format!("{root}/{}{place}/{}/{{name}}", resource.api_version(version), resource.plural)
}

fn name(resource: &Resource, version: &str) -> String {
    let group = if resource.group.is_empty() { "core" } else { &resource.group };
    format!("{group}.{version}.{}", resource.kind)
}

fn kinds(resource: &Resource, version: &str) -> Value {
    json!({"group": resource.group, "version": version, "kind": resource.kind})
}

fn operations(resource: &Resource, version: &str) -> Value {
    let parameters: Vec<Value> = ["dryRun", "fieldManager", "fieldValidation"]
        .map(|name| json!({"name": name, "in": "query", "schema": {"type": "string"}}))
        .into();
    json!({"patch": {
        "parameters": parameters,
        "responses": {"200": {"description": "OK"}},
        "x-kubernetes-group-version-kind": kinds(resource, version),
    }})
}

fn schema(resource: &Resource, version: &str) -> Value {
    let schema = resource.version(version).map(|version| version.schema.clone()).unwrap_or_default();
    let mut members =
        schema.as_object().cloned().unwrap_or_else(|| Map::from_iter([("type".to_owned(), json!("object"))]));
    members.insert("x-kubernetes-group-version-kind".to_owned(), json!([kinds(resource, version)]));
    Value::Object(members)
}
