//! One request and its answer.
//!
//! Decides what an answer comes to, and what is counted and logged of it. Takes as given that a retry is the
//! planner's to decide: only a read on a connection that broke is sent again, once. Never logs a query or a body.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::SignedDuration;
use reqwest::Method;
use tokio::time::Instant;
use zeroize::Zeroizing;

use super::answer::{Failed, why_failed};
use super::error::{Circumstances, Error, Operation, Problem, Target};
use super::pace::{DEFAULT_HOLD, Gate};
use super::road::{Raw, Road};
use crate::shell::metrics::{AivenCall, Metrics};

/// The most that is read of an answer about a service with all its users.
const LARGE: usize = 64 << 20;
/// The most that is read of any other answer.
const SMALL: usize = 8 << 20;

/// One request.
#[derive(Clone)]
pub(crate) struct Call {
    pub(crate) operation: Operation,
    pub(crate) target: Target,
    /// From after `/v1` on.
    pub(super) path: String,
    pub(crate) body: Option<Vec<u8>>,
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

    /// The error for a request that nothing came back of.
    #[cfg(feature = "sandbox")]
    pub(crate) fn without_answer(&self, problem: Problem) -> Error {
        self.failed(problem, Circumstances::default())
    }

    pub(super) fn failed(&self, problem: Problem, around: Circumstances) -> Error {
        Error::new((self.operation, &self.target), problem, around)
    }

    pub(super) fn method(&self) -> Method {
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
    pub(super) fn limit(&self) -> usize {
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

/// Where requests go to, in their turn.
pub(super) struct Line {
    pub(super) road: Box<dyn Road>,
    pub(super) gate: Gate,
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
        let began = Instant::now();
        let raw = self.road.send(call).await;
        note(self.metrics.as_ref(), call, &raw, began.elapsed());
        self.judge(call, raw?)
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
