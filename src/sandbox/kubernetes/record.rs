//! A record of every request, also of those that were refused.
//!
//! Decides how long requests are remembered. Never changes an answer.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::HttpBody as _;
use axum::extract::{Request as HttpRequest, State};
use axum::http::header::{CONTENT_LENGTH, USER_AGENT};
use axum::middleware::Next;
use axum::response::Response;
use jiff::Timestamp;
use tokio::sync::broadcast;

use super::route::Route;
use super::serve::{Query, header};

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

/// Records requests as a layer of a router; a clone records into the same.
#[derive(Clone)]
pub struct Recorder {
    records: Arc<Records>,
    clock: super::Clock,
}

/// The last requests, and how many there were of each kind.
struct Records {
    kept: Mutex<Kept>,
    most: usize,
    told: broadcast::Sender<Arc<Request>>,
}

#[derive(Default)]
struct Kept {
    requests: VecDeque<Arc<Request>>,
    counts: BTreeMap<Count, u64>,
}

impl Recorder {
    /// Remembers as many requests, and counts all.
    pub fn new(most: usize, clock: super::Clock) -> Self {
        let records = Records { kept: Mutex::default(), most, told: broadcast::Sender::new(1024) };
        Self { records: Arc::new(records), clock }
    }

    /// Stands before a router: requests are recorded with the answers that it gives.
    pub fn wrap(&self, router: Router) -> Router {
        router.layer(axum::middleware::from_fn_with_state(self.clone(), record))
    }

    /// The last requests, oldest first.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.kept().requests.iter().cloned().collect()
    }

    /// How many requests there were of each kind.
    pub fn counts(&self) -> BTreeMap<Count, u64> {
        self.kept().counts.clone()
    }

    /// Forgets all requests.
    pub fn forget(&self) {
        *self.kept() = Kept::default();
    }

    /// Every request from now on, once it is answered.
    pub fn watch(&self) -> broadcast::Receiver<Arc<Request>> {
        self.records.told.subscribe()
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.records.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn add(&self, request: Request) {
        let count = Count { verb: request.verb, resource: request.resource.clone(), status: request.status };
        let request = Arc::new(request);
        let mut kept = self.kept();
        *kept.counts.entry(count).or_default() += 1;
        kept.requests.push_back(Arc::clone(&request));
        if kept.requests.len() > self.records.most {
            kept.requests.pop_front();
        }
        drop(kept);
        // Nobody has to listen.
        drop(self.records.told.send(request));
    }
}

/// Records a request once its answer begins.
async fn record(State(recorder): State<Recorder>, request: HttpRequest, next: Next) -> Response {
    let (at, begun) = ((recorder.clock)(), Instant::now());
    let route = Route::parse(request.method(), request.uri(), &Query::of(request.uri()));
    let (received, user_agent) = (header(request.headers(), &CONTENT_LENGTH), header(request.headers(), &USER_AGENT));
    let path = request.uri().to_string();
    let response = next.run(request).await;
    recorder.add(Request {
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
