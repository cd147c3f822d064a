//! HTTP: from a request to its answer.
//!
//! Decides who answers, and refuses what has no place. Takes as given what a request means (route), what a write does
//! (write), and how objects are shown (view).

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Query as UrlQuery, Request, State};
use axum::http::header::{ACCEPT, CONTENT_TYPE, HeaderName, WARNING};
use axum::http::{HeaderMap, HeaderValue, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use serde_json::Value;
use tokio::sync::watch::Sender;

use super::decode::Target;
use super::failure::Failure;
use super::record::Recorder;
use super::resource::EVENTS_GROUP;
use super::route::Route;
use super::store::Store;
use super::watch::Gate;
use super::{answer, discovery, review};

/// The largest request that Kubernetes takes.
const MOST: usize = 3 << 20;

/// What all requests share.
pub(super) struct Shared {
    store: Mutex<Store>,
    pub(super) gate: Sender<Gate>,
    pub(super) recorder: Recorder,
    pub(super) clock: super::Clock,
    pub(super) bookmark_every: Duration,
    /// Whether every write is refused.
    pub(super) read_only: AtomicBool,
    /// Whether an old version is refused before a watch begins, not in it.
    pub(super) gone_as_status: AtomicBool,
    /// What every request waits, in milliseconds.
    pub(super) latency: AtomicU64,
}

impl Shared {
    pub(super) fn new(store: Store, options: &super::Options) -> Self {
        Self {
            store: Mutex::new(store),
            gate: Sender::new(Gate::default()),
            recorder: Recorder::new(options.requests_kept, Arc::clone(&options.clock)),
            clock: Arc::clone(&options.clock),
            bookmark_every: options.bookmark_every,
            read_only: AtomicBool::new(false),
            gone_as_status: AtomicBool::new(options.gone_as_status),
            latency: AtomicU64::new(u64::try_from(options.latency.as_millis()).unwrap_or(u64::MAX)),
        }
    }

    /// The store, for as long as nobody awaits.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn gone_as_status(&self) -> bool {
        self.gone_as_status.load(Ordering::Relaxed)
    }
}

/// The parameters of an address.
pub(super) struct Query(BTreeMap<String, String>);

impl Query {
    pub(super) fn of(uri: &Uri) -> Self {
        Self(UrlQuery::try_from_uri(uri).map_or_else(|_| BTreeMap::new(), |UrlQuery(query)| query))
    }

    /// A parameter, empty if it is not given.
    pub(super) fn text(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A parameter that is a number; one below zero is none.
    pub(super) fn number(&self, name: &str) -> Result<Option<u64>, Failure> {
        let text = self.text(name);
        if text.parse::<i64>().is_ok_and(|number| number < 0) {
            return Ok(None);
        }
        let wrong = |_| Failure::bad_request(format!("invalid {name}: \"{text}\" is not a number"));
        if text.is_empty() { Ok(None) } else { text.parse().map(Some).map_err(wrong) }
    }
}

/// A request, read.
pub(super) struct Ask {
    pub(super) route: Route,
    pub(super) query: Query,
    pub(super) accept: String,
    pub(super) content_type: String,
    pub(super) body: Bytes,
}

impl Ask {
    /// The body, or nothing for an empty one.
    pub(super) fn json(&self) -> Result<Value, Failure> {
        if self.body.is_empty() {
            return Ok(Value::Null);
        }
        serde_json::from_slice(&self.body).map_err(|error| Failure::bad_request(format!("json parse error: {error}")))
    }

    /// Whether nothing is to be stored.
    pub(super) fn is_dry(&self) -> bool {
        self.query.text("dryRun") == "All"
    }
}

/// Answers any request.
pub(super) async fn serve(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let latency = shared.latency.load(Ordering::Relaxed);
    if latency > 0 {
        tokio::time::sleep(Duration::from_millis(latency)).await;
    }
    let (parts, body) = request.into_parts();
    let query = Query::of(&parts.uri);
    let route = Route::parse(&parts.method, &parts.uri, &query);
    let Ok(body) = to_bytes(body, MOST).await else {
        let message = format!("Request entity too large: limit is {MOST}");
        return refused(&Failure::new(413, "RequestEntityTooLarge", message));
    };
    let content_type = header(&parts.headers, &CONTENT_TYPE);
    let ask = Ask { route, query, accept: header(&parts.headers, &ACCEPT), content_type, body };
    respond(&shared, &ask, parts.uri.path()).unwrap_or_else(|failure| refused(&failure))
}

/// A header as text, empty if it is none.
pub(super) fn header(headers: &HeaderMap, name: &HeaderName) -> String {
    headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned()
}

fn respond(shared: &Arc<Shared>, ask: &Ask, path: &str) -> Result<Response, Failure> {
    let route = &ask.route;
    if shared.read_only.load(Ordering::Relaxed) && !route.is_read() {
        let message = format!("{} is forbidden: writes are refused here", route.resource);
        return Err(Failure::new(403, "Forbidden", message));
    }
    if route.resource.is_empty() {
        return Ok(discovery::answer(&shared.store(), path));
    }
    if route.group == review::GROUP && route.resource == review::RESOURCE {
        return review::answer(&shared.store(), ask);
    }
    let Some(target) = target(&shared.store(), route)? else { return Ok(discovery::no_page()) };
    review::check(&shared.store(), route)?;
    answer::answer(shared, &target, ask)
}

/// What the address names; none if nothing is known of its group.
fn target(store: &Store, route: &Route) -> Result<Option<Target>, Failure> {
    let group = |group: &str| store.tables.keys().any(|(of, _)| of == group) || group == EVENTS_GROUP;
    let Some(table) = store.table(&route.group, &route.resource) else {
        return if group(&route.group) { Err(Failure::no_such_resource()) } else { Ok(None) };
    };
    let resource = &table.resource;
    let is_served = resource.version(&route.version).is_some();
    let is_known = match route.subresource.as_str() {
        "" => true,
        "status" => resource.status,
        _ => false,
    };
    if !is_served || !is_known || (!resource.namespaced && !route.namespace.is_empty()) {
        return Err(Failure::no_such_resource());
    }
    if resource.namespaced && route.namespace.is_empty() && !matches!(route.verb, "list" | "watch" | "create") {
        return Err(Failure::no_such_resource());
    }
    let api_version =
        if route.group.is_empty() { route.version.clone() } else { format!("{}/{}", route.group, route.version) };
    Ok(Some(Target {
        resource: Arc::clone(resource),
        api_version,
        namespace: route.namespace.clone(),
        name: route.name.clone(),
        status: route.subresource == "status",
    }))
}

/// An answer in JSON, with what its reader is warned of.
pub(super) fn json(code: u16, body: impl Into<Body>, warnings: &[String]) -> Response {
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = (status, body.into()).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for warning in warnings {
        let quoted = Value::from(warning.as_str());
        if let Ok(warning) = HeaderValue::from_str(&format!("299 - {quoted}")) {
            headers.append(WARNING, warning);
        }
    }
    response
}

fn refused(failure: &Failure) -> Response {
    json(failure.code, failure.status().to_string(), &failure.warnings)
}
