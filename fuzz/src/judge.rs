//! What holds for every plan of every world.

use std::collections::BTreeSet;

use aivenator::check::check;
use aivenator::plan::{Plan, plan, plan_subjects, subjects};
use aivenator::world::World;

/// Plans: there is a plan, it is the same twice, it is clean, and it says why.
pub fn judged(world: &World) -> Plan {
    let made = plan(world);
    let text = json(&made);
    assert_eq!(text, json(&plan(&world.clone())), "another plan for the same world");
    assert_eq!(text, json(&plan_subjects(world, &subjects(world))), "the whole is not the union of its parts");
    let violations: Vec<String> = check(world, &made).iter().map(ToString::to_string).collect();
    assert!(violations.is_empty(), "{}\n{text}", violations.join("\n"));
    assert!(made.decisions.iter().all(|decision| !decision.reason.to_string().is_empty()));
    let ordered: BTreeSet<_> = made.decisions.iter().map(|decision| &decision.subject).collect();
    assert_eq!(ordered.len(), made.decisions.len(), "a subject is decided twice");
    made
}

/// A plan as machines read it.
pub fn json(plan: &Plan) -> String {
    serde_json::to_string(plan).expect("a plan is JSON")
}
