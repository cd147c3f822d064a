//! The simulator: lets one thing happen at a time, in an order that is drawn, and asks after each whether all is well.
//!
//! Decides what happens next, never what it comes to. Takes a case as given, and nothing else: the same case goes the same
//! way every time.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{Hash, Hasher};
use std::time::Duration;

use fnv::FnvHasher;
use tokio::sync::oneshot;

use super::case::{Case, Deed, When};
use super::ear::Told;
use super::oracle::{Asker, Breach, Oracle};
use super::process::{Process, Start};
use super::stage::{Stage, wall};
use super::tale::Tale;
use super::wire::{Answer, Wire};
use crate::sandbox::faults::Chance;

/// How long one step takes.
pub(super) const TICK: Duration = Duration::from_millis(1);
/// How far processes may run apart from each other while all of them wait.
const APART: Duration = Duration::from_secs(20);
/// So little that nobody minds.
const AHEAD: Duration = Duration::from_millis(500);
/// How long it is quiet in the end: more than a sync period, and than anything waits for.
const QUIET: Duration = Duration::from_mins(150);
/// For so long nothing is written then.
const IDLE: Duration = Duration::from_mins(40);
/// More steps than any quiet takes.
const RESTLESS: u32 = 60_000;

/// A case as it is played.
pub(super) struct Play {
    pub(super) stage: Stage,
    pub(super) processes: BTreeMap<usize, Process>,
    pub(super) wire: Wire,
    pub(super) oracle: Oracle,
    pub(super) tale: Tale,
    /// What is to go wrong with requests, in order.
    pub(super) armed: VecDeque<Deed>,
    /// Operators that are going to start: when, and in which cluster.
    pub(super) starts: Vec<(Duration, usize)>,
    /// Operators that were told to stop, and when they are killed.
    pub(super) leaving: Vec<(Duration, usize)>,
    /// Answers under way.
    pub(super) late: Vec<(Duration, oneshot::Sender<Answer>, Answer)>,
    /// How many effects were asked for.
    pub(super) effects: u32,
    pub(super) quiet: bool,
    case: Case,
    chance: Option<Chance>,
    born: usize,
    next_deed: usize,
    pub(super) steps: u32,
    trace: FnvHasher,
}

/// What may happen next.
#[derive(Clone, Copy, Debug, Hash)]
enum Choice {
    /// A request is carried out.
    Request(u64),
    /// A watch says something.
    Watch(usize, usize),
    /// An answer arrives.
    Late(usize),
    /// An operator starts.
    Start(usize),
    /// An operator that was told to stop is gone.
    Leave(usize),
}

/// How a case has ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// What was broken first, if anything.
    pub breach: Option<Breach>,
    /// How many steps it took.
    pub steps: u32,
    /// How many effects the operators asked for.
    pub effects: u32,
    /// What tells the way that it went from every other.
    pub trace: u64,
    /// What happened, in words, if that was asked for.
    pub story: Vec<String>,
}

impl Play {
    /// A case of which nothing was played yet.
    pub(super) fn new(mut case: Case, told: bool) -> Self {
        // In the order of their coming; those that wait for an effect are looked for when it comes.
        case.deeds.sort_by_key(|(when, _)| *when);
        let stage = Stage::new(case.layout);
        let mut play = Play {
            oracle: Oracle::new(&stage, &case),
            stage,
            processes: BTreeMap::new(),
            wire: Wire::default(),
            tale: Tale::new(told),
            armed: VecDeque::new(),
            starts: vec![],
            leaving: vec![],
            late: vec![],
            effects: 0,
            quiet: false,
            chance: case.order.map(Chance::new),
            born: 0,
            next_deed: 0,
            steps: 0,
            trace: FnvHasher::default(),
            case,
        };
        for cluster in 0..play.stage.clusters.len() {
            play.start(cluster);
        }
        if play.case.layout.twins {
            play.start(0);
        }
        play
    }

    /// Plays it to its end.
    pub(super) fn play(mut self) -> Outcome {
        let breach = self.chaos().or_else(|| self.calm());
        if let Some(breach) = &breach {
            for (number, process) in &self.processes {
                for thought in process.heard.thoughts() {
                    self.tale.say(self.stage.now, || format!("operator {number} thinks of {thought}"));
                }
            }
            self.tale.say(self.stage.now, || format!("and that is wrong: {breach}"));
        }
        Outcome {
            breach,
            steps: self.steps,
            effects: self.effects,
            trace: self.trace.finish(),
            story: self.tale.into_lines(),
        }
    }

