//! When a secret gets a new user although nothing is wrong with the one it has: its certificate ends, or it is old.
//!
//! Takes as given that Aiven offers a renewed certificate months before the end. Replacements are spread in time by a
//! hash of the name, and never is more than 5 % of a service's users (at least one) being replaced at once.

use std::collections::BTreeSet;

use jiff::SignedDuration;

use super::account::{certificate_began, holder, why_not_own};
use super::survey::{Notes, Survey, after, before, spread};
use super::trace::account_of;
use super::{Verdict, backoff, retire};
use crate::reason::{Hold, Reason, Renewal};
use crate::want::ServiceType;
use crate::world::{
    Application, Claim, Lookup, Protection, Retired, Secret, SecretKey, ServiceKey, Subject, Timestamp, User, UserKey,
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
    /// A new one would take over, and cannot.
    Stuck(Verdict, Reason),
    /// A new one takes over.
    Now(Reason),
}

/// A user that is in use, and for whom.
#[derive(Clone, Copy)]
pub(super) struct InUse<'a> {
    /// The secret that has it.
    pub(super) secret: &'a Secret,
    /// The application that asks for the secret.
    pub(super) app: &'a Application,
    /// The kind of service.
    pub(super) service_type: ServiceType,
    /// The user.
    pub(super) user: &'a UserKey,
    /// As observed.
    pub(super) observed: &'a User,
}

impl InUse<'_> {
    /// Whether someone outside the cluster may use it: as the secret says, or as the spec says that it shall.
    fn is_protected(self) -> bool {
        self.app.spec.protected || self.secret.protection() != Protection::None
    }
}

/// What time asks of the user of a secret.
pub(super) fn due(survey: &Survey<'_>, of: InUse<'_>, notes: &mut Notes) -> Due {
    let world = survey.world;
    let Some(Turn { at, urgent_at, because }) = next(world, of) else { return Due::Nothing };
    if notes.wake_if_later(world, at) {
        return Due::Nothing;
    }
    if of.is_protected() {
        return Due::Said(because.reason(of));
    }
    // An outage would be worse than many replacements at once.
    let later = urgent_at.is_none_or(|urgent_at| world.now < urgent_at);
    if later && !survey.may_rotate(&of.user.service_key(), &of.secret.key) {
        if let Some(urgent_at) = urgent_at {
            notes.wake(urgent_at);
        }
        return Due::Later(Reason::Retiring { user: of.user.clone(), hold: Hold::Others });
    }
    Due::Now(because.reason(of))
}

/// Whether time asks for a new user, whatever else is being replaced.
pub(super) fn is_due(world: &World, of: InUse<'_>, notes: &mut Notes) -> bool {
    !of.is_protected() && next(world, of).is_some_and(|turn| !notes.wake_if_later(world, turn.at))
}

/// Why somebody has to see to a new certificate for a protected secret that nothing asks for: nobody writes it any more,
/// so that a renewal would not come to it either.
pub(super) fn why_ending(world: &World, secret: &Secret, notes: &mut Notes) -> Option<Reason> {
    let claim = secret.claims().iter().find(|claim| claim.service_type.has_certificates())?;
    let user = account_of(world, claim);
    let of_user = match world.user(&user) {
        Lookup::Found(observed) => observed.certificate_ends,
        Lookup::Absent => return None,
        Lookup::Unseen(_) => None,
    };
    let ends = secret.certificate.map(|certificate| certificate.until).or(of_user)?;
    let early = notes.wake_if_later(world, before(ends, world.settings().renew_before));
    (!early).then_some(Reason::CertificateEnding { user, ends, then: Renewal::Protected })
}

/// When a user is to be replaced, and why.
struct Turn {
    at: Timestamp,
    /// From when on it is replaced however many others are, if ever.
    urgent_at: Option<Timestamp>,
    because: Because,
}

/// Why a user is to be replaced, before it is said.
enum Because {
    Ends(Timestamp),
    OldSince(Timestamp),
}

impl Because {
    fn reason(self, of: InUse<'_>) -> Reason {
        let user = of.user.clone();
        match self {
            Because::Ends(ends) => {
                let then = if of.is_protected() { Renewal::Protected } else { Renewal::NewUser };
                Reason::CertificateEnding { user, ends, then }
            }
            Because::OldSince(since) => Reason::RotationDue { user, since },
        }
    }
}

