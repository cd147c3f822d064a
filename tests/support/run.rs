//! Runs plans against worlds: in order, interleaved, to the end.

use aivenator::action::Action;
use aivenator::plan::{Plan, Planned, Step, plan};
use aivenator::sim::{self, Execution};
use aivenator::world::{Subject, Timestamp, World};
use proptest::prelude::ProptestConfig;
use proptest::test_runner::RngSeed;

/// How many cases each law looks at.
fn cases(by_default: u32) -> u32 {
    std::env::var("AIVENATOR_CASES").ok().and_then(|text| text.parse().ok()).unwrap_or(by_default)
}

/// How a law looks at cases. The usual run looks at the same ones each time, so that what fails is what was changed;
/// `PROPTEST_RNG_SEED=random`, or a number, gives others.
pub(crate) fn config(by_default: u32) -> ProptestConfig {
    let seed = match std::env::var("PROPTEST_RNG_SEED").ok().as_deref() {
        Some("random") => RngSeed::Random,
        Some(text) => RngSeed::Fixed(text.parse().expect("a number or random")),
        None => RngSeed::Fixed(2026),
    };
    ProptestConfig { cases: cases(by_default), rng_seed: seed, max_shrink_iters: 4000, ..ProptestConfig::default() }
}

/// Executes and plans again while time stands still, until nothing changes; gives the worlds and plans on the way.
pub(crate) fn rounds(world: &World, limit: usize) -> (Vec<(World, Plan)>, bool) {
    let mut all = vec![];
    let mut world = world.clone();
    for _ in 0..limit {
        let made = plan(&world);
        let quiet = !made.changes();
        let next = sim::execute(&world, &made);
        all.push((world, made));
        if quiet {
            return (all, true);
        }
        world = next;
    }
    (all, false)
}

/// Where the world comes to rest: executes, and when nothing is left to do now, sleeps until the plan says.
pub(crate) fn at_rest(world: &World, until: Timestamp) -> Result<World, String> {
    let mut world = world.clone();
    let mut busy = 0;
    for _ in 0..400 {
        let made = plan(&world);
        if made.changes() {
            busy += 1;
            if busy > 12 {
                return Err(format!("it never comes to rest; at last:\n{}", actions_text(&made)));
            }
            world = sim::execute(&world, &made);
            continue;
        }
        busy = 0;
        match made.wake_at.filter(|wake| *wake <= until) {
            None => return Ok(sim::wait_until(&world, until)),
            Some(wake) if wake <= world.now => return Err(format!("it wakes at {wake}, which is not later")),
            Some(wake) => world = sim::wait_until(&world, wake),
        }
    }
    Err("it wakes again and again".to_owned())
}

pub(crate) fn actions_text(plan: &Plan) -> String {
    let lines = plan.decisions.iter().flat_map(|decision| {
        let head = format!("{}: {:?} {}", decision.subject, decision.verdict, decision.reason.code());
        std::iter::once(head).chain(decision.actions.iter().map(|planned| format!("    {:?}", planned.action)))
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Executes a plan with its steps interleaved as the picks say; the status of a decision comes last in it.
pub(crate) fn interleaved(world: &World, plan: &Plan, picks: &[usize]) -> World {
    let mut queues: Vec<(&Subject, Vec<&Planned>, Vec<&Planned>)> = vec![];
    for decision in &plan.decisions {
        let (status, rest): (Vec<&Planned>, Vec<&Planned>) =
            decision.actions.iter().partition(|planned| planned.step == Step::Status);
        let mut steps: Vec<&Step> = rest.iter().map(|planned| &planned.step).collect();
        steps.dedup();
        if steps.len() <= 1 || !status.is_empty() {
            queues.push((&decision.subject, rest, status));
            continue;
        }
        for step in steps {
            let of_step = rest.iter().copied().filter(|planned| planned.step == *step).collect();
            queues.push((&decision.subject, of_step, vec![]));
        }
    }
    for (_, rest, status) in &mut queues {
        rest.append(status);
        rest.reverse();
    }
    let mut execution = Execution::new(world);
    let mut picks = picks.iter().cycle();
    while !queues.is_empty() {
        let index = picks.next().copied().unwrap_or_default() % queues.len();
        let (subject, queue, _) = &mut queues[index];
        match queue.pop() {
            Some(planned) => {
                execution.perform(subject, planned);
            }
            None => {
                queues.remove(index);
            }
        }
    }
    execution.into_world()
}

pub(crate) fn destructive(plan: &Plan) -> Vec<Action> {
    plan.actions().filter(|action| action.is_destructive()).cloned().collect()
}

pub(crate) fn json(plan: &Plan) -> String {
    serde_json::to_string(plan).unwrap()
}

/// The lines in which two texts differ, each from the first place on at which it does.
pub fn difference(left: &str, right: &str) -> String {
    let pairs = left.lines().zip(right.lines()).filter(|(a, b)| a != b);
    let text = pairs.map(|(a, b)| {
        let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
        let from = same.saturating_sub(120);
        let part = |text: &str| text.get(from..text.len().min(same + 200)).unwrap_or(text).to_owned();
        format!("- …{}\n+ …{}", part(a), part(b))
    });
    text.collect::<Vec<_>>().join("\n")
}
