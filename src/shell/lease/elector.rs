//! Leader election as a state machine: what to ask the API server next, and until when this replica leads.
//!
//! Takes as given its own clock, which only has to run forward about as fast as those of others, and that the server
//! refuses a write to a version that is no longer the newest. Never compares times that others wrote: the wall clock is
//! written for people alone. Never leads on a write whose answer did not come.
//!
//! At most one replica leads: a leader stops `renew_deadline` after it *sent* its last successful write, all others wait
//! for `duration` after they first *saw* that write. So clocks may run apart by as much as these two do.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};

/// How long is waited for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    duration: Duration,
    renew_deadline: Duration,
    retry: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            duration: Duration::from_secs(15),
            renew_deadline: Duration::from_secs(10),
            retry: Duration::from_secs(2),
        }
    }
}

impl Timing {
    /// Joins the three; says what is wrong with them, if a leader would lose the lease by them.
    pub fn new(duration: Duration, renew_deadline: Duration, retry: Duration) -> Result<Self, String> {
        if duration <= renew_deadline || duration > Duration::from_hours(24) {
            Err("the lease has to last longer than its renewal may take, and at most a day".to_owned())
        } else if renew_deadline < retry * 2 || retry.is_zero() {
            Err("a renewal has to be tried at least twice before it is too late".to_owned())
        } else {
            Ok(Timing { duration, renew_deadline, retry })
        }
    }

    /// How long to wait between attempts.
    pub fn retry(&self) -> Duration {
        self.retry
    }

    /// How long to wait for one answer: so that a second attempt is still in time.
    pub fn patience(&self) -> Duration {
        self.renew_deadline / 2
    }

    /// After how long without any answer nothing can be said any more.
    pub fn despair(&self) -> Duration {
        self.duration + self.renew_deadline
    }
}

/// What a Lease says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Who has it; empty, if nobody.
    pub holder: String,
    /// For how long after each write; `None` if it is not said.
    pub duration: Option<Duration>,
    /// Since when, by the holder's clock.
    pub acquired: Option<Timestamp>,
    /// When it was last written, by the holder's clock.
    pub renewed: Option<Timestamp>,
    /// How often it went to another holder.
    pub transitions: i32,
}

/// A moment by the clocks of this replica.
#[derive(Clone, Copy, Debug)]
pub struct Tick {
    /// Since some moment of its own; never jumps.
    pub local: Duration,
    /// For people.
    pub wall: Timestamp,
}

/// What to ask the API server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Read the Lease.
    Read,
    /// Make it.
    Create(Record),
    /// Replace what it says, if it still is of that version.
    Replace(String, Record),
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The Lease as it is, or as it was just written, with its version.
    Lease(String, Record),
    /// There is none.
    Missing,
    /// It is of another version, or is there already.
    Conflict,
    /// Nothing that can be relied on; a write may have happened or not.
    Failed,
}

/// One replica.
#[derive(Debug)]
pub struct Elector {
    identity: String,
    timing: Timing,
    seen: Option<Seen>,
    asked: Option<Asked>,
    until: Option<Duration>,
    rivals: u32,
    leaving: bool,
}

#[derive(Debug)]
struct Seen {
    version: String,
    record: Record,
    at: Duration,
}

#[derive(Debug)]
struct Asked {
    sent: Duration,
    write: bool,
}

impl Elector {
    /// A replica that knows nothing yet; no other may have that identity, also none before it.
    pub fn new(identity: &str, timing: Timing) -> Self {
        let identity = identity.to_owned();
        Elector { identity, timing, seen: None, asked: None, until: None, rivals: 0, leaving: false }
    }

    /// Whether this replica leads.
    pub fn leads(&self, local: Duration) -> bool {
        self.until.is_some_and(|until| local < until)
    }

    /// Until when it leads, if nothing more is answered.
    pub fn until(&self) -> Option<Duration> {
        self.until
    }

    /// Who else leads: somebody who was seen to write, not only to have written.
    pub fn rival(&self) -> Option<&str> {
        let holder = self.seen.as_ref().map(|seen| seen.record.holder.as_str());
        holder.filter(|holder| self.rivals > 1 && !holder.is_empty() && *holder != self.identity)
    }

