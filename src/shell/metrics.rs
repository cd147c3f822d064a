//! What is counted and timed, for Prometheus: one typed function per metric, so that no caller can misspell a name.
//!
//! A [`Metrics`] is passed to whoever counts; nothing global is installed, so that several operators live in one process
//! (tests, the sandbox) without counting for each other. Takes as given what happened; decides nothing but how it is
//! named. Never has the name of a secret or of a user as a label.

mod family;
mod label;
mod live;
mod process;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use metrics::{Counter, Gauge, Histogram, Key, Label, Level, Metadata, Recorder};
use metrics_exporter_prometheus::PrometheusRecorder;
use tokio::time::Instant;

use self::family::Family;
pub use self::label::{AivenResource, Change, Convention, Resource, SecretState, Verb};
use self::live::{Live, Text};
use crate::reason::Reason;
use crate::want::ServiceType;
use crate::world::{Name, RolloutState, ServiceKey};

const METADATA: Metadata<'static> = Metadata::new("aivenator", Level::INFO, None);

/// After so many timings what was recorded is summed up, also when nobody ever asks for it.
const TIMINGS: u32 = 1024;

/// All metrics of one operator; clones count together.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Metrics")
    }
}

struct Inner {
    recorder: PrometheusRecorder,
    live: Mutex<Live>,
    timings: AtomicU32,
}

/// One call of the Aiven API.
#[derive(Clone, Copy, Debug)]
pub struct AivenCall<'a> {
    /// Of what.
    pub resource: AivenResource,
    /// What it does.
    pub verb: Verb,
    /// In which Aiven project.
    pub project: &'a str,
    /// The HTTP status; every success counts as 200, no answer as 0.
    pub status: u16,
}

/// One call of the Kubernetes API.
#[derive(Clone, Copy, Debug)]
pub struct KubernetesCall {
    /// Of what.
    pub resource: Resource,
    /// What it does.
    pub verb: Verb,
}

