//! Whether this program may do what it has to: asked before anything is done.
//!
//! Decides what is needed. Takes the answers of the cluster as they are; changes nothing.

use std::time::Duration;

use futures::future::join_all;
use k8s_openapi::api::authorization::v1::{ResourceAttributes, SelfSubjectAccessReview, SelfSubjectAccessReviewSpec};
use kube::Api;
use kube::api::PostParams;

use super::kube::{Http, KubeError};
use crate::world::names;

/// One right: a verb on a resource, somewhere.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Right {
    /// `get`, `list`, …
    pub(crate) verb: &'static str,
    /// The API group; empty for the core.
    pub(crate) group: &'static str,
    /// The resource, with its subresource, if any.
    pub(crate) resource: &'static str,
    /// The namespace; everywhere, if none is named.
    pub(crate) namespace: Option<String>,
    /// The only object that it is needed for, so that a role may name it; any, if none is named.
    pub(crate) name: Option<&'static str>,
}

/// What is needed wherever applications are: group, resource, verbs. A test holds the deployed roles against it.
pub const EVERYWHERE: [(&str, &str, &[&str]); 14] = [
    ("aiven.nais.io", "aivenapplications", &["get", "list", "watch", "delete"]),
    ("aiven.nais.io", "aivenapplications/status", &["patch"]),
    ("", "secrets", &["get", "list", "watch", "create", "patch", "delete"]),
    ("", "pods", &["list", "watch"]),
    ("apps", "replicasets", &["list", "watch"]),
    ("apps", "deployments", &["list", "watch"]),
    ("apps", "statefulsets", &["list", "watch"]),
    ("apps", "daemonsets", &["list", "watch"]),
    ("batch", "jobs", &["list", "watch"]),
    ("batch", "cronjobs", &["list", "watch"]),
    ("aiven.io", "opensearches", &["list", "watch"]),
    ("aiven.io", "valkeys", &["list", "watch"]),
    ("events.k8s.io", "events", &["create", "patch"]),
    ("", "namespaces", &["get"]),
];

/// What is needed in the namespace of this program: group, resource, verbs.
pub const AT_HOME: [(&str, &str, &[&str]); 2] =
    [("", "configmaps", &["get", "create", "patch"]), ("coordination.k8s.io", "leases", &["get", "create", "patch"])];

/// Every right that is needed.
pub(crate) fn needed(namespaces: &[Option<String>], home: &str, elects: bool) -> Vec<Right> {
    let mut rights = Vec::new();
    for (group, resource, verbs) in EVERYWHERE {
        let places: Vec<Option<String>> = if resource == "namespaces" { vec![None] } else { namespaces.to_vec() };
        for namespace in places {
            let right =
                |verb| Right { verb, group, resource, namespace: namespace.clone(), name: only(verb, resource) };
            rights.extend(verbs.iter().copied().map(right));
        }
    }
    for (group, resource, verbs) in AT_HOME {
        if resource == "leases" && !elects {
            continue;
        }
        let namespace = Some(home.to_owned());
        let right = |verb| Right { verb, group, resource, namespace: namespace.clone(), name: only(verb, resource) };
        rights.extend(verbs.iter().copied().map(right));
    }
    rights
}

/// The one object that a verb on a resource is needed for, if it is only one. A creation has no name to be allowed by.
fn only(verb: &str, resource: &str) -> Option<&'static str> {
    match resource {
        _ if verb == "create" => None,
        "namespaces" => Some("kube-system"),
        "configmaps" => Some(names::JOURNAL),
        "leases" => Some(names::LEASE),
        _ => None,
    }
}

/// After this time the cluster counts as not answering.
const DEADLINE: Duration = Duration::from_secs(30);

/// The rights that the cluster denies; an error if it does not answer.
pub(crate) async fn denied(kube: &Http, rights: Vec<Right>) -> Result<Vec<Right>, KubeError> {
    let asked = join_all(rights.into_iter().map(|right| ask(kube, right)));
    let asked = tokio::time::timeout(DEADLINE, asked).await.map_err(|_| KubeError::NoAnswer)?;
    let answers: Vec<(Right, bool)> = asked.into_iter().collect::<Result<_, _>>()?;
    Ok(answers.into_iter().filter(|(_, allowed)| !allowed).map(|(right, _)| right).collect())
}

async fn ask(kube: &Http, right: Right) -> Result<(Right, bool), KubeError> {
    let (resource, subresource) = match right.resource.split_once('/') {
        Some((resource, subresource)) => (resource, Some(subresource.to_owned())),
        None => (right.resource, None),
    };
    let attributes = ResourceAttributes {
        verb: Some(right.verb.to_owned()),
        group: Some(right.group.to_owned()),
        resource: Some(resource.to_owned()),
        subresource,
        namespace: right.namespace.clone(),
        name: right.name.map(str::to_owned),
        ..ResourceAttributes::default()
    };
    let spec =
        SelfSubjectAccessReviewSpec { resource_attributes: Some(attributes), ..SelfSubjectAccessReviewSpec::default() };
    let review = SelfSubjectAccessReview { spec, ..SelfSubjectAccessReview::default() };
    let api: Api<SelfSubjectAccessReview> = Api::all(kube.client().clone());
    let answer = api.create(&PostParams::default(), &review).await.map_err(|error| KubeError::from(&error))?;
    Ok((right, answer.status.is_some_and(|status| status.allowed)))
}

impl std::fmt::Display for Right {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Right { verb, group, resource, namespace, name } = self;
        let dot = if group.is_empty() { "" } else { "." };
        write!(f, "missing right: {verb} {resource}{dot}{group}")?;
        if let Some(name) = name {
            write!(f, " {name}")?;
        }
        match namespace {
            Some(namespace) => write!(f, " in namespace {namespace}"),
            None if *resource == "namespaces" => Ok(()),
            None => f.write_str(" in every namespace"),
        }
    }
}
