//! A secret that is being deleted: the users that it stood for go first, then our finalizer.
//!
//! Takes as given that its annotations are claims by whoever could edit it: only a user whose name is given for this
//! namespace and application, on a service that the namespace may use, is deleted. Never lets the secret go while a user
//! of its own may exist, unless a person says so; never takes a project that does not answer for gone.

use super::account::{note, settling_until, why_made_elsewhere, why_not_our_name, why_not_ours};
use super::contest::may_retire;
use super::retire::made_for;
use super::secret::{decision, planned};
use super::survey::Notes;
use super::trace::{account_of, is_named};
use super::write::expect;
use super::{Decision, Verdict, backoff, left};
use crate::action::Action;
use crate::read::Read;
use crate::reason::{Mend, Reason};
use crate::want::ServiceType;
use crate::world::{
    AppKey, BrokenRecord, Claim, Kind, Lookup, Name, Observed, Secret, SecretKey, ServiceKey, Settings, Subject,
    UserKey, World,
};

/// Decides a secret that is being deleted.
pub(super) fn decide(world: &World, secret: &Secret, notes: &mut Notes) -> Decision {
    let what: Name = format!("secret {}", secret.key.name).into();
    if !secret.finalizer {
        return decision(secret, Verdict::Keep, Reason::Terminating { what }, vec![]);
    }
    let (verdict, reason, actions) = clean_up(world, secret, notes);
    let subject = Subject::Secret(secret.key.clone());
    let fails = backoff::why_not_now(world, &subject, &secret.key.name, (None, notes));
    if let Some(reason) = fails.filter(|_| actions.iter().any(Action::is_change)) {
        return decision(secret, Verdict::Wait, reason, vec![]);
    }
    let actions = actions.into_iter().map(|action| planned(secret, action)).collect();
    decision(secret, verdict, reason, actions)
}

fn clean_up(world: &World, secret: &Secret, notes: &mut Notes) -> (Verdict, Reason, Vec<Action>) {
    if secret.skip_cleanup() {
        let mut left: Vec<UserKey> =
            recorded(world, secret).into_iter().flat_map(|record| record.existing(world)).collect();
        left.extend(left::behind(world, secret));
        return (Verdict::Change, Reason::SkipCleanup, vec![release(secret, left)]);
    }
    if let Some(reason) = why_invalid(secret) {
        return (Verdict::Wait, reason, vec![]);
    }
    let mut outcome = Outcome::default();
    for record in recorded(world, secret) {
        for user in record.users(world) {
            let fate = fate(world, secret, (&record, &user));
            if let Fate::Elsewhere(by) = &fate
                && !by.iter().filter_map(|key| world.managed(key)).any(|other| may_retire(world, other, &user))
            {
                outcome.left_behind.push(user.clone());
            }
            outcome.take(user, fate, notes);
        }
    }
    outcome.left_behind.extend(left::behind(world, secret));
    outcome.finish(secret)
}

/// What the fates of all its users come to.
#[derive(Default)]
struct Outcome {
    waits: Option<Reason>,
    notes: Option<Reason>,
    left_behind: Vec<UserKey>,
    actions: Vec<Action>,
}

impl Outcome {
    fn take(&mut self, user: UserKey, fate: Fate, notes: &mut Notes) {
        match fate {
            Fate::Gone => {}
            // It may be recorded twice, as in use and as replaced.
            Fate::Delete(actions) if actions.iter().all(|action| self.actions.contains(action)) => {}
            Fate::Delete(actions) => self.actions.extend(actions),
            Fate::NotOurs(reason) => {
                self.left_behind.push(user);
                self.notes.get_or_insert(reason);
            }
            Fate::Elsewhere(by) => {
                let used_by = by.iter().map(|key| key.to_string().into()).collect();
                self.actions.push(Action::KeepUser { user: user.clone(), used_by });
                self.notes.get_or_insert(Reason::RecordedElsewhere { user, by, first: false });
            }
            Fate::Wait(reason) => {
                note(notes, &reason);
                self.waits.get_or_insert(reason);
            }
        }
    }

    fn finish(self, secret: &Secret) -> (Verdict, Reason, Vec<Action>) {
        let Outcome { waits, notes, left_behind, mut actions } = self;
        if let Some(reason) = waits {
            return (Verdict::Wait, reason, actions);
        }
        actions.push(release(secret, left_behind));
        let what = format!("secret {}", secret.key.name).into();
        (Verdict::Change, notes.unwrap_or(Reason::Terminating { what }), actions)
    }
}

