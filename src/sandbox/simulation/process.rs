//! One operator as a process: the real loop on a runtime of its own, whose time goes only when it is let.
//!
//! Decides nothing of what happens: it runs until it waits, and its watches say what they are told to. Dropped, it is
//! killed where it stands.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use jiff::{SignedDuration, Timestamp};
use kube::runtime::watcher;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::Notify;
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::cluster::{Change, Cluster};
use super::ear::{Ear, Heard};
use super::wire::{End, Wire};
use crate::shell::aiven::{Client, Deadlines, Pace as Speed};
use crate::shell::begin::{Begun, Ground, begin};
use crate::shell::clock::simulated::{self, Reading};
use crate::shell::fact::Fact;
use crate::shell::journal::Place;
use crate::shell::keystore::Encryption;
use crate::shell::kube::{Doc, Event, Eye, Kube, KubeError, Scope, Whole};
use crate::shell::operate::Pace;
use crate::world::{Digester, Kind, Settings, names};

/// The namespace of the operators.
pub(super) const HOME: &str = "aivenator";

/// One operator.
pub(super) struct Process {
    pub(super) cluster: usize,
    pub(super) watches: Vec<Watch>,
    pub(super) paused_until: Duration,
    pub(super) heard: Heard,
    asleep: bool,
    runtime: Runtime,
    stop: CancellationToken,
    asked: Arc<Notify>,
    begun: Told,
    facts: Option<UnboundedSender<Fact>>,
    started: Duration,
    reached: Duration,
    origin: Instant,
    clock: Reading,
    digester: Digester,
}

/// What the operator says when it has begun.
type Told = Arc<Mutex<Option<(UnboundedSender<Fact>, Vec<Scope>)>>>;

/// One of its watches.
pub(super) struct Watch {
    pub(super) scope: Scope,
    /// The version up to which it has said everything; it begins with a list.
    pub(super) cursor: Option<u64>,
    pub(super) frozen_until: Duration,
    eye: Eye,
}

/// Where and when a process starts.
pub(super) struct Start<'s> {
    pub(super) number: usize,
    pub(super) cluster: usize,
    pub(super) settings: &'s Settings,
    pub(super) uid: &'s str,
    pub(super) now: Duration,
    pub(super) shown: Timestamp,
}

impl Process {
    /// A process that has just been started; `None` if the machine has no room for it.
    pub(super) fn start(start: &Start<'_>, wire: &Wire) -> Option<Process> {
        let runtime = Builder::new_current_thread().enable_time().start_paused(true).build().ok()?;
        let asked = Arc::new(Notify::new());
        let end = End { wire: wire.clone(), process: start.number, asked: Arc::clone(&asked) };
        let digester = Digester::new(&[7; 32]);
        let begun: Told = Arc::default();
        let (stop, heard) = (CancellationToken::new(), Heard::default());
        let (clock, origin) = {
            let _inside = runtime.enter();
            let origin = Instant::now();
            let clock = Reading { shown: start.shown, at: origin, goes: true };
            let ground = ground(start, end, &digester);
            let (told, stopped, ear) = (Arc::clone(&begun), stop.clone(), Box::new(Ear::new(&heard)));
            runtime.spawn(async move {
                let Begun { operator, facts, scopes } = begin(ground, ear).await;
                *told.lock().unwrap_or_else(PoisonError::into_inner) = Some((facts, scopes));
                operator.run(stopped).await;
            });
            (clock, origin)
        };
        Some(Process {
            cluster: start.cluster,
            watches: vec![],
            paused_until: Duration::ZERO,
            heard,
            asleep: false,
            runtime,
            stop,
            asked,
            begun,
            facts: None,
            started: start.now,
            reached: start.now,
            origin,
            clock,
            digester,
        })
    }

