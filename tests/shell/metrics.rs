//! What Prometheus reads: names, labels, buckets and first values, as dashboards expect them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use aivenator::reason::Reason;
use aivenator::shell::metrics::{
    AivenCall, AivenResource, Change, Convention, KubernetesCall, Metrics, Resource, SecretState, Verb,
};
use aivenator::want::ServiceType;
use aivenator::world::{Name, RolloutState, ServiceKey};

const POOL: &str = "dev-nais-dev";

fn metrics() -> Metrics {
    Metrics::new(&[Name::from(POOL)])
}

#[track_caller]
fn check(metrics: &Metrics, line: &str) {
    let text = metrics.render();
    assert!(text.lines().any(|other| other == line), "no line {line}\n{text}");
}

/// Uses every function once.
pub fn busy() -> Metrics {
    let metrics = metrics();
    let second = Duration::from_secs(1);
    metrics.application_processed(Some(RolloutState::Complete));
    metrics.application_requeued();
    metrics.application_time(Some(RolloutState::Failed), second);
    metrics.handler_time(ServiceType::Kafka, second);
    metrics.processing_reason(&Reason::SpecChanged { first: false, what: vec![] });
    metrics.service_user(Change::Created, POOL);
    metrics.users_count(POOL, Convention::Dot, 3);
    metrics.users_by_service(BTreeMap::from([(ServiceKey { project: POOL.into(), service: "kafka".into() }, 4)]));
    let (resource, verb) = (AivenResource::ServiceUser, Verb::Create);
    metrics.aiven_latency(AivenCall { resource, verb, project: POOL, status: 201 }, second);
    let call = KubernetesCall { resource: Resource::Secret, verb: Verb::Patch };
    metrics.kubernetes_latency(call, second);
    metrics.resource_written("team", Resource::Secret);
    metrics.resource_not_written("team", Resource::AivenApplication);
    metrics.resource_deleted("team", Resource::Secret);
    metrics.secrets_managed(SecretState::InUse, 7);
    metrics.secrets_terminating(2, Some(tokio::time::Instant::now()));
    metrics.watch_seen(Resource::Pod);
    metrics.intents_open(1);
    metrics.users_retired(2);
    metrics.users_orphaned(3);
    metrics.users_left_behind(4);
    metrics.certificates_end(BTreeMap::from([(POOL.into(), "2199-01-01T00:00:00Z".parse().unwrap())]));
    metrics.deletions_withheld(5);
    metrics.plan_time(second);
    metrics.plan_subjects(6);
    metrics.is_leader(true);
    metrics
}

#[test]
fn names_and_labels_are_those_that_dashboards_read() {
    let metrics = busy();
    for line in [
        "aivenator_aiven_applications_processed{synchronization_state=\"RolloutComplete\"} 1",
        "aivenator_aiven_applications_requeued{synchronization_state=\"RolloutFailed\"} 1",
        "aivenator_aiven_application_processing_time_seconds_count{synchronization_state=\"RolloutFailed\"} 1",
        "aivenator_aiven_handler_processing_time_seconds_sum{handler=\"kafka.KafkaHandler\"} 1",
        "aivenator_processing_reason{processing_reason=\"HashChanged\"} 1",
        "aivenator_service_users_created{pool=\"dev-nais-dev\"} 1",
        "aivenator_service_users_count{pool=\"dev-nais-dev\",username_convention=\"dot\"} 3",
        "aivenator_service_users{pool=\"dev-nais-dev\",service=\"kafka\"} 4",
        "aivenator_aiven_latency_count{operation=\"ServiceUser_Create\",status=\"200\",pool=\"dev-nais-dev\"} 1",
        "aivenator_kubernetes_latency_count{operation=\"Secret_Patch\"} 1",
        "aivenator_kubernetes_resources_written{namespace=\"team\",resource_type=\"Secret\"} 1",
        "aivenator_kubernetes_resources_not_written{namespace=\"team\",resource_type=\"AivenApplication\"} 1",
        "aivenator_kubernetes_resources_deleted{namespace=\"team\",resource_type=\"Secret\"} 1",
        "aivenator_secrets_managed{state=\"in_use\"} 7",
        "aivenator_deletions_withheld 5",
        "aivenator_is_leader 1",
        "# TYPE aivenator_aiven_applications_processed counter",
        "# TYPE aivenator_secrets_managed gauge",
        "# TYPE aivenator_aiven_latency histogram",
        "# TYPE process_cpu_seconds_total counter",
    ] {
        check(&metrics, line);
    }
    let text = metrics.render();
    for start in ["aivenator_watch_age_seconds{resource_type=\"Pod\"} 0.", "process_resident_memory_bytes "] {
        assert!(text.lines().any(|line| line.starts_with(start)), "{start}\n{text}");
    }
    assert!(!text.contains("_total{") && !text.contains("aivenator_processing_reason_total"), "{text}");
}

