//! One watch: what the objects of a kind come to, from the first list on, for ever.
//!
//! Takes lists, bookmarks and the waits between tries from the library; decides when to begin anew with a list. A kind of
//! Aiven's operator that the server does not serve is listed and empty, and looked for again.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures::StreamExt;
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::mpsc::UnboundedSender;

use super::doc::{Doc, Keep, Lean, Whole};
use super::error::KubeError;
use super::kind::{label_selector, resource};
use super::request::Http;
use crate::documents::{Seen, Sight, Sighting};
use crate::world::{AppKey, Digester, Kind, Name, SecretKey, WorkloadKey};

/// How long a kind that is not served is not looked for.
const NOT_SERVED: Duration = Duration::from_secs(30);
/// How long a kind that may not be watched is not asked for.
const REFUSED: Duration = Duration::from_secs(10);
/// How long is waited before everything is listed again.
const OUTDATED: Duration = Duration::from_millis(500);

/// What is watched: the objects of a kind, in one namespace or in all.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Scope {
    /// The kind.
    pub(crate) kind: Kind,
    /// The namespace; all, if none is named.
    pub(crate) namespace: Option<String>,
}

/// What a watch says.
#[derive(Debug)]
pub(crate) enum Event {
    /// An object is there, in that version.
    Seen(Box<Sighting>, String),
    /// An object is gone, of which that was the last version.
    Gone(Seen, String),
    /// Everything was listed: what is not among these does not exist.
    Listed(BTreeSet<Seen>),
    /// An object cannot be read, so that nobody knows what it says: until it can, the kind is not seen as a whole. `None`
    /// once every object can be read again.
    Unreadable(Option<String>),
    /// The watch does not work at the moment.
    Troubled(KubeError),
}

impl Event {
    /// Whether it tells what is there: a watch that is in trouble does not.
    pub(crate) fn shows_something(&self) -> bool {
        match self {
            Event::Seen(..) | Event::Gone(..) | Event::Listed(_) | Event::Unreadable(_) => true,
            Event::Troubled(_) => false,
        }
    }
}

/// Watches until nobody listens.
pub(crate) async fn watch(kube: Http, scope: Scope, digester: Digester, events: UnboundedSender<(Scope, Event)>) {
    match scope.kind {
        Kind::Workload(_) => follow::<Lean>(kube, scope, digester, events).await,
        Kind::Application | Kind::Secret | Kind::Instance(_) => follow::<Whole>(kube, scope, digester, events).await,
    }
}

async fn follow<K: Keep>(kube: Http, scope: Scope, digester: Digester, events: UnboundedSender<(Scope, Event)>) {
    let resource = resource(scope.kind);
    let api = kube.api::<K>(&resource, scope.namespace.as_deref());
    let config = watcher::Config { label_selector: label_selector(scope.kind), ..watcher::Config::default() };
    let mut eye = Eye::new(scope, digester);
    let watched = || watcher(api.clone(), config.clone()).default_backoff().boxed();
    let mut stream = watched();
    while let Some(next) = stream.next().await {
        let (said, pause) = match next {
            Ok(event) => (eye.read(event), None),
            Err(error) => eye.troubled(&error),
        };
        for event in said {
            if events.send((eye.scope.clone(), event)).is_err() {
                return;
            }
        }
        if let Some(pause) = pause {
            // The library would go on from the version that it knows, for ever, and nobody would hear that all is well.
            tokio::time::sleep(pause).await;
            stream = watched();
        }
    }
}

/// Turns what a watch shows of objects into what they come to.
pub(crate) struct Eye {
    sight: Sight,
    scope: Scope,
    listing: BTreeSet<Seen>,
    unreadable: BTreeMap<Seen, String>,
}

impl Eye {
    /// Nothing was shown yet.
    pub(crate) fn new(scope: Scope, digester: Digester) -> Self {
        Eye { sight: Sight::new(digester), scope, listing: BTreeSet::new(), unreadable: BTreeMap::new() }
    }

