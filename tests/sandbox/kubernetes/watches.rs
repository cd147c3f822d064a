//! Watches: what they tell, when they end, and that a client ends up with the truth whatever happens to them.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::time::Duration;

use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use futures::StreamExt;
use k8s_openapi::api::core::v1::Secret;
use kube::runtime::{WatchStreamExt, reflector, watcher};
use serde_json::{Value, json};

use super::{SECRETS, client, get, head, labelled, open, secret, secrets, start, version};

/// The lines of one watch.
struct Lines(BufReader<TcpStream>);

impl Lines {
    fn open(kubernetes: &Kubernetes, query: &str) -> Self {
        let mut stream = open(kubernetes, &format!("GET {SECRETS}?watch=true&{query}"), ("", ""));
        let (code, headers) = head(&mut stream);
        assert_eq!(code, 200, "{headers}");
        Self(stream)
    }

    /// The next event; none at the end.
    fn next(&mut self) -> Option<(String, Value)> {
        // Chunks are framed with lines of their own, which are no JSON.
        loop {
            let mut line = String::new();
            if self.0.read_line(&mut line).unwrap() == 0 {
                return None;
            }
            if let Ok(event @ Value::Object(_)) = serde_json::from_str::<Value>(&line) {
                return Some((event["type"].as_str().unwrap().to_owned(), event["object"].clone()));
            }
        }
    }

    /// Kind of the next event, and the name of its object.
    fn named(&mut self) -> (String, String) {
        let (kind, object) = self.next().expect("an event");
        (kind, object["metadata"]["name"].as_str().unwrap_or_default().to_owned())
    }
}

fn event(kind: &str, name: &str) -> (String, String) {
    (kind.to_owned(), name.to_owned())
}

#[test]
fn a_watch_tells_what_changes() {
    let kubernetes = start();
    let first = kubernetes.apply(secret("one")).unwrap();
    let mut lines = Lines::open(&kubernetes, &format!("resourceVersion={}", version(&first)));
    let two = kubernetes.apply(secret("two")).unwrap();
    assert_eq!(lines.next().unwrap(), ("ADDED".to_owned(), two), "an object is shown whole");
    kubernetes.patch(("secrets", "team", "one"), json!({"data": null})).unwrap();
    assert_eq!(lines.named(), event("MODIFIED", "one"));
    let mut elsewhere = secret("one");
    elsewhere["metadata"]["namespace"] = json!("other");
    kubernetes.apply(elsewhere).unwrap();
    kubernetes.delete("secrets", "team", "one").unwrap();
    let (kind, object) = lines.next().unwrap();
    assert_eq!((kind.as_str(), version(&object)), ("DELETED", kubernetes.version().to_string().as_str()));
}

/// A watch without a version, or with 0, begins with what is there.
#[test]
fn a_watch_without_a_version_begins_with_everything() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    for query in ["", "resourceVersion=0"] {
        let mut lines = Lines::open(&kubernetes, query);
        assert_eq!(lines.named(), event("ADDED", "one"));
    }
    let mut lines =
        Lines::open(&kubernetes, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true");
    assert_eq!(lines.named(), event("ADDED", "one"));
    let (kind, object) = lines.next().unwrap();
    assert_eq!(
        (kind.as_str(), &object["metadata"]["annotations"]["k8s.io/initial-events-end"]),
        ("BOOKMARK", &json!("true"))
    );
    assert_eq!(version(&object), kubernetes.version().to_string());
    kubernetes.apply(secret("two")).unwrap();
    assert_eq!(lines.named(), event("ADDED", "two"));
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?watch=true&sendInitialEvents=true")).code, 422);
    let accept = "Accept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\r\n";
    let mut stream = open(&kubernetes, &format!("GET {SECRETS}?watch=true"), (accept, ""));
    assert_eq!(head(&mut stream).0, 200);
    let (kind, object) = Lines(stream).next().unwrap();
    assert_eq!((kind.as_str(), &object["kind"]), ("ADDED", &json!("PartialObjectMetadata")));
}

