//! What uses secrets: pods and the templates of workloads, each reduced to the names of the secrets in it.

use std::collections::BTreeSet;
use std::fmt;

use jiff::Timestamp;
use serde::Serialize;

use super::key::{Name, SecretKey};
use super::{Application, World};

/// A kind of object that can use a secret or ask for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum WorkloadKind {
    /// `batch/v1`
    CronJob,
    /// `apps/v1`
    DaemonSet,
    /// `apps/v1`
    Deployment,
    /// `batch/v1`; a finished one uses nothing.
    Job,
    /// `v1`; a finished one uses nothing.
    Pod,
    /// `apps/v1`, also one that is scaled to zero: it is what a rollback needs.
    ReplicaSet,
    /// `apps/v1`
    StatefulSet,
}

impl WorkloadKind {
    /// All of them.
    pub const ALL: [WorkloadKind; 7] = [
        WorkloadKind::CronJob,
        WorkloadKind::DaemonSet,
        WorkloadKind::Deployment,
        WorkloadKind::Job,
        WorkloadKind::Pod,
        WorkloadKind::ReplicaSet,
        WorkloadKind::StatefulSet,
    ];

    /// The kind as documents spell it.
    pub const fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::CronJob => "CronJob",
            WorkloadKind::DaemonSet => "DaemonSet",
            WorkloadKind::Deployment => "Deployment",
            WorkloadKind::Job => "Job",
            WorkloadKind::Pod => "Pod",
            WorkloadKind::ReplicaSet => "ReplicaSet",
            WorkloadKind::StatefulSet => "StatefulSet",
        }
    }
}

impl fmt::Display for WorkloadKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Names a workload within its namespace.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WorkloadKey {
    /// The kind of object.
    pub kind: WorkloadKind,
    /// The name of the object.
    pub name: Name,
}

impl fmt::Display for WorkloadKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.kind, self.name)
    }
}

/// A pod or a workload that has not finished, reduced to what matters here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// When it started; absent counts as old, and only pods have one.
    pub started: Option<Timestamp>,
    /// The names of the secrets that it uses, by whatever way, sorted and without repetition.
    pub secrets: Vec<Name>,
}

impl World {
    /// The managed secrets that nothing asks for or uses at this moment: few are looked at for that.
    pub fn unwanted(&self) -> BTreeSet<SecretKey> {
        let ended = |app: &&Application| app.terminating || app.expired(self.now);
        let of_ending = self.ending().filter_map(|key| self.application(key)).filter(ended).flat_map(|app| {
            let key = |name: &Name| SecretKey { namespace: app.key.namespace.clone(), name: name.clone() };
            app.spec.secret_names().map(key)
        });
        let wanted = |key: &SecretKey| self.asking(key).next().is_some() || self.using(key).next().is_some();
        let candidates = self.idle().cloned().chain(of_ending);
        candidates.filter(|key| self.managed(key).is_some() && !wanted(key)).collect()
    }
}
