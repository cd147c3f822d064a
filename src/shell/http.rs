//! One listener for `/metrics`, `/healthz` and `/readyz`.
//!
//! Decides what an address means, and when the answer is 200. Takes as given what heartbeats and conditions say. Answers
//! from the first second, whatever else is not ready yet.

mod state;

use std::net::SocketAddr;
use std::str::FromStr;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::state::{Condition, Health, Heartbeat, Readiness};
use super::metrics::Metrics;

/// The text format of Prometheus, whatever the client accepts.
const PROMETHEUS: &str = "text/plain; version=0.0.4; charset=utf-8";

/// How long open requests may take after the end was asked for.
const PATIENCE: Duration = Duration::from_secs(2);

/// Where to listen (`--metrics-address`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Listen {
    /// Nowhere: `0`.
    Off,
    /// At a port of every address: `:8080`.
    Everywhere(u16),
    /// At a host's port: `127.0.0.1:8080`, `[::1]:8080`, `localhost:8080`.
    At(String, u16),
}

/// Why nobody listens; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Somebody else listens there.
    #[error("listen on {0} (--metrics-address): the address is already in use")]
    InUse(Listen),
    /// The name of the host cannot be resolved, or the system does not let this program listen there.
    #[error("listen on {0} (--metrics-address): {1}")]
    Refused(Listen, std::io::ErrorKind),
}

/// What the pages show.
#[derive(Clone)]
pub struct Pages {
    /// `/metrics`
    pub metrics: Metrics,
    /// `/healthz`
    pub health: Health,
    /// `/readyz`
    pub readiness: Readiness,
}

/// Answers until it is stopped or dropped.
pub struct Server {
    address: SocketAddr,
    stop: DropGuard,
    task: JoinHandle<()>,
}

impl Default for Listen {
    fn default() -> Self {
        Listen::At("127.0.0.1".to_owned(), 8080)
    }
}

impl FromStr for Listen {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("'{text}' is not an address such as 127.0.0.1:8080, :8080 (every address) or 0 (off)");
        if text == "0" {
            return Ok(Listen::Off);
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(wrong)?;
        let port = port.parse().map_err(|_| wrong())?;
        let bare = host.strip_prefix('[').map_or(Some(host), |rest| rest.strip_suffix(']')).ok_or_else(wrong)?;
        match bare {
            "" if host.is_empty() => Ok(Listen::Everywhere(port)),
            "" => Err(wrong()),
            _ if bare.contains(char::is_whitespace) || (bare == host && host.contains(':')) => Err(wrong()),
            _ => Ok(Listen::At(bare.to_owned(), port)),
        }
    }
}

impl std::fmt::Display for Listen {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Listen::Off => f.write_str("0"),
            Listen::Everywhere(port) => write!(f, ":{port}"),
            Listen::At(host, port) if host.contains(':') => write!(f, "[{host}]:{port}"),
            Listen::At(host, port) => write!(f, "{host}:{port}"),
        }
    }
}

impl Listen {
    async fn bind(&self) -> Result<Option<TcpListener>, Failure> {
        let bound = match self {
            Listen::Off => return Ok(None),
            Listen::At(host, port) => TcpListener::bind((host.as_str(), *port)).await,
            Listen::Everywhere(port) => match TcpListener::bind(("::", *port)).await {
                Err(error) if error.kind() != std::io::ErrorKind::AddrInUse => {
                    // A machine without IPv6.
                    TcpListener::bind(("0.0.0.0", *port)).await
                }
                bound => bound,
            },
        };
        bound.map(Some).map_err(|error| match error.kind() {
            std::io::ErrorKind::AddrInUse => Failure::InUse(self.clone()),
            kind => Failure::Refused(self.clone(), kind),
        })
    }
}

impl Server {
    /// Begins to answer; `None` where listening is off.
    pub async fn start(listen: &Listen, pages: Pages) -> Result<Option<Server>, Failure> {
        let Some(listener) = listen.bind().await? else { return Ok(None) };
        let address = listener.local_addr().map_err(|error| Failure::Refused(listen.clone(), error.kind()))?;
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let task = tokio::spawn(async move {
            // It ends when it is told to: accepting is tried again after every error.
            let _ = axum::serve(listener, router(pages)).with_graceful_shutdown(stopped).await;
        });
        Ok(Some(Server { address, stop: stop.drop_guard(), task }))
    }

    /// Where it listens: the port, if any was asked for.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers what was asked, and nothing more; whoever takes too long is cut off.
    pub async fn stop(self) {
        let Server { stop, mut task, .. } = self;
        drop(stop);
        if tokio::time::timeout(PATIENCE, &mut task).await.is_err() {
            task.abort();
        }
    }
}

fn router(pages: Pages) -> Router {
    Router::new()
        .route("/metrics", get(metrics))
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .with_state(pages)
}

async fn metrics(State(pages): State<Pages>) -> Response {
    ([(header::CONTENT_TYPE, PROMETHEUS)], pages.metrics.render()).into_response()
}

async fn healthz(State(pages): State<Pages>) -> Response {
    told(&pages.health.why_not())
}

async fn readyz(State(pages): State<Pages>) -> Response {
    told(&pages.readiness.why_not())
}

/// 200 if nothing is wrong, else 503 with what is, one a line.
fn told(wrong: &[String]) -> Response {
    if wrong.is_empty() {
        return "ok\n".into_response();
    }
    let lines: String = wrong.iter().flat_map(|line| [line.as_str(), "\n"]).collect();
    (StatusCode::SERVICE_UNAVAILABLE, lines).into_response()
}
