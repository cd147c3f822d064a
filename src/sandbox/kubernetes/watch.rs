//! Watches: what changed since a version, as it changes.
//!
//! Decides what one client is shown, and when its watch ends. Takes changes from the history that all watches share:
//! one that falls behind it is disconnected. Never changes what is stored.

use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::response::Response;
use futures::stream;
use serde_json::{Value, json};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::decode::Target;
use super::failure::{Failure, Fault};
use super::list::invalid_options;
use super::object::{Key, Object};
use super::select::Selector;
use super::serve::{Query, Shared};
use super::store::{Event, Objects, TableKey};
use super::view::View;

/// How long a watch lasts whose client does not say.
const LASTS: u64 = 1800;
/// How much is sent at once.
const CHUNK: usize = 256 << 10;

/// What all watches obey.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Gate {
    /// Whether nothing is delivered for now.
    pub(super) held: bool,
    /// Watches of an earlier epoch end.
    pub(super) epoch: u64,
}

/// One client's watch.
pub(super) struct Watch {
    shared: Arc<Shared>,
    table: TableKey,
    view: View,
    selector: Selector,
    /// The version up to which everything was sent.
    cursor: u64,
    /// The objects that are still to be sent at the start, and the last one that was.
    initial: Option<(Objects, Option<Key>)>,
    /// Whether the end of the initial objects is told.
    tells_end: bool,
    bookmarks: bool,
    bookmark_at: Instant,
    ends_at: Instant,
    over: bool,
    epoch: u64,
    gate: watch::Receiver<Gate>,
    news: watch::Receiver<u64>,
}

/// Begins a watch.
pub(super) fn begin(
    shared: &Arc<Shared>,
    target: &Target,
    query: &Query,
    shown: (View, Selector),
) -> Result<Response, Failure> {
    let send_initial = query.text("sendInitialEvents");
    if !send_initial.is_empty() && query.text("resourceVersionMatch") != "NotOlderThan" {
        let why = "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan";
        return Err(invalid_options(&Fault::forbidden("resourceVersionMatch", why)));
    }
    let version = query.number("resourceVersion")?.unwrap_or_default();
    let wants_state = if version == 0 { send_initial != "false" } else { send_initial == "true" };
    let gate = shared.gate.subscribe();
    let store = shared.store();
    let table = store.table(&target.resource.group, &target.resource.plural).ok_or_else(Failure::no_such_resource)?;
    if !wants_state && version > 0 && version < table.floor {
        let failure = Failure::expired(version, table.floor);
        return if shared.gone_as_status() { Err(failure) } else { Ok(error(&failure)) };
    }
    let now = Instant::now();
    let lasts = query.number("timeoutSeconds")?.filter(|seconds| *seconds > 0).unwrap_or(LASTS);
    let epoch = gate.borrow().epoch;
    let watch = Watch {
        shared: Arc::clone(shared),
        table: (table.resource.group.clone(), table.resource.plural.clone()),
        view: shown.0,
        selector: shown.1,
        cursor: if wants_state || version == 0 { store.version } else { version },
        initial: wants_state.then(|| (table.objects.clone(), None)),
        tells_end: send_initial == "true",
        bookmarks: query.text("allowWatchBookmarks") == "true",
        bookmark_at: now + shared.bookmark_every,
        ends_at: now + Duration::from_secs(lasts),
        over: false,
        epoch,
        gate,
        news: table.news(),
    };
    let lines = stream::unfold(watch, |mut watch| async move {
        let lines = watch.next().await?;
        Some((Ok::<_, Failure>(lines), watch))
    });
    Ok(answer(Body::from_stream(lines)))
}

fn answer(body: Body) -> Response {
    let mut response = Response::new(body);
    let json = axum::http::HeaderValue::from_static("application/json");
    response.headers_mut().insert(axum::http::header::CONTENT_TYPE, json);
    response
}

/// A watch that ends at once, with an error.
fn error(failure: &Failure) -> Response {
    answer(Body::from(line("ERROR", &failure.status())))
}

fn line(kind: &str, object: &Value) -> Vec<u8> {
    let mut line = json!({"type": kind, "object": object}).to_string().into_bytes();
    line.push(b'\n');
    line
}

