//! Requests of one moment, taken together: whoever writes one document for many asks for them here.
//!
//! Decides nothing. Takes as given that there is an answer for each request, in their order.

use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

/// A change that somebody waits for.
pub(super) struct Request<C, A> {
    pub(super) change: C,
    pub(super) done: oneshot::Sender<A>,
}

/// Hands a change to whoever takes it together with others; gives the answer, if there is one.
pub(super) async fn ask<C, A>(inbox: &mpsc::UnboundedSender<Request<C, A>>, change: C) -> Option<A> {
    let (done, answer) = oneshot::channel();
    inbox.send(Request { change, done }).ok()?;
    answer.await.ok()
}

/// The changes of a moment, which does not end before that time, and who waits for each; `None` once nobody asks any more.
pub(super) async fn gather<C, A>(
    inbox: &mut mpsc::UnboundedReceiver<Request<C, A>>,
    moment: Duration,
    not_before: Instant,
) -> Option<(Vec<C>, Vec<oneshot::Sender<A>>)> {
    let first = inbox.recv().await?;
    tokio::time::sleep_until(not_before.max(Instant::now() + moment)).await;
    let rest = std::iter::from_fn(|| inbox.try_recv().ok());
    Some(std::iter::once(first).chain(rest).map(|request| (request.change, request.done)).unzip())
}

/// Gives each its answer.
pub(super) fn answer<A>(waiting: Vec<oneshot::Sender<A>>, answers: Vec<A>) {
    for (done, answer) in waiting.into_iter().zip(answers) {
        // Whoever asked may be gone; the change is written all the same.
        drop(done.send(answer));
    }
}
