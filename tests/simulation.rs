//! The real operator against models of both APIs: with every fault, judged after every step, and at rest in the end.
//!
//! `AIVENATOR_SEED=42 cargo test simulation::one_seed` plays one seed and tells its story; `AIVENATOR_SEEDS` and
//! `AIVENATOR_STEPS` say how many seeds are played, and how long each is.

mod exhaustive;

use std::fmt::Write as _;
use std::fs;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Instant;

use aivenator::sandbox::simulation::{Breach, Case, Deed, Layout, What, When, shrink};

use crate::support::repository;

/// How many seeds are played, and how long each is.
const SEEDS: u64 = 500;
const STEPS: u64 = 300;

fn said(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

fn steps() -> u32 {
    u32::try_from(said("AIVENATOR_STEPS").unwrap_or(STEPS)).unwrap()
}

/// The story of the smallest case that breaks the same promise, and how to keep it.
fn report(title: &str, case: &Case, breach: &Breach) -> String {
    let small = shrink(case, 600);
    let mut text = format!("{title} breaks {breach}\n");
    for line in small.tell().story {
        let _ = writeln!(text, "    {line}");
    }
    let _ = writeln!(text, "to keep it, write this to fixtures/stories/simulation/NAME.json:");
    let _ = writeln!(text, "{}", serde_json::to_string(&small).unwrap());
    text
}

/// Plays cases on two threads, and gives what the first of those that break something comes to.
fn play_all(count: u64, case: impl Fn(u64) -> (String, Case) + Sync) -> u64 {
    let (next, steps) = (AtomicU64::new(0), AtomicU64::new(0));
    let broken = thread::scope(|scope| {
        let play = || {
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                if number >= count {
                    return None;
                }
                let (title, case) = case(number);
                let outcome = case.play();
                steps.fetch_add(outcome.steps.into(), Ordering::Relaxed);
                if let Some(breach) = outcome.breach {
                    next.store(count, Ordering::Relaxed);
                    return Some((title, case, breach));
                }
            }
        };
        let threads = [scope.spawn(play), scope.spawn(play)];
        threads.into_iter().find_map(|thread| thread.join().unwrap())
    });
    if let Some((title, case, breach)) = broken {
        panic!("{}", report(&title, &case, &breach));
    }
    steps.into_inner()
}

#[test]
fn seeds_keep_every_promise() {
    let (count, length) = (said("AIVENATOR_SEEDS").unwrap_or(SEEDS), steps());
    let begun = Instant::now();
    let titled =
        |seed| format!("seed {seed} (AIVENATOR_SEED={seed} AIVENATOR_STEPS={length} cargo test simulation::one_seed)");
    let steps = play_all(count, |seed| (titled(seed), Case::of(seed, length)));
    println!("{count} seeds, {steps} steps in {:?}", begun.elapsed());
}

/// Plays the seed that `AIVENATOR_SEED` names, and tells its story.
#[test]
fn one_seed() {
    let seed = said("AIVENATOR_SEED").unwrap_or(1);
    let case = Case::of(seed, steps());
    let outcome = case.tell();
    for line in &outcome.story {
        println!("{line}");
    }
    if let Some(breach) = outcome.breach {
        panic!("{}", report(&format!("seed {seed}"), &case, &breach));
    }
}

#[test]
fn the_same_seed_goes_the_same_way() {
    for seed in 0..20 {
        let case = Case::of(seed, 300);
        let (once, again) = (case.play(), case.play());
        assert_eq!((once.trace, once.steps), (again.trace, again.steps), "seed {seed}");
        assert_eq!(once.trace, case.tell().trace, "seed {seed}, told");
    }
    let traces: Vec<u64> = (0..5).map(|seed| Case::of(seed, 300).play().trace).collect();
    assert!(traces.windows(2).all(|pair| pair[0] != pair[1]), "and others go other ways: {traces:?}");
}

/// Where nothing goes wrong, every application has what it asks for after a moment, with few requests.
#[test]
fn nothing_goes_wrong_where_nothing_fails() {
    for spec in 0..9 {
        let deed = Deed { what: What::App, cluster: 0, space: 0, name: 0, more: spec };
        let layout = Layout { clusters: 1, twins: false, instance_check: true };
        let case = Case { order: None, layout, steps: 200, deeds: vec![(When::Step(0), deed)] };
        let outcome = case.play();
        assert_eq!(outcome.breach, None, "{:#?}", case.tell().story);
        assert!((1..=16).contains(&outcome.effects), "spec {spec}: {} effects", outcome.effects);
    }
}

/// What was found once is looked at for ever.
#[test]
fn what_was_found_stays_mended() {
    let mut played = 0;
    for entry in fs::read_dir(repository("fixtures/stories/simulation")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_none_or(|extension| extension != "json") {
            continue;
        }
        let case: Case = serde_json::from_str(&fs::read_to_string(&path).unwrap()).unwrap();
        if let Some(breach) = case.play().breach {
            panic!("{}", report(&path.display().to_string(), &case, &breach));
        }
        played += 1;
    }
    assert!(played > 0, "there are stories");
}
