//! Rules about the end of Secrets: what must be so before one is deleted or its finalizer is released.
//!
//! Takes as given that deleting a Secret is not the end of its users: the finalizer sees to them.

use super::rule::Rule;
use super::{Case, Findings, forbid, user};
use crate::want::ServiceType;
use crate::world::{AppKey, Claim, Expect, Kind, Lookup, Secret, SecretKey, Timestamp, UserKey, WorkloadKind, World};

/// May a Secret be deleted?
pub(super) fn delete(case: &Case<'_>, key: &SecretKey, expect: &Expect) -> Findings {
    let world = case.world;
    let Some(secret) = world.managed(key) else {
        return vec![(Rule::NotOurSecret, format!("{key} is not managed"))];
    };
    let mut findings = vec![];
    let same = secret.uid == expect.uid && secret.version == expect.version && !secret.terminating;
    forbid(&mut findings, !same, Rule::StaleObject, || format!("{key} is another one"));
    let asked = world.asking(key).next().is_some();
    forbid(&mut findings, asked, Rule::SecretInUse, || format!("{key} is asked for"));
    let used = world.using(key).next().is_some();
    forbid(&mut findings, used, Rule::SecretInUse, || format!("{key} is used"));
    forbid(&mut findings, secret.protection().holds(world.now), Rule::Protected, || format!("{key} is protected"));
    forbid(&mut findings, secret.paused(), Rule::Paused, || format!("{key} is paused"));
    let kinds = [Kind::Application, Kind::Secret].into_iter().chain(WorkloadKind::ALL.map(Kind::Workload));
    for kind in kinds.filter(|kind| world.why_unlisted(*kind).is_some()) {
        findings.push((Rule::NotObserved, format!("{key}: a {kind} may want it")));
    }
    let young = [secret.created, secret.last_wanted, world.complete_since].into_iter().flatten();
    let until = young.filter_map(|since| since.checked_add(world.settings().janitor_grace).ok()).max();
    let too_young = until.is_some_and(|until: Timestamp| until > world.now);
    forbid(&mut findings, too_young, Rule::TooYoung, || format!("{key} was wanted a moment ago"));
    findings
}

/// May a finalizer be released?
pub(super) fn release(case: &Case<'_>, key: &SecretKey, expect: &Expect, left_behind: &[UserKey]) -> Findings {
    let world = case.world;
    let Some(secret) = world.managed(key) else {
        return vec![(Rule::NotOurSecret, format!("{key} is not managed"))];
    };
    let mut findings = vec![];
    let same = secret.uid == expect.uid && secret.version == expect.version;
    forbid(&mut findings, !same, Rule::StaleObject, || format!("{key} is another one"));
    let terminating = secret.terminating && secret.finalizer;
    forbid(&mut findings, !terminating, Rule::NotTerminating, || format!("{key} stays"));
    let broken = !secret.faults().is_empty() && !secret.skip_cleanup();
    forbid(&mut findings, broken, Rule::RecordsBroken, || format!("{key}: users may be lost"));
    for account in secret.accounts() {
        findings.extend(remains(case, secret, &account, left_behind));
    }
    findings
}

/// Why an account that the secret records keeps it from going.
fn remains(case: &Case<'_>, secret: &Secret, account: &UserKey, left_behind: &[UserKey]) -> Findings {
    let world = case.world;
    let key = &secret.key;
    let settled = case.deleted(account) || matches!(world.user(account), Lookup::Absent);
    let alive = user::others(world, account, key).any(|other| !other.terminating);
    if settled || alive {
        return vec![];
    }
    // A Kafka record can stand for two services of its pool; noting one of them is noting it.
    let same = |noted: &UserKey| noted.project == account.project && noted.username == account.username;
    let noted = left_behind.iter().any(same);
    if secret.skip_cleanup() {
        let sure = matches!(world.user(account), Lookup::Found(_));
        let lost = !noted && sure;
        return if lost { vec![(Rule::UserRemains, format!("{account} is noted nowhere"))] } else { vec![] };
    }
    let Some(app) = case.replaced_for(account, key).or_else(|| secret.app().cloned()) else {
        return vec![(Rule::RecordsBroken, format!("{key} says not for which application {account} is"))];
    };
    let app = AppKey { namespace: key.namespace.clone(), name: app };
    let may_be_ours = perhaps_own(world, secret, &app, account);
    if noted && !may_be_ours {
        return vec![];
    }
    vec![(Rule::UserRemains, format!("{account} may exist, and {key} lets it go"))]
}

/// Whether the user could be the secret's own; what was not observed could be.
fn perhaps_own(world: &World, secret: &Secret, app: &AppKey, account: &UserKey) -> bool {
    let is_of = |claim: &&Claim| claim.accounts().any(|it| it == *account);
    let claimed = secret.claims().iter().find(is_of).map(|claim| claim.service_type);
    let types = claimed.map_or_else(|| ServiceType::ALL.to_vec(), |service_type| vec![service_type]);
    let named = types.iter().any(|service_type| service_type.gave_name(app, &account.username));
    if !named {
        return false;
    }
    match world.service(&account.service_key()) {
        Lookup::Found(_) => user::foreign(world, app, account).is_empty(),
        Lookup::Absent => false,
        Lookup::Unseen(_) => true,
    }
}