impl Metrics {
    /// Starts every counter that can be known now at 0; `projects` are the Aiven projects that settings name.
    pub fn new<'a>(projects: impl IntoIterator<Item = &'a Name>) -> Self {
        let inner = Inner { recorder: family::recorder(), live: Mutex::default(), timings: AtomicU32::new(0) };
        let metrics = Metrics(Arc::new(inner));
        for state in [Some(RolloutState::Complete), Some(RolloutState::Failed), None] {
            metrics.counter(&family::PROCESSED, vec![synchronization(state)]).increment(0);
            drop(metrics.histogram(&family::APPLICATION_TIME, vec![synchronization(state)]));
        }
        metrics.counter(&family::REQUEUED, vec![synchronization(Some(RolloutState::Failed))]).increment(0);
        for service in ServiceType::ALL {
            drop(metrics.histogram(&family::HANDLER_TIME, vec![handler(service)]));
        }
        for code in label::REASONS {
            metrics.counter(&family::REASON, vec![reason(code)]).increment(0);
        }
        for project in projects {
            for family in [&family::USERS_CREATED, &family::USERS_UPDATED, &family::USERS_DELETED] {
                metrics.counter(family, vec![pool(project)]).increment(0);
            }
        }
        for state in SecretState::ALL {
            metrics.secrets_managed(state, 0);
        }
        for family in [
            &family::TERMINATING,
            &family::INTENTS,
            &family::RETIRED,
            &family::ORPHANED,
            &family::LEFT_BEHIND,
            &family::WITHHELD,
            &family::SUBJECTS,
            &family::LEADER,
        ] {
            metrics.gauge(family, vec![]).set(0.0);
        }
        drop(metrics.histogram(&family::PLAN_TIME, vec![]));
        metrics
    }

    /// All of them in the text format, version 0.0.4; sorted, so that the same numbers give the same bytes.
    pub fn render(&self) -> String {
        let recorded = self.0.recorder.handle().render();
        let mut families: Vec<String> = recorded.split("\n\n").filter(|text| !text.is_empty()).map(sorted).collect();
        families.sort();
        let mut text = Text(families.concat());
        self.live(|live| live.write(&mut text));
        process::write(&mut text);
        text.0
    }

    /// Counts a pass over an application; no state, where it has none yet.
    pub fn application_processed(&self, state: Option<RolloutState>) {
        self.counter(&family::PROCESSED, vec![synchronization(state)]).increment(1);
    }

    /// Counts an application that is tried again after a failure.
    pub fn application_requeued(&self) {
        self.counter(&family::REQUEUED, vec![synchronization(Some(RolloutState::Failed))]).increment(1);
    }

    /// Times a pass with something to do, from decision to end.
    pub fn application_time(&self, state: Option<RolloutState>, took: Duration) {
        self.time(&family::APPLICATION_TIME, vec![synchronization(state)], took);
    }

    /// Times what was done for one kind of service.
    pub fn handler_time(&self, service: ServiceType, took: Duration) {
        self.time(&family::HANDLER_TIME, vec![handler(service)], took);
    }

    /// Counts why something was processed.
    pub fn processing_reason(&self, why: &Reason) {
        self.counter(&family::REASON, vec![reason(why.code())]).increment(1);
    }

    /// Counts what was done to a service user of an Aiven project.
    pub fn service_user(&self, change: Change, project: &str) {
        let family = match change {
            Change::Created => &family::USERS_CREATED,
            Change::Updated => &family::USERS_UPDATED,
            Change::Deleted => &family::USERS_DELETED,
        };
        self.counter(family, vec![pool(project)]).increment(1);
    }

    /// Sets how many users the pool's Kafka has with such names.
    pub fn users_count(&self, project: &str, convention: Convention, count: usize) {
        let labels = vec![pool(project), Label::from_static_parts("username_convention", convention.as_str())];
        self.gauge(&family::USERS_COUNT, labels).set(number(count));
    }

    /// Sets how many users of each service managed secrets record; services that are not in it are forgotten.
    pub fn users_by_service(&self, users: BTreeMap<ServiceKey, usize>) {
        self.live(|live| live.users = users);
    }

    /// Times a call of the Aiven API.
    pub fn aiven_latency(&self, call: AivenCall<'_>, took: Duration) {
        let operation = operation(call.resource.as_str(), call.verb);
        self.time(&family::AIVEN_LATENCY, vec![operation, status(call.status), pool(call.project)], took);
    }

    /// Times a call of the Kubernetes API.
    pub fn kubernetes_latency(&self, call: KubernetesCall, took: Duration) {
        let operation = operation(call.resource.as_str(), call.verb);
        self.time(&family::KUBERNETES_LATENCY, vec![operation], took);
    }

    /// Counts an object that was written.
    pub fn resource_written(&self, namespace: &str, resource: Resource) {
        self.counter(&family::WRITTEN, object(namespace, resource)).increment(1);
    }

    /// Counts an object that could not be written.
    pub fn resource_not_written(&self, namespace: &str, resource: Resource) {
        self.counter(&family::NOT_WRITTEN, object(namespace, resource)).increment(1);
    }

    /// Counts an object that was deleted.
    pub fn resource_deleted(&self, namespace: &str, resource: Resource) {
        self.counter(&family::DELETED, object(namespace, resource)).increment(1);
    }

    /// Sets how many managed secrets there are of some state.
    pub fn secrets_managed(&self, state: SecretState, count: usize) {
        self.gauge(&family::SECRETS, vec![Label::from_static_parts("state", state.as_str())]).set(number(count));
    }

    /// Sets how many managed secrets wait for the end of their deletion, and since when the first of them does.
    pub fn secrets_terminating(&self, count: usize, since: Option<Instant>) {
        self.gauge(&family::TERMINATING, vec![]).set(number(count));
        self.live(|live| live.terminating = since);
    }

    /// Notes that a watch was answered just now, or said something: a list, or a change.
    pub fn watch_seen(&self, resource: Resource) {
        self.live(|live| live.watches.insert(resource, Instant::now()));
    }

    /// Sets how many users the journal announces.
    pub fn intents_open(&self, count: usize) {
        self.gauge(&family::INTENTS, vec![]).set(number(count));
    }

    /// Sets how many replaced users still exist.
    pub fn users_retired(&self, count: usize) {
        self.gauge(&family::RETIRED, vec![]).set(number(count));
    }

    /// Sets how many users have a name of ours and are not recorded in this cluster.
    pub fn users_orphaned(&self, count: usize) {
        self.gauge(&family::ORPHANED, vec![]).set(number(count));
    }

    /// Sets how many users were left behind by secrets that were let go.
    pub fn users_left_behind(&self, count: usize) {
        self.gauge(&family::LEFT_BEHIND, vec![]).set(number(count));
    }

    /// Sets when the first certificate of each pool's users ends; pools that are not in it are forgotten.
    pub fn certificates_end(&self, ends: BTreeMap<Name, Timestamp>) {
        self.live(|live| live.certificates = ends);
    }

    /// Sets how many deletions are withheld because one plan would delete too many.
    pub fn deletions_withheld(&self, count: usize) {
        self.gauge(&family::WITHHELD, vec![]).set(number(count));
    }

    /// Times a plan.
    pub fn plan_time(&self, took: Duration) {
        self.time(&family::PLAN_TIME, vec![], took);
    }

    /// Sets how many subjects the last full plan had.
    pub fn plan_subjects(&self, count: usize) {
        self.gauge(&family::SUBJECTS, vec![]).set(number(count));
    }

    /// Sets whether this replica is the one that acts.
    pub fn is_leader(&self, leader: bool) {
        self.gauge(&family::LEADER, vec![]).set(if leader { 1.0 } else { 0.0 });
    }

    fn counter(&self, family: &Family, labels: Vec<Label>) -> Counter {
        self.0.recorder.register_counter(&Key::from_parts(family.name, labels), &METADATA)
    }

    fn gauge(&self, family: &Family, labels: Vec<Label>) -> Gauge {
        self.0.recorder.register_gauge(&Key::from_parts(family.name, labels), &METADATA)
    }

    fn histogram(&self, family: &Family, labels: Vec<Label>) -> Histogram {
        self.0.recorder.register_histogram(&Key::from_parts(family.name, labels), &METADATA)
    }

    fn time(&self, family: &Family, labels: Vec<Label>, took: Duration) {
        self.histogram(family, labels).record(took.as_secs_f64());
        if self.0.timings.fetch_add(1, Ordering::Relaxed) % TIMINGS == TIMINGS - 1 {
            self.0.recorder.handle().run_upkeep();
        }
    }

    fn live<T>(&self, with: impl FnOnce(&mut Live) -> T) -> T {
        with(&mut self.0.live.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

fn synchronization(state: Option<RolloutState>) -> Label {
    Label::from_static_parts("synchronization_state", label::state(state))
}

fn handler(service: ServiceType) -> Label {
    Label::from_static_parts("handler", label::handler(service))
}

fn reason(code: &'static str) -> Label {
    Label::from_static_parts("processing_reason", label::reason(code))
}

fn pool(project: &str) -> Label {
    Label::new("pool", project.to_owned())
}

fn operation(resource: &str, verb: Verb) -> Label {
    Label::new("operation", format!("{resource}_{}", verb.as_str()))
}

fn status(code: u16) -> Label {
    Label::new("status", if (200..300).contains(&code) { "200".to_owned() } else { code.to_string() })
}

fn object(namespace: &str, resource: Resource) -> Vec<Label> {
    vec![Label::new("namespace", namespace.to_owned()), Label::from_static_parts("resource_type", resource.as_str())]
}

fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap_or(u32::MAX))
}

/// A metric with its values in order; buckets of a histogram are in order already.
fn sorted(family: &str) -> String {
    let mut lines: Vec<&str> = family.lines().collect();
    if !lines.iter().any(|line| line.starts_with("# TYPE") && line.ends_with(" histogram")) {
        // Comments sort before names.
        lines.sort_unstable();
    }
    lines.into_iter().flat_map(|line| [line, "\n"]).collect()
}
