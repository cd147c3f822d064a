//! When a user that was replaced is deleted: after a while, when no pod holds its credentials any longer.
//!
//! Takes as given that the list on the secret is a claim and that only users of ours are ever deleted. A protected
//! secret may be in use outside the cluster: its replaced users stay until their certificates end.

use super::Verdict;
use super::account::{holder, settling_until, why_made_elsewhere, why_not_our_name};
use super::survey::{Notes, after};
use super::trace::account_of;
use crate::action::Action;
use crate::read::Read;
use crate::reason::{Hold, Reason};
use crate::want::ServiceType;
use crate::world::{
    AppKey, Keys, Kind, Lookup, Name, Protection, Retired, Secret, SecretKey, Timestamp, User, UserKey, WorkloadKind,
    World,
};

use jiff::SignedDuration;

/// How long a pod that was being started may still have got the old credentials.
const STARTING: SignedDuration = SignedDuration::from_mins(2);

/// What becomes of one replaced user.
pub(super) enum Fate {
    /// Nothing is left of it.
    Spent,
    /// It is not for this secret to delete.
    NotHere(Reason),
    /// It stays for now.
    Stays(Reason),
    /// It is deleted, and why nothing holds it.
    Deleted(Vec<Action>, Hold),
}

/// Whether a replaced user that stays does so on purpose, or until something happens.
pub(super) fn staying(reason: &Reason) -> Verdict {
    match reason {
        Reason::Retiring { user: _, hold: Hold::Protected(_) } => Verdict::Keep,
        _ => Verdict::Wait,
    }
}

/// Whether nothing is left at Aiven of a replaced user, nor may show yet.
pub(super) fn is_spent(world: &World, entry: &Retired) -> bool {
    let user = entry.account();
    matches!(remains(world, &user), Remains::Nothing) && settling_until(world, &user).is_none()
}

/// What becomes of a user that a secret, which is not being deleted, lists as replaced.
pub(super) fn fate(world: &World, secret: &Secret, entry: &Retired, notes: &mut Notes) -> Fate {
    let user = entry.account();
    let Some(app) = made_for(world, secret, &user) else {
        let what = format!("user {} is listed on a secret without label app", user.username);
        return Fate::NotHere(Reason::NotOurs { what: what.into() });
    };
    let holding = Holding { secret: Some(secret), key: &secret.key, since: entry.since, claimed: true };
    settle(world, (&app, &user), &holding, notes)
}

/// The application that a replaced user was made for: as the journal says, else the secret's own.
pub(super) fn made_for(world: &World, secret: &Secret, user: &UserKey) -> Option<AppKey> {
    let copy = world.journal().and_then(|journal| journal.retirements.get(user));
    let noted = copy.filter(|copy| copy.secret == secret.key).map(|copy| &copy.application);
    let name = noted.or(secret.app())?;
    Some(AppKey { namespace: secret.key.namespace.clone(), name: name.clone() })
}

/// What holds a replaced user back.
pub(super) struct Holding<'w> {
    /// The secret that it was replaced on, if it is still there.
    pub(super) secret: Option<&'w Secret>,
    /// The name of that secret.
    pub(super) key: &'w SecretKey,
    /// When it was replaced.
    pub(super) since: Timestamp,
    /// Whether only a list says so, which whoever could edit the secret may have written.
    pub(super) claimed: bool,
}

