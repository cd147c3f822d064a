//! The HTTP side: every request is understood, recorded, permitted or refused, and answered.
//!
//! Takes every operation as done at once and in order; only what reads show lags behind. Knows nothing of faults but
//! that a layer between recording and answering may add them.

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::{Body, HttpBody, to_bytes};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use jiff::Timestamp;

use super::call::Call;
use super::options::Options;
use super::record::{Log, Record};
use super::refusal::Refusal;
use super::store::Store;
use crate::sandbox::faults::{Chance, Faults, Struck};

/// The largest request body that is read.
const LARGEST: usize = 16 << 20;

/// All of one Aiven.
pub(super) struct Server {
    pub(super) options: Options,
    pub(super) token: String,
    pub(super) faults: Faults,
    pub(super) log: Log,
    pub(super) refuses_token: AtomicBool,
    pub(super) refuses_secrets: AtomicBool,
    store: Mutex<Store>,
    ahead: AtomicI64,
}

impl Server {
    pub(super) fn new(options: Options) -> Self {
        let mut chance = Chance::new(options.seed);
        Server {
            token: format!("sandbox-{}", chance.text(24)),
            faults: Faults::new(options.seed),
            log: Log::new(),
            refuses_token: AtomicBool::new(false),
            refuses_secrets: AtomicBool::new(false),
            store: Mutex::new(Store::new(options.seed, options.renew)),
            ahead: AtomicI64::new(0),
            options,
        }
    }

    pub(super) fn router(self: &Arc<Self>) -> Router {
        let router = Router::new().fallback(answer).with_state(self.clone());
        self.faults.wrap(router).layer(from_fn_with_state(self.clone(), record))
    }

    /// The time here: the true one, and what the clock was moved ahead.
    #[expect(clippy::disallowed_methods, reason = "the sandbox is a world of its own, and this is its clock")]
    pub(super) fn now(&self) -> Timestamp {
        let now = Timestamp::now();
        now.checked_add(Duration::from_millis(self.ahead.load(Ordering::Relaxed).unsigned_abs())).unwrap_or(now)
    }

    pub(super) fn advance(&self, by: Duration) {
        self.ahead.fetch_add(i64::try_from(by.as_millis()).unwrap_or(0), Ordering::Relaxed);
    }

    /// What there is now, with everything that has become due.
    pub(super) fn store(&self) -> MutexGuard<'_, Store> {
        let mut store = self.store.lock().unwrap_or_else(PoisonError::into_inner);
        store.settle(self.now());
        store
    }

    fn permit(&self, call: &Call, headers: &HeaderMap) -> Result<(), Refusal> {
        let failed = |status, message| Err(Refusal::new(status, "authentication_failed", message));
        let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let token = match given.split_once(' ') {
            Some((scheme, token)) if ["aivenv1", "bearer"].contains(&scheme.to_ascii_lowercase().as_str()) => token,
            _ => return failed(StatusCode::UNAUTHORIZED, "Authentication failed"),
        };
        if token.trim() != self.token {
            return failed(StatusCode::FORBIDDEN, "Invalid token");
        }
        if self.refuses_token.load(Ordering::Relaxed) {
            return failed(StatusCode::FORBIDDEN, "Missing (expired) db token");
        }
        if call.secrets && self.refuses_secrets.load(Ordering::Relaxed) {
            let message = "Not allowed to read secrets";
            return Err(Refusal::new(StatusCode::FORBIDDEN, "permission_denied", message));
        }
        match call.limit.as_deref().map(str::parse::<u32>) {
            None | Some(Ok(..=250)) => Ok(()),
            Some(Ok(_)) => {
                let message = "Invalid value for limit parameter: maximum allowed value is 250";
                Err(Refusal::bad("bad_request", message))
            }
            Some(Err(_)) => Err(Refusal::bad("bad_request", "Invalid value for limit parameter")),
        }
    }
}

/// The name of the user that a request makes, from who reads the body for who records.
#[derive(Clone, Default)]
struct Named(Arc<OnceLock<String>>);

async fn record(State(server): State<Arc<Server>>, mut request: Request, next: Next) -> Response {
    let began = Instant::now();
    let mut call = Call::of(request.method(), request.uri());
    let named = Named::default();
    request.extensions_mut().insert(call.clone());
    request.extensions_mut().insert(named.clone());
    let response = next.run(request).await;
    if let Some(name) = named.0.get() {
        call.user.clone_from(name);
    }
    let struck = response.extensions().get::<Struck>();
    let lost = struck.is_some_and(|struck| struck.lost);
    server.log.add(Record {
        call,
        status: (!lost).then(|| response.status().as_u16()),
        fault: struck.map(|struck| struck.name),
        bytes: response.body().size_hint().exact().unwrap_or(0),
        at: server.now(),
        took: began.elapsed(),
    });
    response
}

async fn answer(State(server): State<Arc<Server>>, request: Request) -> Response {
    if !server.options.latency.is_zero() {
        tokio::time::sleep(server.options.latency).await;
    }
    let (parts, body) = request.into_parts();
    let call = parts.extensions.get::<Call>().cloned().unwrap_or_else(|| Call::of(&parts.method, &parts.uri));
    let named = parts.extensions.get::<Named>().cloned().unwrap_or_default();
    let Ok(body) = to_bytes(body, LARGEST).await else {
        return Refusal::bad("bad_request", "the body was not received").into_response();
    };
    let tell = |name: &str| {
        let _ = named.0.set(name.to_owned());
    };
    match server.permit(&call, &parts.headers).and_then(|()| server.done(&call, &body, &tell)) {
        Ok(answer) => {
            let mut response = Response::new(Body::from(answer));
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            response
        }
        Err(refusal) => refusal.into_response(),
    }
}
