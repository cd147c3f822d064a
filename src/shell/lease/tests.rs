//! Three replicas, a server, a network that loses and delays, and clocks that are wrong: never two lead, and in the end
//! one does.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use proptest::collection::vec;
use proptest::prelude::*;

use super::elector::{Answer, Ask, Elector, Record, Tick, Timing};

/// Milliseconds of true time.
type Time = u64;

/// How long the network misbehaves.
const CHAOS: Time = 120_000;
/// For how long the network of a replica stays in one mood.
const MOOD: Time = 8_000;
/// How long it takes at most until somebody leads, once it behaves: the slowest clock waits for the longest lease.
const CALM: Time = 40_000;
/// For so long the same one leads then.
const QUIET: Time = 60_000;

/// What happens to one request.
#[derive(Clone, Copy, Debug)]
struct Fate {
    there: Time,
    back: Time,
    lost: Option<Way>,
}

#[derive(Clone, Copy, Debug)]
enum Way {
    There,
    Back,
}

/// How the network of one replica is for a while.
#[derive(Clone, Copy, Debug)]
enum Mood {
    Good,
    /// Writes arrive, answers take nearly as long as is waited for them.
    Slow,
    Cut,
    /// As each request fares.
    Wild,
}

impl Mood {
    fn fate(self, wild: Fate) -> Fate {
        match self {
            Mood::Good => Fate { there: 20, back: 20, lost: None },
            Mood::Slow => Fate { there: 20, back: 4_000, lost: None },
            Mood::Cut => Fate { there: 20, back: 20, lost: Some(Way::There) },
            Mood::Wild => wild,
        }
    }
}

/// The network: the mood for each replica, one after the other, and how requests fare in wild times.
#[derive(Clone, Debug)]
struct Network {
    moods: Vec<Vec<Mood>>,
    fates: Vec<Fate>,
}

impl Network {
    fn fate(&self, now: Time, index: usize, request: usize) -> Fate {
        let window = usize::try_from(now / MOOD).unwrap();
        let moods = &self.moods[index];
        let mood = if now < CHAOS { moods[window % moods.len()] } else { Mood::Good };
        mood.fate(self.fates[request % self.fates.len()])
    }
}

/// The clocks of a replica: how fast, since when, and what the wall says.
#[derive(Clone, Copy, Debug)]
struct Clock {
    permille: u64,
    offset: Time,
    wall: i64,
}

