//! The operator as a process: what it asks for before it begins, what it serves, and how it ends.

use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::{Operation, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use aivenator::sandbox::kubernetes;
use aivenator::shell::http::Listen;
use aivenator::shell::{Config, RunError};
use axum::http::Method;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::given::{self, KAFKA, PROJECT, TEAM, app, kafka, search, valkey};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_begins_serves_and_ends() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![
        without_a_right_nothing_is_done,
        without_a_cluster_it_ends,
        pages_are_served,
        what_watches_say_and_nothing_records_is_counted,
        a_watch_that_is_answered_is_not_stale,
        a_refused_token_is_not_ready,
        what_is_under_way_is_finished,
        what_takes_too_long_is_left,
        only_the_namespaces_that_are_named_matter,
        kinds_that_come_later_are_seen,
        what_the_token_sees_is_held_against_the_settings,
        a_port_in_use_is_named,
    ]
}

async fn without_a_right_nothing_is_done() {
    let rig = Rig::new().await;
    rig.apply(app("web", kafka("web")));
    rig.sandbox.kubernetes.deny("patch", "secrets");
    rig.sandbox.kubernetes.deny("create", "configmaps");
    let Err(RunError::Rights(missing)) = rig.start().ended().await else { panic!("it ran") };
    let lines: Vec<&str> = missing.lines().collect();
    let expected =
        ["missing right: patch secrets in every namespace", "missing right: create configmaps in namespace aivenator"];
    assert_eq!(lines, expected);
    assert!(rig.writes().is_empty() && rig.asked().aiven.is_empty());
    assert!(rig.asked().kubernetes.keys().all(|count| count.resource == "selfsubjectaccessreviews"));
    // Leader election asks for more.
    rig.sandbox.kubernetes.allow_everything();
    rig.sandbox.kubernetes.deny("patch", "leases");
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let mut config = rig.config();
    config.candidate = Some("one".to_owned());
    let Err(RunError::Rights(missing)) = rig.run(config).ended().await else { panic!("it ran") };
    assert_eq!(missing, "missing right: patch leases.coordination.k8s.io aivenator in namespace aivenator");
}

async fn without_a_cluster_it_ends() {
    let rig = Rig::new().await;
    rig.sandbox.faults.add(Rule::new(Effect::Drop));
    let ended = rig.start().ended().await;
    assert!(matches!(ended, Err(RunError::Cluster(..))), "{ended:?}");
}

/// A configuration that serves pages, and where.
pub fn served(rig: &Rig) -> (Config, SocketAddr) {
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let mut config = rig.config();
    config.listen = Listen::At("127.0.0.1".to_owned(), free.port());
    (config, free)
}

/// The status of a page and what it says; 0 if nobody answers.
pub async fn page(address: SocketAddr, path: &str) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(address).await else { return (0, String::new()) };
    let request = format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    let _ = stream.read_to_string(&mut answer).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok()).unwrap_or(0);
    (status, answer.split_once("\r\n\r\n").map(|(_, body)| body.to_owned()).unwrap_or_default())
}

