//! What the token sees of Aiven, against what the settings name: looked at once, when the operator begins.
//!
//! Decides only what to say. A project that cannot be seen holds back those who ask for it, and nobody else; one that no
//! setting names is a right that this program does not need.

use std::collections::BTreeSet;

use super::aiven::Client;
use crate::world::{Name, Settings};

/// Says what does not fit; an Aiven that does not answer is told of by whatever is read next.
pub(crate) async fn compare(aiven: Client, settings: Settings) {
    let seen = match aiven.projects().await {
        Ok(projects) => BTreeSet::from_iter(projects),
        Err(error) => return tracing::warn!("the projects of the token could not be listed: {error}"),
    };
    let named: BTreeSet<Name> = settings.projects.iter().chain([&settings.main_project]).cloned().collect();
    for project in named.difference(&seen) {
        tracing::warn!(project = &**project, "the token does not see this project: nothing can be made there");
    }
    let more = seen.difference(&named).count();
    if more > 0 {
        tracing::warn!(more, "the token sees projects that no setting names: one for the named ones alone is enough");
    }
}
