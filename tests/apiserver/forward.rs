//! What stands between an operator and a real server: requests are recorded and may meet faults, as in the sandbox.
//!
//! Passes everything on as it is, but for watches: those can be held back, ended, and told that their past is gone.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use aivenator::sandbox::faults::Faults;
use aivenator::sandbox::kubernetes::Recorder;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Query, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::Response;
use axum::serve::ListenerExt as _;
use futures::stream;
use jiff::Timestamp;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio::sync::watch;

use super::client::http;
use super::server::Server;

/// What is meant for one connection only.
const HOP_BY_HOP: [header::HeaderName; 4] =
    [header::HOST, header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH];

/// A way to a server, on a port of its own; it closes when this is dropped.
pub struct Forward {
    pub recorder: Recorder,
    pub address: SocketAddr,
    way: Way,
    runtime: Option<Runtime>,
}

/// What all watches obey.
#[derive(Clone, Copy, Default)]
struct Gate {
    /// Whether nothing is delivered for now.
    held: bool,
    /// Watches of an earlier epoch end.
    epoch: u64,
    /// Versions before this one are gone.
    floor: u64,
}

#[derive(Clone)]
struct Way {
    http: reqwest::Client,
    url: String,
    gate: watch::Sender<Gate>,
    gone_as_status: Arc<AtomicBool>,
}

impl Forward {
    pub fn to(server: &Server, faults: &Faults) -> Forward {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let recorder = Recorder::new(100_000, Arc::new(now));
        let way = Way {
            http: http(Some(&server.authority)),
            url: server.url.clone(),
            gate: watch::Sender::new(Gate::default()),
            gone_as_status: Arc::default(),
        };
        let router = Router::new().fallback(pass).with_state(way.clone());
        let router = recorder.wrap(faults.wrap(router));
        runtime.spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            axum::serve(listener.tap_io(|connection| drop(connection.set_nodelay(true))), router).await
        });
        Forward { recorder, address, way, runtime: Some(runtime) }
    }

    pub fn hold_watches(&self, held: bool) {
        self.way.gate.send_modify(|gate| gate.held = held);
    }

    pub fn drop_watches(&self) {
        self.way.gate.send_modify(|gate| gate.epoch += 1);
    }

    /// Versions before this one are gone.
    pub fn forget_before(&self, version: u64) {
        self.way.gate.send_modify(|gate| gate.floor = version);
    }

    pub fn set_gone_as_status(&self, as_status: bool) {
        self.way.gone_as_status.store(as_status, Ordering::SeqCst);
    }
}

#[expect(clippy::disallowed_methods, reason = "requests come at the time of the machine")]
fn now() -> Timestamp {
    Timestamp::now()
}

impl Drop for Forward {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

async fn pass(State(way): State<Way>, Query(query): Query<BTreeMap<String, String>>, request: Request) -> Response {
    let watches = query.get("watch").is_some_and(|text| text == "true" || text == "1");
    let gate = way.gate.subscribe();
    let epoch = gate.borrow().epoch;
    if watches && let Some(gone) = way.gone(query.get("resourceVersion"), gate.borrow().floor) {
        return gone;
    }
    let Ok(answer) = way.ask(request).await else {
        let mut response = Response::new(Body::empty());
        *response.status_mut() = StatusCode::BAD_GATEWAY;
        return response;
    };
    let (status, headers) = (answer.status(), without(answer.headers(), &HOP_BY_HOP));
    let body = if watches && status.is_success() {
        gated(answer, gate, epoch)
    } else {
        Body::from(answer.bytes().await.unwrap_or_default())
    };
    let mut response = Response::new(body);
    (*response.status_mut(), *response.headers_mut()) = (status, headers);
    response
}

impl Way {
    async fn ask(&self, request: Request) -> reqwest::Result<reqwest::Response> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, 8 << 20).await.unwrap_or_default();
        let path = parts.uri.path_and_query().map_or("", |path| path.as_str());
        let request = self.http.request(parts.method, format!("{}{path}", self.url));
        request.headers(without(&parts.headers, &HOP_BY_HOP)).body(body).send().await
    }

    /// The answer to who wants to go on from a version that is gone.
    fn gone(&self, version: Option<&String>, floor: u64) -> Option<Response> {
        let version: u64 = version?.parse().ok().filter(|version| *version > 0)?;
        let message = format!("too old resource version: {version} ({floor})");
        let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                            "message": message, "reason": "Expired", "code": 410});
        let as_status = self.gone_as_status.load(Ordering::SeqCst);
        let body = if as_status { status } else { json!({"type": "ERROR", "object": status}) };
        let mut response = Response::new(Body::from(format!("{body}\n")));
        if as_status {
            *response.status_mut() = StatusCode::GONE;
        }
        response.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static("application/json"));
        (version < floor).then_some(response)
    }
}

fn without(headers: &HeaderMap, names: &[header::HeaderName]) -> HeaderMap {
    let mut headers = headers.clone();
    for name in names {
        headers.remove(name);
    }
    headers
}

/// What a watch delivers, as long as it may.
fn gated(answer: reqwest::Response, gate: watch::Receiver<Gate>, epoch: u64) -> Body {
    Body::from_stream(stream::unfold((answer, gate), move |(mut answer, mut gate)| async move {
        loop {
            let now = *gate.borrow_and_update();
            if now.epoch != epoch {
                return None;
            }
            let chunk = tokio::select! {
                changed = gate.changed() => {
                    changed.ok()?;
                    continue;
                }
                chunk = answer.chunk(), if !now.held => chunk.transpose()?,
            };
            return Some((chunk, (answer, gate)));
        }
    }))
}