pub async fn ready(address: SocketAddr) {
    let begun = Instant::now();
    while page(address, "/readyz").await.0 != 200 {
        assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", page(address, "/readyz").await);
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
}

async fn pages_are_served() {
    let rig = Rig::new().await;
    rig.apply(app("web", kafka("web")));
    rig.apply(app("bad", kafka("Not a name")));
    let (config, address) = served(&rig);
    let operator = rig.run(config);
    ready(address).await;
    assert_eq!(page(address, "/healthz").await, (200, "ok\n".to_owned()));
    rig.until("both are told", |rig| rig.is_complete("web") && rig.status("bad").0 == "RolloutFailed").await;
    rig.quiet().await;
    let (status, metrics) = page(address, "/metrics").await;
    assert_eq!(status, 200);
    let expected = [
        "aivenator_service_users_created{pool=\"dev-nais-dev\"} 1",
        "aivenator_processing_reason{processing_reason=\"MissingSecret\"}",
        "aivenator_kubernetes_resources_written{namespace=\"shop\",resource_type=\"Secret\"} 1",
        "aivenator_aiven_applications_processed{synchronization_state=\"RolloutComplete\"}",
        "aivenator_aiven_applications_processed{synchronization_state=\"RolloutFailed\"}",
        "aivenator_aiven_latency_count{operation=\"ServiceUser_Create\"",
        "aivenator_kubernetes_latency_count{operation=\"Secret_Create\"}",
    ];
    for line in expected {
        assert!(metrics.contains(line), "{line}\n{metrics}");
    }
    for hidden in rig.users(KAFKA) {
        assert!(!metrics.contains(&hidden));
    }
    operator.stop().await;
    assert_eq!(page(address, "/healthz").await.0, 0, "the listener goes too");
}

/// Every kind has an age; a user of ours that nothing records is counted, other users are not.
async fn what_watches_say_and_nothing_records_is_counted() {
    let rig = Rig::new().await;
    for name in ["shop_gone_0123abcd_xYz", "somebody"] {
        rig.sandbox.aiven.put_user(PROJECT, KAFKA, &json!({"username": name})).unwrap();
    }
    rig.apply(app("web", kafka("web")));
    let (mut config, address) = served(&rig);
    config.janitor_interval = SignedDuration::from_secs(1);
    let operator = rig.run(config);
    shows(address, "\naivenator_service_users_orphaned 1\n").await;
    let metrics = page(address, "/metrics").await.1;
    for kind in [
        "AivenApplication",
        "CronJob",
        "DaemonSet",
        "Deployment",
        "Job",
        "OpenSearch",
        "Pod",
        "ReplicaSet",
        "Secret",
        "StatefulSet",
        "Valkey",
    ] {
        let line = format!("aivenator_watch_age_seconds{{resource_type=\"{kind}\"}} ");
        let age = metrics.lines().find_map(|metric| metric.strip_prefix(&line)).and_then(|age| age.parse::<f64>().ok());
        assert!(age.is_some_and(|age| (0.0..60.0).contains(&age)), "{kind}\n{metrics}");
    }
    operator.stop().await;
}

/// The number that a line of /metrics ends with.
async fn number(address: SocketAddr, line: &str) -> f64 {
    let metrics = page(address, "/metrics").await.1;
    let value = metrics.lines().find_map(|metric| metric.strip_prefix(line)?.strip_prefix(' ')?.parse().ok());
    value.unwrap_or_else(|| panic!("no {line}\n{metrics}"))
}

/// A kind of which nothing changes says nothing: that its watch was opened again is what shows that all is well.
async fn a_watch_that_is_answered_is_not_stale() {
    const AGE: &str = "aivenator_watch_age_seconds{resource_type=\"CronJob\"}";
    let rig = Rig::new().await;
    let (config, address) = served(&rig);
    let operator = rig.run(config);
    ready(address).await;
    let begun = Instant::now();
    while number(address, AGE).await < 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(20), "it never grows");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    rig.sandbox.kubernetes.drop_watches();
    while number(address, AGE).await >= 1.0 {
        assert!(begun.elapsed() < Duration::from_secs(40), "it is never answered again");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    operator.stop().await;
}

/// Waits until /metrics says something.
pub async fn shows(address: SocketAddr, text: &str) {
    let begun = Instant::now();
    while !page(address, "/metrics").await.1.contains(text) {
        assert!(begun.elapsed() < Duration::from_secs(20), "never {text:?}\n{}", page(address, "/metrics").await.1);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn a_refused_token_is_not_ready() {
    let rig = Rig::new().await;
    rig.sandbox.aiven.refuse_token(true);
    rig.apply(app("web", kafka("web")));
    let (config, address) = served(&rig);
    let operator = rig.run(config);
    let begun = Instant::now();
    loop {
        let (status, said) = page(address, "/readyz").await;
        if status == 503 && said.contains("token") && !said.contains("observed") {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{said}");
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    assert_eq!(page(address, "/healthz").await.0, 200);
    rig.sandbox.aiven.refuse_token(false);
    rig.complete(&["web"]).await;
    ready(address).await;
    operator.stop().await;
}

/// What was begun when it is told to stop is finished, and nothing is begun any more.
async fn what_is_under_way_is_finished() {
    let rig = Rig::new().await;
    let slow = Rule::new(Effect::Delay(Duration::from_secs(3))).method(Method::POST).containing("/user");
    let slow = rig.sandbox.aiven.faults().add(slow);
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.until("the creation is under way", |rig| rig.sandbox.aiven.faults().hits(slow) > 0).await;
    operator.ask_to_stop();
    rig.apply(app("late", search("read", "late")));
    let begun = Instant::now();
    operator.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(10), "{:?}", begun.elapsed());
    assert!(rig.is_complete("web") && rig.secret("web").is_some(), "{}", rig.story());
    assert!(rig.secret("late").is_none());
}

/// It ends within its limit all the same; the next one finishes it.
async fn what_takes_too_long_is_left() {
    let rig = Rig::new().await;
    let slow = Rule::new(Effect::Delay(Duration::from_secs(28))).method(Method::POST).containing("/user").next(1);
    let slow = rig.sandbox.aiven.faults().add(slow);
    rig.apply(app("web", valkey("read", "web")));
    let operator = rig.start();
    rig.until("the creation is under way", |rig| rig.sandbox.aiven.faults().hits(slow) > 0).await;
    let begun = Instant::now();
    operator.stop().await;
    assert!(begun.elapsed() < Duration::from_secs(20), "{:?}", begun.elapsed());
    assert_eq!(rig.journal().len(), 1, "the journal knows of it");
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
}

async fn only_the_namespaces_that_are_named_matter() {
    let rig = Rig::new().await;
    let mut elsewhere = app("web", kafka("web"));
    elsewhere["metadata"]["namespace"] = json!("elsewhere");
    rig.apply(elsewhere);
    rig.apply(app("web", kafka("web")));
    let mut config = rig.config();
    config.namespaces = vec![TEAM.to_owned()];
    let operator = rig.run(config);
    rig.complete(&["web"]).await;
    rig.quiet().await;
    assert_eq!(rig.users(KAFKA).len(), 1);
    let asked = rig.sandbox.kubernetes.requests();
    let places = ["", TEAM, "aivenator", "kube-system"];
    let outside =
        asked.iter().filter(|it| !places.contains(&&*it.namespace) || (it.verb == "list" && it.namespace.is_empty()));
    let outside: Vec<_> =
        outside.filter(|it| !it.resource.contains("reviews") && it.resource != "namespaces").collect();
    assert!(outside.is_empty(), "{outside:?}");
    assert_eq!(rig.sandbox.aiven.count(Operation::UserCreate), 1);
    operator.stop().await;
}

/// Without Aiven's operator in the cluster, everything else works; it may be installed later.
async fn kinds_that_come_later_are_seen() {
    let documents = given::documents();
    let (projects, instances): (Vec<Value>, Vec<Value>) =
        documents.into_iter().partition(|document| document["kind"] == "AivenProject");
    let without = kubernetes::Options { aiven_kinds: false, ..kubernetes::Options::default() };
    let rig = Rig::of(Options::default(), without, &projects).await;
    rig.apply(app("queue", kafka("queue")));
    rig.apply(app("finder", search("read", "finder")));
    let operator = rig.start();
    rig.complete(&["queue"]).await;
    rig.until("an instance is missing", |rig| rig.status("finder").1 == ["InstanceNotFound"]).await;
    let anything = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    rig.apply(json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "opensearches.aiven.io"},
        "spec": {"group": "aiven.io", "scope": "Namespaced",
            "names": {"kind": "OpenSearch", "listKind": "OpenSearchList", "plural": "opensearches", "singular": "opensearch"},
            "versions": [{"name": "v1alpha1", "served": true, "storage": true,
                "schema": {"openAPIV3Schema": {"type": "object", "properties": {"status": anything}}}}]},
    }));
    rig.sandbox.load(&instances[..1]).unwrap();
    let finished = |rig: &Rig| rig.is_complete("finder");
    rig.until_within(Duration::from_secs(80), "the kind is looked for again", finished).await;
    operator.stop().await;
}

async fn what_the_token_sees_is_held_against_the_settings() {
    let mut documents = given::documents();
    documents.push(json!({"apiVersion": "aivenator.aiven.nais.io/v1", "kind": "AivenProject",
                          "metadata": {"name": "of-another-team"}, "ca": "present", "services": []}));
    let mut rig = Rig::of(Options::default(), kubernetes::Options::default(), &documents).await;
    rig.settings.projects.insert("not-there".into());
    let operator = rig.start();
    let told = |rig: &Rig| {
        let log = rig.log.text();
        let line = |what: &str, with: &str| log.lines().any(|line| line.contains(what) && line.contains(with));
        line("does not see this project", "not-there") && line("projects that no setting names", "1")
    };
    rig.until("both are told", told).await;
    assert!(!rig.log.text().contains("of-another-team"), "what is none of its business is not named");
    operator.stop().await;
}

async fn a_port_in_use_is_named() {
    let rig = Rig::new().await;
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let mut config = rig.config();
    config.listen = Listen::At("127.0.0.1".to_owned(), taken.local_addr().unwrap().port());
    let ended = rig.run(config).ended().await;
    assert!(matches!(ended, Err(RunError::Listen(_))), "{ended:?}");
    assert!(rig.asked().kubernetes.is_empty(), "nothing was asked before");
}
