//! One request and its answer.
//!
//! Decides how long to wait, how much to read, and what is counted and logged of it. Takes as given that a retry is the
//! planner's to decide: only a read on a connection that broke is sent again, once. Never logs a query or a body.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Method, Response};
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::answer::{Failed, why_failed};
use super::error::{Circumstances, Error, Operation, Problem, Target};
use super::options::Deadlines;
use super::pace::{DEFAULT_HOLD, Gate, retry_after};
use super::token::{TokenError, TokenSource};
use crate::shell::clock;
use crate::shell::metrics::{AivenCall, Metrics};

/// The most that is read of an answer about a service with all its users.
const LARGE: usize = 64 << 20;
/// The most that is read of any other answer.
const SMALL: usize = 8 << 20;

/// One request.
#[derive(Clone)]
pub(super) struct Call {
    pub(super) operation: Operation,
    pub(super) target: Target,
    /// From after `/v1` on.
    pub(super) path: String,
    pub(super) body: Option<Vec<u8>>,
}

impl Call {
    /// A request; a path that there is not, for want of a usable name, is an error before anything is sent.
    pub(super) fn new(
        (operation, target): (Operation, Target),
        path: Option<String>,
        body: Option<Vec<u8>>,
    ) -> Result<Self, Error> {
        match path {
            Some(path) => Ok(Call { operation, target, path, body }),
            None => Err(Error::new((operation, &target), Problem::BadName, Circumstances::default())),
        }
    }

    /// The error for an answer that says it is done, but not what.
    pub(super) fn not_understood(&self, answer: &Answer) -> Error {
        self.failed(Problem::NotUnderstood, Circumstances { status: answer.status, ..Circumstances::default() })
    }

    pub(super) fn failed(&self, problem: Problem, around: Circumstances) -> Error {
        Error::new((self.operation, &self.target), problem, around)
    }

    fn method(&self) -> Method {
        match self.operation {
            Operation::ListProjects
            | Operation::GetCa
            | Operation::ListServices
            | Operation::GetService
            | Operation::GetUser
            | Operation::GetAcl => Method::GET,
            Operation::CreateUser => Method::POST,
            Operation::SetAccess | Operation::PutAcl => Method::PUT,
            Operation::DeleteUser => Method::DELETE,
        }
    }

    /// A write to a user may answer with the whole service.
    fn limit(&self) -> usize {
        match self.operation {
            Operation::ListServices | Operation::GetService | Operation::SetAccess | Operation::PutAcl => LARGE,
            Operation::ListProjects
            | Operation::GetCa
            | Operation::GetUser
            | Operation::CreateUser
            | Operation::DeleteUser
            | Operation::GetAcl => SMALL,
        }
    }
}

/// An answer that says that it is done.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Zeroizing<Vec<u8>>,
}

/// An answer of any kind.
struct Raw {
    status: u16,
    retry_after: Option<Duration>,
    body: Result<Zeroizing<Vec<u8>>, Error>,
}

/// Where requests go to, with one token.
pub(super) struct Line {
    pub(super) http: reqwest::Client,
    pub(super) base: String,
    pub(super) token: TokenSource,
    pub(super) gate: Gate,
    pub(super) deadlines: Deadlines,
    pub(super) metrics: Option<Metrics>,
    pub(super) refused: AtomicBool,
}

impl Line {
    /// Sends a request and waits for its whole answer.
    pub(super) async fn exchange(&self, call: &Call) -> Result<Answer, Error> {
        match self.attempt(call).await {
            // Most likely the server has just closed a connection that it held idle.
            Err(error) if *error.problem() == Problem::Broken && !call.operation.is_write() => self.attempt(call).await,
            answer => answer,
        }
    }

    async fn attempt(&self, call: &Call) -> Result<Answer, Error> {
        self.gate.pass().await.map_err(|wait| {
            let retry_after = SignedDuration::try_from(wait).ok();
            call.failed(Problem::TooFast, Circumstances { retry_after, ..Circumstances::default() })
        })?;
        let token = self.authorization().await;
        let token = token.map_err(|error| call.failed(Problem::Token(error), Circumstances::default()))?;
        let began = Instant::now();
        let raw = self.send(call, token).await;
        note(self.metrics.as_ref(), call, &raw, began.elapsed());
        self.judge(call, raw?)
    }

