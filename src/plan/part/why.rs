//! Why a secret is written for one service, in the order in which the reasons count.
//!
//! Takes as given what was found to differ; decides nothing.

use super::super::contents::Contents;
use super::super::renew;
use super::question::is_stale;
use super::{Ask, is_taken_over};
use crate::reason::{Drift, Reason, Renewal};
use crate::want::{Grant, Want};
use crate::world::{Secret, Service, User, UserKey};

/// What was recorded before a new user.
pub(super) enum Old {
    None,
    Elsewhere(UserKey),
    Gone(UserKey),
    NotOwn(UserKey, Reason),
    Due(UserKey, Reason),
}

/// Why keys or rights are put right for a user that stays.
pub(super) fn why_written(
    (ask, service): (Ask<'_>, &Service),
    (contents, access): (Option<&Contents>, bool),
    (user, observed): (&UserKey, &User),
) -> Reason {
    let right = Contents::default();
    let Contents { set, refresh: _, missing, wrong, credentials, blocked: _, incomplete: _, waits_for_certificate: _ } =
        contents.unwrap_or(&right);
    let offered = ask.secret.filter(|secret| renew::on_offer(secret, observed)).and_then(|secret| secret.certificate);
    let renewed = !credentials.is_empty() && observed.expiring_certificate_ends.is_some();
    if let Some(held) = offered.filter(|_| renewed) {
        return Reason::CertificateEnding { user: user.clone(), ends: held.until, then: Renewal::OnOffer };
    }
    let Want { service_type, access: asked, .. } = ask.want;
    let grant = Grant { service, user, observed: Some(observed), access: *asked };
    let unread = credentials.is_empty() && !set.is_empty() && is_stale(ask, observed);
    let drifts = [
        access.then(|| Drift::Access { user: user.clone(), has: service_type.held_access(&grant), asked: *asked }),
        (!credentials.is_empty()).then(|| Drift::Credentials(user.clone(), credentials.clone())),
        (!missing.is_empty()).then(|| Drift::KeysMissing(missing.clone())),
        (!wrong.is_empty()).then(|| Drift::KeysWrong(wrong.clone())),
        unread.then(|| Drift::Unread(user.clone())),
    ];
    why_changed(ask, drifts.into_iter().flatten().collect())
}

/// Why the secret gets another user.
pub(super) fn why_replaced(ask: Ask<'_>, old: &Old, new: &UserKey) -> Reason {
    match old {
        Old::Due(_, reason) => reason.clone(),
        Old::None => why_changed(ask, vec![Drift::NotRecorded(new.service_key())]),
        Old::Elsewhere(user) => why_changed(ask, vec![elsewhere(ask, user)]),
        Old::Gone(user) => Reason::Drifted { what: vec![Drift::UserGone(user.clone())] },
        Old::NotOwn(user, why) => Reason::Drifted { what: vec![not_own(ask, user, why)] },
    }
}

/// The recorded user is on another service: one that was asked for before, or that the namespace never could use.
fn elsewhere(ask: Ask<'_>, user: &UserKey) -> Drift {
    let why = ask.want.service_type.why_not_usable(ask.here.world, &ask.app.key.namespace, &user.service_key());
    match why {
        Some(why @ Reason::NotOurs { .. }) => not_own(ask, user, &why),
        Some(_) | None => Drift::OtherService(user.clone()),
    }
}

fn not_own(ask: Ask<'_>, user: &UserKey, why: &Reason) -> Drift {
    let before = ask.secret.filter(|secret| is_taken_over(ask.app, secret)).and_then(Secret::app);
    match before {
        Some(before) => Drift::TakenOver(user.clone(), before.clone()),
        None => Drift::NotOwn(user.clone(), Box::new(why.clone())),
    }
}

/// Why a secret is written: it does not exist, the spec is another, or something has drifted.
fn why_changed(ask: Ask<'_>, drifts: Vec<Drift>) -> Reason {
    if ask.secret.is_none() {
        Reason::SecretMissing { secret: ask.key.name.clone() }
    } else if ask.all {
        Reason::ResyncRequested
    } else if ask.app.status.hash != *ask.app.hash() {
        Reason::SpecChanged { first: ask.app.status.is_new(), what: drifts }
    } else {
        Reason::Drifted { what: drifts }
    }
}