/// To a client with a selector, an object that leaves the selection is gone, and one that enters it is new.
#[test]
fn selections_are_entered_and_left() {
    let kubernetes = start();
    let version = kubernetes.version();
    let mut lines = Lines::open(&kubernetes, &format!("labelSelector=app%3Dx&resourceVersion={version}"));
    let label = |value: Value| {
        kubernetes.patch(("secrets", "team", "one"), json!({"metadata": {"labels": {"app": value}}})).unwrap()
    };
    kubernetes.apply(secret("one")).unwrap();
    let entered = label(json!("x"));
    assert_eq!(lines.next().unwrap(), ("ADDED".to_owned(), entered));
    let left = label(json!("y"));
    let (kind, object) = lines.next().unwrap();
    assert_eq!((kind.as_str(), super::version(&object)), ("DELETED", super::version(&left)));
    assert_eq!(object["metadata"]["labels"]["app"], "x", "as it was when it was last seen");
    label(json!("z"));
    label(json!("x"));
    assert_eq!(lines.named(), event("ADDED", "one"));
    kubernetes.delete("secrets", "team", "one").unwrap();
    assert_eq!(lines.named(), event("DELETED", "one"));
    kubernetes.apply(labelled(secret("two"), &json!({"app": "x"}))).unwrap();
    assert_eq!(lines.named(), event("ADDED", "two"));
}

/// A quiet watch is told how far it is, and ends when it has to.
#[test]
fn bookmarks_and_the_end_come_in_time() {
    let options = Options { bookmark_every: Duration::from_millis(100), ..Options::default() };
    let kubernetes = Kubernetes::start(options).unwrap();
    let begun = std::time::Instant::now();
    let query = format!("resourceVersion={}&allowWatchBookmarks=true&timeoutSeconds=1", kubernetes.version());
    let mut lines = Lines::open(&kubernetes, &query);
    kubernetes
        .apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "x", "namespace": "team"}}))
        .unwrap();
    let (kind, object) = lines.next().unwrap();
    assert_eq!((kind.as_str(), &object["kind"]), ("BOOKMARK", &json!("Secret")));
    assert_eq!(version(&object), kubernetes.version().to_string(), "versions are those of the whole");
    while lines.next().is_some() {}
    assert!(begun.elapsed() >= Duration::from_secs(1));
    let mut silent = Lines::open(&kubernetes, &format!("resourceVersion={}&timeoutSeconds=1", kubernetes.version()));
    assert_eq!(silent.next(), None);
}

/// What is forgotten is gone: told in the watch, or before it, as a server likes.
#[test]
fn versions_that_are_forgotten_are_gone() {
    let kubernetes = Kubernetes::start(Options { history: 3, ..Options::default() }).unwrap();
    let first = kubernetes.apply(secret("one")).unwrap();
    for name in ["two", "three", "four"] {
        kubernetes.apply(secret(name)).unwrap();
    }
    let query = format!("resourceVersion={}", version(&first));
    assert_eq!(Lines::open(&kubernetes, &query).named(), event("ADDED", "two"), "just kept");
    kubernetes.apply(secret("five")).unwrap();
    let mut lines = Lines::open(&kubernetes, &query);
    let (kind, status) = lines.next().unwrap();
    assert_eq!((kind.as_str(), &status["code"], &status["reason"]), ("ERROR", &json!(410), &json!("Expired")));
    assert!(status["message"].as_str().unwrap().starts_with("too old resource version: "), "{status}");
    assert_eq!(lines.next(), None);
    kubernetes.set_gone_as_status(true);
    let answer = get(&kubernetes, &format!("{SECRETS}?watch=true&{query}"));
    assert_eq!((answer.code, &answer.json()["reason"]), (410, &json!("Expired")));
    let current = kubernetes.version();
    kubernetes.compact();
    let _still_good = Lines::open(&kubernetes, &format!("resourceVersion={current}"));
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?watch=true&resourceVersion={}", current - 1)).code, 410);
}

