//! What the simulation is good for: defects that the operator could have are found, one at a time.
//!
//! `cargo test --features defects --test defects`; the library that is shipped has no such feature, and none of these.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use aivenator::sandbox::simulation::{Case, Defect};

/// So many seeds are played for a defect.
const SEEDS: u64 = 60;
const STEPS: u32 = 600;

/// Those that no seed is known to show yet: each that one shows goes from this list.
const UNSHOWN: [Defect; 12] = [
    Defect::G02,
    Defect::G04,
    Defect::G06,
    Defect::G14,
    Defect::G19,
    Defect::G20,
    Defect::G21,
    Defect::G33,
    Defect::G40,
    Defect::G41,
    Defect::G42,
    Defect::G47,
];

fn seeds() -> u64 {
    std::env::var("AIVENATOR_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(SEEDS)
}

/// The number of seeds until a defect is found, and the promise that it breaks.
fn find(defect: Defect) -> Option<(u64, String)> {
    (0..seeds()).find_map(|seed| Some((seed + 1, Case::of(seed, STEPS).play_with(defect).breach?.rule)))
}

#[test]
fn each_defect_is_found() {
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((defect, what)) = Defect::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let line = find(*defect);
                    found.lock().unwrap().push((*defect, *what, line));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    for (defect, what, line) in &found {
        let (seeds, rule) =
            line.clone().map_or(("–".to_owned(), "–".to_owned()), |(seeds, rule)| (seeds.to_string(), rule));
        println!("| {defect:?}{what} | {seeds} | {rule} |");
    }
    let missed = found.iter().filter(|(defect, _, line)| line.is_none() && !UNSHOWN.contains(defect));
    let missed: Vec<_> = missed.map(|(defect, ..)| defect).collect();
    assert!(missed.is_empty(), "not found within {} seeds: {missed:?}", seeds());
}