    /// Everything that happens goes on, and things go wrong.
    fn chaos(&mut self) -> Option<Breach> {
        while self.steps < self.case.steps {
            while let Some((When::Step(at), deed)) = self.case.deeds.get(self.next_deed).copied()
                && at <= self.steps
            {
                self.next_deed += 1;
                self.happen(deed);
            }
            if let Some(breach) = self.step() {
                return Some(breach);
            }
        }
        None
    }

    /// Nothing goes wrong any more: in the end everything has to be as it should.
    fn calm(&mut self) -> Option<Breach> {
        self.mend();
        let (end, most) = (self.stage.now + QUIET, self.steps + RESTLESS);
        while self.stage.now < end {
            if let Some(breach) = self.step() {
                return Some(breach);
            }
            if self.steps > most {
                return Some(Breach::new("S15", "it never comes to rest"));
            }
        }
        if let Some(breach) = self.oracle.at_rest(&self.stage) {
            return Some(breach);
        }
        self.oracle.nothing_is_written_now();
        let end = self.stage.now + IDLE;
        while self.stage.now < end {
            if let Some(breach) = self.step() {
                return Some(breach);
            }
        }
        None
    }

    /// One step; gives what it has broken.
    fn step(&mut self) -> Option<Breach> {
        self.steps += 1;
        match self.choose() {
            Some(choice) => {
                choice.hash(&mut self.trace);
                self.stage.now += TICK;
                self.take(choice);
                self.settle();
            }
            None => self.pass(),
        }
        self.stage.now.hash(&mut self.trace);
        for cluster in &self.stage.clusters {
            cluster.version().hash(&mut self.trace);
        }
        self.listen();
        self.oracle.breach()
    }

    /// What happens next, of all that may; `None` if everything waits.
    fn choose(&mut self) -> Option<Choice> {
        let now = self.stage.now;
        let mut choices: Vec<Choice> = vec![];
        let due = |at: &Duration| *at <= now;
        choices.extend(
            self.starts.iter().enumerate().filter(|(_, (at, _))| due(at)).map(|(index, _)| Choice::Start(index)),
        );
        choices.extend(
            self.leaving.iter().enumerate().filter(|(_, (at, _))| due(at)).map(|(index, _)| Choice::Leave(index)),
        );
        choices
            .extend(self.late.iter().enumerate().filter(|(_, (at, ..))| due(at)).map(|(index, _)| Choice::Late(index)));
        let waiting = self.wire.waiting();
        let held = waiting.pending.iter().filter(|(_, pending)| due(&pending.held_until));
        choices.extend(held.map(|(number, _)| Choice::Request(*number)));
        drop(waiting);
        for (number, process) in self.processes.iter().filter(|(_, process)| due(&process.paused_until)) {
            let Some(cluster) = self.stage.clusters.get(process.cluster) else { continue };
            let behind = process.watches.iter().enumerate();
            let behind = behind.filter(|(_, watch)| due(&watch.frozen_until) && watch.is_behind(cluster));
            choices.extend(behind.map(|(index, _)| Choice::Watch(*number, index)));
        }
        let place = match &mut self.chance {
            Some(chance) => chance.below(u64::try_from(choices.len()).unwrap_or(1)),
            None => 0,
        };
        choices.get(usize::try_from(place).unwrap_or_default()).copied()
    }

    fn take(&mut self, choice: Choice) {
        match choice {
            Choice::Start(index) => {
                let (_, cluster) = self.starts.remove(index);
                self.start(cluster);
            }
            Choice::Leave(index) => {
                let (_, number) = self.leaving.remove(index);
                self.kill(number, (true, Duration::from_secs(3)));
            }
            Choice::Late(index) => {
                let (_, to, answer) = self.late.remove(index);
                // Whoever has asked may not wait any longer.
                let _ = to.send(answer);
            }
            Choice::Request(number) => self.request(number),
            Choice::Watch(number, index) => {
                if let Some(process) = self.processes.get_mut(&number)
                    && let Some(cluster) = self.stage.clusters.get(process.cluster)
                {
                    process.hear(index, cluster);
                }
            }
        }
    }

    /// Lets every operator do what it can do without waiting.
    pub(super) fn settle(&mut self) {
        let now = self.stage.now;
        for process in self.processes.values_mut().filter(|process| process.paused_until <= now) {
            process.run_until(now);
        }
        self.hold_ahead();
    }

