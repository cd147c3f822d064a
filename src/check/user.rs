//! Rules about service users: whose they are, and what must be known before one is made, granted or deleted.
//!
//! Takes as given that a record on a secret is a claim by whoever may edit Secrets in that namespace.

use jiff::{SignedDuration, Timestamp};

use super::rule::Rule;
use super::{Case, Findings, forbid};
use crate::action::Action;
use crate::naming::MAX_USERNAME;
use crate::want::ServiceType;
use crate::world::{
    AppKey, Claim, Intent, Kind, Lookup, Name, Outcome, Retired, Secret, SecretKey, Service, ServiceKey, UserKey,
    WorkloadKind, World,
};

/// How much later than its switch a pod may still have been started with the old credentials.
const STARTED_WITH_OLD: SignedDuration = SignedDuration::from_mins(2);

/// How long a Kafka certificate is valid, from the making of its user.
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(820 * 24);

/// Why a user is not the application's own, as far as its name, its service and its type tell.
pub(super) fn foreign(world: &World, app: &AppKey, user: &UserKey) -> Findings {
    let mut findings = vec![];
    let service = match world.service(&user.service_key()) {
        Lookup::Found(service) => service,
        Lookup::Absent => return findings,
        Lookup::Unseen(why) => return vec![(Rule::NotObserved, format!("service of {user}: {why}"))],
    };
    let Some(service_type) = ServiceType::named(&service.service_type) else {
        return vec![(Rule::ServiceNotUsable, format!("{user} is on a service of another kind"))];
    };
    let unlike = !service_type.gave_name(app, &user.username);
    forbid(&mut findings, unlike, Rule::NotOwnName, || format!("{user} has no name of {app}"));
    let hindrance = service_type.why_not_usable(world, &app.namespace, &user.service_key());
    forbid(&mut findings, hindrance.is_some(), Rule::ServiceNotUsable, || {
        format!("{user}: {}", hindrance.map(|reason| reason.to_string()).unwrap_or_default())
    });
    let primary = matches!(world.user(user), Lookup::Found(found) if found.primary);
    forbid(&mut findings, primary, Rule::BuiltIn, || format!("{user} is built in"));
    findings
}

/// The other managed secrets that record a user.
pub(super) fn others<'w>(world: &'w World, user: &UserKey, own: &SecretKey) -> impl Iterator<Item = &'w Secret> {
    let recorders = world.recorders(user);
    let others: Vec<&Secret> =
        recorders.iter().filter(|key| *key != own).filter_map(|key| world.managed(key)).collect();
    others.into_iter()
}

/// May a user be made?
pub(super) fn create(case: &Case<'_>, user: &UserKey) -> Findings {
    let world = case.world;
    let Some((app, secret)) = case.owner(user) else {
        return vec![(Rule::NotRecorded, format!("{user} is made for nobody"))];
    };
    let mut findings = foreign(world, &app, user);
    findings.extend(usable(world, &app, &user.service_key()));
    let written = world.journal().and_then(|journal| journal.intents.get(user)).is_some_and(|it| it.secret == secret);
    let announced = case.earlier.iter().any(|action| intends(action, user));
    let intended = written || announced;
    forbid(&mut findings, !intended, Rule::NoIntent, || format!("{user} is made without an intent"));
    let long = user.username.len() > MAX_USERNAME;
    forbid(&mut findings, long, Rule::NameTooLong, || format!("{user} is longer than {MAX_USERNAME} characters"));
    findings.extend(name_in_use(world, user, (&secret, announced)));
    findings
}

fn intends(action: &Action, user: &UserKey) -> bool {
    matches!(action, Action::RecordIntent { user: intended, .. } if intended == user)
}

