//! Pods and the templates of workloads, each reduced to the names of the secrets in it.
//!
//! Decides what counts as use and what has finished. Takes as given that only names matter; never looks at a value.

use std::collections::BTreeSet;

use serde_json::Value;

use super::field::{Fault, Object, text, time};
use super::metadata::{Metadata, Names};
use crate::world::{Name, Workload, WorkloadKey, WorkloadKind};

const CONTAINERS: [&str; 3] = ["containers", "initContainers", "ephemeralContainers"];
const VOLUMES: [&[&str]; 2] = [&["secret", "secretName"], &["csi", "nodePublishSecretRef", "name"]];

/// Reads a workload; `None` for one that has finished and uses nothing.
pub(super) fn read(
    kind: WorkloadKind,
    root: &Object<'_>,
    meta: &Metadata<'_>,
    names: &Names,
) -> Result<Option<(WorkloadKey, Workload)>, Fault> {
    if has_finished(kind, root)? {
        return Ok(None);
    }
    let mut secrets = BTreeSet::new();
    let uses = Uses { names, secrets: &mut secrets };
    under(root, template(kind), uses)?;
    let started = match kind {
        WorkloadKind::Pod => started(root)?.or(meta.created),
        WorkloadKind::CronJob
        | WorkloadKind::DaemonSet
        | WorkloadKind::Deployment
        | WorkloadKind::Job
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet => None,
    };
    let key = WorkloadKey { kind, name: meta.name.clone() };
    Ok(Some((key, Workload { started, secrets: secrets.into_iter().collect() })))
}

/// The members that are read, at whatever depth they stand.
const MATTERS: [&str; 33] = [
    "apiVersion",
    "conditions",
    "containers",
    "creationTimestamp",
    "csi",
    "deletionTimestamp",
    "env",
    "envFrom",
    "ephemeralContainers",
    "imagePullSecrets",
    "initContainers",
    "jobTemplate",
    "kind",
    "metadata",
    "name",
    "namespace",
    "nodePublishSecretRef",
    "phase",
    "projected",
    "resourceVersion",
    "secret",
    "secretKeyRef",
    "secretName",
    "secretRef",
    "sources",
    "spec",
    "startTime",
    "status",
    "template",
    "type",
    "uid",
    "valueFrom",
    "volumes",
];
/// Whether a member of that name is read anywhere in a pod or workload; the others need not be parsed.
pub fn matters(member: &str) -> bool {
    MATTERS.binary_search(&member).is_ok()
}

/// Where the spec of the pods stands.
fn template(kind: WorkloadKind) -> &'static [&'static str] {
    match kind {
        WorkloadKind::Pod => &["spec"],
        WorkloadKind::CronJob => &["spec", "jobTemplate", "spec", "template", "spec"],
        WorkloadKind::DaemonSet
        | WorkloadKind::Deployment
        | WorkloadKind::Job
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet => &["spec", "template", "spec"],
    }
}

fn has_finished(kind: WorkloadKind, root: &Object<'_>) -> Result<bool, Fault> {
    let status = |read: &dyn Fn(Object<'_>) -> Result<bool, Fault>| {
        root.opt("status", |value| read(Object::of(value)?)).map(Option::unwrap_or_default)
    };
    match kind {
        WorkloadKind::Pod => status(&|status| {
            let phase = status.opt("phase", text)?;
            Ok(phase.is_some_and(|phase| matches!(phase, "Succeeded" | "Failed")))
        }),
        WorkloadKind::Job => status(&|status| Ok(status.each("conditions", ends_job)?.contains(&true))),
        WorkloadKind::CronJob
        | WorkloadKind::DaemonSet
        | WorkloadKind::Deployment
        | WorkloadKind::ReplicaSet
        | WorkloadKind::StatefulSet => Ok(false),
    }
}

/// Whether a condition of a job says that it has ended.
fn ends_job(value: &Value) -> Result<bool, Fault> {
    let condition = Object::of(value)?;
    let (kind, status) = (condition.opt("type", text)?, condition.opt("status", text)?);
    Ok(matches!(kind, Some("Complete" | "Failed")) && status == Some("True"))
}

fn started(root: &Object<'_>) -> Result<Option<jiff::Timestamp>, Fault> {
    root.opt("status", |value| Object::of(value)?.opt("startTime", time)).map(Option::flatten)
}

/// Reads the spec of the pods, below all these keys: a workload without one could use anything.
fn under(object: &Object<'_>, keys: &[&str], mut uses: Uses<'_>) -> Result<(), Fault> {
    match keys {
        [] => uses.pod(object),
        [key, rest @ ..] => object.need(key, |value| under(&Object::of(value)?, rest, uses)),
    }
}

/// The names that were found so far.
struct Uses<'u> {
    names: &'u Names,
    secrets: &'u mut BTreeSet<Name>,
}

impl Uses<'_> {
    fn pod(&mut self, spec: &Object<'_>) -> Result<(), Fault> {
        spec.each("imagePullSecrets", |entry| self.name(entry, &["name"]))?;
        spec.each("volumes", |entry| {
            for path in VOLUMES {
                self.name(entry, path)?;
            }
            let projected = Object::of(entry)?.opt("projected", Object::of)?;
            let Some(projected) = projected else { return Ok(()) };
            let sources = projected.each("sources", |source| self.name(source, &["secret", "name"]));
            sources.map(|_| ()).map_err(|fault| fault.under("projected"))
        })?;
        for key in CONTAINERS {
            spec.each(key, |entry| {
                let container = Object::of(entry)?;
                container.each("env", |entry| self.name(entry, &["valueFrom", "secretKeyRef", "name"]))?;
                container.each("envFrom", |entry| self.name(entry, &["secretRef", "name"]))
            })?;
        }
        Ok(())
    }

    /// Takes the name below all these keys, if it is there.
    fn name(&mut self, value: &Value, path: &[&str]) -> Result<(), Fault> {
        match path {
            [] => {
                let name = self.names.text(value)?;
                if !name.is_empty() {
                    self.secrets.insert(name);
                }
                Ok(())
            }
            [key, rest @ ..] => {
                Object::of(value)?.opt(key, |value| self.name(value, rest)).map(Option::unwrap_or_default)
            }
        }
    }
}