/// What there is to send.
enum Found {
    Lines(Vec<u8>),
    Nothing,
    /// What would be next is forgotten.
    Behind,
}

impl Watch {
    /// The next lines; none at the end.
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            let gate = *self.gate.borrow_and_update();
            let _seen = *self.news.borrow_and_update();
            if gate.epoch != self.epoch || self.over {
                return None;
            }
            let now = Instant::now();
            self.over = now >= self.ends_at;
            if !gate.held {
                match self.take() {
                    Found::Lines(lines) => return Some(Bytes::from(lines)),
                    Found::Nothing => {}
                    Found::Behind => return None,
                }
            }
            if self.over || now >= self.bookmark_at {
                self.bookmark_at = now + self.shared.bookmark_every;
                // Everything up to now was sent: that is what a bookmark says.
                if self.bookmarks && !gate.held {
                    return Some(self.bookmark(&Value::Null));
                }
                continue;
            }
            tokio::select! {
                changed = self.news.changed() => changed.ok()?,
                changed = self.gate.changed() => changed.ok()?,
                () = sleep_until(self.bookmark_at.min(self.ends_at)) => {}
            }
        }
    }

    fn bookmark(&self, annotations: &Value) -> Bytes {
        Bytes::from(line("BOOKMARK", &self.view.bookmark(self.cursor, annotations)))
    }

    fn take(&mut self) -> Found {
        match self.initial.take() {
            Some((objects, sent)) => self.take_initial(objects, sent),
            None => self.take_events(),
        }
    }

    fn take_initial(&mut self, objects: Objects, sent: Option<Key>) -> Found {
        use std::ops::Bound::{Excluded, Unbounded};
        let mut out = vec![];
        let first = sent.map_or(Unbounded, Excluded);
        for (key, object) in objects.range((first, Unbounded)) {
            if self.selector.shows(object) {
                self.show("ADDED", object, &mut out);
            }
            if out.len() > CHUNK {
                let key = key.clone();
                self.initial = Some((objects, Some(key)));
                return Found::Lines(out);
            }
        }
        if self.tells_end && self.bookmarks {
            out.extend_from_slice(&self.bookmark(&json!({"k8s.io/initial-events-end": "true"})));
        }
        if out.is_empty() { self.take_events() } else { Found::Lines(out) }
    }

    fn take_events(&mut self) -> Found {
        let shared = Arc::clone(&self.shared);
        let store = shared.store();
        let Some(table) = store.table(&self.table.0, &self.table.1) else { return Found::Behind };
        let Some(events) = table.events_after(self.cursor) else { return Found::Behind };
        let events: Vec<Arc<Event>> = events.take(1000).cloned().collect();
        // Nothing of this table is between its last event and the version of the whole.
        let reached = if events.len() < 1000 { store.version } else { self.cursor };
        drop(store);
        let mut out = vec![];
        for event in &events {
            self.cursor = event.version;
            self.tell(event, &mut out);
            if out.len() > CHUNK {
                return Found::Lines(out);
            }
        }
        self.cursor = self.cursor.max(reached);
        match (out.is_empty(), events.len() < 1000) {
            (false, _) => Found::Lines(out),
            (true, true) => Found::Nothing,
            (true, false) => self.take_events(),
        }
    }

    /// What an event is to this selection: an object that leaves it is deleted, as far as this client knows.
    fn tell(&self, event: &Event, out: &mut Vec<u8>) {
        let before = event.old.as_ref().filter(|old| self.selector.shows(old));
        let is_shown = !event.gone && self.selector.shows(&event.new);
        match (before, is_shown) {
            (None, true) => self.show("ADDED", &event.new, out),
            (Some(_), true) => self.show("MODIFIED", &event.new, out),
            (Some(_), false) if event.gone => self.show("DELETED", &event.new, out),
            (Some(old), false) => self.show("DELETED", &old.at(event.version), out),
            (None, false) => {}
        }
    }

    fn show(&self, kind: &str, object: &Object, out: &mut Vec<u8>) {
        out.extend_from_slice(format!("{{\"type\":\"{kind}\",\"object\":").as_bytes());
        self.view.one(object, (self.shared.clock)(), out);
        out.extend_from_slice(b"}\n");
    }
}