impl Clock {
    fn tick(self, now: Time) -> Tick {
        let local = Duration::from_millis(self.offset + now * self.permille / 1000);
        let wall = Timestamp::from_second(1_800_000_000).unwrap() + SignedDuration::from_secs(self.wall);
        // As coarse as a minute: renewals are seen all the same.
        Tick { local, wall: wall + SignedDuration::from_mins(i64::try_from(now / 60_000).unwrap()) }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Event {
    Wake(usize),
    Arrives(usize, u64),
    Answered(usize, u64),
    GivesUp(usize, u64),
}

/// A request on its way: who asked, what, and what is answered.
struct Request {
    ask: Ask,
    answer: Answer,
    fate: Fate,
}

struct Model {
    now: Time,
    queue: BinaryHeap<Reverse<(Time, u64, Event)>>,
    requests: Vec<Request>,
    electors: Vec<Elector>,
    clocks: Vec<Clock>,
    /// The request that each replica waits for.
    waits: Vec<Option<u64>>,
    network: Network,
    down: Vec<bool>,
    version: u64,
    lease: Option<Record>,
    transitions: Vec<i32>,
}

impl Model {
    fn new(clocks: Vec<Clock>, network: Network) -> Self {
        let timing = Timing::default();
        let electors = (0..clocks.len()).map(|index| Elector::new(&format!("replica-{index}"), timing)).collect();
        let mut model = Model {
            now: 0,
            queue: BinaryHeap::new(),
            requests: vec![],
            electors,
            waits: vec![None; clocks.len()],
            down: vec![false; clocks.len()],
            clocks,
            network,
            version: 0,
            lease: None,
            transitions: vec![],
        };
        for index in 0..model.clocks.len() {
            model.after(0, Event::Wake(index));
        }
        model
    }

    fn after(&mut self, time: Time, event: Event) {
        let order = self.queue.len() as u64 + self.requests.len() as u64 * 16;
        self.queue.push(Reverse((self.now + time, order, event)));
    }

    fn tick(&self, index: usize) -> Tick {
        self.clocks[index].tick(self.now)
    }

    fn leaders(&self) -> Vec<usize> {
        let leads = |index: &usize| !self.down[*index] && self.electors[*index].leads(self.tick(*index).local);
        (0..self.electors.len()).filter(leads).collect()
    }

    /// Runs until then; at no event do two lead.
    fn run(&mut self, end: Time) {
        while let Some(Reverse((at, _, _))) = self.queue.peek()
            && *at <= end
        {
            let Some(Reverse((at, _, event))) = self.queue.pop() else { break };
            self.now = at;
            self.happen(event);
            let leaders = self.leaders();
            assert!(leaders.len() < 2, "{leaders:?} lead at {at}");
        }
        self.now = end;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Wake(index) if !self.down[index] => {
                let now = self.tick(index);
                let ask = self.electors[index].ask(now);
                self.send(index, ask);
            }
            Event::Wake(_) => {}
            Event::Arrives(index, id) => {
                let answer = self.serve(id);
                let request = &mut self.requests[usize::try_from(id).unwrap()];
                request.answer = answer;
                if !matches!(request.fate.lost, Some(Way::Back)) {
                    let back = request.fate.back;
                    self.after(back, Event::Answered(index, id));
                }
            }
            Event::Answered(index, id) | Event::GivesUp(index, id) if self.waits[index] != Some(id) => {}
            Event::Answered(index, id) => {
                let answer = self.requests[usize::try_from(id).unwrap()].answer.clone();
                self.answered(index, answer);
            }
            Event::GivesUp(index, _) => self.answered(index, Answer::Failed),
        }
    }

    fn send(&mut self, index: usize, ask: Ask) {
        let id = self.requests.len() as u64;
        let fate = self.network.fate(self.now, index, self.requests.len());
        self.requests.push(Request { ask, answer: Answer::Failed, fate });
        self.waits[index] = Some(id);
        if !matches!(fate.lost, Some(Way::There)) {
            self.after(fate.there, Event::Arrives(index, id));
        }
        let patience = u64::try_from(Timing::default().patience().as_millis()).unwrap();
        self.after(patience * 1000 / self.clocks[index].permille, Event::GivesUp(index, id));
    }

    fn answered(&mut self, index: usize, answer: Answer) {
        self.waits[index] = None;
        if self.down[index] {
            return;
        }
        let now = self.tick(index);
        match self.electors[index].answered(now, answer) {
            Some(ask) => self.send(index, ask),
            None => self.after(2_000 * 1000 / self.clocks[index].permille, Event::Wake(index)),
        }
    }

    /// The API server: a write to a version that is not the newest is refused, however late it comes.
    fn serve(&mut self, id: u64) -> Answer {
        let ask = self.requests[usize::try_from(id).unwrap()].ask.clone();
        let written = match (ask, &self.lease) {
            (Ask::Read, Some(record)) => return Answer::Lease(self.version.to_string(), record.clone()),
            (Ask::Read | Ask::Replace(..), None) => return Answer::Missing,
            (Ask::Create(_), Some(_)) => return Answer::Conflict,
            (Ask::Create(record), None) => record,
            (Ask::Replace(version, record), Some(_)) if version == self.version.to_string() => record,
            (Ask::Replace(..), Some(_)) => return Answer::Conflict,
        };
        // A write that changes nothing makes no version.
        if self.lease.as_ref() != Some(&written) {
            self.version += 1;
            self.transitions.push(written.transitions);
            self.lease = Some(written.clone());
        }
        Answer::Lease(self.version.to_string(), written)
    }
}

fn clocks() -> impl Strategy<Value = Vec<Clock>> {
    // A lease lasts 15 s and is given up after 10 s: that bears clocks that differ by half.
    let clock = (850_u64..1150, 0_u64..100_000, -3600_i64..3600);
    vec(clock.prop_map(|(permille, offset, wall)| Clock { permille, offset, wall }), 3)
}

fn networks() -> impl Strategy<Value = Network> {
    let time = prop_oneof![4 => 1_u64..200, 2 => 200_u64..6_000, 1 => 6_000_u64..25_000];
    let lost = prop_oneof![6 => Just(None), 1 => Just(Some(Way::There)), 2 => Just(Some(Way::Back))];
    let fate = (time.clone(), time, lost).prop_map(|(there, back, lost)| Fate { there, back, lost });
    let mood = prop_oneof![Just(Mood::Good), Just(Mood::Slow), Just(Mood::Cut), Just(Mood::Wild)];
    (vec(vec(mood, 15), 3), vec(fate, 1..60)).prop_map(|(moods, fates)| Network { moods, fates })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the network does, at most one leads; when it behaves, one does, and stays.
    #[test]
    fn never_two_and_in_the_end_one(clocks in clocks(), network in networks()) {
        let mut model = Model::new(clocks, network);
        model.run(CHAOS + CALM);
        let leaders = model.leaders();
        prop_assert_eq!(leaders.len(), 1, "somebody leads");
        for second in 0..QUIET / 1000 {
            model.run(CHAOS + CALM + second * 1000);
            prop_assert_eq!(&model.leaders(), &leaders, "it stays");
        }
        prop_assert!(model.transitions.is_sorted(), "{:?}", model.transitions);
    }

    /// A leader that is gone is replaced.
    #[test]
    fn who_is_gone_is_replaced(clocks in clocks(), network in networks()) {
        let mut model = Model::new(clocks, network);
        model.run(CHAOS + CALM);
        let gone = model.leaders()[0];
        model.down[gone] = true;
        let before = model.lease.as_ref().unwrap().transitions;
        model.run(CHAOS + 2 * CALM);
        prop_assert_eq!(model.leaders().len(), 1);
        prop_assert_eq!(model.lease.as_ref().unwrap().transitions, before + 1);
    }

    /// A leader that leaves makes room at once.
    #[test]
    fn who_leaves_makes_room(clocks in clocks(), network in networks()) {
        let mut model = Model::new(clocks, network);
        model.run(CHAOS + CALM);
        let left = model.leaders()[0];
        let now = model.tick(left);
        let ask = model.electors[left].leave(now).unwrap();
        prop_assert!(model.leaders().is_empty(), "it leads no longer");
        model.send(left, ask);
        // Twice the time between two looks of the slowest, and the way there.
        model.run(model.now + 6_000);
        prop_assert_eq!(model.leaders().len(), 1);
        prop_assert_ne!(model.leaders(), [left]);
    }
}

fn tick(seconds: u64) -> Tick {
    Clock { permille: 1000, offset: 0, wall: 0 }.tick(seconds * 1000)
}

#[test]
fn every_write_is_seen_though_the_clock_stands_still() {
    let mut elector = Elector::new("a", Timing::default());
    assert_eq!(elector.ask(tick(0)), Ask::Read);
    let Some(Ask::Create(first)) = elector.answered(tick(0), Answer::Missing) else { panic!("it is made") };
    assert_eq!(elector.answered(tick(1), Answer::Lease("1".to_owned(), first.clone())), None);
    assert_eq!(elector.until(), Some(Duration::from_secs(10)), "from when it was sent");
    let Ask::Replace(version, second) = elector.ask(tick(2)) else { panic!("it is renewed") };
    assert_eq!(version, "1");
    assert_ne!(first.renewed, second.renewed);
    assert_eq!((first.acquired, first.transitions), (second.acquired, second.transitions));
    elector.answered(tick(3), Answer::Lease("1".to_owned(), second));
    assert_eq!(elector.until(), Some(Duration::from_secs(10)), "a write that changed nothing counts for nothing");
}

#[test]
fn a_lease_that_is_deleted_or_taken_is_lost_at_once() {
    for taken in [None, Some("b")] {
        let mut elector = Elector::new("a", Timing::default());
        elector.ask(tick(0));
        let Some(Ask::Create(mine)) = elector.answered(tick(0), Answer::Missing) else { panic!("it is made") };
        elector.answered(tick(0), Answer::Lease("1".to_owned(), mine.clone()));
        elector.ask(tick(2));
        if let Some(holder) = taken {
            assert_eq!(elector.answered(tick(2), Answer::Conflict), Some(Ask::Read));
            let other = Record { holder: holder.to_owned(), ..mine };
            assert_eq!(elector.answered(tick(2), Answer::Lease("2".to_owned(), other)), None);
        } else {
            assert_eq!(elector.answered(tick(2), Answer::Missing), None);
        }
        assert!(!elector.leads(tick(2).local));
    }
}

#[test]
fn who_has_lost_the_lease_does_not_give_it_back() {
    let mut elector = Elector::new("a", Timing::default());
    elector.ask(tick(0));
    let Some(Ask::Create(mine)) = elector.answered(tick(0), Answer::Missing) else { panic!("it is made") };
    elector.answered(tick(0), Answer::Lease("1".to_owned(), mine.clone()));
    elector.ask(tick(2));
    elector.answered(tick(2), Answer::Conflict);
    let other = Record { holder: "b".to_owned(), ..mine };
    elector.answered(tick(2), Answer::Lease("2".to_owned(), other.clone()));
    assert_eq!(elector.leave(tick(3)), Some(Ask::Read));
    assert_eq!(elector.answered(tick(3), Answer::Lease("3".to_owned(), other)), None, "it is another's");
}

#[test]
fn timings_that_would_lose_the_lease_are_refused() {
    let seconds = Duration::from_secs;
    assert_eq!(Timing::new(seconds(15), seconds(10), seconds(2)), Ok(Timing::default()));
    assert!(Timing::new(seconds(10), seconds(10), seconds(2)).is_err());
    assert!(Timing::new(seconds(15), seconds(3), seconds(2)).is_err());
    assert!(Timing::new(seconds(15), seconds(10), seconds(0)).is_err());
}