    /// Runs everything that can run until that moment.
    pub(super) fn run_until(&mut self, now: Duration) {
        self.wake(now);
        let until = self.origin + now.saturating_sub(self.started);
        simulated::set(Some(self.clock));
        let reached = self.runtime.block_on(async {
            // Whatever its time: only who waits lets others run.
            tokio::time::sleep_until(until.max(Instant::now() + Duration::from_millis(1))).await;
            Instant::now()
        });
        self.reached = self.started + reached.saturating_duration_since(self.origin);
        self.settle();
    }

    /// How far it has run.
    pub(super) fn reached(&self) -> Duration {
        self.reached
    }

    /// Runs until that moment, or until it asks for something; gives when that was.
    pub(super) fn run_until_asked(&mut self, now: Duration) -> Duration {
        self.wake(now);
        let until = self.origin + now.saturating_sub(self.started);
        simulated::set(Some(self.clock));
        let asked = Arc::clone(&self.asked);
        // What it has asked for before was seen.
        let _ = asked.notified().now_or_never();
        let reached = self.runtime.block_on(async {
            tokio::select! {
                biased;
                () = asked.notified() => {}
                () = tokio::time::sleep_until(until) => {}
            }
            Instant::now()
        });
        self.settle();
        self.reached = self.started + reached.saturating_duration_since(self.origin);
        self.reached
    }

    /// Is stopped by its machine until then, and does not notice.
    pub(super) fn sleep_until(&mut self, until: Duration) {
        self.paused_until = until;
        self.asleep = true;
    }

    /// Goes on, if it was stopped by its machine.
    pub(super) fn wake(&mut self, now: Duration) {
        if !std::mem::take(&mut self.asleep) {
            return;
        }
        let until = self.origin + now.saturating_sub(self.started);
        simulated::set(Some(self.clock));
        self.runtime.block_on(async {
            tokio::time::advance(until.saturating_duration_since(Instant::now())).await;
        });
        self.settle();
    }

    fn settle(&mut self) {
        simulated::set(None);
        if self.facts.is_none()
            && let Some((facts, scopes)) = self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
        {
            let watch = |scope: Scope| {
                let eye = Eye::new(scope.clone(), self.digester.clone());
                Watch { scope, cursor: None, frozen_until: Duration::ZERO, eye }
            };
            self.watches = scopes.into_iter().map(watch).collect();
            self.facts = Some(facts);
        }
    }

    /// Sets its clock forward or back, and whether it goes on.
    pub(super) fn set_clock(&mut self, by: SignedDuration, goes: bool) {
        let _inside = self.runtime.enter();
        let passed = if self.clock.goes { self.clock.at.elapsed() } else { Duration::ZERO };
        let passed = SignedDuration::try_from(passed).unwrap_or_default();
        let shown = self.clock.shown.checked_add(passed + by).unwrap_or(self.clock.shown);
        self.clock = Reading { shown, at: Instant::now(), goes };
    }

    /// Sets its clock right.
    pub(super) fn set_clock_right(&mut self, shown: Timestamp) {
        let _inside = self.runtime.enter();
        self.clock = Reading { shown, at: Instant::now(), goes: true };
    }

    /// Whether it was told to stop.
    pub(super) fn is_leaving(&self) -> bool {
        self.stop.is_cancelled()
    }

    /// Tells it to stop when it is done with what is under way.
    pub(super) fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// Lets one of its watches say the next thing; says whether there was one.
    pub(super) fn hear(&mut self, index: usize, cluster: &Cluster) -> bool {
        let (Some(watch), Some(facts)) = (self.watches.get_mut(index), &self.facts) else { return false };
        let events = match watch.cursor {
            None => watch.list(cluster),
            Some(cursor) => watch.next(cursor, cluster),
        };
        let any = !events.is_empty();
        for event in events {
            // Nobody listens any longer when the operator is ending.
            let _ = facts.send(Fact::Watched(watch.scope.clone(), event));
        }
        any
    }