/// Why a name cannot be given for that secret; before an intent is written it is looked up once more, so that a list
/// which does not show it is enough then.
pub(super) fn name_in_use(world: &World, user: &UserKey, (secret, looked_up): (&SecretKey, bool)) -> Findings {
    let mut findings = vec![];
    match world.user(user) {
        Lookup::Absent => {}
        Lookup::Unseen(_) if looked_up && world.is_not_listed(user) => {}
        Lookup::Found(_) => findings.push((Rule::NameInUse, format!("{user} exists"))),
        Lookup::Unseen(why) => findings.push((Rule::NotObserved, format!("{user}: {why}"))),
    }
    let recorded = !world.recorders(user).is_empty();
    forbid(&mut findings, recorded, Rule::NameInUse, || format!("{user} is recorded"));
    let journal = world.journal();
    let taken = journal.is_some_and(|it| it.intents.get(user).is_some_and(|intent| intent.secret != *secret));
    forbid(&mut findings, taken, Rule::NameInUse, || format!("{user} is intended for another secret"));
    let retiring = journal.is_some_and(|it| it.retirements.contains_key(user));
    forbid(&mut findings, retiring, Rule::NameInUse, || format!("{user} is being replaced"));
    let kind = world.why_unlisted(Kind::Secret);
    forbid(&mut findings, kind.is_some(), Rule::NotObserved, || format!("{user}: some secret may record it"));
    findings
}

/// Why the service cannot be changed now.
fn usable(world: &World, app: &AppKey, key: &ServiceKey) -> Findings {
    let mut findings = vec![];
    let found: Option<&Service> = match world.service(key) {
        Lookup::Found(service) => Some(service),
        Lookup::Absent | Lookup::Unseen(_) => None,
    };
    let unusable = found.is_none_or(|service| !service.usable());
    forbid(&mut findings, unusable, Rule::ServiceNotUsable, || format!("{key} is not running, for {app}"));
    let owned = found.and_then(|service| ServiceType::named(&service.service_type));
    let holders = owned.map_or(0, |service_type| world.holders(service_type, &key.service).count());
    forbid(&mut findings, holders > 1, Rule::Ambiguous, || format!("{holders} namespaces hold {key}"));
    findings
}

/// May the rights of a user be changed?
pub(super) fn grant(case: &Case<'_>, user: &UserKey) -> Findings {
    let world = case.world;
    let Some((app, secret)) = case.owner(user) else {
        return vec![(Rule::NotRecorded, format!("{user} is granted for nobody"))];
    };
    let mut findings = foreign(world, &app, user);
    findings.extend(usable(world, &app, &user.service_key()));
    let exists = case.made(user) || matches!(world.user(user), Lookup::Found(_));
    forbid(&mut findings, !exists, Rule::Unresolved, || format!("{user} is granted and does not exist"));
    let other = others(world, user, &secret).next();
    forbid(&mut findings, other.is_some(), Rule::RecordedElsewhere, || format!("{user} is recorded elsewhere"));
    findings
}

/// May ACLs be turned on?
pub(super) fn enable(case: &Case<'_>, project: &Name, service: &Name) -> Findings {
    let key = ServiceKey { project: project.clone(), service: service.clone() };
    let grants = |action: &&Action| matches!(action, Action::GrantAcl { user, .. } if user.service_key() == key);
    let granted = case.later.iter().any(grants);
    let mut findings = vec![];
    forbid(&mut findings, !granted, Rule::EnabledAlone, || format!("ACLs of {key} without a rule"));
    findings
}

/// May the rules of a user be removed?
pub(super) fn revoke(case: &Case<'_>, user: &UserKey) -> Findings {
    let mut findings = delete(case, user);
    let goes = case.later.iter().any(|action| matches!(action, Action::DeleteUser { user: gone } if gone == user));
    let gone = matches!(case.world.user(user), Lookup::Absent);
    forbid(&mut findings, !goes && !gone, Rule::RevokedAlone, || format!("{user} stays without its rules"));
    findings
}

