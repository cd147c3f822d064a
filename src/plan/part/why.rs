//! Why a secret is written for one service, in the order in which the reasons count.
//!
//! Takes as given what was found to differ; decides nothing.

use super::super::contents::Contents;
use super::super::renew;
use super::Ask;
use crate::reason::{Drift, Reason, Renewal};
use crate::world::{User, UserKey};

/// What was recorded before a new user.
pub(super) enum Old {
    None,
    Elsewhere(UserKey),
    Gone(UserKey),
    NotOwn(UserKey),
    Due(UserKey, Reason),
}

/// Why keys or rights are put right for a user that stays.
pub(super) fn why_written(
    ask: Ask<'_>,
    (contents, access): (Option<&Contents>, bool),
    (user, observed): (&UserKey, &User),
) -> Reason {
    let right = Contents::default();
    let Contents { set: _, refresh: _, missing, wrong, credentials, blocked: _, incomplete: _ } =
        contents.unwrap_or(&right);
    let offered = ask.secret.filter(|secret| renew::on_offer(secret, observed)).and_then(|secret| secret.certificate);
    if let Some(held) = offered.filter(|_| *credentials && observed.expiring_certificate_ends.is_some()) {
        return Reason::CertificateEnding { user: user.clone(), ends: held.until, then: Renewal::OnOffer };
    }
    let drifts = [
        access.then(|| Drift::Access(user.clone())),
        credentials.then(|| Drift::Credentials(user.clone())),
        (!missing.is_empty()).then(|| Drift::KeysMissing(missing.clone())),
        (!wrong.is_empty()).then(|| Drift::KeysWrong(wrong.clone())),
    ];
    why_changed(ask, drifts.into_iter().flatten().collect())
}

/// Why the secret gets another user.
pub(super) fn why_replaced(ask: Ask<'_>, old: &Old, new: &UserKey) -> Reason {
    match old {
        Old::Due(_, reason) => reason.clone(),
        Old::None => why_changed(ask, vec![Drift::NotRecorded(new.service_key())]),
        Old::Elsewhere(user) => why_changed(ask, vec![Drift::OtherService(user.clone())]),
        Old::Gone(user) => Reason::Drifted { what: vec![Drift::UserGone(user.clone())] },
        Old::NotOwn(user) => Reason::Drifted { what: vec![Drift::NotOwn(user.clone())] },
    }
}

/// Why a secret is written: it does not exist, the spec is another, or something has drifted.
fn why_changed(ask: Ask<'_>, drifts: Vec<Drift>) -> Reason {
    if ask.secret.is_none() {
        Reason::SecretMissing { secret: ask.key.name.clone() }
    } else if ask.all {
        Reason::ResyncRequested
    } else if ask.app.status.hash != *ask.app.hash() {
        Reason::SpecChanged
    } else {
        Reason::Drifted { what: drifts }
    }
}
