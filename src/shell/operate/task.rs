//! What is under way: reads and decisions.
//!
//! Takes as given that a task says itself what came of it; one that could not is noticed all the same.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::{AbortHandle, Id, JoinSet};

use crate::plan::Decision;
use crate::read::Read;
use crate::shell::ask::Ground;
use crate::shell::execute;
use crate::shell::trouble::Trouble;
use crate::world::Subject;

/// What a task is for.
#[derive(Clone, Debug)]
pub(super) enum Job {
    /// To look at something.
    Read(Read),
    /// To confirm or execute a decision, and everything that this may change.
    Decision(Subject, BTreeSet<Subject>),
}

/// What came of a task.
#[derive(Debug)]
pub(super) enum Ended {
    /// A read was answered, or not.
    Read(Read, Result<(), Trouble>),
    /// What a decision rests on was looked at, or not.
    Confirmed(Box<Decision>, Result<Ground, Trouble>),
    /// A decision was executed.
    Executed {
        /// Which.
        decision: Arc<Decision>,
        /// What became of each step.
        steps: Vec<execute::Ended>,
        /// The generation of the application when it was decided.
        generation: i64,
        /// How long it took.
        took: Duration,
    },
    /// It ended without saying what came of it.
    Lost(Job),
}

/// Every task that is under way.
#[derive(Default)]
pub(super) struct Tasks {
    set: JoinSet<Ended>,
    jobs: BTreeMap<Id, (Job, AbortHandle)>,
    busy: BTreeSet<Subject>,
    decisions: usize,
    reads: usize,
}

impl Tasks {
    /// Begins a task.
    pub(super) fn spawn(&mut self, job: Job, task: impl Future<Output = Ended> + Send + 'static) {
        match &job {
            Job::Read(_) => self.reads += 1,
            Job::Decision(_, touched) => {
                self.decisions += 1;
                self.busy.extend(touched.iter().cloned());
            }
        }
        let handle = self.set.spawn(task);
        self.jobs.insert(handle.id(), (job, handle));
    }

    /// The next task that ends; never comes if none is under way.
    pub(super) async fn next(&mut self) -> Option<Ended> {
        let (id, ended) = match self.set.join_next_with_id().await? {
            Ok((id, ended)) => (id, Some(ended)),
            Err(error) => (error.id(), None),
        };
        let (job, _) = self.jobs.remove(&id)?;
        match &job {
            Job::Read(_) => self.reads = self.reads.saturating_sub(1),
            Job::Decision(_, touched) => {
                self.decisions = self.decisions.saturating_sub(1);
                self.busy.retain(|subject| !touched.contains(subject));
            }
        }
        Some(ended.unwrap_or(Ended::Lost(job)))
    }

    /// Whether something is under way that may change any of these.
    pub(super) fn is_busy(&self, touched: &BTreeSet<Subject>) -> bool {
        !self.busy.is_disjoint(touched)
    }

    /// How many decisions are under way.
    pub(super) fn decisions(&self) -> usize {
        self.decisions
    }

    /// How many reads are under way.
    pub(super) fn reads(&self) -> usize {
        self.reads
    }

    /// Gives up what changes nothing.
    pub(super) fn drop_reads(&mut self) {
        for (job, handle) in self.jobs.values() {
            match job {
                Job::Read(_) => handle.abort(),
                Job::Decision(..) => {}
            }
        }
    }
}
