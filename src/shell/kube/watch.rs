//! One watch: what the objects of a kind come to, from the first list on, for ever.
//!
//! Takes lists, bookmarks, 410 and the waits between tries from the library; decides nothing. A kind that the server does
//! not serve is listed and empty, and looked for again.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::{StreamExt, TryStreamExt};
use kube::ResourceExt;
use kube::runtime::{WatchStreamExt, watcher};
use tokio::sync::mpsc::UnboundedSender;

use super::doc::{Doc, Keep, Lean, Whole};
use super::error::KubeError;
use super::kind::{label_selector, resource};
use super::request::Kube;
use crate::documents::{Seen, Sight, Sighting};
use crate::world::{Digester, Kind};

/// How long a kind that is not served is not looked for.
const NOT_SERVED: Duration = Duration::from_secs(30);

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
    /// An object cannot be read, so that nobody knows what it says: until it can, the kind is not seen as a whole.
    Unreadable(String),
    /// Every object can be read again.
    Readable,
    /// The watch does not work at the moment.
    Troubled(KubeError),
}

impl Event {
    /// Whether it tells what is there: a watch that is in trouble does not.
    pub(crate) fn shows_something(&self) -> bool {
        match self {
            Event::Seen(..) | Event::Gone(..) | Event::Listed(_) | Event::Unreadable(_) | Event::Readable => true,
            Event::Troubled(_) => false,
        }
    }
}

/// Watches until nobody listens.
pub(crate) async fn watch(kube: Kube, scope: Scope, digester: Digester, events: UnboundedSender<(Scope, Event)>) {
    match scope.kind {
        Kind::Workload(_) => follow::<Lean>(kube, scope, digester, events).await,
        Kind::Application | Kind::Secret | Kind::Instance(_) => follow::<Whole>(kube, scope, digester, events).await,
    }
}

async fn follow<K: Keep>(kube: Kube, scope: Scope, digester: Digester, events: UnboundedSender<(Scope, Event)>) {
    let resource = resource(scope.kind);
    let api = kube.api::<K>(&resource, scope.namespace.as_deref());
    let config = watcher::Config { label_selector: label_selector(scope.kind), ..watcher::Config::default() };
    let mut eye = Eye { sight: Sight::new(digester), scope, listing: BTreeSet::new(), unreadable: BTreeSet::new() };
    let watched = || watcher(api.clone(), config.clone()).default_backoff().map_err(|error| trouble(&error)).boxed();
    let mut stream = watched();
    while let Some(next) = stream.next().await {
        let not_served = matches!(next, Err(KubeError::NotFound));
        let outdated = matches!(next, Err(KubeError::Stale));
        let said = match next {
            Ok(event) => eye.read(event),
            Err(KubeError::NotFound) => vec![Event::Listed(BTreeSet::new())],
            Err(error) => vec![Event::Troubled(error)],
        };
        for event in said {
            if events.send((eye.scope.clone(), event)).is_err() {
                return;
            }
        }
        if not_served {
            tokio::time::sleep(NOT_SERVED).await;
        }
        if outdated {
            // The library would ask for the version that is gone for ever, if that was said by a status.
            tokio::time::sleep(OUTDATED).await;
            stream = watched();
        }
    }
}

/// How long is waited before everything is listed again.
const OUTDATED: Duration = Duration::from_millis(500);

struct Eye {
    sight: Sight,
    scope: Scope,
    listing: BTreeSet<Seen>,
    unreadable: BTreeSet<(Option<String>, String)>,
}

impl Eye {
    fn read<K: Keep>(&mut self, event: watcher::Event<Doc<K>>) -> Vec<Event> {
        match event {
            watcher::Event::Init => {
                self.listing.clear();
                self.unreadable.clear();
                vec![]
            }
            watcher::Event::InitApply(doc) => match self.see(&doc) {
                Ok((sighting, version)) => {
                    self.listing.insert(sighting.key());
                    vec![Event::Seen(Box::new(sighting), version)]
                }
                Err(why) => vec![Event::Unreadable(why)],
            },
            watcher::Event::InitDone => {
                let listed = Event::Listed(std::mem::take(&mut self.listing));
                if self.unreadable.is_empty() { vec![listed, Event::Readable] } else { vec![] }
            }
            watcher::Event::Apply(doc) => {
                self.changed(&doc, |sighting, version| Event::Seen(Box::new(sighting), version))
            }
            watcher::Event::Delete(doc) => self.changed(&doc, |sighting, version| Event::Gone(sighting.key(), version)),
        }
    }

    fn changed<K: Keep>(&mut self, doc: &Doc<K>, event: impl FnOnce(Sighting, String) -> Event) -> Vec<Event> {
        let was_readable = self.unreadable.is_empty();
        match self.see(doc) {
            Ok((sighting, version)) => {
                let readable_again = !was_readable && self.unreadable.is_empty();
                let again = readable_again.then_some(Event::Readable);
                std::iter::once(event(sighting, version)).chain(again).collect()
            }
            Err(why) => vec![Event::Unreadable(why)],
        }
    }

    /// What an object comes to; the error names it and says what was expected.
    fn see<K: Keep>(&mut self, doc: &Doc<K>) -> Result<(Sighting, String), String> {
        let resource = resource(self.scope.kind);
        let (namespace, name) = (doc.namespace(), doc.name_any());
        match self.sight.see(&resource.api_version, &resource.kind, &doc.value) {
            Ok(sighting) => {
                self.unreadable.remove(&(namespace, name));
                Ok((sighting, doc.resource_version().unwrap_or_default()))
            }
            Err(why) => {
                let place = namespace.as_deref().unwrap_or_default();
                let why = format!("{} {place}/{name} cannot be read: {why}", resource.kind);
                self.unreadable.insert((namespace, name));
                Err(why)
            }
        }
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
