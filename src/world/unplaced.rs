//! Records that do not say on which service their user is: which accounts they may mean.
//!
//! Takes as given that they are claims by whoever may edit Secrets in a namespace; never lets one mean what the namespace
//! could not have been given.

use super::key::{SecretKey, UserKey};
use super::{Claim, Lookup, World};
use crate::reason::Reason;
use crate::want::ServiceType;

impl World {
    /// Whether a record of a secret, which does not say on which service, may mean the account.
    pub(super) fn leaves_open(&self, key: &SecretKey, user: &UserKey) -> bool {
        let Some(secret) = self.managed(key) else { return true };
        let service = user.service_key();
        let kind = match self.service(&service) {
            Lookup::Found(found) => ServiceType::named(&found.service_type),
            Lookup::Absent | Lookup::Unseen(_) => None,
        };
        let means = |claim: &Claim| {
            let named = claim.services.is_empty() || claim.services.contains(&service.service);
            let placed = named && (claim.project.is_empty() || claim.project == service.project);
            let why_not = claim.service_type.why_not_usable(self, &key.namespace, &service);
            placed
                && kind.is_none_or(|kind| kind == claim.service_type)
                && !matches!(why_not, Some(Reason::NotOurs { .. }))
        };
        let mut claims = secret.claims().iter().filter(|claim| !claim.is_whole() && claim.username == user.username);
        claims.any(means)
    }
}
