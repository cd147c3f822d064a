//! Rules about writing a Secret: whose it is, which keys are ours, and that every name in it leads somewhere.
//!
//! Takes as given that a patch sets what it names and leaves everything else as it is.

use std::collections::BTreeMap;

use super::rule::Rule;
use super::{Case, Findings, forbid, user};
use crate::action::{Operation, WriteKeys};
use crate::reason::Reason;
use crate::value::Value;
use crate::want::{ServiceType, Want};
use crate::world::{
    AppKey, Application, Claim, Entry, Lookup, Name, Secret, SecretKey, Subject, UserKey, World, names,
};

/// May a Secret be written like that?
pub(super) fn write(case: &Case<'_>, write: &WriteKeys) -> Findings {
    let key = SecretKey { namespace: write.namespace.clone(), name: write.name.clone() };
    let mut findings = vec![];
    let before = match (write.operation, case.world.secret(&key)) {
        (Operation::Create, Lookup::Absent) => Secret::new(key.clone(), BTreeMap::new()),
        (Operation::Create, Lookup::Found(_) | Lookup::Unseen(_)) => {
            return vec![(Rule::Exists, format!("{key} is made and may exist"))];
        }
        (Operation::Patch, Lookup::Found(Entry::Managed(secret))) => {
            findings.extend(patchable(secret, write));
            Secret::clone(secret)
        }
        (
            Operation::Patch,
            Lookup::Found(Entry::Foreign { .. } | Entry::Absent) | Lookup::Absent | Lookup::Unseen(_),
        ) => {
            return vec![(Rule::NotOurSecret, format!("{key} is not managed"))];
        }
    };
    let after = before.with_annotations(annotated(&before, write));
    findings.extend(ours(case, write, &before));
    findings.extend(claimed(case, &before, write.operation));
    findings.extend(resolved(case, write, &before, &after));
    findings.extend(lost(case, &before, &after));
    findings.extend(orphaned(case, write, &before, &after));
    findings
}

fn patchable(secret: &Secret, write: &WriteKeys) -> Findings {
    let key = &secret.key;
    let mut findings = vec![];
    let expected = write.expect.as_ref();
    let same = expected.is_some_and(|expect| expect.uid == secret.uid && expect.version == secret.version);
    forbid(&mut findings, !same, Rule::StaleObject, || format!("{key} is another one"));
    forbid(&mut findings, secret.terminating, Rule::StaleObject, || format!("{key} is being deleted"));
    let frozen = secret.immutable && !(write.set.is_empty() && write.remove.is_empty());
    forbid(&mut findings, frozen, Rule::Immutable, || format!("{key} is immutable"));
    forbid(&mut findings, secret.paused(), Rule::Paused, || format!("{key} is paused"));
    findings
}

fn annotated(before: &Secret, write: &WriteKeys) -> BTreeMap<Name, Name> {
    let mut annotations = before.annotations().clone();
    for (name, value) in &write.annotations {
        if let Some(Value::Text { text }) = value {
            annotations.insert(name.clone(), text.clone());
        } else if value.is_none() {
            annotations.remove(name);
        }
    }
    annotations
}

/// Are the keys and metadata that it touches ours?
fn ours(case: &Case<'_>, write: &WriteKeys, before: &Secret) -> Findings {
    let mut findings = vec![];
    let key = &before.key;
    let recorded = before.claims().iter().flat_map(Claim::keys);
    let wanted = wants(case, &key.name).flat_map(Want::keys).map(|(key, _)| key);
    let mut known: Vec<Name> = recorded.chain(wanted).collect();
    known.extend(["AIVEN_CA".into(), "AIVEN_SECRET_UPDATED".into()]);
    for touched in write.set.keys().chain(&write.remove) {
        forbid(&mut findings, !known.contains(touched), Rule::NotOurKey, || format!("{key}: key {touched}"));
    }
    for label in write.labels.keys().filter(|label| !names::LABELS.contains(&label.as_str())) {
        findings.push((Rule::NotOurKey, format!("{key}: label {label}")));
    }
    let of_people = [names::PAUSED, names::SKIP_CLEANUP];
    let is_ours = |name: &&Name| names::is_ours(name) && !of_people.contains(&name.as_str());
    for annotation in write.annotations.keys().filter(|name| !is_ours(name)) {
        findings.push((Rule::NotOurKey, format!("{key}: annotation {annotation}")));
    }
    let finalizers = write.finalizers.iter().all(|finalizer| *finalizer == names::FINALIZER);
    forbid(&mut findings, !finalizers, Rule::NotOurKey, || format!("{key}: a finalizer of others"));
    findings
}