#[test]
fn what_can_be_known_starts_at_zero() {
    let metrics = metrics();
    for line in [
        "aivenator_aiven_applications_processed{synchronization_state=\"unknown\"} 0",
        "aivenator_aiven_applications_requeued{synchronization_state=\"RolloutFailed\"} 0",
        "aivenator_processing_reason{processing_reason=\"MissingSecret\"} 0",
        "aivenator_processing_reason{processing_reason=\"UpToDate\"} 0",
        "aivenator_service_users_updated{pool=\"dev-nais-dev\"} 0",
        "aivenator_secrets_managed{state=\"protected-with-time-limit\"} 0",
        "aivenator_aiven_handler_processing_time_seconds_count{handler=\"valkey.ValkeyHandler\"} 0",
        "aivenator_deletions_withheld 0",
    ] {
        check(&metrics, line);
    }
}

#[test]
fn buckets_are_those_of_the_go_program() {
    let buckets = |name: &str| -> Vec<String> {
        let text = busy().render();
        let lines = text.lines().filter(|line| line.starts_with(&format!("{name}_bucket{{")));
        let lines = lines.filter(|line| !line.contains("unknown") && !line.contains("Complete"));
        lines.map(|line| line.split("le=\"").nth(1).unwrap().split('"').next().unwrap().to_owned()).collect()
    };
    let mut work: Vec<String> = (0..20).map(|step| (1 + 2 * step).to_string()).collect();
    work.push("+Inf".to_owned());
    assert_eq!(buckets("aivenator_aiven_application_processing_time_seconds"), work);
    let latency = buckets("aivenator_aiven_latency");
    assert_eq!(latency.len(), 15);
    assert_eq!((latency[0].as_str(), latency[1].as_str(), latency[13].as_str()), ("0.02", "0.04", "163.84"));
}

#[test]
fn the_text_is_well_formed_and_the_same_every_time() {
    let metrics = busy();
    let (first, second) = (metrics.render(), metrics.render());
    let stable = |text: &str| -> Vec<String> {
        let lines = text.lines().filter(|line| !line.contains("_age_") && !line.contains("_ends_"));
        lines.filter(|line| !line.starts_with("process_")).map(str::to_owned).collect()
    };
    assert_eq!(stable(&first), stable(&second));
    let mut named = BTreeSet::new();
    for line in first.lines() {
        if let Some(rest) = line.strip_prefix("# TYPE ") {
            assert!(named.insert(rest.split(' ').next().unwrap().to_owned()), "twice: {line}");
        } else if !line.starts_with("# HELP ") {
            let (name, value) = line.rsplit_once(' ').unwrap();
            assert!(value.parse::<f64>().is_ok(), "{line}");
            let name = name.split('{').next().unwrap();
            let name = ["_bucket", "_sum", "_count"].iter().find_map(|end| {
                name.strip_suffix(end).filter(|family| first.contains(&format!("# TYPE {family} histogram")))
            });
            let family = name.unwrap_or_else(|| line.split(['{', ' ']).next().unwrap());
            assert!(named.contains(family), "no type before {line}");
        }
    }
}

#[test]
fn operators_in_one_process_do_not_count_for_each_other() {
    let (one, other) = (metrics(), metrics());
    one.clone().application_processed(None);
    check(&one, "aivenator_aiven_applications_processed{synchronization_state=\"unknown\"} 1");
    check(&other, "aivenator_aiven_applications_processed{synchronization_state=\"unknown\"} 0");
}

#[test]
fn what_is_gone_is_no_longer_shown() {
    let metrics = busy();
    metrics.users_by_service(BTreeMap::new());
    metrics.certificates_end(BTreeMap::new());
    let text = metrics.render();
    assert!(!text.contains("aivenator_service_users{") && !text.contains("certificate_ends"), "{text}");
}

#[test]
fn many_timings_are_summed_up_though_nobody_asks() {
    let metrics = metrics();
    for _ in 0..5000 {
        metrics.plan_time(Duration::from_millis(10));
    }
    check(&metrics, "aivenator_plan_duration_seconds_count 5000");
}
