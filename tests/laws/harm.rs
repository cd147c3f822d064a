//! Laws about harm: what no plan does in any world, whatever annotations say and whatever could not be read.

use std::collections::BTreeSet;

use aivenator::action::Action;
use aivenator::check::{Rule, check};
use aivenator::plan::plan;
use aivenator::read::Read;
use aivenator::want::ServiceType;
use aivenator::world::{AppKey, Expect, Kind, Lookup, Name, SecretKey, Subject, UserKey, WorkloadKind, World};
use proptest::prelude::*;

use super::config;
use crate::support::account::user_key;
use crate::support::build::{record, whole_world, world};
use crate::support::generate::{account, input, one_unseen, seen_input};
use crate::support::hide::hide;
use crate::support::input::{Input, NAMESPACES, SECRETS, SecretEdit, SecretInput, pick};
use crate::support::run::{actions_text, destructive, rounds};
use crate::support::secrets::edit_secret;

/// No plan on the way to rest breaks one of these rules.
fn never(input: &Input, rules: &[Rule]) -> Result<(), TestCaseError> {
    let (all, _) = rounds(&world(input), 6);
    for (world, plan) in &all {
        for violation in check(world, plan) {
            let named = rules.is_empty() || rules.contains(&violation.rule);
            prop_assert!(!named, "{violation}\n{}", actions_text(plan));
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(config())]

    /// Judged by the rules of safety, every plan is clean.
    #[test]
    fn check_is_clean(input in input()) {
        never(&input, &[])?;
    }

    /// What a value or a record names exists, or is made before in the same step.
    #[test]
    fn references_resolve(input in input()) {
        never(&input, &[Rule::Unresolved])?;
    }

    /// A Secret that is not managed, or is another application's, is never written or deleted.
    #[test]
    fn never_takes_foreign_secrets(input in input()) {
        let (all, _) = rounds(&world(&input), 4);
        for (world, plan) in &all {
            for key in plan.actions().filter_map(touched_secret) {
                let ours = world.managed(&key).is_some() || matches!(world.secret(&key), Lookup::Absent);
                prop_assert!(ours, "{key}\n{}", actions_text(plan));
            }
        }
        never(&input, &[Rule::NotOurSecret, Rule::Exists])?;
    }

    /// A Secret that is asked for or used is never deleted.
    #[test]
    fn never_deletes_what_is_used(input in input()) {
        let truth = whole_world(&input);
        let plan = plan(&world(&input));
        for action in plan.actions() {
            if let Action::DeleteSecret { namespace, name, .. } = action {
                let key = SecretKey::new(namespace.clone(), name.clone());
                prop_assert!(truth.asking(&key).next().is_none(), "{key} is asked for");
                prop_assert!(truth.using(&key).next().is_none(), "{key} is used");
            }
        }
    }

    /// A protected Secret is never deleted.
    #[test]
    fn never_deletes_protected(input in input()) {
        let world = world(&input);
        for action in plan(&world).actions() {
            if let Action::DeleteSecret { namespace, name, .. } = action {
                let secret = world.managed(&SecretKey::new(namespace.clone(), name.clone())).unwrap();
                prop_assert!(!secret.protection().holds(world.now));
            }
        }
    }

    /// No user is deleted while a secret that stays records it, even if that secret was out of sight.
    #[test]
    fn no_user_deleted_while_recorded(input in input()) {
        let truth = whole_world(&input);
        for user in plan(&world(&input)).actions().filter_map(deleted) {
            for key in truth.recorders(user).iter() {
                let secret = truth.managed(key).unwrap();
                let in_use = secret.claims().iter().flat_map(aivenator::world::Claim::accounts).any(|it| it == *user);
                prop_assert!(secret.terminating || !in_use, "{user} is in use by {key}");
            }
        }
    }

    /// A name is given only if nothing speaks of it and nobody has it.
    #[test]
    fn no_name_created_while_recorded_intended_or_retiring(input in input()) {
        let truth = whole_world(&input);
        for user in plan(&world(&input)).actions().filter_map(created) {
            prop_assert!(truth.recorders(user).is_empty(), "{user} is recorded");
            prop_assert!(!matches!(truth.user(user), Lookup::Found(_)), "{user} exists");
            let journal = truth.journal().unwrap();
            prop_assert!(!journal.retirements.contains_key(user), "{user} is retiring");
        }
        never(&input, &[Rule::NameInUse, Rule::NoIntent])?;
    }

    /// Users whose name no application of the namespaces was given are never read, granted, changed or deleted.
    #[test]
    fn foreign_users_are_never_read_granted_or_deleted(input in input()) {
        let world = world(&input);
        let plan = plan(&world);
        for decision in &plan.decisions {
            let namespace = namespace_of(&world, &decision.subject);
            for user in decision.actions.iter().flat_map(|planned| touched_users(&planned.action)) {
                prop_assert!(user.username != "avnadmin" && user.username != "somebody", "{user}");
                prop_assert!(user.project != "p9", "{user}");
                let own = namespace.as_ref().is_some_and(|namespace| is_own(namespace, user));
                prop_assert!(own, "{} touches {user}", decision.subject);
            }
        }
        // Whoever reads a user is shown its credentials.
        for read in &plan.reads {
            if let Read::User(user) | Read::Credentials(user) = read {
                prop_assert!(user.username != "avnadmin" && user.username != "somebody", "{user} is read");
                prop_assert!(user.project != "p9", "{user} is read");
            }
        }
        never(&input, &[Rule::NotOwnName, Rule::BuiltIn, Rule::ServiceNotUsable])?;
    }

    /// A part that could not be read brings no destructive action with it that would not be done with it in sight, if
    /// perhaps some rounds later.
    #[test]
    fn unseen_is_left_alone(input in seen_input(), part in one_unseen()) {
        let whole = whole_world(&input);
        let (all, _) = rounds(&whole, 8);
        let seen: Vec<Action> = all.iter().flat_map(|(_, plan)| destructive(plan)).map(in_the_end).collect();
        let hidden = plan(&hide(&whole, &[part]));
        for action in destructive(&hidden).into_iter().map(in_the_end) {
            prop_assert!(seen.contains(&action), "only because something is unseen: {action:?}");
        }
    }

    /// What a tenant writes on a Secret of its namespace gives nobody more: nothing of other namespaces is deleted,
    /// granted or read.
    #[test]
    fn hostile_annotations_widen_nothing(
        input in seen_input(),
        name in 0_usize..3,
        accounts in prop::collection::vec((account(), any::<bool>()), 1..4),
    ) {
        let mut before = whole_world(&input);
        let edits = accounts.iter().map(|(account, retired)| {
            let account = crate::support::input::Account { exists: false, ..account.clone() };
            if *retired { SecretEdit::Retired(account, 100) } else { SecretEdit::Record(account) }
        });
        let forged = SecretInput { namespace: 1, name, edits: edits.collect() };
        // Whoever writes a record in place of another takes that away, and what it held back goes on.
        strip_replaced(&mut before, &forged);
        let mut after = before.clone();
        edit_secret(&mut after, &forged);
        let known: BTreeSet<String> = plan(&before).actions().flat_map(touched_users).map(ToString::to_string).collect();
        let plan = plan(&after);
        for user in plan.actions().flat_map(touched_users) {
            let own = is_own(&pick(&NAMESPACES, 1).into(), user);
            let new = !matches!(after.user(user), Lookup::Found(_));
            prop_assert!(own || new || known.contains(&user.to_string()), "{user}\n{}", actions_text(&plan));
        }
    }

    /// Nothing is deleted while something that it rests on was not completely listed.
    #[test]
    fn nothing_is_deleted_on_an_incomplete_view(input in input()) {
        let mut world = world(&input);
        for kind in [Kind::Application, Kind::Secret].into_iter().chain(WorkloadKind::ALL.map(Kind::Workload)) {
            world.unlisted.insert(kind, "not yet".into());
        }
        let plan = plan(&world);
        let deletes = plan.actions().any(|it| matches!(it, Action::DeleteSecret { .. } | Action::DeleteUser { .. }));
        prop_assert!(!deletes, "{}", actions_text(&plan));
    }
}

/// What an action does, whatever the version, and whatever it notes of users that are not ours in any case.
fn in_the_end(action: Action) -> Action {
    match action {
        Action::ReleaseSecret { namespace, name, .. } => {
            Action::ReleaseSecret { namespace, name, left_behind: vec![], expect: Expect::default() }
        }
        Action::DeleteSecret { namespace, name, .. } => {
            Action::DeleteSecret { namespace, name, expect: Expect::default() }
        }
        Action::DeleteApplication { namespace, name, .. } => {
            Action::DeleteApplication { namespace, name, expect: Expect::default() }
        }
        other => other,
    }
}

fn touched_secret(action: &Action) -> Option<SecretKey> {
    match action {
        Action::WriteKeys(write) => Some(SecretKey::new(write.namespace.clone(), write.name.clone())),
        Action::DeleteSecret { namespace, name, .. } | Action::ReleaseSecret { namespace, name, .. } => {
            Some(SecretKey::new(namespace.clone(), name.clone()))
        }
        _ => None,
    }
}

fn deleted(action: &Action) -> Option<&UserKey> {
    if let Action::DeleteUser { user } = action { Some(user) } else { None }
}

fn created(action: &Action) -> Option<&UserKey> {
    if let Action::CreateUser { user, .. } = action { Some(user) } else { None }
}

/// The users that an action reads with secrets, grants, changes or deletes.
fn touched_users(action: &Action) -> Vec<&UserKey> {
    use aivenator::value::Value;
    match action {
        Action::CreateUser { user, .. }
        | Action::SetAccess { user, .. }
        | Action::GrantAcl { user, .. }
        | Action::RevokeAcl { user }
        | Action::DeleteUser { user } => vec![user],
        Action::WriteKeys(write) => write
            .set
            .values()
            .filter_map(|value| match value {
                Value::User { user, .. } | Value::Keystore { user } => Some(user),
                _ => None,
            })
            .collect(),
        _ => vec![],
    }
}

/// Takes away the records that the edits write others in place of.
fn strip_replaced(world: &mut World, input: &SecretInput) {
    let key = SecretKey::new(pick(&NAMESPACES, input.namespace), pick(&SECRETS, input.name));
    let Some(secret) = world.managed(&key) else { return };
    let mut annotations = secret.annotations().clone();
    for edit in &input.edits {
        if let SecretEdit::Record(account) = edit {
            let replaced = record(&account.service, &user_key(account));
            // All records of Valkey share this one.
            annotations.retain(|name, _| *name == "valkey.aiven.nais.io/project" || !replaced.contains_key(name));
        }
    }
    let secret = secret.with_annotations(annotations);
    world.put_secret(secret);
}

fn namespace_of(world: &World, subject: &Subject) -> Option<Name> {
    match subject {
        Subject::Application(key) => Some(key.namespace.clone()),
        Subject::Secret(key) => Some(key.namespace.clone()),
        Subject::User(user) => {
            let journal = world.journal()?;
            let intent = journal.intents.get(user).map(|intent| intent.secret.namespace.clone());
            intent.or_else(|| journal.retirements.get(user).map(|copy| copy.secret.namespace.clone()))
        }
    }
}

/// Whether some application of the namespace could have been given that name.
fn is_own(namespace: &Name, user: &UserKey) -> bool {
    let apps = crate::support::input::APPS.map(|name| AppKey { namespace: namespace.clone(), name: name.into() });
    apps.iter().any(|app| ServiceType::ALL.into_iter().any(|kind| kind.gave_name(app, &user.username)))
}