    /// Lets one of its watches say once more what it said last.
    pub(super) fn hear_again(&mut self, index: usize, cluster: &Cluster) {
        if let Some(watch) = self.watches.get_mut(index)
            && let Some(cursor) = watch.cursor
        {
            let log = cluster.log(Some(watch.scope.kind));
            let last = log.iter().rev().find(|change| change.version <= cursor);
            watch.cursor = last.map_or(Some(cursor), |last| Some(last.version - 1));
            self.hear(index, cluster);
        }
    }

    /// One of its watches fails, and begins anew with a list.
    pub(super) fn lose(&mut self, index: usize, error: KubeError) {
        if let (Some(watch), Some(facts)) = (self.watches.get_mut(index), &self.facts) {
            watch.cursor = None;
            let _ = facts.send(Fact::Watched(watch.scope.clone(), Event::Troubled(error)));
        }
    }
}

impl Watch {
    /// Whether it has something to say.
    pub(super) fn is_behind(&self, cluster: &Cluster) -> bool {
        let last = || cluster.log(Some(self.scope.kind)).last().map_or(0, |change| change.version);
        self.cursor.is_none_or(|cursor| cursor < last())
    }

    fn list(&mut self, cluster: &Cluster) -> Vec<Event> {
        self.cursor = Some(cluster.version());
        let mut events = self.eye.read(watcher::Event::<Doc<Whole>>::Init);
        for (_, object) in
            cluster.table(Some(self.scope.kind)).filter(|(_, object)| is_selected(self.scope.kind, object))
        {
            let shown = watcher::Event::InitApply(Doc::<Whole>::of(serde_json::Value::clone(object)));
            events.extend(self.eye.read(shown));
        }
        events.extend(self.eye.read(watcher::Event::<Doc<Whole>>::InitDone));
        events
    }

    fn next(&mut self, mut cursor: u64, cluster: &Cluster) -> Vec<Event> {
        let log = cluster.log(Some(self.scope.kind));
        let first = log.partition_point(|change| change.version <= cursor);
        let mut events = vec![];
        for change in log.iter().skip(first) {
            cursor = change.version;
            if let Some(shown) = shown(self.scope.kind, change) {
                events = self.eye.read(shown);
                break;
            }
        }
        self.cursor = Some(cursor);
        events
    }
}

/// How a change shows to somebody who selects by label.
fn shown(kind: Kind, change: &Change) -> Option<watcher::Event<Doc<Whole>>> {
    let Change { version: _, old, new, gone } = change;
    let doc = || Doc::<Whole>::of(serde_json::Value::clone(new));
    let was = old.as_ref().is_some_and(|old| is_selected(kind, old));
    if !gone && is_selected(kind, new) {
        return Some(watcher::Event::Apply(doc()));
    }
    was.then(|| watcher::Event::Delete(doc()))
}

/// Whether lists and watches of a kind show an object.
pub(super) fn is_selected(kind: Kind, object: &serde_json::Value) -> bool {
    kind != Kind::Secret || super::cluster::noted(object, "labels", names::TYPE) == Some(names::TYPE_VALUE)
}

fn ground(start: &Start<'_>, end: End, digester: &Digester) -> Ground {
    let fast = Speed { per_second: rate(), burst: rate() };
    let road = Box::new(end.clone());
    let aiven = Client::over(road, (fast, Deadlines::default(), None), digester.clone());
    Ground {
        kube: Kube::over(end),
        aiven,
        place: Place { namespace: HOME.to_owned(), cluster: start.uid.into() },
        digester: digester.clone(),
        settings: start.settings.clone(),
        encryption: Encryption::Modern,
        pace: Pace {
            concurrency: 10,
            janitor_interval: SignedDuration::from_mins(15),
            debounce: Duration::from_millis(100),
            // In the quiet that ends every case the loop's turns are most of what happens.
            longest: Duration::from_mins(1),
            namespaces: vec![None],
            threads: NonZeroUsize::MIN,
        },
    }
}

/// More than ever comes: the limiter reads a clock that nobody can set.
fn rate() -> std::num::NonZeroU32 {
    std::num::NonZeroU32::new(100_000_000).unwrap_or(std::num::NonZeroU32::MIN)
}