/// May a user be deleted?
pub(super) fn delete(case: &Case<'_>, user: &UserKey) -> Findings {
    let world = case.world;
    let Some((app, key)) = case.owner(user) else {
        return vec![(Rule::NotRecorded, format!("{user} belongs to nobody"))];
    };
    let mut findings = foreign(world, &app, user);
    let unlisted = world.why_unlisted(Kind::Secret).is_some();
    forbid(&mut findings, unlisted, Rule::NotObserved, || format!("{user}: some secret may record it"));
    let alive = others(world, user, &key).any(|other| !other.terminating);
    forbid(&mut findings, alive, Rule::RecordedElsewhere, || format!("{user} is recorded by a secret that stays"));
    let journal = world.journal();
    let intent = journal.and_then(|journal| journal.intents.get(user));
    let for_other = intent.is_some_and(|intent| intent.secret != key);
    forbid(&mut findings, for_other, Rule::RecordedElsewhere, || format!("{user} is intended for another secret"));
    let secret = world.managed(&key);
    let recorded = secret.is_some_and(|secret| secret.accounts().any(|account| account == *user));
    let copy = journal.and_then(|journal| journal.retirements.get(user)).filter(|copy| copy.secret == key);
    let known = recorded || copy.is_some() || intent.is_some();
    forbid(&mut findings, !known, Rule::NotRecorded, || format!("nothing of {key} speaks of {user}"));
    if let Some(secret) = secret.filter(|secret| !secret.terminating) {
        let listed = secret.retired().iter().find(|entry| entry.account() == *user).map(|entry: &Retired| entry.since);
        let since = listed.or(copy.map(|copy| copy.since));
        findings.extend(still_held(world, secret, user, since));
    }
    if let Some(intent) = intent.filter(|_| !recorded && copy.is_none()) {
        findings.extend(perhaps_not_made(world, user, intent));
    }
    findings
}

/// Why a user of a secret that stays is still needed.
fn still_held(world: &World, secret: &Secret, user: &UserKey, since: Option<Timestamp>) -> Findings {
    let mut findings = vec![];
    let in_use = secret.claims().iter().flat_map(Claim::accounts).any(|account| account == *user);
    forbid(&mut findings, in_use, Rule::UserInUse, || format!("{user} is in use by {}", secret.key));
    let gone = matches!(world.user(user), Lookup::Absent);
    let Some(since) = since.filter(|_| !gone) else { return findings };
    let rule = Rule::RetiredTooEarly;
    let over = since.checked_add(world.settings().retire_after).is_ok_and(|end| end <= world.now);
    forbid(&mut findings, !over, rule, || format!("{user} was replaced at {since}"));
    let unlisted = world.why_unlisted(Kind::Workload(WorkloadKind::Pod)).is_some();
    forbid(&mut findings, unlisted, Rule::NotObserved, || format!("{user}: pods may hold it"));
    let switched = since.checked_add(STARTED_WITH_OLD).unwrap_or(since);
    let held = world.using(&secret.key).any(|(workload, started)| {
        workload.kind == WorkloadKind::Pod && started.is_none_or(|started| started < switched)
    });
    forbid(&mut findings, held, rule, || format!("{user} is held by pods"));
    let ended = match world.user(user) {
        Lookup::Found(found) => found.certificate_ends.is_some_and(|end| end <= world.now),
        Lookup::Absent => true,
        Lookup::Unseen(_) => false,
    };
    let kept = secret.protection().holds(world.now) && !ended;
    forbid(&mut findings, kept, rule, || format!("{user} is of protected {}", secret.key));
    findings
}

/// Why a user that exists may be somebody else's, although there is an intent of that name.
pub(super) fn perhaps_not_made(world: &World, user: &UserKey, intent: &Intent) -> Findings {
    let Lookup::Found(found) = world.user(user) else { return vec![] };
    let began = found.certificate_ends.and_then(|end| end.checked_sub(CERTIFICATE_LIFE).ok());
    let made = found.password_updated.or(began);
    let younger = made.is_some_and(|at| at.as_second() >= intent.since.as_second());
    let ours = match intent.outcome {
        _ if found.primary => false,
        Outcome::Created => true,
        Outcome::Unknown | Outcome::Found => younger,
        Outcome::NotSent | Outcome::Taken => false,
    };
    let mut findings = vec![];
    forbid(&mut findings, !ours, Rule::PerhapsNotMade, || format!("{user} may be somebody else's"));
    findings
}
