//! Small worlds, looked at from every side: a crash at each point, at each pair of points, and each view that is old.
//!
//! A normal run plays every single crash, and of the other cases a fixed part: all of them take minutes.
//! `AIVENATOR_EXHAUSTIVE=1 cargo test simulation::exhaustive` plays all.

use std::time::Instant;

use aivenator::sandbox::simulation::{Case, Deed, Layout, What, When};

use super::play_all;

/// A thing that happens: what, to which of its kind, and how.
type Happens = (u32, What, u8, u32);

/// What goes wrong: when, what, with which of its kind, and how.
type Fault = (When, What, u8, u32);

/// The reference workloads: a name, and what happens at which step. Numbers of specs are those of `simulation/spec.rs`.
const WORKLOADS: [(&str, &[Happens]); 26] = [
    ("kafka", &[(0, What::App, 0, 0)]),
    ("opensearch", &[(0, What::App, 0, 2)]),
    ("valkey", &[(0, What::App, 0, 4)]),
    ("three services", &[(0, What::App, 0, 6)]),
    ("one secret for two", &[(0, What::App, 0, 7)]),
    ("deprecated shared secret", &[(0, What::App, 0, 8)]),
    ("kafka, then gone", &[(0, What::App, 0, 0), (90, What::EndApp, 0, 0)]),
    ("opensearch, then gone", &[(0, What::App, 0, 2), (90, What::EndApp, 0, 0)]),
    ("valkey, then gone", &[(0, What::App, 0, 4), (90, What::EndApp, 0, 0)]),
    ("made again", &[(0, What::App, 0, 0), (90, What::RemakeApp, 0, 0)]),
    ("secret deleted", &[(0, What::App, 0, 0), (90, What::EndSecret, 0, 0)]),
    ("secret and application deleted", &[(0, What::App, 0, 0), (90, What::EndSecret, 0, 0), (91, What::EndApp, 0, 0)]),
    ("another pool", &[(0, What::App, 0, 0), (90, What::App, 0, 1)]),
    ("there and back", &[(0, What::App, 0, 0), (90, What::App, 0, 1), (120, What::App, 0, 0)]),
    ("more access", &[(0, What::App, 0, 2), (90, What::App, 0, 3)]),
    ("less access", &[(0, What::App, 0, 5), (90, What::App, 0, 4)]),
    ("another secret", &[(0, What::App, 0, 0), (90, What::App, 0, 16)]),
    ("another secret, the old one in use", &[(0, What::App, 0, 0), (80, What::Work, 0, 0), (90, What::App, 0, 16)]),
    ("a service less", &[(0, What::App, 0, 7), (90, What::App, 0, 0)]),
    ("asks for nothing any more", &[(0, What::App, 0, 6), (90, What::App, 0, 9)]),
    ("expires", &[(0, What::App, 0, 17), (90, What::Expire, 0, 61)]),
    ("protected, then gone", &[(0, What::App, 0, 14), (90, What::EndApp, 0, 0)]),
    ("namespace deleted", &[(0, What::App, 0, 6), (110, What::EndNamespace, 0, 0)]),
    ("values edited", &[(0, What::App, 0, 0), (90, What::EditSecret, 0, 3)]),
    ("user deleted by somebody else", &[(0, What::App, 0, 0), (90, What::EndUser, 0, 0)]),
    ("two ask for one secret", &[(0, What::App, 0, 0), (5, What::App, 1, 0), (90, What::EndApp, 0, 0)]),
];

/// The watches: of applications, secrets, pods, `ReplicaSet`s, `OpenSearch` and Valkey instances.
const WATCHES: [u8; 6] = [0, 1, 2, 3, 9, 10];

fn workload(number: usize) -> Case {
    let (_, happens) = WORKLOADS[number];
    let layout = Layout { clusters: 1, twins: false, instance_check: true };
    let deeds = happens.iter().map(|(step, what, name, more)| {
        (When::Step(*step), Deed { what: *what, cluster: 0, space: 0, name: *name, more: *more })
    });
    Case { order: None, layout, steps: 160, deeds: deeds.collect() }
}

