//! Which kinds of documents mean something here; group and kind together name one.
//!
//! Decides what is ignored. A kind of our own group that does not exist is a mistake, any other unknown kind is not.

use super::field::Fault;
use crate::want::ServiceType;
use crate::world::WorkloadKind;

const OURS: &str = "aivenator.aiven.nais.io";

/// A version of the `AivenApplication`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Version {
    V1,
    V2,
}

/// A kind of document that is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Known {
    Application(Version),
    Secret,
    ConfigMap,
    Workload(WorkloadKind),
    Instance(ServiceType),
    Project,
    Observation,
}

impl Known {
    /// The kind of that name in the group of that version; `None` for one that is ignored.
    pub(super) fn of(api_version: &str, kind: &str) -> Result<Option<Self>, Fault> {
        let (group, version) = api_version.rsplit_once('/').unwrap_or(("", api_version));
        let wrong_version = |known: &str| Err(Fault::other_text(known, api_version).under("apiVersion"));
        let known = match (group, kind) {
            ("", "Secret") => Known::Secret,
            ("", "ConfigMap") => Known::ConfigMap,
            ("aiven.nais.io", "AivenApplication") => match version {
                "v1" => Known::Application(Version::V1),
                "v2" => Known::Application(Version::V2),
                _ => return wrong_version("aiven.nais.io/v1 or aiven.nais.io/v2"),
            },
            ("aiven.io", kind) => match instance(kind) {
                Some(service_type) => Known::Instance(service_type),
                None => return Ok(None),
            },
            (OURS, "AivenProject" | "Observation") if version != "v1" => {
                return wrong_version("aivenator.aiven.nais.io/v1");
            }
            (OURS, "AivenProject") => Known::Project,
            (OURS, "Observation") => Known::Observation,
            (OURS, kind) => {
                return Err(Fault::other_text("one of AivenProject, Observation", kind).under("kind"));
            }
            (group, kind) => match workload(group, kind) {
                Some(kind) => Known::Workload(kind),
                None => return Ok(None),
            },
        };
        Ok(Some(known))
    }

    /// The kind as documents spell it.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Known::Application(_) => "AivenApplication",
            Known::Secret => "Secret",
            Known::ConfigMap => "ConfigMap",
            Known::Workload(kind) => kind.as_str(),
            Known::Instance(service_type) => service_type.instance_kind().unwrap_or_default(),
            Known::Project => "AivenProject",
            Known::Observation => "Observation",
        }
    }

    /// Whether its objects live in namespaces.
    pub(super) fn is_namespaced(self) -> bool {
        !matches!(self, Known::Project | Known::Observation)
    }

    /// Whether nothing in it can be a secret, so that errors may show values.
    pub(super) fn is_public(self) -> bool {
        match self {
            Known::Application(_) | Known::Instance(_) | Known::Observation => true,
            Known::Secret | Known::ConfigMap | Known::Workload(_) | Known::Project => false,
        }
    }
}

/// The kind of the members, if it is a list of something that is read; empty if each member says its own.
pub(super) fn list_of<'a>(api_version: &str, kind: &'a str) -> Option<&'a str> {
    let members = kind.strip_suffix("List")?;
    let known = members.is_empty() || !matches!(Known::of(api_version, members), Ok(None));
    known.then_some(members)
}

fn instance(kind: &str) -> Option<ServiceType> {
    ServiceType::ALL.into_iter().find(|service_type| service_type.instance_kind() == Some(kind))
}

fn workload(group: &str, kind: &str) -> Option<WorkloadKind> {
    let found = WorkloadKind::ALL.into_iter().find(|known| known.as_str() == kind)?;
    let home = match found {
        WorkloadKind::Pod => "",
        WorkloadKind::Job | WorkloadKind::CronJob => "batch",
        WorkloadKind::DaemonSet | WorkloadKind::Deployment | WorkloadKind::ReplicaSet | WorkloadKind::StatefulSet => {
            "apps"
        }
    };
    (group == home).then_some(found)
}
