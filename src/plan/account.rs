//! Which service user a secret has: whether a recorded one is its own, and which name a new one gets.
//!
//! Takes as given that records are claims by whoever may edit Secrets, and that the journal is not. Never lets a user be
//! adopted that another program, cluster or secret may have made.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::survey::{Notes, before};
use super::trace::{account_of, why_untraceable};
use crate::naming;
use crate::read::Read;
use crate::reason::Reason;
use crate::want::{Resolved, ServiceType, Want};
use crate::world::{
    AppKey, Application, Claim, Here, Intent, Journal, Lookup, Name, Observed, Outcome, Secret, SecretKey, ServiceKey,
    Timestamp, User, UserKey, World,
};

/// How long a Kafka certificate lives, by Aiven's documentation.
const CERTIFICATE_LIFE: SignedDuration = SignedDuration::from_hours(820 * 24);

/// How many names are tried before giving up for now.
const MAX_CANDIDATES: usize = 1_000;

/// What a secret's record of a service comes to.
pub(super) enum Recorded<'w> {
    /// It records none.
    None,
    /// It records one of a service that is not the one that is asked for.
    Elsewhere(UserKey),
    /// It records one that does not exist.
    Gone(UserKey),
    /// It records one that was made for it alone.
    Own(UserKey, &'w User),
    /// It records one that exists and was not made for it alone.
    NotOwn(UserKey, &'w User, Reason),
    /// It records one that has no name of ours and that no list of users shows; it need not be looked at.
    Foreign(UserKey, Reason),
    /// Whether the user exists cannot be told now.
    Unseen(Reason),
}

/// What the record of a service on a secret comes to, where this service is asked for.
pub(super) fn recorded<'w>(
    world: &'w World,
    app: &AppKey,
    secret: Option<&Secret>,
    (want, resolved): (&Want, &Resolved<'w>),
) -> Recorded<'w> {
    let claim = secret.and_then(|secret| claim_for(secret, want).map(|claim| (secret, claim)));
    let Some((secret, claim)) = claim else { return Recorded::None };
    let Resolved { key, service, hindrance } = resolved;
    // What a record does not say is taken from the service that is asked for.
    let same_project = claim.project.is_empty() || claim.project == key.project;
    let same_service = claim.services.is_empty() || claim.services.contains(&key.service);
    if !(same_project && same_service) {
        return match why_untraceable(world, claim) {
            _ if !claim.is_whole() => Recorded::None,
            Some(reason) => Recorded::Unseen(reason),
            None => Recorded::Elsewhere(account_of(world, claim)),
        };
    }
    let user = key.user(claim.username.clone());
    match service.user(&user.username) {
        // Whoever could edit the record could have the credentials of anybody read: a list shows none.
        Lookup::Unseen(why) => match why_foreign(app, want, &user) {
            Some(reason) if service.users_listed => Recorded::Foreign(user, reason),
            Some(_) => {
                let why = "its users were not listed".into();
                Recorded::Unseen(Reason::NotObserved { what: Read::Service(key.clone()), why })
            }
            None => Recorded::Unseen(Reason::NotObserved { what: Read::User(user), why }),
        },
        Lookup::Absent => match settling_until(world, &user) {
            Some(until) => {
                let what = format!("user {} was just made and does not show yet", user.username).into();
                Recorded::Unseen(Reason::Settling { what, until: Some(until) })
            }
            None => Recorded::Gone(user),
        },
        Lookup::Found(found) => {
            // That it was resolved says that the namespace may use it, unless others hold it too.
            let ambiguous = matches!(hindrance, Some(Reason::InstanceAmbiguous { .. }));
            let usable = || ambiguous.then(|| want.service_type.why_not_usable(world, &app.namespace, key)).flatten();
            match why_not_own_here(world, (app, want), &secret.key, (&user, found)).or_else(usable) {
                None => Recorded::Own(user, found),
                Some(reason) => Recorded::NotOwn(user, found, reason),
            }
        }
    }
}

