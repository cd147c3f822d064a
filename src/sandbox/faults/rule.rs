//! One rule: which requests, how often, and what happens to them.
//!
//! Takes paths as they are on the wire, percent-encoded, and looks at the query only where it says so.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use axum::http::{Method, Uri};

/// Which requests meet an effect; without any condition, all.
#[derive(Clone)]
pub struct Rule {
    pub(super) effect: Effect,
    method: Option<Method>,
    paths: Vec<Test>,
    times: Option<u64>,
    share: Option<f64>,
}

type Test = Arc<dyn Fn(&Uri) -> bool + Send + Sync>;

/// What happens to a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It is answered so, and not done.
    Answer {
        /// The HTTP status.
        status: u16,
        /// The body, as it is.
        body: String,
        /// Headers, such as `Retry-After`.
        headers: Vec<(String, String)>,
    },
    /// It waits; what comes then, other rules and the API say.
    Delay(Duration),
    /// The connection is closed, and it is not done.
    Drop,
    /// It is done, and the connection is closed before a byte of the answer.
    LoseAnswer,
    /// It is done, and answered by the API's status and by a body that nothing can read.
    Garbage,
}

impl Effect {
    /// This status, with the body that Aiven gives when something is wrong.
    pub fn status(status: u16) -> Self {
        Effect::failure(status, vec![])
    }

    /// The answer to who asks too often: 429, with the seconds to wait.
    pub fn too_many(retry_after: u64) -> Self {
        Effect::failure(429, vec![("Retry-After".into(), retry_after.to_string())])
    }

    fn failure(status: u16, headers: Vec<(String, String)>) -> Self {
        let message = format!("the sandbox was asked to answer {status}");
        let body = serde_json::json!({"message": message, "errors": [{"message": message, "status": status}]});
        Effect::Answer { status, body: body.to_string(), headers }
    }

    /// What it is called where requests are recorded.
    pub fn name(&self) -> &'static str {
        match self {
            Effect::Answer { .. } => "answered by a fault",
            Effect::Delay(_) => "delayed",
            Effect::Drop => "dropped",
            Effect::LoseAnswer => "answer lost",
            Effect::Garbage => "answer garbled",
        }
    }
}

impl Rule {
    /// This effect, for every request.
    pub fn new(effect: Effect) -> Self {
        Rule { effect, method: None, paths: vec![], times: None, share: None }
    }

    /// Only requests of this method.
    #[must_use]
    pub fn method(self, method: Method) -> Self {
        Rule { method: Some(method), ..self }
    }

    /// Only this path, whatever the query.
    #[must_use]
    pub fn path(self, path: impl Into<String>) -> Self {
        let path = path.into();
        self.when(move |uri| uri.path() == path)
    }

    /// Only paths that begin so.
    #[must_use]
    pub fn under(self, prefix: impl Into<String>) -> Self {
        let prefix = prefix.into();
        self.when(move |uri| uri.path().starts_with(&prefix))
    }

    /// Only paths with queries that contain this.
    #[must_use]
    pub fn containing(self, part: impl Into<String>) -> Self {
        let part = part.into();
        self.when(move |uri| uri.path_and_query().is_some_and(|whole| whole.as_str().contains(&part)))
    }

    /// Only those; conditions add up.
    #[must_use]
    pub fn when(mut self, test: impl Fn(&Uri) -> bool + Send + Sync + 'static) -> Self {
        self.paths.push(Arc::new(test));
        self
    }

    /// Only the next so many that match.
    #[must_use]
    pub fn next(self, times: u64) -> Self {
        Rule { times: Some(times), ..self }
    }

    /// Only this share of those that match, from 0 to 1, by lot.
    #[must_use]
    pub fn chance(self, share: f64) -> Self {
        Rule { share: Some(share), ..self }
    }

    pub(super) fn times(&self) -> Option<u64> {
        self.times
    }

    pub(super) fn share(&self) -> Option<f64> {
        self.share
    }

    pub(super) fn matches(&self, method: &Method, uri: &Uri) -> bool {
        self.method.as_ref().is_none_or(|wanted| wanted == method) && self.paths.iter().all(|test| test(uri))
    }
}

impl fmt::Debug for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rule { effect, method, paths, times, share } = self;
        let mut shown = f.debug_struct("Rule");
        shown.field("effect", effect).field("method", method).field("conditions", &paths.len());
        shown.field("times", times).field("share", share).finish()
    }
}