/// The workload, and what goes wrong with it.
fn with(number: usize, faults: &[Fault]) -> (String, Case) {
    let mut case = workload(number);
    let deed = |(when, what, name, more): &Fault| {
        (*when, Deed { what: *what, cluster: 0, space: 0, name: *name, more: *more })
    };
    case.deeds.extend(faults.iter().map(deed));
    (format!("{} with {faults:?}", WORKLOADS[number].0), case)
}

/// How many effects a workload has where nothing goes wrong.
fn effects(number: usize) -> u32 {
    let outcome = workload(number).play();
    assert_eq!(outcome.breach, None, "{}: {:#?}", WORKLOADS[number].0, workload(number).tell().story);
    outcome.effects
}

/// Plays each workload with everything that can go wrong with it; in a normal run one case in so many of them.
fn play_each(one_in: usize, faults: impl Fn(usize) -> Vec<Vec<Fault>>) {
    let one_in = if std::env::var_os("AIVENATOR_EXHAUSTIVE").is_some() { 1 } else { one_in };
    let of = |number| faults(number).into_iter().map(move |faults| (number, faults));
    let all: Vec<(usize, Vec<Fault>)> = (0..WORKLOADS.len()).flat_map(of).collect();
    let taken: Vec<_> = all.iter().step_by(one_in).collect();
    let case = |place: u64| {
        let (number, faults) = taken[usize::try_from(place).unwrap()];
        with(*number, faults)
    };
    let (begun, count) = (Instant::now(), u64::try_from(taken.len()).unwrap());
    let steps = play_all(count, case);
    println!("{count} of {} cases, {steps} steps in {:?}", all.len(), begun.elapsed());
}

/// Before an effect, after it, and after its answer; the next process begins a few seconds later.
fn crash(effect: u32, way: u32) -> Fault {
    // A multiple of three, and by its other bits: nothing is under way, and the next process begins after five seconds.
    const PLAIN: u32 = 1_362;
    (When::Effect(effect), What::Crash, 0, PLAIN + way)
}

#[test]
fn every_single_crash() {
    play_each(1, |number| {
        let ways = |effect| (0..3).map(move |way| vec![crash(effect, way)]);
        (1..=effects(number)).flat_map(ways).collect()
    });
}

#[test]
fn every_pair_of_crashes() {
    play_each(4, |number| {
        let effects = effects(number);
        if effects > 14 {
            return vec![];
        }
        // The points before an effect and after the one before it differ only in what was heard.
        let pair = |first, second| vec![crash(first, 1), crash(second, (first + second) % 3)];
        let seconds = |first| (first + 1..=effects + 2).map(move |second| pair(first, second));
        (1..=effects).flat_map(seconds).collect()
    });
}

/// A watch that says nothing from before something happens until long after it; and one that then lists anew, so that
/// what has cancelled each other meanwhile is never seen.
#[test]
fn every_old_view() {
    play_each(5, |number| {
        let happens = WORKLOADS[number].1.iter().map(|(step, ..)| *step);
        let steps = happens.flat_map(|step| [step, step + 1, step + 10, step + 25]);
        let views = steps.flat_map(|step| WATCHES.map(|watch| (step, watch)));
        let faults = views.flat_map(|(step, watch)| {
            let deaf = (When::Step(step), What::Deaf, watch, 299);
            [vec![deaf], vec![deaf, (When::Step(step + 60), What::Outdated, watch, 0)]]
        });
        faults.collect()
    });
}

/// The answer of each effect is lost, whether or not it was done.
#[test]
fn every_lost_answer() {
    play_each(5, |number| {
        let ways = |effect| {
            let lost = move |what, how| (When::Effect(effect), what, 0, how);
            (0..6).map(move |how| vec![lost(What::LoseAiven, how), lost(What::Lose, how)])
        };
        (1..=effects(number)).flat_map(ways).collect()
    });
}