    /// Begins an attempt; no answer to an earlier one may be given from now on.
    pub fn ask(&mut self, now: Tick) -> Ask {
        match &self.seen {
            Some(_) if self.leads(now.local) => self.write(now),
            Some(_) | None => self.read(now),
        }
    }

    /// Begins to give the lease back, if it was ever seen; it leads no longer from this moment on.
    ///
    /// What was last seen with another holder may be its own by now, if a write was not answered: it looks again.
    pub fn leave(&mut self, now: Tick) -> Option<Ask> {
        self.until = None;
        self.leaving = true;
        let ours = self.seen.as_ref().map(|seen| seen.record.holder == self.identity)?;
        Some(if ours { self.write(now) } else { self.read(now) })
    }

    /// Takes an answer; gives what to ask at once, if anything.
    pub fn answered(&mut self, now: Tick, answer: Answer) -> Option<Ask> {
        let asked = self.asked.take()?;
        match answer {
            Answer::Failed => None,
            Answer::Conflict => (self.leaving || self.leads(now.local)).then(|| self.read(now)),
            Answer::Missing => {
                (self.seen, self.until) = (None, None);
                (!self.leaving && !asked.write).then(|| self.write(now))
            }
            Answer::Lease(version, record) if asked.write => {
                // A write that changes nothing is not seen by others.
                let changed = self.seen.as_ref().is_none_or(|seen| seen.version != version);
                self.seen = Some(Seen { version, record, at: now.local });
                if changed && !self.leaving {
                    self.until = Some(asked.sent + self.timing.renew_deadline);
                }
                None
            }
            Answer::Lease(version, record) => {
                self.see(now, version, record);
                self.is_free(now.local).then(|| self.write(now))
            }
        }
    }

    fn see(&mut self, now: Tick, version: String, record: Record) {
        if record.holder != self.identity {
            self.until = None;
        }
        if self.seen.as_ref().is_none_or(|seen| seen.version != version) {
            let foreign = !record.holder.is_empty() && record.holder != self.identity;
            self.rivals = if foreign { self.rivals.saturating_add(1) } else { 0 };
            self.seen = Some(Seen { version, record, at: now.local });
        }
    }

    /// Whether what was seen may be replaced: also what this replica holds, without knowing that its write succeeded.
    fn is_free(&self, local: Duration) -> bool {
        let Some(seen) = &self.seen else { return !self.leaving };
        if seen.record.holder == self.identity {
            return true;
        }
        let duration = seen.record.duration.unwrap_or(self.timing.duration);
        !self.leaving && (seen.record.holder.is_empty() || local >= seen.at + duration)
    }

    fn read(&mut self, now: Tick) -> Ask {
        self.asked = Some(Asked { sent: now.local, write: false });
        Ask::Read
    }

    fn write(&mut self, now: Tick) -> Ask {
        self.asked = Some(Asked { sent: now.local, write: true });
        let wall = whole_microseconds(now.wall);
        let Some(Seen { version, record, .. }) = &self.seen else {
            return Ask::Create(self.record(wall, wall, 0));
        };
        let ours = record.holder == self.identity;
        // Every write changes something, whatever the clock says: others have to see it.
        let wall = if record.renewed == Some(wall) { wall + SignedDuration::from_micros(1) } else { wall };
        let acquired = record.acquired.filter(|_| ours).unwrap_or(wall);
        let transitions = if ours { record.transitions } else { record.transitions.saturating_add(1) };
        let mut written = self.record(acquired, wall, transitions);
        if self.leaving {
            written.holder.clear();
            written.duration = Some(Duration::from_secs(1));
        }
        Ask::Replace(version.clone(), written)
    }

    fn record(&self, acquired: Timestamp, renewed: Timestamp, transitions: i32) -> Record {
        Record {
            holder: self.identity.clone(),
            duration: Some(self.timing.duration),
            acquired: Some(acquired),
            renewed: Some(renewed),
            transitions,
        }
    }
}

/// As precise as a Lease can say it.
fn whole_microseconds(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}
