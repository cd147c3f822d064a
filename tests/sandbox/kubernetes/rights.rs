//! Rights, refused writes, what is recorded, and what stands before the API.

use std::time::{Duration, Instant};

use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use axum::http::StatusCode;
use axum::routing::get as route;
use serde_json::json;

use super::{APPLICATIONS, MERGE, SECRETS, application, ask, delete, get, patch, post, put, secret, start};

#[test]
fn rights_are_asked_and_enforced() {
    let kubernetes = start();
    kubernetes.deny("create", "secrets");
    kubernetes.deny("patch", "aivenapplications/status");
    kubernetes.deny("watch", "*");
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    let allowed = |verb: &str, resource: &str, subresource: &str| {
        let attributes = json!({"verb": verb, "resource": resource, "subresource": subresource, "namespace": "team"});
        let review = json!({
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        });
        let answer = post(&kubernetes, path, &review);
        assert_eq!(answer.code, 201, "{answer:?}");
        answer.json()["status"]["allowed"].as_bool().unwrap()
    };
    assert!(!allowed("create", "secrets", "") && allowed("patch", "secrets", ""));
    assert!(!allowed("patch", "aivenapplications", "status") && allowed("patch", "aivenapplications", ""));
    assert!(!allowed("watch", "pods", ""));
    let answer = post(&kubernetes, SECRETS, &secret("one"));
    let message = "secrets is forbidden: User \"sandbox\" cannot create resource \"secrets\" in API group \"\" in the \
                   namespace \"team\"";
    assert_eq!((answer.code, answer.json()["message"].as_str()), (403, Some(message)));
    kubernetes.allow_everything();
    assert!(allowed("create", "secrets", ""));
    assert_eq!(post(&kubernetes, SECRETS, &secret("one")).code, 201);
}

/// Proof that a client only reads: whatever it writes is refused, and on record.
#[test]
fn writes_can_be_refused_and_are_recorded() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    let before = kubernetes.version();
    kubernetes.refuse_writes(true);
    kubernetes.forget_requests();
    let path = format!("{SECRETS}/one");
    assert_eq!(post(&kubernetes, APPLICATIONS, &application("one")).code, 403);
    assert_eq!(put(&kubernetes, &path, &secret("one")).code, 403);
    assert_eq!(patch(&kubernetes, &path, (MERGE, &json!({}))).code, 403);
    assert_eq!(delete(&kubernetes, &path).code, 403);
    assert_eq!(get(&kubernetes, &path).code, 200);
    assert_eq!(kubernetes.version(), before);
    let requests = kubernetes.requests();
    let seen: Vec<_> = requests.iter().map(|one| (one.verb, one.resource.as_str(), one.status)).collect();
    let wanted = [
        ("create", "aivenapplications", 403),
        ("update", "secrets", 403),
        ("patch", "secrets", 403),
        ("delete", "secrets", 403),
        ("get", "secrets", 200),
    ];
    assert_eq!(seen, wanted);
    kubernetes.refuse_writes(false);
    assert_eq!(delete(&kubernetes, &path).code, 200);
}

#[test]
fn requests_are_recorded_and_counted() {
    let kubernetes = start();
    let mut told = kubernetes.watch_requests();
    let body = secret("one");
    post(&kubernetes, SECRETS, &body);
    patch(&kubernetes, &format!("{APPLICATIONS}/none/status?fieldManager=me"), (MERGE, &json!({})));
    let one = told.blocking_recv().unwrap();
    assert_eq!((one.verb, one.group.as_str(), one.namespace.as_str(), one.status), ("create", "", "team", 201));
    assert_eq!((one.user_agent.as_str(), one.received), ("test", body.to_string().len() as u64));
    assert!(one.sent > one.received, "the answer says more");
    let two = told.blocking_recv().unwrap();
    assert_eq!((two.resource.as_str(), two.name.as_str(), two.status), ("aivenapplications/status", "none", 404));
    assert!(two.path.ends_with("?fieldManager=me"));
    let counts = kubernetes.counts();
    assert_eq!(counts.values().sum::<u64>(), 2);
    assert_eq!(counts.keys().map(|count| count.verb).collect::<Vec<_>>(), ["create", "patch"]);
}

/// What stands before the API may answer itself; that is recorded too.
#[test]
fn a_layer_stands_before_the_api() {
    let broken = route(|| async { StatusCode::SERVICE_UNAVAILABLE });
    let options = Options {
        layer: Some(Box::new(|router| axum::Router::new().route("/api/v1/secrets", broken).fallback_service(router))),
        latency: Duration::from_millis(50),
        ..Options::default()
    };
    let kubernetes = Kubernetes::start(options).unwrap();
    assert_eq!(get(&kubernetes, "/api/v1/secrets").code, 503);
    let begun = Instant::now();
    assert_eq!(get(&kubernetes, "/api/v1/pods").code, 200);
    assert!(begun.elapsed() >= Duration::from_millis(50));
    let seen: Vec<u16> = kubernetes.requests().iter().map(|one| one.status).collect();
    assert_eq!(seen, [503, 200]);
}

/// A request that is too large, or none at all, does no harm; and nothing listens after the end.
#[test]
fn nonsense_is_refused() {
    let kubernetes = start();
    assert_eq!(ask(&kubernetes, &format!("POST {SECRETS}"), "", "{").code, 400);
    assert_eq!(ask(&kubernetes, &format!("POST {SECRETS}"), "Content-Type: application/yaml\r\n", "a: b").code, 415);
    assert_eq!(ask(&kubernetes, &format!("POST {SECRETS}"), "", &"x".repeat((3 << 20) + 1)).code, 413);
    assert_eq!(ask(&kubernetes, &format!("DELETE {SECRETS}"), "", "").code, 405);
    let address = kubernetes.url().trim_start_matches("http://").to_owned();
    drop(kubernetes);
    assert!(std::net::TcpStream::connect(address).is_err());
}
