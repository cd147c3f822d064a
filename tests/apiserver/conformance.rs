//! The sandbox's API and the real one, asked the same: random sequences of the requests that the operator makes.
//!
//! Answers are compared as clients see them: status, body, warnings. What each server makes up (uids, versions, times,
//! tokens) is replaced by names in the order in which it appears, so that what is the same on one is the same on the other.

mod asks;
mod normal;
mod side;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aivenator::sandbox::faults::Faults;
use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use serde_json::json;

use self::asks::{Step, step};
use self::side::Side;
use super::assets;
use super::client::{Client, wait};
use super::lent::Lent;

/// How many sequences are tried; the same ones every time.
const CASES: u32 = 60;
/// How many requests one has.
const LENGTH: usize = 40;

#[test]
fn both_servers_give_the_same_answers() {
    if assets().is_none() {
        return;
    }
    let lent = wait(async { Lent::new(&Faults::new(0)).await });
    let sandbox = Kubernetes::start(Options::default()).unwrap();
    // Versions of few digits would be found in every message.
    for count in 0..2_000 {
        let counted = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}, "data": {"a": count.to_string()}});
        sandbox.apply(counted).unwrap();
    }
    let ours = Client::new(&sandbox.url(), None, None);
    let config = Config {
        cases: std::env::var("AIVENATOR_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(CASES),
        max_shrink_iters: 300,
        failure_persistence: None,
        rng_seed: proptest::test_runner::RngSeed::Fixed(1),
        ..Config::default()
    };
    let namespaces = AtomicUsize::new(0);
    let mut runner = TestRunner::new(config);
    let outcome = runner.run(&vec(step(), 1..LENGTH), |steps| {
        let namespace = format!("case-{}", namespaces.fetch_add(1, Ordering::SeqCst));
        let sides = [Side::new(ours.clone(), &namespace), Side::new(lent.server().admin.clone(), &namespace)];
        why_they_differ(sides, &steps).map_or(Ok(()), |why| Err(TestCaseError::fail(why)))
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
}

/// Asks both; says where they differ first.
fn why_they_differ(mut sides: [Side; 2], steps: &[Step]) -> Option<String> {
    for (number, step) in steps.iter().enumerate() {
        let mut ask = || sides.each_mut().map(|side| side.take(step));
        let [mut ours, mut theirs] = ask();
        // A list of any version may show what was there a moment ago.
        for _ in 0..20 {
            if ours == theirs || !matches!(step, Step::List { .. }) {
                break;
            }
            std::thread::sleep(Duration::from_millis(250));
            [ours, theirs] = ask();
        }
        if ours != theirs {
            return Some(format!("at step {number}, {step:?}\nthe sandbox: {ours}\nthe server:  {theirs}"));
        }
    }
    let mut why = None;
    // A machine that has much to do takes longer to tell.
    for patience in [700, 3_000, 10_000].map(Duration::from_millis) {
        let [ours, theirs] = sides.each_ref().map(|side| side.watched(patience));
        let (ours, theirs) = ours.into_iter().zip(theirs).find(|(ours, theirs)| ours != theirs)?;
        why = Some(format!("a watch\nthe sandbox: {ours:#?}\nthe server:  {theirs:#?}"));
    }
    why
}
