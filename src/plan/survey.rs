//! What the decisions of one plan share: the world, what they noted, and limits that hold for a plan as a whole.
//!
//! Takes as given that the world does not change meanwhile; works out each limit at most once, and only if it is asked.

use std::cell::{OnceCell, RefCell};
use std::collections::{BTreeMap, BTreeSet};

use jiff::SignedDuration;

use super::{renew, secret};
use crate::read::Read;
use crate::world::{Content, Lookup, Project, SecretKey, ServiceKey, Timestamp, World};

/// The world and what one plan has worked out about it.
pub(super) struct Survey<'w> {
    /// The world.
    pub(super) world: &'w World,
    /// The main project, whose certificate every secret holds.
    pub(super) main: Lookup<&'w Project>,
    deletions: OnceCell<usize>,
    rotations: RefCell<BTreeMap<ServiceKey, BTreeSet<SecretKey>>>,
    constants: RefCell<BTreeMap<&'static str, Content>>,
}

impl<'w> Survey<'w> {
    pub(super) fn new(world: &'w World) -> Self {
        let main = world.project(&world.settings().main_project);
        Survey { world, main, deletions: OnceCell::new(), rotations: RefCell::default(), constants: RefCell::default() }
    }

    /// How many secrets the janitor would delete now.
    pub(super) fn deletions(&self) -> usize {
        *self.deletions.get_or_init(|| secret::count_deletable(self.world))
    }

    /// Whether the secret is among those whose user may be replaced now: at most 5 % of a service's users, and at least
    /// one, are being replaced at a time.
    pub(super) fn may_rotate(&self, service: &ServiceKey, secret: &SecretKey) -> bool {
        let mut rotations = self.rotations.borrow_mut();
        let allowed = rotations.entry(service.clone()).or_insert_with(|| renew::allowed(self.world, service));
        allowed.contains(secret)
    }

    /// The digest of a text that every secret holds.
    pub(super) fn constant(&self, text: &'static str) -> Content {
        let digest = || self.world.digester().content(text.as_bytes());
        *self.constants.borrow_mut().entry(text).or_insert_with(digest)
    }
}

/// What decisions note beside themselves.
#[derive(Default)]
pub(super) struct Notes {
    /// What would have to be seen to decide more.
    pub(super) reads: Vec<Read>,
    /// The first moment at which time alone changes something.
    pub(super) wake_at: Option<Timestamp>,
}

impl Notes {
    /// Notes that something changes at that moment, unless that is the end of time.
    pub(super) fn wake(&mut self, at: Timestamp) {
        if at < Timestamp::MAX {
            self.wake_at = Some(self.wake_at.map_or(at, |first| first.min(at)));
        }
    }

    /// Adds what was noted elsewhere.
    pub(super) fn add(&mut self, other: Notes) {
        let Notes { reads, wake_at } = other;
        self.reads.extend(reads);
        self.wake_at = self.wake_at.into_iter().chain(wake_at).min();
    }

    /// Notes that something changes at that moment, if it is still to come; says whether it is.
    pub(super) fn wake_if_later(&mut self, world: &World, at: Timestamp) -> bool {
        let later = world.now < at;
        if later {
            self.wake(at);
        }
        later
    }
}

/// A moment some time after another; the end of time where there is none.
pub(super) fn after(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_add(time).unwrap_or(Timestamp::MAX)
}

/// A moment some time before another; the beginning of time where there is none.
pub(super) fn before(moment: Timestamp, time: SignedDuration) -> Timestamp {
    moment.checked_sub(time).unwrap_or(Timestamp::MIN)
}

/// A part of a span of time that follows from a text alone, so that many are spread over the span.
pub(super) fn spread(text: &str, span: SignedDuration) -> SignedDuration {
    let place = i32::try_from(crc32fast::hash(text.as_bytes()) % 1_000).unwrap_or_default();
    span * place / 1_000
}