/// [`why_not_own`] for a user of the very service that a request was resolved to.
fn why_not_own_here(
    world: &World,
    (app, want): (&AppKey, &Want),
    secret: &SecretKey,
    (user, observed): (&UserKey, &User),
) -> Option<Reason> {
    if let Some(reason) = why_built_in(user, observed) {
        return Some(reason);
    }
    if let Some(reason) = why_foreign(app, want, user) {
        return Some(reason);
    }
    // The secret itself records the user, so any other makes it shared.
    world.is_shared(user).then(|| why_recorded_elsewhere(world, secret, user)).flatten()
}

fn why_foreign(app: &AppKey, want: &Want, user: &UserKey) -> Option<Reason> {
    if want.prefix.gave(&user.username) { None } else { why_not_our_name(app, want.service_type, user) }
}

fn why_built_in(user: &UserKey, observed: &User) -> Option<Reason> {
    observed.primary.then(|| Reason::NotOurs { what: format!("user {} is built in", user.username).into() })
}

fn why_recorded_elsewhere(world: &World, secret: &SecretKey, user: &UserKey) -> Option<Reason> {
    let recorders = world.recorders(user);
    if recorders.iter().all(|other| other == secret) {
        return None;
    }
    let by = recorders.iter().filter(|other| *other != secret).cloned().collect();
    Some(Reason::RecordedElsewhere { user: user.clone(), by, first: false })
}

/// Why a user is not a secret's to delete, although no other records it: it is being made for another secret.
pub(super) fn why_made_elsewhere(world: &World, secret: &SecretKey, user: &UserKey) -> Option<Reason> {
    let intent = world.journal()?.intents.get(user).filter(|intent| intent.secret != *secret)?;
    let ends = world.managed(&intent.secret).is_some_and(|secret| secret.terminating);
    let how = if ends { "was made for secret" } else { "is being made for secret" };
    let then = if ends { ", which is being deleted: its end is waited for" } else { "" };
    let what = format!("user {} {how} {}{then}", user.username, intent.secret).into();
    Some(Reason::Settling { what, until: None })
}

/// The moment until which a user that was just made is not taken for gone.
pub(super) fn settling_until(world: &World, user: &UserKey) -> Option<Timestamp> {
    let intent = world.journal()?.intents.get(user)?;
    let until = intent.settles_at(world.settings().settle);
    (world.now < until).then_some(until)
}

/// The record that a secret has for what is wanted.
pub(super) fn claim_for<'s>(secret: &'s Secret, want: &Want) -> Option<&'s Claim> {
    secret.claims().iter().find(|claim| claim.service_type == want.service_type && claim.slot == want.slot)
}

/// Why a user that a secret records was not made for that secret alone.
pub(super) fn why_not_own(
    world: &World,
    app: &AppKey,
    service_type: ServiceType,
    (secret, user): (&SecretKey, &UserKey),
) -> Option<Reason> {
    if let Some(reason) = why_not_ours(world, app, service_type, user) {
        return Some(reason);
    }
    why_recorded_elsewhere(world, secret, user)
}

/// Why a user cannot have been made for that application at all, whoever records it.
pub(super) fn why_not_ours(world: &World, app: &AppKey, service_type: ServiceType, user: &UserKey) -> Option<Reason> {
    if let Some(reason) = why_not_our_name(app, service_type, user) {
        return Some(reason);
    }
    if let Some(reason) = service_type.why_not_usable(world, &app.namespace, &user.service_key()) {
        return Some(reason);
    }
    match world.user(user) {
        Lookup::Found(observed) => why_built_in(user, observed),
        Lookup::Absent | Lookup::Unseen(_) => None,
    }
}

/// Why a name is not one that this program gives.
pub(super) fn why_not_our_name(app: &AppKey, service_type: ServiceType, user: &UserKey) -> Option<Reason> {
    let ours = service_type.gave_name(app, &user.username);
    (!ours).then(|| Reason::NotOurs {
        what: format!("user {} is not named like a user of application {app}", user.username).into(),
    })
}

/// A user to be: its name, and how far its making has come.
pub(super) struct NewUser {
    /// Its name, and where.
    pub(super) user: UserKey,
    /// Whether the journal has the intent already.
    pub(super) intended: bool,
    /// Whether it exists, made by an earlier try.
    pub(super) exists: bool,
}

