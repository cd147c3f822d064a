//! One replica acts: leader election by a Lease of `coordination.k8s.io/v1`.
//!
//! [`elector`] decides; this asks the API server, and tells the work when it has to stop. Every write is a merge patch
//! with the version that it rests on. Takes as given that work which was told to stop does stop; never leads on.

pub mod elector;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease as Object, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{Api, ObjectMeta, Patch, PatchParams, PostParams};
use kube::{Client, ResourceExt as _};
use serde_json::json;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::{CancellationToken, DropGuard};
use tracing::{info, warn};

use self::elector::{Answer, Ask, Elector, Record, Tick, Timing};
use super::clock;

const MANAGER: &str = "aivenator";

/// Which Lease, and for whom.
#[derive(Clone, Debug)]
pub struct Options {
    /// The namespace of the program.
    pub namespace: String,
    /// The name of the Lease.
    pub name: String,
    /// Who asks for it; of its own for each start of each replica, see [`identity`].
    pub identity: String,
    /// How long is waited for what.
    pub timing: Timing,
}

/// Why there is no lease; fits after "failed to".
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// Somebody else has it, and was seen to renew it.
    #[error("take the lease {namespace}/{name}: {holder} holds it")]
    Held {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Who.
        holder: String,
    },
    /// The API server gave no usable answer.
    #[error("take the lease {namespace}/{name}: no answer from the cluster")]
    Unanswered {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
    },
    /// It cannot be read.
    #[error("read the lease {namespace}/{name}")]
    Read {
        /// Its namespace.
        namespace: String,
        /// Its name.
        name: String,
        /// Why.
        source: Box<kube::Error>,
    },
}

/// Held until it is lost, released or dropped. Dropped, it is not given back, as work may still go on: it runs out.
pub struct Lease {
    lost: CancellationToken,
    release: CancellationToken,
    task: JoinHandle<()>,
    _stop: DropGuard,
}

/// Who holds a Lease, as it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Who.
    pub identity: String,
    /// When it was last renewed, by the holder's clock.
    pub renewed: Option<jiff::Timestamp>,
}

/// A name for this start of a replica: that of its pod, and something by chance.
pub fn identity(pod: &str) -> String {
    format!("{pod}_{:016x}", RandomState::new().hash_one(std::process::id()))
}

/// Reads who holds a Lease; it may be somebody who is gone and never gave it back.
pub async fn holder(client: Client, namespace: &str, name: &str) -> Result<Option<Holder>, Failure> {
    let lease = Api::<Object>::namespaced(client, namespace).get_opt(name).await;
    let lease = lease.map_err(|source| {
        let (namespace, name) = (namespace.to_owned(), name.to_owned());
        Failure::Read { namespace, name, source: Box::new(source) }
    })?;
    let record = lease.map(|lease| record(&lease)).filter(|record| !record.holder.is_empty());
    Ok(record.map(|record| Holder { identity: record.holder, renewed: record.renewed }))
}

impl Lease {
    /// Waits until this replica leads, for as long as it takes; to give up, drop the future.
    pub async fn acquire(client: Client, options: Options) -> Lease {
        let mut replica = Replica::new(client, options);
        loop {
            replica.attempt().await;
            if replica.leads() {
                return replica.lead();
            }
            sleep(replica.options.timing.retry()).await;
        }
    }

    /// Takes the lease unless somebody is seen to renew it; one that nobody renews is waited for.
    pub async fn take(client: Client, options: Options) -> Result<Lease, Failure> {
        let mut replica = Replica::new(client, options);
        let mut answered = Instant::now();
        loop {
            if replica.attempt().await {
                answered = Instant::now();
            }
            let Options { namespace, name, timing, .. } = &replica.options;
            let (namespace, name) = (namespace.clone(), name.clone());
            if replica.leads() {
                return Ok(replica.lead());
            } else if let Some(holder) = replica.elector.rival() {
                return Err(Failure::Held { namespace, name, holder: holder.to_owned() });
            } else if answered.elapsed() > timing.despair() {
                return Err(Failure::Unanswered { namespace, name });
            }
            sleep(timing.retry()).await;
        }
    }

    /// Cancelled as soon as this replica leads no longer: all work under the lease has to stop then.
    pub fn lost(&self) -> CancellationToken {
        self.lost.clone()
    }

    /// Gives the lease back, so that another replica need not wait; to be called when all work has stopped.
    pub async fn release(self) {
        self.lost.cancel();
        self.release.cancel();
        let Lease { task, _stop: stop, .. } = self;
        // It ends soon: every request has its limit.
        let _ = task.await;
        drop(stop);
    }
}

/// Asks for an [`Elector`].
struct Replica {
    api: Api<Object>,
    options: Options,
    elector: Elector,
    origin: Instant,
}

