//! When a secret gets a new user although nothing is wrong with the one it has: its certificate ends, or it is old.
//!
//! Takes as given that Aiven offers a renewed certificate months before the end. Replacements are spread in time by a
//! hash of the name, and never is more than 5 % of a service's users (at least one) being replaced at once.

use std::collections::BTreeSet;

use super::account::{account_of, holder};
use super::survey::{Notes, Survey, after, before, spread};
use crate::reason::{Hold, Reason, Renewal};
use crate::want::ServiceType;
use crate::world::{
    Application, FailureKey, Lookup, Protection, Secret, SecretKey, ServiceKey, Subject, Timestamp, User, UserKey,
    World,
};

/// What time asks of a user that is in use.
pub(super) enum Due {
    /// Nothing now.
    Nothing,
    /// It stays, and that has to be said.
    Said(Reason),
    /// Others come first.
    Later(Reason),
    /// A new one takes over.
    Now(Reason),
}

/// What time asks of the user of a secret.
pub(super) fn due(
    survey: &Survey<'_>,
    (secret, service_type): (&Secret, ServiceType),
    (user, observed): (&UserKey, &User),
    notes: &mut Notes,
) -> Due {
    let world = survey.world;
    let Some((moment, reason)) = next(world, (secret, service_type), user, observed) else { return Due::Nothing };
    if notes.wake_if_later(world, moment) {
        return Due::Nothing;
    }
    if secret.protection() != Protection::None {
        return Due::Said(reason);
    }
    if !survey.may_rotate(&user.service_key(), &secret.key) {
        return Due::Later(Reason::Retiring { user: user.clone(), hold: Hold::Others });
    }
    Due::Now(reason)
}

/// The moment at which a user is to be replaced, and why; `None` if never.
fn next(
    world: &World,
    (secret, service_type): (&Secret, ServiceType),
    user: &UserKey,
    observed: &User,
) -> Option<(Timestamp, Reason)> {
    let certificate = secret.certificate.filter(|_| service_type.has_certificates());
    let protected = secret.protection() != Protection::None;
    let settings = world.settings();
    let span = settings.renew_before / 3;
    let share = if protected { jiff::SignedDuration::ZERO } else { spread(&user.username, span) };
    let ends = observed.certificate_ends.or(certificate.map(|certificate| certificate.until));
    let ending = ends.filter(|_| !on_offer(secret, observed)).map(|ends| {
        let then = if protected { Renewal::Protected } else { Renewal::NewUser };
        let reason = Reason::CertificateEnding { user: user.clone(), ends, then };
        (after(before(ends, settings.renew_before), share), reason)
    });
    let started = certificate.map(|certificate| certificate.from);
    let since = started.or(observed.password_updated).or(secret.created);
    let age = settings.rotate_after.filter(|_| !protected);
    let old = since
        .zip(age)
        .map(|(since, age)| (after(after(since, age), share), Reason::RotationDue { user: user.clone(), since }));
    ending.into_iter().chain(old).min_by_key(|(moment, _)| *moment)
}

/// Whether Aiven has a certificate for the user that is not the one in the secret.
pub(super) fn on_offer(secret: &Secret, observed: &User) -> bool {
    let ends = secret.certificate.map(|certificate| certificate.until).zip(observed.certificate_ends);
    ends.is_some_and(|(held, current)| held.as_second() != current.as_second())
}

/// The secrets on a service whose user may be replaced now.
pub(super) fn allowed(world: &World, service: &ServiceKey) -> BTreeSet<SecretKey> {
    let Lookup::Found(observed) = world.service(service) else { return BTreeSet::new() };
    let secrets = || world.secrets_on(service).filter_map(|key| world.managed(key));
    let retiring: usize =
        secrets().map(|secret| secret.retired().iter().filter(|entry| entry.service == *service).count()).sum();
    let room = (observed.users.len() * 5 / 100).max(1).saturating_sub(retiring);
    let mut due: Vec<(Timestamp, SecretKey)> =
        secrets().filter_map(|secret| Some((due_since(world, secret, service)?, secret.key.clone()))).collect();
    due.sort();
    due.into_iter().take(room).map(|(_, key)| key).collect()
}

/// Since when the user that a secret has on a service is to be replaced, if it is and nothing is in the way.
fn due_since(world: &World, secret: &Secret, service: &ServiceKey) -> Option<Timestamp> {
    let on_service =
        |claim: &&crate::world::Claim| claim.project == service.project && claim.services.contains(&service.service);
    let claim = secret.claims().iter().find(on_service)?;
    let user = account_of(world, claim);
    let Lookup::Found(observed) = world.user(&user) else { return None };
    let (moment, _) = next(world, (secret, claim.service_type), &user, observed)?;
    let free = !secret.terminating && !secret.paused() && !secret.immutable;
    let due = world.now >= moment && secret.protection() == Protection::None && free;
    (due && holder(world.here(&secret.key.namespace), &secret.key.name).is_some_and(|app| can_act(world, app, secret)))
        .then_some(moment)
}

/// Whether nothing keeps the application from replacing the user of its secret.
fn can_act(world: &World, app: &Application, secret: &Secret) -> bool {
    let step = FailureKey { subject: Subject::Application(app.key.clone()), step: secret.key.name.clone() };
    !app.paused && app.targets().is_ok() && !world.failures.contains_key(&step)
}
