//! Laws about what follows: a plan that was executed, an interval in which nothing happens, a way there and back.

use std::collections::BTreeMap;

use aivenator::action::Action;
use aivenator::plan::{Decision, Part, Plan, Verdict, plan, plan_subjects};
use aivenator::sim;
use aivenator::world::{Secret, SecretKey, Subject, Timestamp, World, rfc3339};
use jiff::SignedDuration;
use proptest::prelude::*;

use super::config;
use crate::support::build::{put_app, whole_world, world};
use crate::support::generate::{app, input, seen_input, stuck_input};
use crate::support::hide::visible;
use crate::support::input::Input;
use crate::support::run::{actions_text, at_rest, difference, json, rounds};

/// How many rounds a world may take until nothing is left to do at that moment: users of a secret that goes, the secret,
/// then who takes its place; a name that several want.
const ROUNDS: usize = 8;

proptest! {
    #![proptest_config(config())]

    /// Executing and planning again comes to an end, at that moment and with the time that passes.
    #[test]
    fn converges(input in prop_oneof![4 => input(), 1 => stuck_input()]) {
        let world = world(&input);
        let (all, quiet) = rounds(&world, ROUNDS);
        prop_assert!(quiet, "after {ROUNDS} rounds:\n{}", all.iter().map(|(_, plan)| actions_text(plan)).collect::<Vec<_>>().join("\n--\n"));
        let end = world.now + SignedDuration::from_hours(9 * 24);
        let rest = at_rest(&world, end);
        prop_assert!(rest.is_ok(), "{}", rest.err().unwrap_or_default());
    }

    /// What a plan has done it does not do again: no action comes twice, and no secret is written twice by the same
    /// decision for the same reason.
    #[test]
    fn idempotent(input in input()) {
        let world = world(&input);
        let (all, _) = rounds(&world, ROUNDS);
        let mut done: BTreeMap<String, usize> = BTreeMap::new();
        for (round, (world, plan)) in all.iter().enumerate() {
            for (decision, action) in changes(plan) {
                // Of two entries of the journal for one user, one is cleared at a time.
                let entries = world.journal().map_or(0, |journal| match &decision.subject {
                    Subject::User(user) => usize::from(journal.intents.contains_key(user)),
                    Subject::Application(_) | Subject::Secret(_) => 0,
                });
                let what = format!("{}: {} {entries}", decision.subject, unversioned(action));
                let before = done.insert(what.clone(), round);
                prop_assert!(before.is_none(), "round {round} does again what round {before:?} did: {what}");
            }
        }
    }

    /// What a plan has an application's status say, or leaves it saying, the next one does not take back, but where it
    /// waits for others.
    #[test]
    fn statuses_last(input in prop_oneof![input(), stuck_input()]) {
        let world = world(&input);
        let whole = plan(&world);
        for decision in whole.decisions.iter().filter(|decision| matches!(decision.subject, Subject::Application(_))) {
            let waits = |part: &Part| matches!(part.reason.code(), "NameTaken" | "RecordedElsewhere" | "Settling");
            // Of several secrets that record one user, one forgets it at a time.
            if decision.parts.iter().any(waits) || shares_a_user(&world, &decision.subject) {
                continue;
            }
            let alone = Plan { decisions: vec![decision.clone()], reads: [].into(), ..whole.clone() };
            let after = sim::execute(&world, &alone);
            let again = plan_subjects(&after, &[decision.subject.clone()].into());
            let texts = || format!("{}\n--\n{}", actions_text(&alone), actions_text(&again));
            let takes_back = |(_, action): (&Decision, &Action)| matches!(action, Action::UpdateStatus(_));
            prop_assert!(!changes(&again).any(takes_back), "{}", texts());
        }
    }

    /// Time never ends: a plan wakes at a moment that comes, or at none.
    #[test]
    fn wakes_at_moments_that_come(input in prop_oneof![input(), stuck_input()]) {
        let plan = plan(&world(&input));
        let end: Timestamp = "9000-01-01T00:00:00Z".parse().unwrap();
        prop_assert!(plan.wake_at.is_none_or(|wake| wake < end), "{:?}", plan.wake_at);
    }

    /// Until a plan wakes nothing changes in it.
    #[test]
    fn sleeps_soundly(input in input(), part in 1_i64..100) {
        let mut world = world(&input);
        world.now += SignedDuration::from_secs(7);
        let before = plan(&world);
        let horizon = world.now + SignedDuration::from_hours(24 * 1000);
        let wake = before.wake_at.unwrap_or(horizon);
        prop_assert!(before.wake_at.is_none_or(|wake| wake > world.now), "it wakes in the past");
        let span = wake.as_second() - world.now.as_second();
        let mut later = world.clone();
        for then in [world.now.as_second() + span * part / 100, wake.as_second() - 1] {
            later.now = Timestamp::from_second(then.max(world.now.as_second())).unwrap();
            let after = plan(&later);
            let (after, before) = (timeless(&after), timeless(&before));
            prop_assert!(after == before, "{}", difference(&before, &after));
        }
    }

    /// An application that is changed and changed back before anything was done has lost nothing.
    #[test]
    fn path_independent(input in seen_input(), other in app()) {
        let input = Input { accesses: vec![], changes: vec![], failures: vec![], ..input };
        let Some(first) = input.apps.last().filter(|app| !app.terminating && app.expires.is_none()) else { return Ok(()) };
        let world = whole_world(&input);
        let (all, quiet) = rounds(&world, ROUNDS);
        prop_assume!(quiet);
        let here = all.last().unwrap().0.clone();
        let mut away = here.clone();
        put_app(&mut away, &aivenator_app(first, &other));
        put_app(&mut away, first);
        let (all, quiet) = rounds(&away, ROUNDS);
        prop_assert!(quiet);
        let back = &all.last().unwrap().0;
        let (here, back) = (without_generations(&here), without_generations(back));
        prop_assert!(here == back, "{}", difference(&here, &back));
    }

    /// Conditions that stand change nothing: where everything is as it shall be, the state of instances and services
    /// that are there but cannot be used brings no action.
    #[test]
    fn standing_conditions_change_nothing(input in seen_input()) {
        let input = Input { failures: vec![], ..input };
        let world = whole_world(&input);
        let (all, quiet) = rounds(&world, ROUNDS);
        prop_assume!(quiet);
        let mut resting = all.last().unwrap().0.clone();
        let keys: Vec<_> = resting.projects().filter_map(|(name, project)| Some((name.clone(), project.seen()?.clone()))).collect();
        for (name, project) in keys {
            for service in project.services.keys() {
                let key = aivenator::world::ServiceKey { project: name.clone(), service: service.clone() };
                resting.edit_service(&key, |service| service.state = "REBUILDING".into());
            }
        }
        let before = &all.last().unwrap().1;
        let plan = plan(&resting);
        for (decision, action) in changes(&plan) {
            let Subject::Application(key) = &decision.subject else { continue };
            let well = |it: &&Decision| it.subject == decision.subject && it.verdict == Verdict::Keep;
            let complete = resting.application(key).is_some_and(|app| app.status.state == "RolloutComplete");
            prop_assert!(!complete || !before.decisions.iter().any(|it| well(&it)), "{key} gets {action:?}\n{}", actions_text(&plan));
        }
    }
}

