//! What is served, told to clients that do not know it: versions, groups, resources, health.
//!
//! Decides only what clients are told; the addresses themselves are judged elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::resource::{EVENTS_GROUP, Resource};
use super::serve::json as respond;
use super::store::Store;
use super::{openapi, review};

/// The version that is claimed: that of the types.
const MINOR: &str = "33";

/// Answers what is about no resource.
pub(super) fn answer(store: &Store, path: &str) -> Response {
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let found = match parts.as_slice() {
        ["healthz" | "readyz" | "livez", ..] => return (StatusCode::OK, "ok").into_response(),
        ["version"] => Some(version()),
        ["api"] => Some(json!({"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []})),
        ["api", "v1"] => Some(resources(store, "", "v1")),
        ["apis"] => Some(groups(store)),
        ["apis", group] => one_group(store, group),
        ["apis", group, version] if serves(store, group, version) => Some(resources(store, group, version)),
        ["openapi", "v2"] => Some(openapi::second(store)),
        ["openapi", "v3"] => Some(openapi::third(store)),
        ["openapi", "v3", "api", version] => Some(openapi::of(store, version)),
        ["openapi", "v3", "apis", group, version] => Some(openapi::of(store, &format!("{group}/{version}"))),
        [] => Some(json!({"paths": ["/api", "/apis", "/healthz", "/version"]})),
        _ => None,
    };
    found.map_or_else(no_page, |found| respond(200, found.to_string(), &[]))
}

/// The answer where nothing is.
pub(super) fn no_page() -> Response {
    (StatusCode::NOT_FOUND, "404 page not found\n").into_response()
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": MINOR,
        "gitVersion": format!("v1.{MINOR}.0+sandbox"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "",
    })
}

/// Every group besides the core, with its versions, the preferred one first.
pub(super) fn group_versions(store: &Store) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, BTreeSet<std::cmp::Reverse<String>>> = BTreeMap::new();
    for table in store.tables.values().filter(|table| !table.resource.group.is_empty()) {
        let versions = table.resource.versions.iter().map(|version| std::cmp::Reverse(version.name.clone()));
        found.entry(table.resource.group.clone()).or_default().extend(versions);
    }
    for group in [EVENTS_GROUP, review::GROUP] {
        found.entry(group.to_owned()).or_default().insert(std::cmp::Reverse("v1".to_owned()));
    }
    found.into_iter().map(|(group, versions)| (group, versions.into_iter().map(|one| one.0).collect())).collect()
}

fn serves(store: &Store, group: &str, version: &str) -> bool {
    group_versions(store).get(group).is_some_and(|versions| versions.iter().any(|one| one == version))
}

fn groups(store: &Store) -> Value {
    let groups: Vec<Value> =
        group_versions(store).iter().filter_map(|(group, versions)| entry(group, versions)).collect();
    json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
}

fn entry(group: &str, versions: &[String]) -> Option<Value> {
    let listed: Vec<Value> = versions
        .iter()
        .map(|version| json!({"groupVersion": format!("{group}/{version}"), "version": version}))
        .collect();
    let preferred = listed.first()?.clone();
    Some(json!({"name": group, "versions": listed, "preferredVersion": preferred}))
}

fn one_group(store: &Store, group: &str) -> Option<Value> {
    let mut found = entry(group, group_versions(store).get(group)?)?;
    if let Value::Object(members) = &mut found {
        members.insert("kind".to_owned(), json!("APIGroup"));
        members.insert("apiVersion".to_owned(), json!("v1"));
    }
    Some(found)
}

/// What one version of a group serves.
fn resources(store: &Store, group: &str, version: &str) -> Value {
    let of_group = if group == EVENTS_GROUP { "" } else { group };
    let tables = store.tables.values().map(|table| &*table.resource);
    let served = tables.filter(|one| one.group == of_group && one.version(version).is_some());
    let served = served.filter(|one| group != EVENTS_GROUP || one.plural == "events");
    let mut listed: Vec<Value> = served.flat_map(entries).collect();
    if group == review::GROUP {
        listed.push(json!({
            "name": review::RESOURCE,
            "singularName": "selfsubjectaccessreview",
            "namespaced": false,
            "kind": "SelfSubjectAccessReview",
            "verbs": ["create"],
        }));
    }
    let group_version = if group.is_empty() { version.to_owned() } else { format!("{group}/{version}") };
    json!({"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": listed})
}

fn entries(resource: &Resource) -> Vec<Value> {
    let mut found = vec![json!({
        "name": resource.plural,
        "singularName": resource.singular,
        "namespaced": resource.namespaced,
        "kind": resource.kind,
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
        "shortNames": resource.short,
        "categories": resource.categories,
    })];
    if resource.status {
        found.push(json!({
            "name": format!("{}/status", resource.plural),
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": resource.kind,
            "verbs": ["get", "patch", "update"],
        }));
    }
    found
}
