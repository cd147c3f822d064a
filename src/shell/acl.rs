//! The ACL documents of OpenSearch services: one writer each, many changes in one write.
//!
//! Takes as given that Aiven keeps no version of the document: it is read, changed, written back whole and read again.
//! Decides only whether a change fits; never touches the entry of a user that no change names.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::task::AbortOnDropHandle;

use super::aiven::{Client, Error, MAX_ENTRIES, RawAcl};
use super::batch;
use crate::world::{AclDocument, Name, ServiceKey};

/// How long changes are gathered before they are written together.
const GATHER: Duration = Duration::from_millis(50);
/// How often a document is written that somebody else writes at the same time.
const TRIES: usize = 3;

/// A change of a document.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    /// The rules of a user are exactly these: (index pattern, permission).
    Grant(Name, BTreeSet<(Name, Name)>),
    /// A user has no rules.
    Revoke(Name),
    /// The rules are enforced.
    Enable,
}

/// Why a change was not written.
#[derive(Clone, Debug)]
pub(crate) enum Unwritten {
    /// The document has no room for a further user.
    Full,
    /// Somebody else has undone it at once, more than once.
    Contested,
    /// Aiven has failed.
    Aiven(Error),
}

/// Hands changes to the one writer of each service; the writers end with the last clone, wherever they are: whoever acts
/// next has writers of its own.
#[derive(Clone)]
pub(crate) struct Writers {
    client: Client,
    inboxes: Arc<Mutex<BTreeMap<ServiceKey, Inbox>>>,
}

type Inbox = (mpsc::UnboundedSender<Request>, AbortOnDropHandle<()>);

type Request = batch::Request<Change, Result<AclDocument, Unwritten>>;

impl Writers {
    /// No writer is started before there is something to write.
    pub(crate) fn new(client: Client) -> Self {
        Writers { client, inboxes: Arc::default() }
    }

    /// Writes a change; gives the document as it was read afterwards.
    pub(crate) async fn write(&self, service: &ServiceKey, change: Change) -> Result<AclDocument, Unwritten> {
        let inbox = {
            let mut inboxes = self.inboxes.lock().unwrap_or_else(PoisonError::into_inner);
            let start = || {
                let (inbox, requests) = mpsc::unbounded_channel();
                let task = tokio::spawn(serve(self.client.clone(), service.clone(), requests));
                (inbox, AbortOnDropHandle::new(task))
            };
            // One that has ended before its time is replaced.
            inboxes.retain(|_, (inbox, _)| !inbox.is_closed());
            inboxes.entry(service.clone()).or_insert_with(start).0.clone()
        };
        batch::ask(&inbox, change).await.unwrap_or(Err(Unwritten::Contested))
    }
}

async fn serve(client: Client, service: ServiceKey, mut inbox: mpsc::UnboundedReceiver<Request>) {
    while let Some((changes, waiting)) = batch::gather(&mut inbox, GATHER, Instant::now()).await {
        batch::answer(waiting, write(&client, &service, &changes).await);
    }
}

async fn write(client: &Client, service: &ServiceKey, changes: &[Change]) -> Vec<Result<AclDocument, Unwritten>> {
    match attempt(client, service, changes).await {
        Ok((document, full)) => changes
            .iter()
            .enumerate()
            .map(|(place, change)| {
                if full.contains(&place) {
                    Err(Unwritten::Full)
                } else if holds(&document, change) {
                    Ok(document.clone())
                } else {
                    Err(Unwritten::Contested)
                }
            })
            .collect(),
        Err(error) => changes.iter().map(|_| Err(Unwritten::Aiven(error.clone()))).collect(),
    }
}

/// Gives the document as it is in the end, and which changes had no room in it.
async fn attempt(
    client: &Client,
    service: &ServiceKey,
    changes: &[Change],
) -> Result<(AclDocument, BTreeSet<usize>), Error> {
    let raw = client.acl(service).await?;
    #[cfg(feature = "defects")]
    let raw = crate::sandbox::simulation::sabotage::as_read_first(service, raw);
    let mut raw = raw;
    let mut full = BTreeSet::new();
    for _ in 0..TRIES {
        let before = raw.document();
        full = edit(&mut raw, changes);
        if raw.document() == before {
            return Ok((before, full));
        }
        client.put_acl(service, &raw).await?;
        raw = client.acl(service).await?;
    }
    Ok((raw.document(), full))
}

fn edit(raw: &mut RawAcl, changes: &[Change]) -> BTreeSet<usize> {
    let mut full = BTreeSet::new();
    for (place, change) in changes.iter().enumerate() {
        let document = raw.document();
        if holds(&document, change) {
            continue;
        }
        match change {
            Change::Grant(user, _) if raw.entries() >= MAX_ENTRIES && !document.rules.contains_key(user) => {
                full.insert(place);
            }
            Change::Grant(user, rules) => raw.set_rules(user, rules),
            Change::Revoke(user) => raw.remove_rules(user),
            Change::Enable => raw.enable(),
        }
    }
    full
}

fn holds(document: &AclDocument, change: &Change) -> bool {
    match change {
        Change::Grant(user, rules) => document.rules.get(user) == Some(rules),
        Change::Revoke(user) => !document.rules.contains_key(user),
        Change::Enable => document.enabled,
    }
}