    /// A file is read away from the threads that serve the network.
    async fn authorization(&self) -> Result<HeaderValue, TokenError> {
        match &self.token {
            TokenSource::Literal(_) => self.token.header(),
            TokenSource::File(path) => {
                let source = self.token.clone();
                let stopped = |_| TokenError::Unreadable { path: path.clone(), why: std::io::ErrorKind::Interrupted };
                tokio::task::spawn_blocking(move || source.header()).await.map_err(stopped)?
            }
        }
    }

    async fn send(&self, call: &Call, token: HeaderValue) -> Result<Raw, Error> {
        let whole = matches!(call.operation, Operation::GetService | Operation::ListServices);
        let deadline = if whole { self.deadlines.service } else { self.deadlines.call };
        let mut request = self
            .http
            .request(call.method(), format!("{}{}", self.base, call.path))
            .header(AUTHORIZATION, token)
            .header(ACCEPT, "application/json")
            .timeout(deadline);
        if let Some(body) = &call.body {
            request = request.header(CONTENT_TYPE, "application/json").body(body.clone());
        }
        let response = request.send().await.map_err(|error| broken(call, 0, error))?;
        let status = response.status().as_u16();
        let wait = response.headers().get(RETRY_AFTER).and_then(|value| value.to_str().ok());
        let retry_after =
            wait.and_then(|value| retry_after(value, clock::now())).filter(|_| matches!(status, 429 | 503));
        Ok(Raw { status, retry_after, body: read(call, response).await })
    }

    fn judge(&self, call: &Call, raw: Raw) -> Result<Answer, Error> {
        let Raw { status, retry_after, body } = raw;
        match retry_after {
            Some(wait) => self.gate.hold(wait),
            None if status == 429 => self.gate.hold(DEFAULT_HOLD),
            None => {}
        }
        let body = match body {
            Err(error) if (200..300).contains(&status) => return Err(error),
            // The status says enough.
            body => body.unwrap_or_default(),
        };
        let Some(Failed { problem, status, code }) = why_failed((call.operation, &call.target), status, &body) else {
            self.refused.store(false, Ordering::Relaxed);
            return Ok(Answer { status, body });
        };
        if problem == Problem::TokenRefused {
            self.refused.store(true, Ordering::Relaxed);
        }
        let retry_after = retry_after.and_then(|wait| SignedDuration::try_from(wait).ok());
        Err(call.failed(problem, Circumstances { status, code, retry_after, source: None }))
    }
}

async fn read(call: &Call, mut response: Response) -> Result<Zeroizing<Vec<u8>>, Error> {
    let status = response.status().as_u16();
    let expected = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Zeroizing::new(Vec::with_capacity(expected.min(call.limit())));
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(call, status, error))? {
        if body.len() + chunk.len() > call.limit() {
            return Err(call.failed(Problem::TooLarge, Circumstances { status, ..Circumstances::default() }));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn broken(call: &Call, status: u16, error: reqwest::Error) -> Error {
    let problem = if error.is_connect() {
        Problem::Unreachable
    } else if error.is_timeout() {
        Problem::Timeout
    } else if error.is_builder() {
        Problem::BadName
    } else {
        Problem::Broken
    };
    let source = Some(Arc::new(error.without_url()));
    call.failed(problem, Circumstances { status, source, ..Circumstances::default() })
}

fn note(metrics: Option<&Metrics>, call: &Call, raw: &Result<Raw, Error>, took: Duration) {
    let status = raw.as_ref().map_or(0, |raw| raw.status);
    let project = call.target.project().to_owned();
    if let (Some(metrics), Some((resource, verb))) = (metrics, call.operation.counted()) {
        metrics.aiven_latency(AivenCall { resource, verb, project: &project, status }, took);
    }
    tracing::debug!(
        method = call.method().as_str(),
        operation = call.operation.name(),
        status,
        duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX),
        project,
        "called aiven"
    );
}