fn release(secret: &Secret, left_behind: Vec<UserKey>) -> Action {
    let SecretKey { namespace, name } = secret.key.clone();
    Action::ReleaseSecret { namespace, name, left_behind, expect: expect(secret) }
}

/// Why its records cannot be followed, although users could be lost by that.
fn why_invalid(secret: &Secret) -> Option<Reason> {
    let mut faults: Vec<BrokenRecord> = secret.faults().to_vec();
    let records = secret.claims().iter().any(Claim::is_whole) || !secret.retired().is_empty();
    if secret.app().is_none() && (records || !faults.is_empty()) {
        faults.push(BrokenRecord::NoApp);
    }
    let secret = secret.key.name.clone();
    (!faults.is_empty()).then_some(Reason::AnnotationInvalid { secret, faults, mend: Mend::Release })
}

/// A user that a secret records, in use or replaced.
struct Record {
    app: AppKey,
    service_type: ServiceType,
    project: Name,
    services: Vec<Name>,
    username: Name,
}

/// Everything that a secret records; records without a service are of programs before this one, and block nothing.
fn recorded(world: &World, secret: &Secret) -> Vec<Record> {
    let of = |user: &UserKey| made_for(world, secret, user).unwrap_or_else(|| application(secret));
    let claimed = secret.claims().iter().filter(|claim| claim.is_whole()).map(|claim| Record {
        app: of(&account_of(world, claim)),
        service_type: claim.service_type,
        project: claim.project.clone(),
        services: claim.services.clone(),
        username: claim.username.clone(),
    });
    let replaced = secret.retired().iter().map(|entry| {
        let app = of(&entry.account());
        Record {
            service_type: type_of(world, &app, &entry.account()),
            app,
            project: entry.service.project.clone(),
            services: vec![entry.service.service.clone()],
            username: entry.username.clone(),
        }
    });
    claimed.chain(replaced).collect()
}

fn application(secret: &Secret) -> AppKey {
    AppKey { namespace: secret.key.namespace.clone(), name: secret.app().cloned().unwrap_or_default() }
}

/// The kind of service that a replaced user was of: as Aiven says, else as its name says.
fn type_of(world: &World, app: &AppKey, user: &UserKey) -> ServiceType {
    let known = match world.service(&user.service_key()) {
        Lookup::Found(service) => ServiceType::named(&service.service_type),
        Lookup::Absent | Lookup::Unseen(_) => None,
    };
    let by_name = || ServiceType::ALL.into_iter().find(|service_type| service_type.gave_name(app, &user.username));
    known.or_else(by_name).unwrap_or(ServiceType::Kafka)
}

impl Record {
    /// The accounts that it stands for: on each of its services on which such a user may exist, else on the first.
    fn users(&self, world: &World) -> Vec<UserKey> {
        let account = |service: &Name| {
            let service = ServiceKey { project: self.project.clone(), service: service.clone() };
            service.user(self.username.clone())
        };
        let mut users: Vec<UserKey> = self.services.iter().map(account).collect();
        let may_exist = |user: &UserKey| !matches!(world.user(user), Lookup::Absent);
        if users.iter().any(may_exist) {
            users.retain(may_exist);
        } else {
            users.truncate(1);
        }
        users
    }

    /// Those that exist, as far as that was seen; else the first that may, which stands for all.
    fn existing(&self, world: &World) -> Vec<UserKey> {
        let mut users = self.users(world);
        users.retain(|user| !matches!(world.user(user), Lookup::Absent));
        if !users.iter().any(|user| matches!(world.user(user), Lookup::Found(_))) {
            users.truncate(1);
        }
        users
    }
}

/// What becomes of one user of a secret that is being deleted.
enum Fate {
    /// It is gone, or everything that it was on.
    Gone,
    /// It is deleted.
    Delete(Vec<Action>),
    /// It was not made for this secret: it stays.
    NotOurs(Reason),
    /// Other secrets record it: it stays.
    Elsewhere(Vec<SecretKey>),
    /// Something has to be known or to happen first.
    Wait(Reason),
}

