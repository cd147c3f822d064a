//! That the laws are not empty: how often the generated worlds hold what the laws are about.

use std::collections::BTreeMap;

use aivenator::plan::plan;
use aivenator::want::ServiceType;
use aivenator::world::{AppKey, Lookup, Protection, Secret, SecretKey, World};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;

use crate::support::build::world;
use crate::support::generate::input;

/// How many worlds are counted.
const WORLDS: usize = 4000;

/// Every situation that a law could stumble over is met, and every action and most reasons come from some world.
#[test]
fn every_situation_is_met() {
    let mut runner = TestRunner::deterministic();
    let mut met: BTreeMap<String, usize> = BTreeMap::new();
    for _ in 0..WORLDS {
        let input = input().new_tree(&mut runner).unwrap().current();
        let world = world(&input);
        let plan = plan(&world);
        let mut found = situations(&world);
        found.extend(plan.actions().map(aivenator::action::Action::name));
        found.extend(plan.decisions.iter().map(|decision| decision.reason.code()));
        found.extend(plan.decisions.iter().flat_map(|decision| &decision.parts).map(|part| part.reason.code()));
        found.sort_unstable();
        found.dedup();
        for situation in found {
            *met.entry(situation.to_owned()).or_default() += 1;
        }
    }
    let rare: Vec<&str> = EXPECTED.into_iter().filter(|name| met.get(*name).copied().unwrap_or_default() < 3).collect();
    assert!(rare.is_empty(), "hardly ever met: {rare:?}\nof {met:#?}");
}

const EXPECTED: [&str; 72] = [
    "secret recorded twice",
    "secret asked for by two",
    "record of a built-in user",
    "record of another's user",
    "record in a foreign project",
    "retired user",
    "legacy record",
    "broken record",
    "unreadable list",
    "terminating secret",
    "paused secret",
    "protected secret",
    "time limit",
    "skip cleanup",
    "immutable secret",
    "no app label",
    "no finalizer",
    "unseen data",
    "certificate",
    "terminating application",
    "paused application",
    "expired application",
    "expiring application",
    "user gone",
    "user there",
    "foreign secret",
    "ambiguous instance",
    "intent of that application",
    "intent of a namesake",
    "journal retirement",
    "journal unseen",
    "pod",
    "replica set",
    "failure",
    "unlisted kind",
    "unseen project",
    // What plans do.
    "record_intent",
    "create_user",
    "set_access",
    "enable_acl",
    "grant_acl",
    "revoke_acl",
    "retire_user",
    "write_keys",
    "delete_user",
    "clear_intent",
    "delete_secret",
    "release_secret",
    "delete_application",
    "update_status",
    "skip_protected",
    "keep_secret",
    // Why.
    "UpToDate",
    "Drifted",
    "SecretMissing",
    "SecretNameMissing",
    "PoolNotAllowed",
    "SecretNotManaged",
    "SecretContested",
    "SecretImmutable",
    "InstanceNotFound",
    "InstanceNotReady",
    "InstanceAmbiguous",
    "NotObserved",
    "NotOurs",
    "RecordedElsewhere",
    "Retiring",
    "Terminating",
    "Abandoned",
    "ServiceFailed",
    "NameTaken",
    "AnnotationInvalid",
];

fn situations(world: &World) -> Vec<&'static str> {
    let mut found = vec![];
    let mut note = |is: bool, name: &'static str| found.extend(is.then_some(name));
    for (namespace, space) in world.namespaces() {
        for app in space.applications() {
            note(app.terminating, "terminating application");
            note(app.paused, "paused application");
            note(app.expired(world.now), "expired application");
            note(app.spec.expires_at.is_some_and(|end| end > world.now), "expiring application");
            let foreign = |name: &str| matches!(space.entry(name), Some(aivenator::world::Entry::Foreign { .. }));
            note(app.spec.secret_names().any(|name| foreign(name)), "foreign secret");
            let key = |name| SecretKey { namespace: namespace.clone(), name };
            let twice = app.spec.secret_names().any(|name| world.asking(&key(name.clone())).count() > 1);
            note(twice, "secret asked for by two");
        }
        for secret in space.secrets() {
            of_secret(world, secret, &mut note);
        }
        for (key, _) in space.workloads() {
            note(key.kind.as_str() == "Pod", "pod");
            note(key.kind.as_str() == "ReplicaSet", "replica set");
        }
        for ((kind, name), _) in space.instances() {
            note(world.holders(kind, name).count() > 1, "ambiguous instance");
        }
    }
    of_journal(world, &mut note);
    note(!world.failures.is_empty(), "failure");
    note(!world.unlisted.is_empty(), "unlisted kind");
    note(world.projects().any(|(_, project)| project.seen().is_none()), "unseen project");
    found
}

fn of_secret(world: &World, secret: &Secret, note: &mut impl FnMut(bool, &'static str)) {
    note(secret.terminating, "terminating secret");
    note(secret.paused(), "paused secret");
    note(secret.protection() == Protection::Forever, "protected secret");
    note(matches!(secret.protection(), Protection::Until(_)), "time limit");
    note(secret.skip_cleanup(), "skip cleanup");
    note(secret.immutable, "immutable secret");
    note(secret.app().is_none(), "no app label");
    note(!secret.finalizer, "no finalizer");
    note(secret.data().seen().is_none(), "unseen data");
    note(secret.certificate.is_some(), "certificate");
    note(!secret.faults().is_empty(), "broken record");
    note(secret.hides_retired(), "unreadable list");
    note(!secret.retired().is_empty(), "retired user");
    note(secret.claims().iter().any(|claim| claim.services.is_empty()), "legacy record");
    let app = AppKey { namespace: secret.key.namespace.clone(), name: secret.app().cloned().unwrap_or_default() };
    for user in secret.accounts() {
        note(world.recorders(&user).len() > 1, "secret recorded twice");
        note(user.username == "avnadmin", "record of a built-in user");
        note(user.project == "p9", "record in a foreign project");
        let own = ServiceType::ALL.into_iter().any(|kind| kind.gave_name(&app, &user.username));
        note(!own, "record of another's user");
        note(matches!(world.user(&user), Lookup::Absent), "user gone");
        note(matches!(world.user(&user), Lookup::Found(_)), "user there");
    }
}

fn of_journal(world: &World, note: &mut impl FnMut(bool, &'static str)) {
    let Some(journal) = world.journal() else {
        note(true, "journal unseen");
        return;
    };
    note(!journal.retirements.is_empty(), "journal retirement");
    for intent in journal.intents.values() {
        let app = world.application(&intent.application_key());
        note(app.is_some_and(|app| app.uid == intent.application_uid), "intent of that application");
        note(app.is_some_and(|app| app.uid != intent.application_uid), "intent of a namesake");
    }
}
