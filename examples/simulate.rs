//! Plays seeds of the simulation, one after the other, until it is told to stop or one breaks a promise.
//!
//! `cargo run --release --example simulate -- [FIRST [COUNT [STEPS]]]`; prints numbers every ten seconds.

use std::time::{Duration, Instant};

use aivenator::sandbox::simulation::{Case, shrink};

// As in the program: much of a step goes to making and dropping small objects.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() {
    let mut numbers = std::env::args().skip(1).map(|text| text.parse::<u64>().unwrap_or_default());
    let first = numbers.next().unwrap_or(1);
    let count = numbers.next().unwrap_or(1_000);
    let steps = u32::try_from(numbers.next().unwrap_or(1_000)).unwrap_or(1_000);
    let (begun, mut told, mut played, mut broken) = (Instant::now(), Instant::now(), 0_u64, 0_u64);
    for seed in first..first.saturating_add(count) {
        let case = Case::of(seed, steps);
        let outcome = case.play();
        played += u64::from(outcome.steps);
        if let Some(breach) = &outcome.breach {
            broken += 1;
            println!("seed {seed}, after {} steps: {breach}", outcome.steps);
            if std::env::var_os("AIVENATOR_STORY").is_some() {
                let small = shrink(&case, 400);
                for line in small.tell().story {
                    println!("    {line}");
                }
                println!("{}", serde_json::to_string(&small).unwrap_or_default());
            }
        }
        if told.elapsed() > Duration::from_secs(10) || seed + 1 == first.saturating_add(count) {
            told = Instant::now();
            let seconds = begun.elapsed().as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a rate for people")]
            let rate = played as f64 / seconds;
            println!(
                "{} seeds from {first}, {played} steps, {rate:.0} steps a second, {broken} broken",
                seed - first + 1
            );
        }
    }
}