/// When a user is to be replaced, and why; `None` if never.
fn next(world: &World, of: InUse<'_>) -> Option<Turn> {
    let InUse { secret, app: _, service_type, user, observed } = of;
    let certificate = secret.certificate.filter(|_| service_type.has_certificates());
    let protected = of.is_protected();
    let settings = world.settings();
    let span = settings.renew_before / 3;
    let share = || if protected { SignedDuration::ZERO } else { spread(&user.username, span) };
    let ends = observed.certificate_ends.or(certificate.map(|certificate| certificate.until));
    let ending = ends.filter(|_| !on_offer(secret, observed)).map(|ends| Turn {
        at: after(before(ends, settings.renew_before), share()),
        urgent_at: Some(before(ends, span)),
        because: Because::Ends(ends),
    });
    let Some(age) = settings.rotate_after.filter(|_| !protected) else { return ending };
    let started = certificate.map(|certificate| certificate.from).or_else(|| {
        // What was not read of the secret, Aiven says of the user.
        certificate_began(observed).filter(|_| service_type.has_certificates())
    });
    let old = started.or(observed.password_updated).or_else(|| had_since(secret)).map(|since| Turn {
        at: after(after(since, age), share()),
        urgent_at: None,
        because: Because::OldSince(since),
    });
    ending.into_iter().chain(old).min_by_key(|turn| turn.at)
}

/// Since when a secret has had its user, at most: whatever wrote it last may have given it that one. From the secret's
/// creation alone, a user would be replaced again as soon as it is there.
fn had_since(secret: &Secret) -> Option<Timestamp> {
    secret.created.max(secret.written)
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
    let retiring: usize = secrets().map(|secret| retiring(world, secret, service)).sum();
    let room = (observed.users.len() * 5 / 100).max(1).saturating_sub(retiring);
    let mut due: Vec<(Timestamp, SecretKey)> =
        secrets().filter_map(|secret| Some((due_since(world, secret, service)?, secret.key.clone()))).collect();
    due.sort();
    due.into_iter().take(room).map(|(_, key)| key).collect()
}

/// How many users of a service the secret has that are being replaced: only those that are its own to replace count.
fn retiring(world: &World, secret: &Secret, service: &ServiceKey) -> usize {
    let on_service = secret.retired().iter().filter(|entry| entry.service == *service).map(Retired::account);
    let own = on_service.filter(|user| {
        let app = retire::made_for(world, secret, user);
        let exists = matches!(world.user(user), Lookup::Found(_));
        exists && app.is_some_and(|app| retire::service_type(world, &app, user).is_ok())
    });
    own.count()
}

/// Since when the user that a secret has on a service is to be replaced, if it is and nothing is in the way.
fn due_since(world: &World, secret: &Secret, service: &ServiceKey) -> Option<Timestamp> {
    let app = holder(world.here(&secret.key.namespace), &secret.key.name)?;
    let target = app.targets().ok()?.iter().find(|target| target.secret == secret.key.name)?;
    let on_service = |claim: &&Claim| claim.project == service.project && claim.services.contains(&service.service);
    let wanted = |claim: &&Claim| {
        target.wants.iter().any(|want| want.service_type == claim.service_type && want.slot == claim.slot)
    };
    let claim = secret.claims().iter().filter(on_service).find(wanted)?;
    let user = service.user(claim.username.clone());
    let Lookup::Found(observed) = world.user(&user) else { return None };
    let of = InUse { secret, app, service_type: claim.service_type, user: &user, observed };
    let turn = next(world, of)?;
    let free = !secret.terminating && !secret.paused() && !secret.immutable && !app.paused && !of.is_protected();
    let own = why_not_own(world, &app.key, claim.service_type, (&secret.key, &user)).is_none();
    let subject = Subject::Application(app.key.clone());
    let failing =
        backoff::why_not_now(world, &subject, &secret.key.name, (Some(app.generation), &mut Notes::default()))
            .is_some();
    (world.now >= turn.at && free && own && !failing).then_some(turn.at)
}