/// The plan without the moment that it was made for, which also stands in what it writes.
fn timeless(plan: &Plan) -> String {
    json(plan).replace(&rfc3339(plan.now), "now")
}

/// Whether one of the secrets that the application asks for records a user that another one records as well.
fn shares_a_user(world: &World, subject: &Subject) -> bool {
    let Subject::Application(key) = subject else { return false };
    let names = world.application(key).into_iter().flat_map(|app| app.spec.secret_names());
    let secrets = names.filter_map(|name| world.managed(&SecretKey::new(key.namespace.clone(), name.clone())));
    secrets.flat_map(Secret::accounts).any(|user| world.recorders(&user).len() > 1)
}

fn aivenator_app(
    first: &crate::support::input::AppInput,
    other: &crate::support::input::AppInput,
) -> crate::support::input::AppInput {
    crate::support::input::AppInput {
        namespace: first.namespace,
        name: first.name,
        terminating: false,
        expires: None,
        paused: first.paused,
        ..other.clone()
    }
}

fn changes(plan: &Plan) -> impl Iterator<Item = (&Decision, &Action)> {
    plan.decisions.iter().flat_map(|decision| {
        let actions = decision.actions.iter().map(|planned| &planned.action).filter(|action| action.is_change());
        actions.map(move |action| (decision, action))
    })
}

/// An action without the version that it was decided on.
fn unversioned(action: &Action) -> String {
    let mut json = serde_json::to_value(action).unwrap();
    json.as_object_mut().unwrap().remove("resource_version");
    json.to_string()
}

fn without_generations(world: &World) -> String {
    let lines: Vec<String> = visible(world)
        .lines()
        .map(|line| {
            let mut words: Vec<&str> = vec![];
            let mut skip = false;
            for word in line.split(' ') {
                if skip {
                    skip = false;
                    continue;
                }
                skip = word.ends_with("generation:") || word.ends_with("_generation:");
                words.push(word);
            }
            words.join(" ")
        })
        .collect();
    lines.join("\n")
}
