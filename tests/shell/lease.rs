//! Leader election over HTTP, against a server that knows Leases and nothing else.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use aivenator::shell::lease::elector::Timing;
use aivenator::shell::lease::{Failure, Lease, Options, holder, identity};
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use kube::{Client, Config};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The one Lease, its version, and whether the server answers.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<(Option<Value>, u64, bool)>>);

impl Server {
    async fn client(&self) -> Client {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let uri = format!("http://{}", listener.local_addr().unwrap());
        let path = "/apis/coordination.k8s.io/v1/namespaces/{namespace}/leases";
        let router = Router::new()
            .route(path, axum::routing::post(create))
            .route(&format!("{path}/{{name}}"), get(read).patch(patch))
            .with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        let mut config = Config::new(uri.parse().unwrap());
        config.default_retry = false;
        Client::try_from(config).unwrap()
    }

    fn spec(&self, field: &str) -> Value {
        self.0.lock().unwrap().0.as_ref().unwrap()["spec"][field].clone()
    }

    fn silence(&self, silent: bool) {
        self.0.lock().unwrap().2 = silent;
    }
}

fn refused(code: u16, reason: &str) -> Response {
    let status = json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": reason, "code": code});
    (StatusCode::from_u16(code).unwrap(), Json(status)).into_response()
}

async fn create(State(server): State<Server>, Json(mut lease): Json<Value>) -> Response {
    let (stored, version, silent) = &mut *server.0.lock().unwrap();
    if *silent {
        return refused(500, "InternalError");
    } else if stored.is_some() {
        return refused(409, "AlreadyExists");
    }
    *version += 1;
    lease["metadata"]["resourceVersion"] = version.to_string().into();
    *stored = Some(lease.clone());
    Json(lease).into_response()
}

async fn read(State(server): State<Server>, Path(_): Path<(String, String)>) -> Response {
    let (stored, _, silent) = &*server.0.lock().unwrap();
    match stored {
        _ if *silent => refused(500, "InternalError"),
        Some(lease) => Json(lease.clone()).into_response(),
        None => refused(404, "NotFound"),
    }
}

async fn patch(State(server): State<Server>, Path(_): Path<(String, String)>, body: String) -> Response {
    let patch: Value = serde_json::from_str(&body).unwrap();
    let (stored, version, silent) = &mut *server.0.lock().unwrap();
    let Some(lease) = stored.as_mut().filter(|_| !*silent) else { return refused(500, "InternalError") };
    assert!(patch["metadata"]["resourceVersion"].is_string(), "every write names the version that it rests on");
    if patch["metadata"]["resourceVersion"] != lease["metadata"]["resourceVersion"] {
        return refused(409, "Conflict");
    }
    *version += 1;
    lease["metadata"]["resourceVersion"] = version.to_string().into();
    for (field, value) in patch["spec"].as_object().unwrap() {
        lease["spec"][field] = value.clone();
    }
    Json(lease.clone()).into_response()
}

/// Fast, so that the test is.
fn options(identity: &str) -> Options {
    let milliseconds = Duration::from_millis;
    let timing = Timing::new(milliseconds(1000), milliseconds(600), milliseconds(100)).unwrap();
    Options { namespace: "ns".to_owned(), name: "aivenator".to_owned(), identity: identity.to_owned(), timing }
}

async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(10), work).await.expect("it takes too long")
}

#[tokio::test]
async fn it_is_handed_over() {
    let server = Server::default();
    let client = server.client().await;
    let first = soon(Lease::acquire(client.clone(), options("first"))).await;
    assert_eq!((server.spec("holderIdentity"), server.spec("leaseTransitions")), (json!("first"), json!(0)));
    let second = tokio::spawn(Lease::acquire(client.clone(), options("second")));
    tokio::time::sleep(Duration::from_millis(1500)).await;
    assert!(!second.is_finished() && !first.lost().is_cancelled(), "it is renewed for longer than it lasts");
    let found = holder(client.clone(), "ns", "aivenator").await.unwrap().unwrap();
    assert_eq!(found.identity, "first");
    let lost = first.lost();
    first.release().await;
    assert!(lost.is_cancelled());
    let second = soon(second).await.unwrap();
    assert_eq!((server.spec("holderIdentity"), server.spec("leaseTransitions")), (json!("second"), json!(1)));
    second.release().await;
    assert_eq!((server.spec("holderIdentity"), server.spec("leaseDurationSeconds")), (json!(""), json!(1)));
    assert_eq!(holder(client, "ns", "aivenator").await.unwrap(), None);
}

#[tokio::test]
async fn the_work_is_told_when_the_server_falls_silent() {
    let server = Server::default();
    let client = server.client().await;
    let lease = soon(Lease::acquire(client, options("a"))).await;
    server.silence(true);
    let began = std::time::Instant::now();
    soon(lease.lost().cancelled()).await;
    assert!(began.elapsed() < Duration::from_secs(1), "before others may take over");
}

#[tokio::test]
async fn what_is_dropped_runs_out_and_is_not_given_back() {
    let server = Server::default();
    let client = server.client().await;
    let lease = soon(Lease::acquire(client.clone(), options("a"))).await;
    let lost = lease.lost();
    drop(lease);
    soon(lost.cancelled()).await;
    assert_eq!(server.spec("holderIdentity"), "a");
    let next = soon(Lease::take(client, options("b"))).await.expect("nobody renews it");
    next.release().await;
}

#[tokio::test]
async fn one_that_is_renewed_is_not_taken() {
    let server = Server::default();
    let client = server.client().await;
    let held = soon(Lease::acquire(client.clone(), options("operator-0"))).await;
    let Err(failure) = soon(Lease::take(client.clone(), options("apply"))).await else { panic!("two hold it") };
    assert_eq!(failure.to_string(), "take the lease ns/aivenator: operator-0 holds it");
    held.release().await;
    server.silence(true);
    let Err(failure) = soon(Lease::take(client, options("apply"))).await else { panic!("there is no answer") };
    assert!(matches!(failure, Failure::Unanswered { .. }), "{failure}");
}

#[test]
fn two_starts_of_one_pod_are_two() {
    let (one, other) = (identity("pod-0"), identity("pod-0"));
    assert!(one.starts_with("pod-0_") && one.len() == 22 && one != other, "{one} {other}");
}
