//! What comes to light only over several plans, or with more than a world file would hold.

use aivenator::action::Action;
use aivenator::documents::{self, Source};
use aivenator::naming;
use aivenator::plan::{Plan, Verdict, plan};
use aivenator::sim;
use aivenator::world::{Digester, Lookup, ServiceKey, Settings, Timestamp, User, World};
use jiff::SignedDuration;

use crate::support::repository;

const NOW: &str = "2026-11-20T12:00:00Z";

/// The world of a file, with more documents beside it.
fn world(name: &str, more: String, settings: Settings) -> World {
    let file = repository(&format!("fixtures/worlds/{name}.yaml"));
    let text = std::fs::read_to_string(file).unwrap();
    let sources = [("world", text), ("more", more)].map(|(name, text)| Source { name: name.into(), text });
    let world = World::new(moment(NOW), settings, Digester::new(&[7; 32]));
    documents::read(&sources, world, None).unwrap()
}

fn moment(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Aiven need not say when the password of a user was set: nor does it here, of nobody.
#[expect(clippy::disallowed_methods, reason = "the order is that of their names in the end")]
fn without_ages(mut world: World, service: &ServiceKey) -> World {
    let Lookup::Found(found) = world.service(service) else { return world };
    let users: Vec<_> = found.users.iter().map(|(name, user)| (name.clone(), user.clone())).collect();
    for (name, user) in users {
        world.put_user(&service.user(name), User { password_updated: None, ..(*user).clone() });
    }
    world
}

fn created(plan: &Plan) -> usize {
    plan.actions().filter(|action| matches!(action, Action::CreateUser { .. })).count()
}

#[test]
fn a_user_whose_age_nobody_tells_is_replaced_once_in_its_time() {
    let age = SignedDuration::from_hours(90 * 24);
    let settings = Settings { rotate_after: Some(age), ..Settings::default() };
    let service = ServiceKey::new("dev-nais-dev", "opensearch-basseng-leads");
    let mut world = world("rotation-age-of-secret", String::new(), settings);
    let mut replaced = 0;
    for _ in 0..80 * 24 {
        let made = plan(&world);
        replaced += created(&made);
        world = without_ages(sim::execute(&world, &made), &service);
        world = sim::wait_until(&world, world.now + SignedDuration::from_hours(1));
    }
    assert_eq!(replaced, 1, "within {age:#}");
    // Then its time comes again.
    world = sim::wait_until(&world, world.now + SignedDuration::from_hours(30 * 24));
    assert_eq!(created(&plan(&world)), 1);
}

#[test]
fn names_that_are_all_taken_are_not_said_to_be_a_limit_of_the_service() {
    let name = |suffix: String| format!("basseng_kafka-test_2d8814d0_{suffix}");
    let listed = naming::suffixes(1, "kafka-test", None).take(1_000).map(|suffix| {
        let username = name(suffix);
        format!(r#"{{"project":"dev-nais-dev","service":"kafka","username":"{username}","since":"{NOW}"}}"#)
    });
    let forged = format!(
        "apiVersion: v1
kind: Secret
metadata:
  name: mine
  namespace: evil
  labels: {{type: aivenator.aiven.nais.io, app: evil}}
  annotations: {{aivenator.aiven.nais.io/retired: '[{}]'}}
  finalizers: [aivenator.aiven.nais.io/finalizer]
",
        listed.collect::<Vec<_>>().join(",")
    );
    let made = plan(&world("kafka-new", forged, Settings::default()));
    let decision = &made.decisions[0];
    assert_eq!((decision.verdict, decision.reason.code()), (Verdict::Wait, "NameTaken"));
    assert_eq!(
        decision.reason.to_string(),
        "each of the first 1000 names for a new user on dev-nais-dev/kafka exists there or is recorded: look at secret \
         evil/mine"
    );
    let statuses: Vec<_> = decision
        .actions
        .iter()
        .filter_map(|planned| match &planned.action {
            Action::UpdateStatus(update) => Some(update),
            _ => None,
        })
        .collect();
    assert_eq!(statuses.len(), decision.actions.len(), "no user is made");
    let failed = statuses[0].conditions.iter().find(|condition| condition.status == "True").unwrap();
    assert_eq!((&*failed.kind, &*failed.reason), ("LocalFailure", "NameTaken"));
}
