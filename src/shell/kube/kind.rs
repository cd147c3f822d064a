//! Where each kind lives in the API, and which of its objects are watched.

use kube::core::{ApiResource, GroupVersionKind};

use crate::shell::metrics::Resource;
use crate::want::ServiceType;
use crate::world::{Kind, WorkloadKind, names};

/// The resource of a kind.
pub(crate) fn resource(kind: Kind) -> ApiResource {
    let (group, version, plural) = match kind {
        Kind::Application => ("aiven.nais.io", "v1", "aivenapplications"),
        Kind::Secret => ("", "v1", "secrets"),
        Kind::Workload(WorkloadKind::Pod) => ("", "v1", "pods"),
        Kind::Workload(WorkloadKind::ReplicaSet) => ("apps", "v1", "replicasets"),
        Kind::Workload(WorkloadKind::Deployment) => ("apps", "v1", "deployments"),
        Kind::Workload(WorkloadKind::StatefulSet) => ("apps", "v1", "statefulsets"),
        Kind::Workload(WorkloadKind::DaemonSet) => ("apps", "v1", "daemonsets"),
        Kind::Workload(WorkloadKind::Job) => ("batch", "v1", "jobs"),
        Kind::Workload(WorkloadKind::CronJob) => ("batch", "v1", "cronjobs"),
        Kind::Instance(ServiceType::OpenSearch) => ("aiven.io", "v1alpha1", "opensearches"),
        Kind::Instance(ServiceType::Valkey | ServiceType::Kafka) => ("aiven.io", "v1alpha1", "valkeys"),
    };
    let kind = GroupVersionKind::gvk(group, version, &kind.to_string());
    ApiResource::from_gvk_with_plural(&kind, plural)
}

/// The objects of a kind that are listed and watched; all, if nothing is said.
pub(crate) fn label_selector(kind: Kind) -> Option<String> {
    match kind {
        Kind::Secret => Some(format!("{}={}", names::TYPE, names::TYPE_VALUE)),
        Kind::Application | Kind::Workload(_) | Kind::Instance(_) => None,
    }
}

/// Every kind that is watched.
pub(crate) fn watched() -> impl Iterator<Item = Kind> {
    let instances = ServiceType::ALL.into_iter().filter(|of| of.instance_kind().is_some()).map(Kind::Instance);
    [Kind::Application, Kind::Secret].into_iter().chain(WorkloadKind::ALL.map(Kind::Workload)).chain(instances)
}

/// The resource as metrics name it.
pub(crate) fn counted(kind: &str) -> Resource {
    match kind {
        "AivenApplication" => Resource::AivenApplication,
        "ConfigMap" => Resource::ConfigMap,
        "CronJob" => Resource::CronJob,
        "DaemonSet" => Resource::DaemonSet,
        "Deployment" => Resource::Deployment,
        "Job" => Resource::Job,
        "Namespace" => Resource::Namespace,
        "OpenSearch" => Resource::OpenSearch,
        "Pod" => Resource::Pod,
        "ReplicaSet" => Resource::ReplicaSet,
        "StatefulSet" => Resource::StatefulSet,
        "Valkey" => Resource::Valkey,
        _ => Resource::Secret,
    }
}