fn fate(world: &World, secret: &Secret, (record, user): (&Record, &UserKey)) -> Fate {
    if let Some(reason) = why_not_our_name(&record.app, record.service_type, user) {
        return Fate::NotOurs(reason);
    }
    if let Some(reason) = why_not_allowed(world.settings(), record.service_type, user) {
        return Fate::Wait(reason);
    }
    let service = match world.service(&user.service_key()) {
        Lookup::Unseen(why) => {
            return Fate::Wait(Reason::NotObserved { what: Read::Service(user.service_key()), why });
        }
        Lookup::Absent => return Fate::Gone,
        Lookup::Found(service) => service,
    };
    match why_not_ours(world, &record.app, record.service_type, user) {
        None => {}
        Some(reason @ (Reason::NotObserved { .. } | Reason::PoolNotAllowed { .. })) => return Fate::Wait(reason),
        Some(reason) => return Fate::NotOurs(reason),
    }
    let gone = matches!(world.user(user), Lookup::Absent)
        && settling_until(world, user).is_none()
        && record.service_type.revoke(service, user).is_ok_and(|actions| actions.is_empty());
    match shared(world, secret, user) {
        // There is nothing to wait for.
        Some(Fate::Wait(Reason::RecordedElsewhere { .. })) if gone => {}
        Some(fate) => return fate,
        None => {}
    }
    if let Some(reason) = why_made_elsewhere(world, &secret.key, user) {
        return Fate::Wait(reason);
    }
    let mut actions = match record.service_type.revoke(service, user) {
        Ok(actions) => actions,
        Err(reason) => return Fate::Wait(reason),
    };
    match world.user(user) {
        Lookup::Found(_) => {
            actions.push(Action::DeleteUser { user: user.clone() });
        }
        Lookup::Unseen(why) => return Fate::Wait(Reason::NotObserved { what: Read::User(user.clone()), why }),
        Lookup::Absent => {
            if let Some(until) = settling_until(world, user) {
                let what = format!("user {} was just made and does not show yet", user.username).into();
                return Fate::Wait(Reason::Settling { what, until: Some(until) });
            }
        }
    }
    if actions.is_empty() { Fate::Gone } else { Fate::Delete(actions) }
}

/// Why nothing is done in the project of the user, if so.
fn why_not_allowed(settings: &Settings, service_type: ServiceType, user: &UserKey) -> Option<Reason> {
    let named = is_named(settings, service_type, &user.project);
    (!named).then(|| Reason::PoolNotAllowed { pool: user.project.clone(), service: service_type, held: true })
}

/// What other secrets that record the user make of it.
fn shared(world: &World, secret: &Secret, user: &UserKey) -> Option<Fate> {
    if let Some(why) = world.why_unlisted(Kind::Secret) {
        return Some(Fate::Wait(Reason::NotObserved { what: Read::Kind(Kind::Secret), why: why.clone() }));
    }
    let recorders = world.recorders(user);
    let others = || recorders.iter().filter(|key| **key != secret.key).filter_map(|key| world.managed(key));
    let alive: Vec<SecretKey> = others().filter(|other| !other.terminating).map(|other| other.key.clone()).collect();
    if !alive.is_empty() {
        return Some(Fate::Elsewhere(alive));
    }
    // Whose it is to delete, of several, the journal may know better than the names.
    if let Observed::Unseen(why) = &world.journal
        && others().next().is_some()
    {
        return Some(Fate::Wait(Reason::NotObserved { what: Read::Journal, why: why.clone() }));
    }
    let first = others().find(|other| other.key < secret.key && may_delete(world, other, user));
    first.map(|other| {
        let by = vec![other.key.clone()];
        Fate::Wait(Reason::RecordedElsewhere { user: user.clone(), by, first: true })
    })
}

/// Whether a secret that is being deleted may delete a user that it records.
fn may_delete(world: &World, secret: &Secret, user: &UserKey) -> bool {
    let ours = |record: Record| {
        let same = record.users(world).contains(user);
        same && why_not_ours(world, &record.app, record.service_type, user).is_none()
    };
    let follows = secret.finalizer && !secret.skip_cleanup() && why_invalid(secret).is_none();
    let made_here = why_made_elsewhere(world, &secret.key, user).is_none();
    follows && made_here && recorded(world, secret).into_iter().any(ours)
}