/// A gap delays everything; what happened in it comes afterwards, unless it is forgotten: then the watch ends.
#[test]
fn watches_can_be_held_and_dropped() {
    let kubernetes = start();
    let mut lines = Lines::open(&kubernetes, &format!("resourceVersion={}", kubernetes.version()));
    kubernetes.hold_watches(true);
    kubernetes.apply(secret("one")).unwrap();
    lines.0.get_ref().set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    assert!(lines.0.read(&mut [0]).is_err(), "nothing comes");
    lines.0.get_ref().set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    kubernetes.hold_watches(false);
    assert_eq!(lines.named(), event("ADDED", "one"));
    kubernetes.hold_watches(true);
    kubernetes.apply(secret("two")).unwrap();
    kubernetes.compact();
    kubernetes.hold_watches(false);
    assert_eq!(lines.next(), None, "it fell behind");
    let mut others: Vec<Lines> =
        (0..20).map(|_| Lines::open(&kubernetes, &format!("resourceVersion={}", kubernetes.version()))).collect();
    kubernetes.apply(secret("three")).unwrap();
    for lines in &mut others {
        assert_eq!(lines.named(), event("ADDED", "three"));
    }
    kubernetes.drop_watches();
    assert!(others.iter_mut().all(|lines| lines.next().is_none()));
}

/// A client that does not read is disconnected once its place in the history is forgotten; nobody else notices.
#[test]
fn a_slow_client_is_disconnected() {
    let kubernetes = Kubernetes::start(Options { history: 20, ..Options::default() }).unwrap();
    let mut slow = Lines::open(&kubernetes, &format!("resourceVersion={}", kubernetes.version()));
    let large = "A".repeat(200_000);
    for index in 0..200 {
        let mut object = secret(&format!("s{index}"));
        object["data"] = json!({"KEY": large});
        kubernetes.apply(object).unwrap();
    }
    let mut seen = 0;
    while slow.next().is_some() {
        seen += 1;
    }
    assert!(seen < 200, "{seen}");
}

/// A watcher of kube-runtime survives drops, gaps and forgetting, and ends with what is there; in both of its ways.
#[tokio::test]
async fn a_watcher_ends_with_the_truth() {
    let paged = watcher::Config::default().page_size(2);
    for config in [paged, watcher::Config::default().streaming_lists()] {
        let kubernetes = start();
        let (reader, writer) = reflector::store::<Secret>();
        let stream = watcher(secrets(client(&kubernetes).await), config.clone().labels("app=x"));
        let following = tokio::spawn(reflector(writer, stream).default_backoff().for_each(|_| async {}));
        for round in 0..4 {
            change_everything(&kubernetes, round);
            disturb(&kubernetes, round);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        kubernetes.delete("secrets", "team", "s7").unwrap();
        let known = || -> BTreeSet<String> {
            reader.state().iter().map(|secret| identity(&serde_json::to_value(&**secret).unwrap())).collect()
        };
        let secrets = kubernetes.list("secrets", "team");
        let selected = secrets.iter().filter(|object| object["metadata"]["labels"]["app"] == "x");
        let truth: BTreeSet<String> = selected.map(identity).collect();
        for _ in 0..300 {
            if known() == truth {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!(known(), truth, "{config:?}");
        following.abort();
    }
}

fn identity(object: &Value) -> String {
    format!("{}@{}", object["metadata"]["name"], version(object))
}

fn change_everything(kubernetes: &Kubernetes, round: usize) {
    for index in 0..10 {
        let label = if (index + round).is_multiple_of(3) { "y" } else { "x" };
        let labels = json!({"app": label, "round": round.to_string()});
        kubernetes.apply(labelled(secret(&format!("s{index}")), &labels)).unwrap();
    }
    kubernetes.delete("secrets", "team", &format!("s{round}")).unwrap();
}

fn disturb(kubernetes: &Kubernetes, round: usize) {
    match round {
        0 => kubernetes.drop_watches(),
        1 => kubernetes.hold_watches(true),
        2 => {
            kubernetes.compact();
            kubernetes.hold_watches(false);
        }
        _ => {
            kubernetes.set_gone_as_status(true);
            kubernetes.compact();
            kubernetes.drop_watches();
        }
    }
}
