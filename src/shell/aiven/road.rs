//! The way of one request to Aiven and of its answer back: over HTTP.
//!
//! Decides how long to wait and how much to read. Everything else about an answer is decided by whoever has sent for it.
//! Never logs a query or a body.

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use reqwest::Response;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use zeroize::Zeroizing;

use super::call::Call;
use super::error::{Circumstances, Error, Operation, Problem};
use super::options::Deadlines;
use super::pace::retry_after;
use super::token::{TokenError, TokenSource};
use crate::shell::clock;

/// An answer of any kind.
pub(crate) struct Raw {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) body: Result<Zeroizing<Vec<u8>>, Error>,
}

/// Where a request goes and an answer comes from.
pub(crate) trait Road: Send + Sync {
    /// Sends a request and waits for its whole answer.
    fn send<'s>(&'s self, call: &'s Call) -> BoxFuture<'s, Result<Raw, Error>>;
}

/// HTTP, with one token.
pub(super) struct Http {
    pub(super) client: reqwest::Client,
    pub(super) base: String,
    pub(super) token: TokenSource,
    pub(super) deadlines: Deadlines,
}

impl Road for Http {
    fn send<'s>(&'s self, call: &'s Call) -> BoxFuture<'s, Result<Raw, Error>> {
        self.exchange(call).boxed()
    }
}

impl Http {
    async fn exchange(&self, call: &Call) -> Result<Raw, Error> {
        let token = self.authorization().await;
        let token = token.map_err(|error| call.failed(Problem::Token(error), Circumstances::default()))?;
        let whole = matches!(call.operation, Operation::GetService | Operation::ListServices);
        let deadline = if whole { self.deadlines.service } else { self.deadlines.call };
        let mut request = self
            .client
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
