//! What the simulation is good for: defects that the operator could have are found, one at a time.
//!
//! `cargo test --features defects --test defects`; the library that is shipped has no such feature, and none of these.
//! `AIVENATOR_DEFECTS=G01,G02` asks for some only, `AIVENATOR_SEEDS` for so many seeds and no story, and
//! `AIVENATOR_STORY=1` has each told.

use std::io::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use aivenator::sandbox::simulation::When::{Effect, Step};
use aivenator::sandbox::simulation::{Case, Deed, Defect, Layout, What, When};

/// So many seeds are played for a defect, unless a story shows it.
const SEEDS: u64 = 40;
const STEPS: u32 = 600;

/// A thing that happens: when, what, to which of its kind, and how.
type Happens = (When, What, u8, u32);

/// What chance does not bring about within so few seeds: stories that show one defect each, and break nothing without it.
const STORIES: [(Defect, &[Happens]); 12] = [
    // The application is made again and asks for another secret, while the first one is still in use.
    (Defect::G02, &[(Step(0), What::App, 0, 0), (Step(60), What::Work, 0, 0), (Step(90), What::RemakeApp, 0, 16)]),
    // Everything is to be written again, and that is refused.
    (Defect::G04, &[(Step(0), What::App, 0, 0), (Step(60), What::Resync, 0, 0), (Effect(6), What::Refuse, 0, 1)]),
    // Somebody exchanges the secret for one of their own.
    (Defect::G06, &[(Step(0), What::App, 0, 0), (Step(60), What::Squat, 0, 0)]),
    // A record loses what says where its user is, and the secret is deleted.
    (
        Defect::G14,
        &[(Step(0), What::App, 0, 0), (Step(60), What::StripRecord, 0, 2), (Step(61), What::EndSecret, 0, 0)],
    ),
    // Aiven once says 403 to the creation of a user.
    (Defect::G19, &[(Step(0), What::App, 0, 0), (Effect(1), What::RefuseAiven, 0, 2)]),
    // A user is made, and the answer is lost.
    (Defect::G20, &[(Step(0), What::App, 0, 0), (Effect(1), What::LoseAiven, 0, 0)]),
    // The application of the label asks for another secret, and one that cannot be served for this one.
    (Defect::G21, &[(Step(0), What::App, 0, 0), (Step(60), What::App, 1, 10), (Step(61), What::App, 0, 4)]),
    // The watch of secrets says nothing while an application comes and goes.
    (Defect::G33, &[(Step(20), What::Deaf, 1, 299), (Step(20), What::App, 0, 0), (Step(35), What::EndApp, 0, 0)]),
    // A user is made, and the answer is lost.
    (Defect::G35, &[(Step(0), What::App, 0, 0), (Effect(1), What::LoseAiven, 0, 0)]),
    // The certificate of the user ends in a few days.
    (Defect::G37, &[(Step(0), What::App, 0, 0), (Step(60), What::Age, 0, 0)]),
    // A finalizer of somebody else holds an application that is deleted.
    (Defect::G41, &[(Step(0), What::App, 0, 0), (Step(60), What::HoldApp, 0, 0), (Step(61), What::EndApp, 0, 0)]),
    // A team adds labels, and then a value is edited, which is put right.
    (Defect::G47, &[(Step(0), What::App, 0, 0), (Step(60), What::Decorate, 0, 0), (Step(62), What::EditSecret, 0, 2)]),
];

fn asked(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

fn story(happens: &[Happens]) -> Case {
    let deed = |(when, what, name, more): &Happens| {
        (*when, Deed { what: *what, cluster: 0, space: 0, name: *name, more: *more })
    };
    let layout = Layout { clusters: 1, twins: false, instance_check: true };
    Case { order: None, layout, steps: 160, deeds: happens.iter().map(deed).collect() }
}

/// What has shown a defect, and the promise that it breaks.
fn find(defect: Defect) -> Option<(String, String)> {
    let seeds = asked("AIVENATOR_SEEDS").and_then(|text| text.parse().ok());
    if let Some((_, happens)) = STORIES.iter().find(|(of, _)| *of == defect && seeds.is_none()) {
        return Some(("story".to_owned(), broken(&story(happens), defect)?));
    }
    let of = |seed: u64| Some(((seed + 1).to_string(), broken(&Case::of(seed, STEPS), defect)?));
    (0..seeds.unwrap_or(SEEDS)).find_map(of)
}

fn broken(case: &Case, defect: Defect) -> Option<String> {
    let outcome = case.play_with(defect);
    if asked("AIVENATOR_STORY").is_some() {
        let told = case.tell_with(defect).story.join("\n");
        let _ = writeln!(std::io::stderr(), "{defect:?}\n{told}");
    }
    Some(outcome.breach?.rule)
}

#[test]
fn each_defect_is_found() {
    let names = asked("AIVENATOR_DEFECTS");
    let is_asked = |defect: &Defect| names.as_ref().is_none_or(|names| names.contains(&format!("{defect:?}")));
    let all: Vec<_> = Defect::ALL.iter().filter(|(defect, _)| is_asked(defect)).collect();
    let (next, found) = (AtomicUsize::new(0), Mutex::new(vec![]));
    thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while let Some((defect, what)) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let begun = Instant::now();
                    let line = find(*defect);
                    let _ = writeln!(std::io::stderr(), "{defect:?}: {line:?} in {:?}", begun.elapsed());
                    found.lock().unwrap().push((*defect, *what, line));
                }
            });
        }
    });
    let mut found = found.into_inner().unwrap();
    found.sort();
    for (defect, what, line) in &found {
        let (seeds, rule) = line.clone().unwrap_or_else(|| ("–".to_owned(), "–".to_owned()));
        println!("| {defect:?}{what} | {seeds} | {rule} |");
    }
    let missed: Vec<_> = found.iter().filter(|(.., line)| line.is_none()).map(|(defect, ..)| defect).collect();
    assert!(missed.is_empty(), "not found: {missed:?}");
}

/// It is the defect that a story shows, and nothing else.
#[test]
fn stories_break_nothing_without_the_defect() {
    for (defect, happens) in STORIES {
        let case = story(happens);
        assert_eq!(case.play().breach, None, "{defect:?}: {:#?}", case.tell().story);
    }
}
