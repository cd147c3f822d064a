//! The journal, written before what it announces: one writer, many entries in one patch.
//!
//! Decides only whether an entry may be added. Takes as given that one process at a time does this; never overwrites an
//! entry that it cannot read, and never writes into the journal of another cluster.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use kube::core::{ApiResource, GroupVersionKind};
use serde_json::{Map, Value, json};
use thiserror::Error;
use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::batch;
use super::kube::{Kube, KubeError};
use crate::documents::journal as entries;
use crate::naming::MAX_USERNAME;
use crate::world::{Intent, Journal, Name, Observed, Retirement, SecretKey, Timestamp, UserKey, names};

/// How long entries are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(20);
/// How long after a write the next one comes at the earliest: where many users are made at once, few writes tell of them.
const APART: Duration = Duration::from_millis(250);
/// How often a write is tried on a journal that others have changed.
const TRIES: usize = 4;
/// How many bytes of entries there may be, of the mebibyte that the server takes, before intents are refused …
const ROOM: usize = 900 * 1_024;
/// … and before what only helps is: copies of retirements, and notes of users that are left behind.
const ROOM_FOR_NOTES: usize = 600 * 1_024;

/// A change of the journal.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// A user is about to be made.
    Intend(UserKey, Intent),
    /// The POST of a user is about to be sent for a secret, now, long after its intent was written down.
    Renew(UserKey, SecretKey, Timestamp),
    /// The intent of a user for a secret has served its purpose, unless it was renewed after that moment.
    Clear(UserKey, SecretKey, Timestamp),
    /// The copy of the retirement of a user on a secret has served its purpose.
    ForgetRetired(UserKey, SecretKey),
    /// A user is replaced.
    Retire(UserKey, Retirement),
    /// A user is left behind, and why.
    LeaveBehind(UserKey, Name),
    /// A user that was left behind is gone.
    Forget(UserKey),
}

/// Why a change was not written.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
pub(crate) enum Unwritten {
    /// It holds as much as it may.
    #[error("it is full")]
    Full,
    /// A user of that name is about to be made for something else.
    #[error("it has another intent of that name")]
    Taken,
    /// The very intent is there, and another process has written it: what that one has sent, nobody here knows.
    #[error("another process has written it")]
    Found,
    /// The intent is gone, or is for another secret: another process has removed it.
    #[error("its intent is gone")]
    Gone,
    /// The intent has not settled: another process has sent its POST of late.
    #[error("another process has sent its request of late")]
    Sent,
    /// It cannot be read or written, or is another cluster's.
    #[error("it cannot be written")]
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
    kube: Kube,
    place: Place,
    requests: mpsc::UnboundedSender<Request>,
    _task: Arc<AbortOnDropHandle<()>>,
}

type Request = batch::Request<Change, Result<(), Unwritten>>;

impl Writer {
    /// Starts the writer; it ends with the last of its clones, wherever it is.
    pub(crate) fn start(kube: Kube, place: Place) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        let task = tokio::spawn(serve(kube.clone(), place.clone(), inbox));
        Writer { kube, place, requests, _task: Arc::new(AbortOnDropHandle::new(task)) }
    }

    /// Reads it as it stands.
    pub(crate) async fn read(&self) -> Observed<Journal> {
        read(&self.kube, &self.place).await
    }

    /// Writes a change down; returns once it is stored.
    pub(crate) async fn write(&self, change: Change) -> Result<(), Unwritten> {
        batch::ask(&self.requests, change).await.unwrap_or(Err(Unwritten::Unavailable))
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
    let (mut known, mut own, mut free) = (None, Own::default(), Instant::now());
    while let Some((changes, waiting)) = batch::gather(&mut inbox, GATHER, free).await {
        free = Instant::now() + APART;
        batch::answer(waiting, write(&kube, &place, (&changes, &mut known, &mut own)).await);
    }
}

