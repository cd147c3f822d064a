//! What actions do to the journal.
//!
//! Takes as given that a journal which cannot be read or written, or belongs to another cluster, is left as it is; that
//! stops what needs it, and nothing else.

use crate::world::{Intent, Journal, Name, Observed, Outcome, Retirement, SecretKey, UserKey, World};

/// Writes an intent down; one that is there keeps its moment and what is known of its POST.
pub(super) fn record(world: &mut World, user: &UserKey, secret: &SecretKey, application: (&Name, &Name)) -> bool {
    let now = world.now;
    let is_full = world.is_journal_full();
    let Some(journal) = writable(world) else { return false };
    let known = journal.intents.get(user);
    if !journal.unreadable.is_empty() || (known.is_none() && is_full) {
        return false;
    }
    let fresh = (now, None, Outcome::NotSent);
    let (since, sent, outcome) = known.map_or(fresh, |intent| (intent.since, intent.sent, intent.outcome));
    let intent = Intent {
        secret: secret.clone(),
        application: application.0.clone(),
        application_uid: application.1.clone(),
        since,
        sent,
        outcome,
    };
    journal.intents.insert(user.clone(), intent);
    true
}

/// Notes what became of the POST that an intent announced.
pub(super) fn note(world: &mut World, user: &UserKey, outcome: Outcome) {
    let now = world.now;
    if let Observed::Seen(journal) = &mut world.journal
        && let Some(intent) = journal.intents.get_mut(user)
    {
        intent.outcome = outcome;
        intent.sent = Some(now);
    }
}

/// Keeps a copy of what the secret is about to list, in place of an older one; without a journal the list on the secret
/// is all there is.
pub(super) fn retire(world: &mut World, user: &UserKey, secret: &SecretKey, application: &Name) -> bool {
    let retirement = Retirement { secret: secret.clone(), application: application.clone(), since: world.now };
    if let Some(journal) = writable(world) {
        journal.retirements.insert(user.clone(), retirement);
    }
    true
}

/// Removes the intent of a user for a secret, or the copy of its retirement there; never both, and never what was noted for
/// another secret.
pub(super) fn clear(world: &mut World, user: &UserKey, (secret, retired): (&SecretKey, bool)) -> bool {
    let Some(journal) = writable(world) else { return false };
    if retired && journal.retirements.get(user).is_some_and(|copy| copy.secret == *secret) {
        journal.retirements.remove(user);
    }
    if !retired && journal.intents.get(user).is_some_and(|intent| intent.secret == *secret) {
        journal.intents.remove(user);
    }
    true
}

/// Notes users that stay at Aiven although their secret goes.
pub(super) fn leave_behind(world: &mut World, users: &[UserKey]) {
    let Some(journal) = writable(world) else { return };
    for user in users {
        journal.left_behind.insert(user.clone(), "its secret went, and it was not made for that".into());
    }
}

fn writable(world: &mut World) -> Option<&mut Journal> {
    match &mut world.journal {
        Observed::Seen(journal) => (journal.unwritable.is_none() && !journal.foreign).then_some(journal),
        Observed::Unseen(_) => None,
    }
}
