//! A record of every request, also of those that were refused.
//!
//! Decides how long requests are remembered. Never changes an answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{CONTENT_LENGTH, USER_AGENT};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use tokio::sync::broadcast;

use super::route::Route;
use super::serve::{Query, Shared, header};

/// A request as it was answered.
#[derive(Debug, Clone)]
pub struct Request {
    /// When it came.
    pub at: Timestamp,
    /// The verb as rules name it: `get`, `list`, `watch`, `create`, `update`, `patch`, `delete`.
    pub verb: &'static str,
    /// The group, empty for the core.
    pub group: String,
    /// The plural name of the resource, with its subresource; empty for what is no resource.
    pub resource: String,
    /// The namespace, empty for all and for none.
    pub namespace: String,
    /// The name, empty for lists and creates.
    pub name: String,
    /// Path and query as they came.
    pub path: String,
    /// The HTTP status of the answer.
    pub status: u16,
    /// Bytes of the request's body.
    pub received: u64,
    /// Bytes of the answer's body; 0 for a watch, which has no end yet.
    pub sent: u64,
    /// How long the answer took; for a watch, until it began.
    pub took: Duration,
    /// Who asked.
    pub user_agent: String,
}

/// What requests are counted by.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Count {
    /// The verb.
    pub verb: &'static str,
    /// The resource, with its subresource.
    pub resource: String,
    /// The HTTP status.
    pub status: u16,
}

/// The last requests, and how many there were of each kind.
pub(super) struct Records {
    kept: Mutex<Kept>,
    most: usize,
    told: broadcast::Sender<Arc<Request>>,
}

#[derive(Default)]
struct Kept {
    requests: VecDeque<Arc<Request>>,
    counts: BTreeMap<Count, u64>,
}

impl Records {
    pub(super) fn new(most: usize) -> Self {
        Self { kept: Mutex::default(), most, told: broadcast::Sender::new(1024) }
    }

    pub(super) fn subscribe(&self) -> broadcast::Receiver<Arc<Request>> {
        self.told.subscribe()
    }

    pub(super) fn list(&self) -> Vec<Arc<Request>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).requests.iter().cloned().collect()
    }

    pub(super) fn counts(&self) -> BTreeMap<Count, u64> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner).counts.clone()
    }

    pub(super) fn clear(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = Kept::default();
    }

    fn add(&self, request: Request) {
        let count = Count { verb: request.verb, resource: request.resource.clone(), status: request.status };
        let request = Arc::new(request);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        *kept.counts.entry(count).or_default() += 1;
        kept.requests.push_back(Arc::clone(&request));
        if kept.requests.len() > self.most {
            kept.requests.pop_front();
        }
        drop(kept);
        // Nobody has to listen.
        drop(self.told.send(request));
    }
}

/// Records a request once its answer begins.
pub(super) async fn record(State(shared): State<Arc<Shared>>, request: HttpRequest, next: Next) -> Response {
    let (at, begun) = ((shared.clock)(), Instant::now());
    let route = Route::parse(request.method(), request.uri(), &Query::of(request.uri()));
    let (received, user_agent) = (header(request.headers(), &CONTENT_LENGTH), header(request.headers(), &USER_AGENT));
    let path = request.uri().to_string();
    let response = next.run(request).await;
    shared.records.add(Request {
        at,
        verb: route.verb,
        resource: route.ruled(),
        group: route.group,
        namespace: route.namespace,
        name: route.name,
        path,
        status: response.status().as_u16(),
        received: received.parse().unwrap_or_default(),
        sent: response.body().size_hint().exact().unwrap_or_default(),
        took: begun.elapsed(),
        user_agent,
    });
    response
}