impl Replica {
    fn new(client: Client, options: Options) -> Self {
        let elector = Elector::new(&options.identity, options.timing);
        Replica { api: Api::namespaced(client, &options.namespace), options, elector, origin: Instant::now() }
    }

    fn now(&self) -> Tick {
        Tick { local: self.origin.elapsed(), wall: clock::now() }
    }

    fn leads(&self) -> bool {
        self.elector.leads(self.origin.elapsed())
    }

    /// Asks what there is to ask; gives whether all of it was answered.
    async fn attempt(&mut self) -> bool {
        let ask = self.elector.ask(self.now());
        self.pursue(ask).await
    }

    async fn pursue(&mut self, ask: Ask) -> bool {
        let mut answered = true;
        let mut next = Some(ask);
        while let Some(ask) = next {
            let answer = timeout(self.options.timing.patience(), self.send(ask)).await.unwrap_or(Answer::Failed);
            answered &= answer != Answer::Failed;
            next = self.elector.answered(self.now(), answer);
        }
        answered
    }

    async fn send(&self, ask: Ask) -> Answer {
        let name = &self.options.name;
        let done = match ask {
            Ask::Read => self.api.get(name).await,
            Ask::Create(record) => {
                let metadata = ObjectMeta { name: Some(name.clone()), ..ObjectMeta::default() };
                let lease = Object { metadata, spec: Some(spec(&record)) };
                let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
                self.api.create(&params, &lease).await
            }
            Ask::Replace(version, record) => {
                let patch = json!({"metadata": {"resourceVersion": version}, "spec": spec(&record)});
                let params = PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
                self.api.patch(name, &params, &Patch::Merge(patch)).await
            }
        };
        match done {
            Ok(lease) => Answer::Lease(lease.resource_version().unwrap_or_default(), record(&lease)),
            Err(kube::Error::Api(status)) if status.code == 404 => Answer::Missing,
            Err(kube::Error::Api(status)) if status.code == 409 => Answer::Conflict,
            Err(error) => {
                warn!(error = &error as &dyn std::error::Error, "asked for the lease in vain");
                Answer::Failed
            }
        }
    }

    /// Keeps the lease from now on.
    fn lead(self) -> Lease {
        info!(identity = self.options.identity, "leads");
        let (lost, release, stop) = (CancellationToken::new(), CancellationToken::new(), CancellationToken::new());
        let kept = self.keep(lost.clone(), release.clone());
        let (stopped, ended) = (stop.clone().cancelled_owned(), lost.clone().drop_guard());
        let task = tokio::spawn(async move {
            // Whatever ends it, the work is told.
            let _ended = ended;
            tokio::select! {
                () = kept => {}
                () = stopped => {}
            }
        });
        Lease { lost, release, task, _stop: stop.drop_guard() }
    }

    async fn keep(mut self, lost: CancellationToken, release: CancellationToken) {
        while let Some(until) = self.elector.until().filter(|_| self.leads()) {
            let end = self.origin + until;
            let retry = self.options.timing.retry();
            tokio::select! {
                biased;
                () = release.cancelled() => return self.leave().await,
                () = sleep_until(end) => break,
                () = self.renew(retry) => {}
            }
        }
        warn!(identity = self.options.identity, "leads no longer");
        lost.cancel();
    }

    /// Tries once, and waits for the next time, unless it has turned out that somebody else leads.
    async fn renew(&mut self, retry: Duration) {
        self.attempt().await;
        if self.leads() {
            sleep(retry).await;
        }
    }

    async fn leave(&mut self) {
        // If it fails, the lease runs out.
        if let Some(ask) = self.elector.leave(self.now())
            && self.pursue(ask).await
        {
            info!(identity = self.options.identity, "has given the lease back");
        }
    }
}

fn spec(record: &Record) -> LeaseSpec {
    let seconds = record.duration.map(|duration| duration.as_secs() + u64::from(duration.subsec_nanos() > 0));
    LeaseSpec {
        holder_identity: Some(record.holder.clone()),
        lease_duration_seconds: seconds.and_then(|seconds| i32::try_from(seconds).ok()),
        acquire_time: record.acquired.map(MicroTime),
        renew_time: record.renewed.map(MicroTime),
        lease_transitions: Some(record.transitions),
        ..LeaseSpec::default()
    }
}

fn record(lease: &Object) -> Record {
    let spec = lease.spec.as_ref();
    let seconds = spec.and_then(|spec| u64::try_from(spec.lease_duration_seconds?).ok());
    Record {
        holder: spec.and_then(|spec| spec.holder_identity.clone()).unwrap_or_default(),
        duration: seconds.map(Duration::from_secs),
        acquired: spec.and_then(|spec| Some(spec.acquire_time.as_ref()?.0)),
        renewed: spec.and_then(|spec| Some(spec.renew_time.as_ref()?.0)),
        transitions: spec.and_then(|spec| spec.lease_transitions).unwrap_or_default(),
    }
}