    /// What the events of the library come to.
    pub(crate) fn read<K: Keep>(&mut self, event: watcher::Event<Doc<K>>) -> Vec<Event> {
        match event {
            watcher::Event::Init => {
                self.listing.clear();
                self.unreadable.clear();
                vec![]
            }
            watcher::Event::InitApply(doc) => {
                self.listing.insert(key(self.scope.kind, &doc));
                self.see(&doc)
            }
            watcher::Event::InitDone => {
                vec![Event::Listed(std::mem::take(&mut self.listing)), self.readable()]
            }
            watcher::Event::Apply(doc) => self.see(&doc),
            watcher::Event::Delete(doc) => {
                let seen = key(self.scope.kind, &doc);
                let was_unreadable = self.unreadable.remove(&seen).is_some();
                let gone = Event::Gone(seen, doc.resource_version().unwrap_or_default());
                std::iter::once(gone).chain(was_unreadable.then(|| self.readable())).collect()
            }
        }
    }

    /// What is wrong, and how long to wait before everything is listed anew; `None` if the library goes on by itself.
    pub(crate) fn troubled(&self, error: &watcher::Error) -> (Vec<Event>, Option<Duration>) {
        let is_first = matches!(error, watcher::Error::InitialListFailed(_));
        match trouble(error) {
            KubeError::NotFound if is_first && matches!(self.scope.kind, Kind::Instance(_)) => {
                (vec![Event::Listed(BTreeSet::new())], Some(NOT_SERVED))
            }
            error => {
                let pause = match error {
                    KubeError::NotFound | KubeError::Forbidden { .. } => Some(REFUSED),
                    KubeError::Stale => Some(OUTDATED),
                    KubeError::Exists | KubeError::Refused { .. } | KubeError::NoAnswer => None,
                };
                (vec![Event::Troubled(error)], pause)
            }
        }
    }

    /// What an object comes to; one that cannot be read is named, with what was expected.
    fn see<K: Keep>(&mut self, doc: &Doc<K>) -> Vec<Event> {
        let resource = resource(self.scope.kind);
        let seen = key(self.scope.kind, doc);
        match self.sight.see(&resource.api_version, &resource.kind, &doc.value) {
            Ok(sighting) => {
                let was_unreadable = self.unreadable.remove(&seen).is_some();
                let event = Event::Seen(Box::new(sighting), doc.resource_version().unwrap_or_default());
                std::iter::once(event).chain(was_unreadable.then(|| self.readable())).collect()
            }
            Err(why) => {
                let (namespace, name) = (doc.namespace().unwrap_or_default(), doc.name_any());
                let why = format!("{} {namespace}/{name} cannot be read: {why}", resource.kind);
                self.unreadable.insert(seen, why);
                vec![self.readable()]
            }
        }
    }

    fn readable(&self) -> Event {
        Event::Unreadable(self.unreadable.values().next().cloned())
    }
}

/// Which object it is, whatever else it says.
fn key<K: Keep>(kind: Kind, doc: &Doc<K>) -> Seen {
    let namespace: Name = doc.namespace().unwrap_or_default().into();
    let name: Name = doc.name_any().into();
    match kind {
        Kind::Application => Seen::Application(AppKey { namespace, name }),
        Kind::Secret => Seen::Secret(SecretKey { namespace, name }),
        Kind::Workload(kind) => Seen::Workload(namespace, WorkloadKey { kind, name }),
        Kind::Instance(of) => Seen::Instance(of, namespace, name),
    }
}

fn trouble(error: &watcher::Error) -> KubeError {
    match error {
        watcher::Error::InitialListFailed(error)
        | watcher::Error::WatchStartFailed(error)
        | watcher::Error::WatchFailed(error) => KubeError::from(error),
        watcher::Error::WatchError(status) if status.code == 410 => KubeError::Stale,
        watcher::Error::WatchError(_) | watcher::Error::NoResourceVersion => KubeError::NoAnswer,
    }
}