/// What becomes of a user that was replaced for an application.
pub(super) fn settle(
    world: &World,
    (app, user): (&AppKey, &UserKey),
    holding: &Holding<'_>,
    notes: &mut Notes,
) -> Fate {
    let service_type = match service_type(world, app, user) {
        Ok(service_type) => service_type,
        Err(reason) => return Fate::NotHere(reason),
    };
    let remains = remains(world, user);
    let not_ours = super::account::why_not_ours(world, app, service_type, user);
    let (exists, actions) = match remains {
        Remains::Nothing => return Fate::Spent,
        Remains::Unseen(reason) => {
            // Nothing is asked about what anybody could have listed.
            let reason = not_ours.filter(|_| holding.claimed).unwrap_or(reason);
            super::account::note(notes, &reason);
            return Fate::Stays(reason);
        }
        Remains::Something { exists, actions } => (exists, actions),
    };
    if let Some(reason) = not_ours {
        super::account::note(notes, &reason);
        let waits = matches!(reason, Reason::NotObserved { .. } | Reason::PoolNotAllowed { .. });
        return if waits { Fate::Stays(reason) } else { Fate::NotHere(reason) };
    }
    let unlisted = |kind| Some((kind, world.why_unlisted(kind)?));
    // An application may ask for protection, and another secret may record the user.
    if let Some((kind, why)) = [Kind::Application, Kind::Secret].into_iter().find_map(unlisted) {
        let reason = Reason::NotObserved { what: Read::Kind(kind), why: why.clone() };
        super::account::note(notes, &reason);
        return Fate::Stays(reason);
    }
    let others = recorded_by_others(world, user, holding);
    if !others.is_empty() {
        return Fate::NotHere(Reason::RecordedElsewhere { user: user.clone(), by: others, first: false });
    }
    if let Some(reason) = why_made_elsewhere(world, holding.key, user) {
        return Fate::NotHere(reason);
    }
    match why_held(world, user, holding, notes).filter(|_| exists) {
        Some(reason) => Fate::Stays(reason),
        None => Fate::Deleted(actions, released(world, user, holding)),
    }
}

/// The kind of service by whose rules the user has a name of ours.
pub(super) fn service_type(world: &World, app: &AppKey, user: &UserKey) -> Result<ServiceType, Reason> {
    let on_service = |service_type: &ServiceType| match world.service(&user.service_key()) {
        Lookup::Found(service) => *service.service_type == *service_type.as_str(),
        Lookup::Absent | Lookup::Unseen(_) => true,
    };
    let mut candidates = ServiceType::ALL.into_iter().filter(on_service);
    let ours = |service_type: &ServiceType| why_not_our_name(app, *service_type, user).is_none();
    candidates.find(ours).ok_or_else(|| Reason::NotOurs {
        what: format!("user {} is not named like a user of application {app}", user.username).into(),
    })
}

/// What is left of a user at Aiven.
pub(super) enum Remains {
    /// Neither the user nor rules of it, nor the service that they were on.
    Nothing,
    /// Something.
    Something {
        /// Whether the user itself exists.
        exists: bool,
        /// What removes what is left.
        actions: Vec<Action>,
    },
    /// That could not be seen.
    Unseen(Reason),
}

/// What is left of a user at Aiven.
pub(super) fn remains(world: &World, user: &UserKey) -> Remains {
    let service = match world.service(&user.service_key()) {
        Lookup::Found(service) => service,
        Lookup::Absent => return Remains::Nothing,
        Lookup::Unseen(why) => {
            return Remains::Unseen(Reason::NotObserved { what: Read::Service(user.service_key()), why });
        }
    };
    let exists = match world.user(user) {
        Lookup::Found(_) => true,
        Lookup::Absent => false,
        Lookup::Unseen(why) => return Remains::Unseen(Reason::NotObserved { what: Read::User(user.clone()), why }),
    };
    let revoke = ServiceType::named(&service.service_type).map(|service_type| service_type.revoke(service, user));
    let mut actions = match revoke {
        None => vec![],
        Some(Ok(actions)) => actions,
        Some(Err(reason)) => return Remains::Unseen(reason),
    };
    if exists {
        actions.push(Action::DeleteUser { user: user.clone() });
    }
    if actions.is_empty() { Remains::Nothing } else { Remains::Something { exists, actions } }
}