/// Writes changes in one patch; gives what became of each. The intents that this process knows to have written are its
/// own.
async fn write(
    kube: &Kube,
    place: &Place,
    (changes, known, own): (&[Change], &mut Option<Stored>, &mut Own),
) -> Vec<Result<(), Unwritten>> {
    for _ in 0..TRIES {
        let (stored, is_fresh) = match known.take() {
            Some(stored) => (stored, false),
            None => match Stored::read(kube, place).await {
                Ok(stored) => (stored, true),
                Err(_) => break,
            },
        };
        let mut next = stored.clone();
        let answers: Vec<_> = changes.iter().map(|change| next.take(change, own)).collect();
        // Somebody may have mended it meanwhile, or removed what is known to be there: only a write would tell.
        if !is_fresh && (next.data == stored.data || answers.iter().any(Result::is_err)) {
            continue;
        }
        if next.data == stored.data {
            *known = Some(stored);
            return answers;
        }
        let new: BTreeSet<&UserKey> = changes.iter().filter_map(|change| change.intended(&stored)).collect();
        match next.store(kube, place, &stored).await {
            Ok(written) => {
                own.took(new, &written.journal);
                *known = Some(written);
                return answers;
            }
            // Somebody else has written, made or deleted it: look again.
            Err(KubeError::Stale | KubeError::Exists | KubeError::NotFound) => {}
            // If it was stored all the same, nobody can tell that from what another process may have written meanwhile.
            Err(_) => break,
        }
    }
    vec![Err(Unwritten::Unavailable); changes.len()]
}

impl Change {
    /// The user that it announces, if nobody has announced it before.
    fn intended(&self, stored: &Stored) -> Option<&UserKey> {
        match self {
            Change::Intend(user, _) if !stored.journal.intents.contains_key(user) => Some(user),
            Change::Intend(..)
            | Change::Renew(..)
            | Change::Clear(..)
            | Change::ForgetRetired(..)
            | Change::Retire(..)
            | Change::LeaveBehind(..)
            | Change::Forget(_) => None,
        }
    }
}

/// The intents that this process knows to have written, and their moments: another process may have removed one since and
/// announced the name anew.
#[derive(Default)]
struct Own(BTreeMap<UserKey, Timestamp>);

impl Own {
    fn has(&self, user: &UserKey, intent: &Intent) -> bool {
        self.0.get(user).is_some_and(|since| *since == intent.since)
    }

    /// These were just written, and nothing is known of those that are gone.
    fn took(&mut self, new: BTreeSet<&UserKey>, written: &Journal) {
        let since = |user: &UserKey| written.intents.get(user).map(|intent| (user.clone(), intent.since));
        self.0.extend(new.into_iter().filter_map(since));
        self.0.retain(|user, since| written.intents.get(user).is_some_and(|intent| intent.since == *since));
    }
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
    fn take(&mut self, change: &Change, own: &Own) -> Result<(), Unwritten> {
        if self.journal.foreign {
            return Err(Unwritten::Unavailable);
        }
        let size: usize = self.data.iter().map(|(key, text)| key.len() + text.len()).sum();
        let journal = &mut self.journal;
        match change {
            // Aiven has no such user: somebody has made up the name.
            Change::LeaveBehind(user, _) if user.username.len() > MAX_USERNAME => return Err(Unwritten::Full),
            Change::Retire(..) | Change::LeaveBehind(..) if size >= ROOM_FOR_NOTES => return Err(Unwritten::Full),
            Change::Intend(user, intent) => self.intend(user, intent, (size, own))?,
            Change::Renew(user, secret, now) => {
                let known = journal.intents.get_mut(user).filter(|intent| intent.secret == *secret);
                let intent = known.ok_or(Unwritten::Gone)?;
                intent.sent = Some(*now);
                self.data.extend([entries::intent_entry(user, intent)]);
            }
            Change::Clear(user, secret, settled) => {
                let known = journal.intents.get(user).filter(|intent| intent.secret == *secret);
                if known.is_some_and(|intent| intent.sent.is_some_and(|sent| *settled < sent)) {
                    return Err(Unwritten::Sent);
                }
                if known.is_some() {
                    journal.intents.remove(user);
                    self.data.remove(&entries::intent_key(user));
                }
            }
            Change::ForgetRetired(user, secret) => {
                if journal.retirements.get(user).is_some_and(|copy| copy.secret == *secret) {
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

    fn intend(&mut self, user: &UserKey, intent: &Intent, (size, own): (usize, &Own)) -> Result<(), Unwritten> {
        if !self.journal.unreadable.is_empty() {
            return Err(Unwritten::Unavailable);
        }
        let known = self.journal.intents.get(user);
        let same = |known: &Intent| known.secret == intent.secret && known.application_uid == intent.application_uid;
        match known {
            Some(known) if !same(known) => return Err(Unwritten::Taken),
            Some(known) if !own.has(user, known) => return Err(Unwritten::Found),
            None if size >= ROOM => return Err(Unwritten::Full),
            Some(_) | None => {}
        }
        let since = known.map_or(intent.since, |known| known.since);
        let intent = Intent { since, sent: known.and_then(|known| known.sent), ..intent.clone() };
        self.data.extend([entries::intent_entry(user, &intent)]);
        self.journal.intents.insert(user.clone(), intent);
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
