//! The journal, written before what it announces: one writer, many entries in one patch.
//!
//! Decides only whether an entry may be added. Takes as given that one process at a time does this; never overwrites an
//! entry that it cannot read, and never writes into the journal of another cluster.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Map, Value, json};
use tokio::sync::{mpsc, oneshot};
use tokio_util::task::AbortOnDropHandle;

use super::kube::{Kube, KubeError};
use crate::documents::journal as entries;
use crate::world::{Intent, Journal, MAX_INTENTS, Name, Observed, Retirement, SecretKey, UserKey, names};

/// How long entries are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(20);
/// How often a write is tried on a journal that others have changed.
const TRIES: usize = 4;

/// A change of the journal.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A user is about to be made.
    Intend(UserKey, Intent),
    /// The intent of a user for a secret has served its purpose; where there is none, the copy of its retirement there.
    Clear(UserKey, SecretKey),
    /// A user is replaced.
    Retire(UserKey, Retirement),
    /// A user is left behind, and why.
    LeaveBehind(UserKey, Name),
    /// A user that was left behind is gone.
    Forget(UserKey),
}

/// Why a change was not written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// It holds as many intents as it may.
    Full,
    /// It cannot be read or written, or is another cluster's.
    Unavailable,
}

/// Where the journal is, and whose it has to be.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The namespace of this program.
    pub(crate) namespace: String,
    /// The uid of kube-system.
    pub(crate) cluster: Name,
}

/// Hands changes to the one writer.
#[derive(Clone)]
pub(crate) struct Writer {
    requests: mpsc::UnboundedSender<Request>,
    _task: Arc<AbortOnDropHandle<()>>,
}

struct Request {
    change: Change,
    done: oneshot::Sender<Result<(), Unwritten>>,
}

impl Writer {
    /// Starts the writer; it ends with the last of its clones, wherever it is.
    pub(crate) fn start(kube: Kube, place: Place) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(serve(kube, place, inbox));
        Writer { requests, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Writes a change down; returns once it is stored.
    pub(crate) async fn write(&self, change: Change) -> Result<(), Unwritten> {
        let (done, answer) = oneshot::channel();
        self.requests.send(Request { change, done }).map_err(|_| Unwritten::Unavailable)?;
        answer.await.unwrap_or(Err(Unwritten::Unavailable))
    }
}

/// Reads the journal as it stands; a missing one is empty.
pub(crate) async fn read(kube: &Kube, place: &Place) -> Observed<Journal> {
    match Stored::read(kube, place).await {
        Ok(stored) => Observed::Seen(stored.journal),
        Err(error) => Observed::Unseen(format!("the journal could not be read: {error}").into()),
    }
}

/// The namespaces that hold a journal.
pub(crate) async fn places(kube: &Kube) -> Result<Vec<String>, KubeError> {
    kube.namespaces_with(&config_map(), names::JOURNAL).await
}

async fn serve(kube: Kube, place: Place, mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut known = None;
    while let Some(first) = inbox.recv().await {
        tokio::time::sleep(GATHER).await;
        let mut batch = vec![first];
        while let Ok(next) = inbox.try_recv() {
            batch.push(next);
        }
        let changes: Vec<Change> = batch.iter().map(|request| request.change.clone()).collect();
        let answers = write(&kube, &place, (&changes, &mut known)).await;
        for (request, answer) in batch.into_iter().zip(answers) {
            // Whoever asked may be gone; the entry is written all the same.
            let _ = request.done.send(answer);
        }
    }
}

/// Writes changes in one patch; gives what became of each.
async fn write(
    kube: &Kube,
    place: &Place,
    (changes, known): (&[Change], &mut Option<Stored>),
) -> Vec<Result<(), Unwritten>> {
    for _ in 0..TRIES {
        let stored = match known.take() {
            Some(stored) => stored,
            None => match Stored::read(kube, place).await {
                Ok(stored) => stored,
                Err(_) => break,
            },
        };
        let mut next = stored.clone();
        let answers: Vec<_> = changes.iter().map(|change| next.take(change)).collect();
        if next.data == stored.data {
            *known = Some(stored);
            return answers;
        }
        match next.store(kube, place, &stored).await {
            Ok(written) => {
                *known = Some(written);
                return answers;
            }
            // Somebody else has written, made or deleted it: look again.
            Err(KubeError::Stale | KubeError::Exists | KubeError::NotFound) => {}
            Err(_) => break,
        }
    }
    vec![Err(Unwritten::Unavailable); changes.len()]
}

/// The `ConfigMap` as it was last seen.
#[derive(Clone)]
struct Stored {
    version: Option<String>,
    data: BTreeMap<String, String>,
    journal: Journal,
}

impl Stored {
    async fn read(kube: &Kube, place: &Place) -> Result<Stored, KubeError> {
        let found = kube.get_of(&config_map(), (&place.namespace, names::JOURNAL)).await?;
        Ok(Stored::of(found.as_ref(), place))
    }