/// Chooses the user for what is wanted: one whose making was begun for it, else the first free name.
pub(super) fn choose(
    world: &World,
    app: &Application,
    secret: &SecretKey,
    (want, service): (&Want, &ServiceKey),
) -> Result<NewUser, Reason> {
    let journal = match &world.journal {
        Observed::Seen(journal) => journal,
        Observed::Unseen(why) => {
            return Err(Reason::NotObserved { what: Read::Journal, why: why.clone() });
        }
    };
    if let Some((user, intent)) = open_intent(world, app, secret, (want, service)) {
        return continue_intent(world, user, intent);
    }
    if let Some(reason) = why_no_intent(world, journal) {
        return Err(reason);
    }
    first_free(world, app, want, service).map(|user| NewUser { user, intended: false, exists: false })
}

/// The first name for a new user that nothing records or intends and that does not exist.
pub(super) fn first_free(
    world: &World,
    app: &Application,
    want: &Want,
    service: &ServiceKey,
) -> Result<UserKey, Reason> {
    let cluster = world.settings().cluster_name.as_deref();
    let mut by: BTreeSet<SecretKey> = BTreeSet::new();
    for suffix in naming::suffixes(app.generation, &app.key.name, cluster).take(MAX_CANDIDATES) {
        let user = service.user(want.prefix.username(&suffix).into());
        let known = world.journal().is_some_and(|journal| journal.knows(&user));
        let recorders = world.recorders(&user);
        by.extend(recorders.iter().cloned());
        if known || !recorders.is_empty() {
            continue;
        }
        match world.user(&user) {
            Lookup::Found(_) => {}
            Lookup::Absent => return Ok(user),
            // The name is looked up once more before the intent is written, in any case.
            Lookup::Unseen(_) if world.is_not_listed(&user) => return Ok(user),
            Lookup::Unseen(why) => return Err(Reason::NotObserved { what: Read::User(user), why }),
        }
    }
    // Records are claims: somebody may have put all of these names on a secret.
    let (service, by) = (service.clone(), by.into_iter().collect());
    Err(Reason::NamesTaken { service, tried: MAX_CANDIDATES, by })
}

/// The intent that was written down for exactly this and can still be followed: nothing else speaks of its user.
pub(super) fn open_intent<'w>(
    world: &'w World,
    app: &Application,
    secret: &SecretKey,
    (want, service): (&Want, &ServiceKey),
) -> Option<(&'w UserKey, &'w Intent)> {
    let on_service = |user: &UserKey| user.project == service.project && user.service == service.service;
    let fits = |user: &UserKey, intent: &Intent| {
        let for_this = intent.secret == *secret && intent.application == app.key.name;
        for_this && intent.application_uid == app.uid && want.prefix.gave(&user.username)
    };
    let journal = world.journal()?;
    let unheard = |user: &UserKey| world.recorders(user).is_empty() && !journal.retirements.contains_key(user);
    let beginning = want.prefix.beginning();
    let first =
        UserKey { project: service.project.clone(), service: service.service.clone(), username: beginning.into() };
    let near = |user: &UserKey| on_service(user) && user.username.starts_with(beginning);
    let intents = journal.intents.range(first..).take_while(|(user, _)| near(user));
    intents
        .filter(|(user, intent)| fits(user, intent) && unheard(user))
        .find(|(user, intent)| !is_dead_end(world, user, intent))
}

/// Whether an intent can no longer lead to a user of ours.
fn is_dead_end(world: &World, user: &UserKey, intent: &Intent) -> bool {
    match (world.user(user), intent.outcome) {
        (_, Outcome::Taken) => true,
        (Lookup::Found(found), _) => !may_adopt(intent, found),
        (Lookup::Absent, Outcome::Created) => world.now >= intent.settles_at(world.settings().settle),
        (Lookup::Absent, Outcome::NotSent | Outcome::Unknown | Outcome::Found) | (Lookup::Unseen(_), _) => false,
    }
}