    /// Lets time pass until something happens, for at most a while.
    fn pass(&mut self) {
        let span = match &mut self.chance {
            // Moments as well as hours.
            Some(chance) => Duration::from_millis((1 << chance.below(21)) + chance.below(1_000)),
            None => Duration::from_mins(5),
        };
        let now = self.stage.now;
        let late = self.late.iter().map(|(at, ..)| *at);
        let starts = self.starts.iter().map(|(at, _)| *at);
        let held: Vec<Duration> = self.wire.waiting().pending.values().map(|pending| pending.held_until).collect();
        let deaf = self.processes.values().flat_map(|process| process.watches.iter().map(|watch| watch.frozen_until));
        let asleep = self.processes.values().map(|process| process.paused_until);
        let leaving = self.leaving.iter().map(|(at, _)| *at);
        let next = late.chain(starts).chain(leaving).chain(held).chain(deaf).chain(asleep).filter(|at| now < *at).min();
        let end = next.map_or(now + span, |next| next.min(now + span));
        self.pass_until(end);
    }

    fn pass_until(&mut self, end: Duration) {
        let apart = if self.processes.len() > 1 { APART } else { end };
        while self.stage.now < end && !self.is_asked() {
            let mut reached = end.min(self.stage.now + apart);
            let now = self.stage.now;
            for process in self.processes.values_mut().filter(|process| process.paused_until <= now) {
                reached = reached.min(process.run_until_asked(reached));
            }
            self.stage.now = reached.max(now + TICK);
            self.hold_ahead();
        }
        self.settle();
    }

    /// What a process asks for that has run ahead of the others comes when they are there too.
    fn hold_ahead(&mut self) {
        let now = self.stage.now;
        for pending in self.wire.waiting().pending.values_mut().filter(|pending| pending.held_until <= now) {
            let reached = self.processes.get(&pending.process).map(Process::reached);
            if let Some(reached) = reached.filter(|reached| now + AHEAD < *reached) {
                pending.held_until = reached;
            }
        }
    }

    fn is_asked(&self) -> bool {
        let now = self.stage.now;
        self.wire.waiting().pending.values().any(|pending| pending.held_until <= now)
    }

    /// Lets so much time pass, whatever waits.
    pub(super) fn wait(&mut self, span: Duration) {
        self.stage.now += span;
        self.settle();
    }

    /// Starts an operator in a cluster.
    pub(super) fn start(&mut self, cluster: usize) {
        let (Some(settings), Some(of)) = (self.stage.settings.get(cluster), self.stage.clusters.get(cluster)) else {
            return;
        };
        self.born += 1;
        let number = self.born;
        let (uid, now, shown) = (of.uid.as_str(), self.stage.now, wall(self.stage.now));
        let start = Start { number, cluster, settings, uid, now, shown };
        if let Some(mut process) = Process::start(&start, &self.wire) {
            if self.tale.is_told() {
                process.heard.think_aloud();
            }
            process.run_until(now + TICK);
            self.processes.insert(number, process);
        }
        self.tale.say(now, || format!("operator {number} starts in cluster {cluster}"));
    }

    /// Kills an operator; what it has sent may still be under way.
    pub(super) fn kill(&mut self, number: usize, (under_way, back): (bool, Duration)) {
        let Some(process) = self.processes.remove(&number) else { return };
        self.tale.say(self.stage.now, || format!("operator {number} is killed"));
        let cluster = process.cluster;
        drop(process);
        if !under_way {
            self.wire.waiting().pending.retain(|_, pending| pending.process != number);
        }
        self.starts.push((self.stage.now + back, cluster));
    }

    fn listen(&mut self) {
        for (number, process) in &self.processes {
            for told in process.heard.take() {
                match told {
                    Told::Withheld(what) => {
                        self.oracle.withheld(Asker { process: *number, cluster: process.cluster }, &what);
                    }
                    Told::Executed(what) => self.tale.say(self.stage.now, || format!("operator {number}: {what}")),
                }
            }
        }
    }

    /// The deeds that wait for this effect.
    pub(super) fn deeds_at(&self, effect: u32) -> Vec<Deed> {
        let at = |(when, _): &&(When, Deed)| *when == When::Effect(effect);
        self.case.deeds.iter().filter(at).map(|(_, deed)| *deed).collect()
    }
}