    fn of(found: Option<&Value>, place: &Place) -> Stored {
        let Some(object) = found else {
            return Stored { version: None, data: BTreeMap::new(), journal: Journal::default() };
        };
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let version = object.pointer("/metadata/resourceVersion").and_then(text);
        let data = object.get("data").and_then(Value::as_object).into_iter().flatten();
        let data = data.filter_map(|(key, value)| Some((key.clone(), text(value)?))).collect();
        let journal = match entries::read_journal(object) {
            Ok(found) => {
                let foreign = found.cluster.is_some_and(|cluster| cluster != place.cluster);
                Journal { foreign, ..found.journal }
            }
            Err(why) => Journal { unreadable: vec![why.into()], ..Journal::default() },
        };
        Stored { version, data, journal }
    }

    /// Adds a change, if it may be added.
    fn take(&mut self, change: &Change) -> Result<(), Unwritten> {
        if self.journal.foreign {
            return Err(Unwritten::Unavailable);
        }
        let journal = &mut self.journal;
        match change {
            Change::Intend(user, intent) => {
                let is_new = !journal.intents.contains_key(user);
                if !journal.unreadable.is_empty() {
                    return Err(Unwritten::Unavailable);
                }
                if is_new && journal.intents.len() >= MAX_INTENTS {
                    return Err(Unwritten::Full);
                }
                let since = journal.intents.get(user).map_or(intent.since, |known| known.since);
                let intent = Intent { since, ..intent.clone() };
                self.data.extend([entries::intent_entry(user, &intent)]);
                journal.intents.insert(user.clone(), intent);
            }
            Change::Clear(user, secret) => {
                if journal.intents.get(user).is_some_and(|intent| intent.secret == *secret) {
                    journal.intents.remove(user);
                    self.data.remove(&entries::intent_key(user));
                } else if journal.retirements.get(user).is_some_and(|copy| copy.secret == *secret) {
                    journal.retirements.remove(user);
                    self.data.remove(&entries::retirement_key(user));
                }
            }
            Change::Retire(user, retirement) => {
                self.data.extend([entries::retirement_entry(user, retirement)]);
                journal.retirements.insert(user.clone(), retirement.clone());
            }
            Change::LeaveBehind(user, why) => {
                self.data.extend([entries::left_behind_entry(user, why)]);
                journal.left_behind.insert(user.clone(), why.clone());
            }
            Change::Forget(user) => {
                journal.left_behind.remove(user);
                self.data.remove(&entries::left_behind_key(user));
            }
        }
        Ok(())
    }

    /// Stores what differs from before, and gives it as it is then.
    async fn store(mut self, kube: &Kube, place: &Place, before: &Stored) -> Result<Stored, KubeError> {
        self.data.insert(entries::CLUSTER.to_owned(), place.cluster.to_string());
        let name = names::JOURNAL;
        let written = match &before.version {
            None => {
                let body = json!({
                    "apiVersion": "v1", "kind": "ConfigMap",
                    "metadata": {"name": name, "namespace": place.namespace},
                    "data": self.data,
                });
                kube.create(&config_map(), &place.namespace, body).await?
            }
            Some(version) => {
                let changed = self.data.iter().filter(|(key, text)| before.data.get(*key) != Some(text));
                let mut data: Map<String, Value> = changed.map(|(key, text)| (key.clone(), json!(text))).collect();
                let gone = before.data.keys().filter(|key| !self.data.contains_key(*key));
                data.extend(gone.map(|key| (key.clone(), Value::Null)));
                let patch = json!({"metadata": {"resourceVersion": version}, "data": data});
                kube.patch(&config_map(), (&place.namespace, name), &patch).await?
            }
        };
        Ok(Stored::of(Some(&written), place))
    }
}

fn config_map() -> ApiResource {
    ApiResource::from_gvk_with_plural(&GroupVersionKind::gvk("", "v1", "ConfigMap"), "configmaps")
}