/// Whether a user that exists was made by an earlier try of the intent.
pub(super) fn may_adopt(intent: &Intent, user: &User) -> bool {
    let not_older = || made_at(user).is_some_and(|made| made.as_second() >= intent.since.as_second());
    match intent.outcome {
        _ if user.primary => false,
        Outcome::Created => true,
        Outcome::Unknown | Outcome::Found => not_older(),
        Outcome::NotSent | Outcome::Taken => false,
    }
}

/// When a user was made, as far as Aiven tells: its password was set then, and its certificate began.
pub(crate) fn made_at(user: &User) -> Option<Timestamp> {
    user.password_updated.or_else(|| certificate_began(user))
}

/// When the certificate of a user began, if it has one.
pub(super) fn certificate_began(user: &User) -> Option<Timestamp> {
    user.certificate_ends.map(|ends| before(ends, CERTIFICATE_LIFE))
}

fn continue_intent(world: &World, user: &UserKey, intent: &Intent) -> Result<NewUser, Reason> {
    let new = |exists| NewUser { user: user.clone(), intended: true, exists };
    let settled_at = intent.settles_at(world.settings().settle);
    match (world.user(user), intent.outcome) {
        (Lookup::Unseen(why), _) => Err(Reason::NotObserved { what: Read::User(user.clone()), why }),
        (Lookup::Found(_), _) => Ok(new(true)),
        (Lookup::Absent, Outcome::NotSent) => Ok(new(false)),
        (Lookup::Absent, Outcome::Created | Outcome::Unknown | Outcome::Found | Outcome::Taken) => {
            if world.now < settled_at {
                let what = format!("user {} may have been made and does not show yet", user.username);
                Err(Reason::Settling { what: what.into(), until: Some(settled_at) })
            } else {
                Ok(new(false))
            }
        }
    }
}

/// Why no further user can be announced in the journal.
fn why_no_intent(world: &World, journal: &Journal) -> Option<Reason> {
    let Journal { intents: _, retirements: _, left_behind: _, unreadable, unwritable, foreign: _ } = journal;
    if let Some(why) = unwritable {
        return Some(Reason::JournalUnavailable { why: why.clone() });
    }
    if let Some(entry) = unreadable.first() {
        return Some(Reason::JournalUnavailable {
            why: format!("a person has to mend its entry {entry}, which cannot be read").into(),
        });
    }
    world.is_journal_full().then(|| Reason::JournalFull { open: world.open_intents() })
}

/// The application that a secret belongs to: the one that it is managed for, if that still asks for it; else, of those
/// that would write it, one that its users were made for, then the first by (creationTimestamp, name).
pub(super) fn holder<'w>(here: Here<'w>, secret: &Name) -> Option<&'w Application> {
    let managed = here.space.managed(secret);
    if let Some(label) = managed.and_then(Secret::app)
        && let Some(app) = here.space.application(label)
        && here.asking(secret).any(|asking| asking.key == app.key)
    {
        return Some(app);
    }
    let made_for = |app: &Application| {
        let unlabelled = managed.filter(|secret| secret.app().is_none());
        let claims = unlabelled.into_iter().flat_map(Secret::claims);
        claims.into_iter().any(|claim| claim.service_type.gave_name(&app.key, &claim.username))
    };
    let order = |app: &&Application| (!made_for(app), app.created, app.key.name.clone());
    here.asking(secret).filter(|app| writes(app, secret)).min_by_key(order)
}

/// The application whose decision writes the secret, if any.
pub(super) fn writer<'w>(here: Here<'w>, secret: &Name) -> Option<&'w Application> {
    holder(here, secret).filter(|app| writes(app, secret))
}

fn writes(app: &Application, secret: &Name) -> bool {
    app.targets().is_ok_and(|targets| targets.iter().any(|target| target.secret == *secret))
}

/// Notes what a reason waits for, where that is a read or a moment.
pub(super) fn note(notes: &mut Notes, reason: &Reason) {
    match reason {
        Reason::NotObserved { what, .. } => notes.reads.push(what.clone()),
        Reason::Settling { until: Some(at), .. } | Reason::ServiceFailed { retry_at: Some(at), .. } => notes.wake(*at),
        _ => {}
    }
}