/// What the subject's application asks to have in the secret.
fn wants<'p>(case: &Case<'p>, secret: &Name) -> impl Iterator<Item = &'p Want> {
    let app = asking(case);
    let targets = app.and_then(|app| app.targets().ok()).unwrap_or_default();
    let here: Vec<&Want> =
        targets.iter().filter(|target| target.secret == *secret).flat_map(|target| &target.wants).collect();
    here.into_iter()
}

fn asking<'p>(case: &Case<'p>) -> Option<&'p Application> {
    match case.subject {
        Subject::Application(key) => case.world.application(key),
        Subject::Secret(_) | Subject::User(_) => None,
    }
}

/// Does the secret belong to the application that writes it?
fn claimed(case: &Case<'_>, before: &Secret, operation: Operation) -> Findings {
    let key = &before.key;
    let Some(app) = asking(case) else {
        let own = *case.subject == Subject::Secret(key.clone()) && operation == Operation::Patch;
        return if own { vec![] } else { vec![(Rule::NotOurSecret, format!("{key} is written by {}", case.subject))] };
    };
    let mut findings = vec![];
    let asks = wants(case, &key.name).next().is_some() && key.namespace == app.key.namespace;
    forbid(&mut findings, !asks, Rule::NotOurSecret, || format!("{} does not ask for {key}", app.key));
    // A secret that somebody has stripped of its label is that of the application that its users were made for.
    let stripped = before.app().is_none();
    let made_for = |app: &Application| {
        stripped && before.claims().iter().any(|claim| claim.service_type.gave_name(&app.key, &claim.username))
    };
    let order = |app: &Application| (!made_for(app), app.created, app.key.name.clone());
    let labelled = before.app().and_then(|name| case.world.asking(key).find(|other| other.key.name == *name));
    let writes =
        |app: &&Application| app.targets().is_ok_and(|targets| targets.iter().any(|target| target.secret == key.name));
    let first = case.world.asking(key).filter(writes).min_by_key(|other| order(other));
    let holder = labelled.or(first);
    let other = holder.is_some_and(|holder| holder.key != app.key);
    forbid(&mut findings, other, Rule::NotOurSecret, || format!("{key} is another application's"));
    findings
}

/// Does everything that it names exist, and is it the application's own?
fn resolved(case: &Case<'_>, write: &WriteKeys, before: &Secret, after: &Secret) -> Findings {
    let mut findings = vec![];
    let key = &before.key;
    let mut named: Vec<UserKey> = write.set.values().filter_map(user_of).cloned().collect();
    named.sort();
    named.dedup();
    for account in &named {
        let exists = case.made(account) || matches!(case.world.user(account), Lookup::Found(_));
        forbid(&mut findings, !exists, Rule::Unresolved, || format!("{key} takes from {account}, which is not there"));
        match case.owner(account) {
            Some((app, _)) => findings.extend(user::foreign(case.world, &app, account)),
            None => findings.push((Rule::NotRecorded, format!("{key} takes from {account}"))),
        }
        let elsewhere = user::others(case.world, account, key).next().is_some();
        forbid(&mut findings, elsewhere, Rule::RecordedElsewhere, || format!("{account} is recorded elsewhere"));
    }
    // A record that was there, and is only made whole by another of its kind, is not this write's.
    let was_there = |claim: &Claim| {
        let same = |known: &Claim| (known.service_type, &known.slot) == (claim.service_type, &claim.slot);
        before.claims().iter().any(|known| same(known) && known.username == claim.username)
    };
    for claim in after.claims().iter().filter(|claim| !was_there(claim)) {
        let there = |user: &UserKey| case.made(user) || matches!(case.world.user(user), Lookup::Found(_));
        let exists = claim.accounts().any(|account| there(&account));
        forbid(&mut findings, !exists, Rule::Unresolved, || format!("{key} records {}", claim.username));
    }
    for project in write.set.values().filter_map(project_of) {
        let settings = case.world.settings();
        let named = settings.projects.contains(project) || settings.main_project == *project;
        forbid(&mut findings, !named, Rule::ServiceNotUsable, || format!("{key} takes the CA of {project}"));
    }
    findings
}

