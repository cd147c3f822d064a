//! What a part asks of the comparison of keys, and whether the credentials have to be read first.
//!
//! Takes as given the user that the secret has or gets; compares nothing itself.

use super::super::contents::Question;
use super::super::renew;
use super::super::survey::Notes;
use super::Ask;
use crate::read::Read;
use crate::want::{Resolved, Source};
use crate::world::{Content, User, UserKey};

/// What is asked of the comparison for one user.
pub(super) fn question<'q>(
    ask: Ask<'q>,
    on: &'q Resolved<'q>,
    (user, observed): (&'q UserKey, Option<&'q User>),
    same_user: bool,
) -> Question<'q> {
    let all = ask.secret.is_none() || ask.all;
    // Whoever has changed the record or the name has not changed the credentials with it.
    let same_user = same_user && !observed.is_some_and(|observed| holds_another(ask, observed));
    Question {
        secret: ask.secret,
        want: ask.want,
        service: (&on.key, on.service),
        user,
        observed,
        same_user,
        own: true,
        all,
        moved: false,
        stale: same_user && observed.is_some_and(|observed| is_stale(ask, observed)),
    }
}

/// Whether the secret holds the name of another user than that.
fn holds_another(ask: Ask<'_>, observed: &User) -> bool {
    let Some(secret) = ask.secret else { return false };
    let held = secret.section(ask.want.service_type, &ask.want.slot);
    let mut names = ask.want.service_type.keys().iter().zip(&*held).filter(|(want, _)| want.source == Source::Username);
    names.any(|(_, held)| held.is_some_and(|held| held != Content::Empty && held.same(observed.name) == Some(false)))
}

/// Whether what is not secret says that the credentials are others than those in the secret, and they were not read: the
/// password is younger than the last write or was seen to change, or the certificate does not end when the one in the
/// secret does.
pub(super) fn is_stale(ask: Ask<'_>, observed: &User) -> bool {
    let Some(secret) = ask.secret else { return false };
    let newer = observed.password_updated.zip(secret.written).is_some_and(|(updated, written)| updated > written);
    let unreadable = secret.certificate.is_none()
        && observed.certificate_ends.is_some()
        && matches!(secret.content("KAFKA_CERTIFICATE"), Some(Content::Digest(_)));
    let other = ask.want.service_type.has_certificates() && (renew::on_offer(secret, observed) || unreadable);
    ((newer || observed.changed) && observed.password.is_none()) || (other && observed.certificate.is_none())
}

/// Notes that the credentials have to be read, where they may have changed unseen.
pub(super) fn wish_credentials(ask: Ask<'_>, (user, observed): (&UserKey, &User), notes: &mut Notes) {
    if is_stale(ask, observed) {
        notes.reads.push(Read::Credentials(user.clone()));
    }
}
