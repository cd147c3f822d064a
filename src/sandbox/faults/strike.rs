//! What a fault does to one request, as a layer of a router.
//!
//! Takes the decision as made. A connection is closed by a body that fails at once: hyper then closes it before it has
//! written the head, whatever listener it came by.

use std::io;

use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::stream;

use super::{Effect, Faults};

/// Stands in the extensions of a response that a fault has touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Struck {
    /// [`Effect::name`].
    pub name: &'static str,
    /// Whether the client gets no answer.
    pub lost: bool,
}

pub(super) async fn strike(State(faults): State<Faults>, request: Request, next: Next) -> Response {
    let fate = faults.fate(request.method(), request.uri());
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    let Some(effect) = fate.effect else {
        return next.run(request).await;
    };
    let lost = matches!(effect, Effect::Drop | Effect::LoseAnswer);
    let name = effect.name();
    let mut response = match effect {
        Effect::Answer { status, body, headers } => answer(status, body, &headers),
        Effect::Delay(_) => next.run(request).await,
        Effect::Drop => nothing(),
        Effect::LoseAnswer => {
            next.run(request).await;
            nothing()
        }
        Effect::Garbage => garbled(&next.run(request).await),
    };
    response.extensions_mut().insert(Struck { name, lost });
    response
}

fn answer(status: u16, body: String, headers: &[(String, String)]) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for (name, value) in headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::try_from(value)) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}

fn garbled(true_answer: &Response) -> Response {
    let mut response = Response::new(Body::from("<html>{\"\u{fffd}"));
    *response.status_mut() = true_answer.status();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

fn nothing() -> Response {
    let failure = io::Error::from(io::ErrorKind::ConnectionReset);
    Response::new(Body::from_stream(stream::iter([Err::<Vec<u8>, io::Error>(failure)])))
}
