//! Every metric by its exact name, kind and help text.
//!
//! Names, labels and buckets are those that dashboards and alerts already read. Decides nothing; never holds a value.

use metrics::{KeyName, Recorder};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusRecorder};

/// What a metric is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    /// A histogram of work: 1, 3, 5 … 39 seconds.
    Work,
    /// A histogram of calls: 0.02·2ⁿ seconds, n = 0…13.
    Latency,
}

/// A metric without its labels.
pub(super) struct Family {
    pub(super) name: &'static str,
    pub(super) help: &'static str,
    kind: Kind,
}

const fn family(kind: Kind, name: &'static str, help: &'static str) -> Family {
    Family { name, help, kind }
}

pub(super) const PROCESSED: Family =
    family(Kind::Counter, "aivenator_aiven_applications_processed", "number of passes over applications");
pub(super) const REQUEUED: Family = family(
    Kind::Counter,
    "aivenator_aiven_applications_requeued",
    "number of times that an application has to be tried again",
);
pub(super) const APPLICATION_TIME: Family = family(
    Kind::Work,
    "aivenator_aiven_application_processing_time_seconds",
    "seconds from decision to end of a pass with something to do",
);
pub(super) const HANDLER_TIME: Family =
    family(Kind::Work, "aivenator_aiven_handler_processing_time_seconds", "seconds spent on one kind of service");
pub(super) const REASON: Family =
    family(Kind::Counter, "aivenator_processing_reason", "why applications and secrets were processed");
pub(super) const USERS_CREATED: Family =
    family(Kind::Counter, "aivenator_service_users_created", "number of service users created");
pub(super) const USERS_UPDATED: Family =
    family(Kind::Counter, "aivenator_service_users_updated", "number of service users changed");
pub(super) const USERS_DELETED: Family =
    family(Kind::Counter, "aivenator_service_users_deleted", "number of service users deleted");
pub(super) const USERS_COUNT: Family =
    family(Kind::Gauge, "aivenator_service_users_count", "users of the pool's Kafka, by how they are named");
pub(super) const AIVEN_LATENCY: Family =
    family(Kind::Latency, "aivenator_aiven_latency", "seconds that calls of the Aiven API take");
pub(super) const KUBERNETES_LATENCY: Family =
    family(Kind::Latency, "aivenator_kubernetes_latency", "seconds that calls of the Kubernetes API take");
pub(super) const WRITTEN: Family =
    family(Kind::Counter, "aivenator_kubernetes_resources_written", "number of objects written to the cluster");
pub(super) const NOT_WRITTEN: Family = family(
    Kind::Counter,
    "aivenator_kubernetes_resources_not_written",
    "number of objects that could not be written to the cluster",
);
pub(super) const DELETED: Family =
    family(Kind::Counter, "aivenator_kubernetes_resources_deleted", "number of objects deleted from the cluster");
pub(super) const SECRETS: Family = family(Kind::Gauge, "aivenator_secrets_managed", "number of managed secrets");
pub(super) const TERMINATING: Family = family(
    Kind::Gauge,
    "aivenator_secrets_terminating",
    "managed secrets that are being deleted and wait until their users are gone",
);
pub(super) const INTENTS: Family =
    family(Kind::Gauge, "aivenator_intents_open", "users that were announced in the journal and are not recorded yet");
pub(super) const RETIRED: Family =
    family(Kind::Gauge, "aivenator_service_users_retired", "replaced users that still exist");
pub(super) const ORPHANED: Family = family(
    Kind::Gauge,
    "aivenator_service_users_orphaned",
    "users with a name of ours that nothing in this cluster records: orphans, or those of another that shares the project",
);
pub(super) const LEFT_BEHIND: Family =
    family(Kind::Gauge, "aivenator_service_users_left_behind", "users whose secret was let go without deleting them");
pub(super) const WITHHELD: Family = family(
    Kind::Gauge,
    "aivenator_deletions_withheld",
    "secrets that are not deleted because one plan would delete too many; 0 when all is well",
);
pub(super) const PLAN_TIME: Family =
    family(Kind::Latency, "aivenator_plan_duration_seconds", "seconds that plans take");
pub(super) const SUBJECTS: Family = family(Kind::Gauge, "aivenator_plan_subjects", "subjects of the last full plan");
pub(super) const LEADER: Family =
    family(Kind::Gauge, "aivenator_is_leader", "1 while this replica is the one that acts, else 0");

const ALL: [&Family; 24] = [
    &PROCESSED,
    &REQUEUED,
    &APPLICATION_TIME,
    &HANDLER_TIME,
    &REASON,
    &USERS_CREATED,
    &USERS_UPDATED,
    &USERS_DELETED,
    &USERS_COUNT,
    &AIVEN_LATENCY,
    &KUBERNETES_LATENCY,
    &WRITTEN,
    &NOT_WRITTEN,
    &DELETED,
    &SECRETS,
    &TERMINATING,
    &INTENTS,
    &RETIRED,
    &ORPHANED,
    &LEFT_BEHIND,
    &WITHHELD,
    &PLAN_TIME,
    &SUBJECTS,
    &LEADER,
];

/// A recorder that knows all of them.
pub(super) fn recorder() -> PrometheusRecorder {
    let builder = ALL.into_iter().fold(PrometheusBuilder::new(), |builder, family| {
        let Some(buckets) = family.kind.buckets() else { return builder };
        // Only an empty list of buckets is refused.
        builder.set_buckets_for_metric(Matcher::Full(family.name.to_owned()), &buckets).unwrap_or_default()
    });
    let recorder = builder.build_recorder();
    for family in ALL {
        let name = KeyName::from_const_str(family.name);
        match family.kind {
            Kind::Counter => recorder.describe_counter(name, None, family.help.into()),
            Kind::Gauge => recorder.describe_gauge(name, None, family.help.into()),
            Kind::Work | Kind::Latency => recorder.describe_histogram(name, None, family.help.into()),
        }
    }
    recorder
}

impl Kind {
    fn buckets(self) -> Option<Vec<f64>> {
        match self {
            Kind::Counter | Kind::Gauge => None,
            Kind::Work => Some((0..20).map(|step| f64::from(1 + 2 * step)).collect()),
            Kind::Latency => Some((0..14).map(|step| 0.02 * f64::from(1 << step)).collect()),
        }
    }
}