/// The secrets, but for the one that lists the user, that record it; and that one too, if it records it as in use.
fn recorded_by_others(world: &World, user: &UserKey, holding: &Holding<'_>) -> Vec<SecretKey> {
    let in_use = |secret: &Secret| secret.claims().iter().any(|claim| account_of(world, claim) == *user);
    let records = |key: &&SecretKey| *key != holding.key || holding.secret.is_some_and(in_use);
    world.recorders(user).iter().filter(records).cloned().collect()
}

/// Why nothing holds a user any longer: of a protected secret only the end of its certificate is known.
fn released(world: &World, user: &UserKey, holding: &Holding<'_>) -> Hold {
    let ended = match world.user(user) {
        Lookup::Found(observed) => observed.certificate_ends,
        Lookup::Absent | Lookup::Unseen(_) => None,
    };
    let protected = holding.secret.is_some_and(|secret| is_protected(world, secret));
    ended.filter(|_| protected).map_or(Hold::Over, Hold::Ended)
}

/// Whether a secret that stays holds the name of a user, and so its credentials, unless it records a namesake elsewhere.
pub(super) fn holds(world: &World, secret: &SecretKey, (user, observed): (&UserKey, &User)) -> bool {
    let stays = world.managed(secret).filter(|secret| !secret.terminating);
    let namesake = |secret: &&Secret| secret.claims().iter().any(|claim| claim.username == user.username);
    let keys = stays.filter(|secret| !namesake(secret)).and_then(|secret| secret.data().seen());
    keys.into_iter().flat_map(Keys::iter).any(|(_, content)| content.same(observed.name) == Some(true))
}

/// Whether someone outside the cluster may use a secret: as it says, or as the spec says that it shall.
fn is_protected(world: &World, secret: &Secret) -> bool {
    let asked_to_be =
        || holder(world.here(&secret.key.namespace), &secret.key.name).is_some_and(|app| app.spec.protected);
    secret.protection() != Protection::None || asked_to_be()
}

fn why_held(world: &World, user: &UserKey, holding: &Holding<'_>, notes: &mut Notes) -> Option<Reason> {
    let settings = world.settings();
    let over = after(holding.since, settings.retire_after);
    let retiring = |hold| Some(Reason::Retiring { user: user.clone(), hold });
    if notes.wake_if_later(world, over) {
        return retiring(Hold::Until(over));
    }
    let secret = holding.secret?;
    // Somebody may have edited the list.
    if let Lookup::Found(observed) = world.user(user)
        && holds(world, holding.key, (user, observed))
    {
        let what = format!("secret {} still holds the credentials of user {}", holding.key, user.username).into();
        return Some(Reason::Settling { what, until: None });
    }
    if is_protected(world, secret) {
        let ends = match world.user(user) {
            Lookup::Found(observed) => observed.certificate_ends,
            Lookup::Absent | Lookup::Unseen(_) => None,
        };
        if ends.is_none_or(|ends| notes.wake_if_later(world, ends)) {
            return retiring(Hold::Protected(ends));
        }
    }
    if let Some(why) = world.why_unlisted(Kind::Workload(WorkloadKind::Pod)) {
        let what = Read::Kind(Kind::Workload(WorkloadKind::Pod));
        notes.reads.push(what.clone());
        return Some(Reason::NotObserved { what, why: why.clone() });
    }
    let started = after(holding.since, STARTING);
    let pods: Vec<Name> = pods_started_before(world, holding.key, started);
    if pods.is_empty() {
        return None;
    }
    let cap = after(holding.since, settings.retire_cap);
    let overdue = (!notes.wake_if_later(world, cap)).then_some(settings.retire_cap);
    retiring(Hold::Pods { pods, overdue })
}

fn pods_started_before(world: &World, key: &SecretKey, moment: Timestamp) -> Vec<Name> {
    let pods = world.using(key).filter(|(workload, _)| workload.kind == WorkloadKind::Pod);
    let old = pods.filter(|(_, started)| started.is_none_or(|started| started < moment));
    old.map(|(workload, _)| workload.name.clone()).collect()
}
