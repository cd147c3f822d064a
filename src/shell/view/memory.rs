//! What was read of the users of a service and stays known when a list of them is read.
//!
//! Decides what a list leaves as it was: credentials whose dates are the same, and which users do not exist. Else what is
//! known would come and go with every list. Takes as given that a list shows no credentials; never keeps what it contradicts.

use std::sync::Arc;

use crate::world::{Content, Name, Service, User};

/// Adds to a service that was just read what was known before; of users that do not exist those that are of concern.
#[expect(clippy::disallowed_methods, reason = "in whatever order, the outcome is the same")]
pub(super) fn remember(service: &mut Service, before: &Service, concerns: impl Fn(&Name) -> bool) {
    let gone = before.gone.iter().filter(|name| !service.users.contains_key(*name) && concerns(name));
    service.gone.extend(gone.cloned());
    let with_memory = |(name, user): (&Name, &Arc<User>)| {
        let remembered = remembered(user, before.users.get(name)?)?;
        Some((name.clone(), Arc::new(remembered)))
    };
    let remembered: Vec<(Name, Arc<User>)> = service.users.iter().filter_map(with_memory).collect();
    service.users.extend(remembered);
}

/// A listed user with what its dates say of the credentials that were read before; `None` if that is nothing.
fn remembered(listed: &User, known: &User) -> Option<User> {
    let User { password, certificate, private_key, changed, .. } = *known;
    if listed.password.is_some() || listed.certificate.is_some() || listed.private_key.is_some() {
        return None;
    }
    // Without the moment of its password nothing is known.
    known.password_updated.zip(listed.password_updated)?;
    if known.password_updated != listed.password_updated || changed {
        return Some(User { changed: true, ..listed.clone() });
    }
    let dates = |user: &User| (user.certificate_ends, user.expiring_certificate_ends);
    let was_read = password.is_some_and(|password| password != Content::Empty);
    let same = was_read && dates(known) == dates(listed);
    same.then(|| User { password, certificate, private_key, ..listed.clone() })
}