fn user_of(value: &Value) -> Option<&UserKey> {
    match value {
        Value::User { user, .. } | Value::Keystore { user } => Some(user),
        Value::Text { .. } | Value::Ca { .. } | Value::Truststore { .. } | Value::Clock | Value::StoreDigests => None,
    }
}

fn project_of(value: &Value) -> Option<&Name> {
    match value {
        Value::Ca { project } | Value::Truststore { project } => Some(project),
        Value::Text { .. } | Value::User { .. } | Value::Keystore { .. } | Value::Clock | Value::StoreDigests => None,
    }
}

/// Does it drop the record of a user that is the secret's own and may exist?
fn lost(case: &Case<'_>, before: &Secret, after: &Secret) -> Findings {
    let Some(label) = before.app() else { return vec![] };
    let app = AppKey { namespace: before.key.namespace.clone(), name: label.clone() };
    let kept: Vec<UserKey> = after.accounts().collect();
    let dropped = before.accounts().filter(|account| !kept.contains(account) && is_meant(case.world, before, account));
    let lost = dropped.filter(|account| is_own(case.world, &app, &before.key, account) && !case.deleted(account));
    lost.map(|account| (Rule::UserLost, format!("{} forgets {account}", before.key))).collect()
}

/// Whether a record means that account: of the services that it can stand for, the first that exists.
fn is_meant(world: &World, secret: &Secret, account: &UserKey) -> bool {
    let exists = |other: &UserKey| matches!(world.service(&other.service_key()), Lookup::Found(_));
    let before = |claim: &Claim| claim.accounts().take_while(|other| other != account).any(|other| exists(&other));
    let mut of_it = secret.claims().iter().filter(|claim| claim.accounts().any(|other| other == *account)).peekable();
    of_it.peek().is_none() || of_it.any(|claim| !before(claim))
}

/// Does it change the label that says for whom a user in use was made, so that nobody will know?
fn orphaned(case: &Case<'_>, write: &WriteKeys, before: &Secret, after: &Secret) -> Findings {
    let (Some(old), Some(new)) = (before.app(), write.labels.get(names::APP)) else { return vec![] };
    let app = |name: &Name| AppKey { namespace: before.key.namespace.clone(), name: name.clone() };
    let gave = |name: &Name, account: &UserKey| {
        ServiceType::ALL.into_iter().any(|service_type| service_type.gave_name(&app(name), &account.username))
    };
    let known = |account: &UserKey| new.as_ref().is_some_and(|new| gave(new, account));
    let own = |account: &UserKey| is_own(case.world, &app(old), &before.key, account);
    let in_use = after.claims().iter().flat_map(Claim::accounts);
    let orphans = in_use.filter(|account| !known(account) && own(account));
    orphans
        .map(|account| (Rule::UserLost, format!("{} is no longer for {old}, but has {account}", before.key)))
        .collect()
}

fn is_own(world: &World, app: &AppKey, key: &SecretKey, account: &UserKey) -> bool {
    if user::others(world, account, key).next().is_some() {
        return false;
    }
    match world.user(account) {
        Lookup::Absent => false,
        Lookup::Found(_) => user::foreign(world, app, account).is_empty(),
        Lookup::Unseen(_) => {
            let may_use = |service_type: ServiceType| {
                let why = service_type.why_not_usable(world, &app.namespace, &account.service_key());
                why.is_none_or(|reason| matches!(reason, Reason::NotObserved { .. }))
            };
            let types = ServiceType::ALL.into_iter();
            types.filter(|kind| kind.gave_name(app, &account.username)).any(may_use)
        }
    }
}
