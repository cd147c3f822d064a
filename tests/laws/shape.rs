//! Laws about the plan as such: the same for the same world, however it was observed, whole or in parts.

use std::collections::BTreeSet;
use std::num::NonZeroUsize;

use aivenator::plan::{plan, plan_on, plan_subjects};
use aivenator::world::{Subject, World};
use aivenator::{hash, naming};
use proptest::prelude::*;

use super::config;
use crate::support::build::world;
use crate::support::generate::input;
use crate::support::hide::shuffled;
use crate::support::input::{APPS, NAMESPACES};
use crate::support::run::{actions_text, difference, interleaved, json};
use crate::support::{hide::visible, repository};

proptest! {
    #![proptest_config(config())]

    /// The same world gives the same bytes, in whatever order it was observed.
    #[test]
    fn deterministic(input in input(), seed in any::<u64>()) {
        let world = world(&input);
        let other = shuffled(&world, seed);
        prop_assert_eq!(json(&plan(&world)), json(&plan(&other)));
    }

    /// Planning everything is planning each subject by itself.
    #[test]
    fn whole_is_union_of_parts(input in input()) {
        let world = world(&input);
        let whole = plan(&world);
        let mut reads = BTreeSet::new();
        let mut wake_at = None;
        let mut decisions = vec![];
        for subject in subjects(&world) {
            let part = plan_subjects(&world, &BTreeSet::from([subject.clone()]));
            prop_assert!(part.decisions.iter().all(|decision| decision.subject == subject));
            reads.extend(part.reads);
            wake_at = [wake_at, part.wake_at].into_iter().flatten().min();
            decisions.extend(part.decisions);
        }
        prop_assert_eq!(&whole.decisions, &decisions);
        prop_assert_eq!(&whole.reads, &reads);
        prop_assert_eq!(whole.wake_at, wake_at);
    }

    /// The plan is the same on however many threads it is made.
    #[test]
    fn threads_change_nothing(input in input(), threads in 1_usize..5) {
        let world = world(&input);
        prop_assert_eq!(plan(&world), plan_on(&world, NonZeroUsize::new(threads).unwrap()));
    }

    /// Decisions stand in the order of their subjects, one for each.
    #[test]
    fn one_decision_per_subject_in_order(input in input()) {
        let plan = plan(&world(&input));
        let subjects: Vec<&Subject> = plan.decisions.iter().map(|decision| &decision.subject).collect();
        prop_assert!(subjects.is_sorted_by(|a, b| a < b), "{subjects:?}");
    }

    /// The decisions of one plan may be interleaved at will: the world comes out the same.
    #[test]
    fn commutes(input in input(), picks in prop::collection::vec(0_usize..7, 1..20)) {
        let world = world(&input);
        let plan = plan(&world);
        let in_order = visible(&aivenator::sim::execute(&world, &plan));
        let mixed = visible(&interleaved(&world, &plan, &picks));
        prop_assert!(in_order == mixed, "{}\n{}", difference(&in_order, &mixed), actions_text(&plan));
    }

    /// No text that was planted as a content is in the world or in the plan.
    #[test]
    fn no_secret_material(input in input()) {
        let world = world(&input);
        let (seen, planned) = (format!("{world:?}"), json(&plan(&world)));
        for planted in ["CANARY", "made at 2026"] {
            prop_assert!(!seen.contains(planted), "{planted} is in the world");
            prop_assert!(!planned.contains(planted), "{planted} is in the plan");
        }
    }
}

fn subjects(world: &World) -> BTreeSet<Subject> {
    let spaces: Vec<_> = world.namespaces().map(|(_, space)| space).collect();
    let apps = spaces.iter().flat_map(|space| space.applications()).map(|app| Subject::Application(app.key.clone()));
    let secrets = spaces.iter().flat_map(|space| space.secrets()).map(|secret| Subject::Secret(secret.key.clone()));
    let journal = world.journal().into_iter();
    let users = journal.flat_map(|journal| journal.intents.keys().chain(journal.retirements.keys()).cloned());
    apps.chain(secrets).chain(users.map(Subject::User)).collect()
}

proptest! {
    #![proptest_config(config())]

    /// Every name that can be given fits, is recognised afterwards, and is recognised for no other application.
    #[test]
    fn names_are_legal(
        namespace in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        name in "[a-z]([a-z0-9-]{0,61}[a-z0-9])?",
        generation in 1_i64..100_000,
        candidate in 0_usize..5,
        access in crate::support::generate::access(),
        kind in 0_usize..3,
    ) {
        use aivenator::want::ServiceType;
        use aivenator::world::AppKey;
        let app = AppKey::new(namespace.as_str(), name.as_str());
        let service_type = ServiceType::ALL[kind];
        let prefix = match service_type {
            ServiceType::Kafka => naming::Prefix::kafka(&app),
            ServiceType::OpenSearch => naming::Prefix::with_access(&namespace, access),
            ServiceType::Valkey => naming::Prefix::with_access(&name, access),
        };
        let suffix = naming::suffixes(generation, &name, None).nth(candidate).unwrap();
        let username = prefix.username(&suffix);
        prop_assert!(username.len() <= naming::MAX_USERNAME, "{username}");
        prop_assert!(username.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_-".contains(&byte)), "{username}");
        prop_assert!(service_type.gave_name(&app, &username), "{username}");
        prop_assert!(!service_type.gave_name(&app, "avnadmin"));
        if service_type == ServiceType::Kafka {
            for (namespace, name) in NAMESPACES.iter().flat_map(|ns| APPS.iter().map(move |app| (ns, app))) {
                let other = AppKey::new(*namespace, *name);
                prop_assert!(other == app || !service_type.gave_name(&other, &username), "{username}");
            }
        }
    }
}

/// The hash of a spec is what programs before this one computed, for every golden value.
#[test]
fn hash_is_stable() {
    let text = std::fs::read_to_string(repository("fixtures/vectors.json")).unwrap();
    let vectors: serde_json::Value = serde_json::from_str(&text).unwrap();
    let vectors = vectors["sync_hash"].as_array().unwrap();
    assert!(vectors.len() > 10);
    for vector in vectors {
        let spec = crate::support::vectors::spec(&vector["spec"]);
        assert_eq!(hash::canonical_json(&spec), vector["canonical_json"].as_str().unwrap());
        assert_eq!(hash::of(&spec), vector["hash"].as_str().unwrap(), "{}", vector["spec"]);
    }
}
