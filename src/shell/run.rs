//! The operator as a process: everything that has to be there before the loop can begin, and how it ends.
//!
//! Decides the order: the pages first, then rights, then the lease, then watches. Takes a configuration that was parsed;
//! never begins to act before it may.

use std::num::NonZeroUsize;
use std::thread::available_parallelism;
use std::time::Duration;

use jiff::SignedDuration;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::runtime::events::{Recorder, Reporter as EventReporter};
use thiserror::Error;
use tokio::sync::mpsc::unbounded_channel;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::begin::{Begun, Ground, begin};
use super::fact::Fact;
use super::http::{Condition, Health, Listen, Pages, Readiness, Server};
use super::journal::Place;
use super::keystore::Encryption;
use super::kube::{ConnectError, Http, Kube, KubeError, Scope, Target, connect, watch};
use super::metrics::Metrics;
use super::operate::{Operator, Pace};
use super::report::Reporter;
use super::{aiven, clock, http, lease, projects, rights};
use crate::world::{Digester, Name, Settings, names};

/// Everything that is set before the operator runs.
pub struct Config {
    /// The policy.
    pub settings: Settings,
    /// Which cluster.
    pub target: Target,
    /// How Aiven is reached.
    pub aiven: aiven::Options,
    /// Where the pages are served.
    pub listen: Listen,
    /// The namespaces to look at; all, if none is named.
    pub namespaces: Vec<String>,
    /// The namespace of this program, where no service account says so.
    pub home: Option<String>,
    /// Who acts, if several run at a time: a name of this process, or nobody asks.
    pub candidate: Option<String>,
    /// The period of the full plan.
    pub janitor_interval: SignedDuration,
    /// How many decisions are executed at a time.
    pub concurrency: usize,
    /// How stores are encrypted.
    pub encryption: Encryption,
    /// The key of the digests: bytes that nobody outside this process knows.
    pub key: [u8; 32],
}

/// Why the operator does not run, or does not go on.
#[derive(Debug, Error)]
pub enum RunError {
    /// There is no way to a cluster.
    #[error("{0}")]
    Connect(ConnectError),
    /// The pages cannot be served.
    #[error("failed to {0}")]
    Listen(http::Failure),
    /// The Aiven client cannot be set up.
    #[error("{0}")]
    Aiven(aiven::BuildError),
    /// Rights are missing, one a line.
    #[error("{0}")]
    Rights(String),
    /// The cluster does not answer.
    #[error("failed to {0}: {1}")]
    Cluster(&'static str, String),
    /// The cluster does not allow it.
    #[error("failed to {0}: {1}")]
    Forbidden(&'static str, String),
    /// Nobody has said where the program's own namespace is.
    #[error("in which namespace the journal and the lease are is not known: say it with --operator-namespace")]
    Homeless,
    /// The lease is not to be had.
    #[error("failed to {0}")]
    Lease(lease::Failure),
    /// There are several journals, and nothing says which is its own.
    #[error("there are journals in namespaces {0}: say which is meant with --operator-namespace")]
    Journals(String),
    /// A watch has ended, which it never does.
    #[error("a watch has ended before its time: {0}")]
    Watch(String),
    /// Somebody else has taken over.
    #[error("the lease was lost: another replica acts now")]
    LeaseLost,
}

/// How long what is under way may take when the operator is told to stop.
const PATIENCE: Duration = Duration::from_secs(18);
/// After this time the cluster counts as not answering.
const DEADLINE: Duration = Duration::from_secs(30);
/// The loop says that it is alive at least so often; well above its longest wait.
const ALIVE: Duration = Duration::from_secs(90);
/// The file in which a service account says in which namespace it is.
const SERVICE_ACCOUNT: &str = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";

/// Runs until it is told to stop.
pub async fn run(config: Config, stop: CancellationToken) -> Result<(), RunError> {
    let metrics = Metrics::new(config.settings.projects.iter().chain([&config.settings.main_project]));
    let pages = Pages { metrics: metrics.clone(), health: Health::default(), readiness: Readiness::default() };
    let server = Server::start(&config.listen, pages.clone()).await.map_err(RunError::Listen)?;
    let ended = prepare(config, pages, stop).await;
    if let Some(server) = server {
        server.stop().await;
    }
    ended
}

async fn prepare(config: Config, pages: Pages, stop: CancellationToken) -> Result<(), RunError> {
    let begun = pages.readiness.condition("rights");
    let (client, namespace) = connect(&config.target).map_err(RunError::Connect)?;
    let kube = Http::new(client, pages.metrics.clone());
    let home = home(config.home.clone(), namespace);
    let namespaces = scopes(&config.namespaces);
    let denied = rights::denied(&kube, rights::needed(&namespaces, &home, config.candidate.is_some())).await;
    let denied = denied.map_err(|error| RunError::Cluster("ask for its rights", error.to_string()))?;
    if !denied.is_empty() {
        let lines: Vec<String> = denied.iter().map(ToString::to_string).collect();
        return Err(RunError::Rights(lines.join("\n")));
    }
    let digester = Digester::new(&config.key);
    let options = aiven::Options { metrics: Some(pages.metrics.clone()), ..config.aiven.clone() };
    let aiven = aiven::Client::new(options, digester.clone()).map_err(RunError::Aiven)?;
    let place = Place { namespace: home, cluster: cluster(&kube).await? };
    let parts = Parts { kube, aiven, place, digester, namespaces, begun };
    match config.candidate.clone() {
        None => serve(&config, parts, pages, stop).await,
        Some(candidate) => lead(&config, (parts, candidate), pages, stop).await,
    }
}

/// What was found out and set up before the loop.
struct Parts {
    kube: Http,
    aiven: aiven::Client,
    place: Place,
    digester: Digester,
    namespaces: Vec<Option<String>>,
    /// Met once it is known what else there is to wait for.
    begun: Condition,
}

/// Waits for its turn, and acts for as long as it lasts.
async fn lead(
    config: &Config,
    (parts, candidate): (Parts, String),
    pages: Pages,
    stop: CancellationToken,
) -> Result<(), RunError> {
    let (namespace, name) = (parts.place.namespace.clone(), names::LEASE.to_owned());
    let options = lease::Options { namespace, name, identity: candidate, timing: lease::elector::Timing::default() };
    parts.begun.set(true);
    let client = parts.kube.client().clone();
    let held = tokio::select! {
        held = lease::Lease::acquire(client, options) => held,
        () = stop.cancelled() => return Ok(()),
    };
    pages.metrics.is_leader(true);
    tracing::info!("this replica acts now");
    let lost = held.lost();
    // Work that goes on after the loss could meet that of the next holder: it is dropped where it stands.
    let ended = tokio::select! {
        ended = serve(config, parts, pages.clone(), stop) => ended,
        () = lost.cancelled() => Err(RunError::LeaseLost),
    };
    pages.metrics.is_leader(false);
    if !matches!(ended, Err(RunError::LeaseLost)) {
        held.release().await;
    }
    ended
}

async fn serve(config: &Config, parts: Parts, pages: Pages, stop: CancellationToken) -> Result<(), RunError> {
    let Parts { kube, aiven, place, digester, namespaces, begun } = parts;
    let reporter = EventReporter { controller: "aivenator".to_owned(), instance: config.candidate.clone() };
    let client = kube.client().clone();
    let recorder = Box::new(move || Recorder::new(client.clone(), reporter.clone()));
    let heartbeat = pages.health.heartbeat("loop", ALIVE);
    let reporter = Reporter::new(pages, heartbeat, (recorder, aiven.clone()));
    begun.set(true);
    let _compared = AbortOnDropHandle::new(tokio::spawn(projects::compare(aiven.clone(), config.settings.clone())));
    let pace = Pace {
        concurrency: config.concurrency,
        janitor_interval: config.janitor_interval,
        debounce: DEBOUNCE,
        longest: LONGEST,
        namespaces,
        threads: available_parallelism().unwrap_or(NonZeroUsize::MIN),
    };
    let settings = config.settings.clone();
    let (encryption, digests) = (config.encryption, digester.clone());
    let ground = Ground { kube: Kube::over(kube.clone()), aiven, place, digester: digests, settings, encryption, pace };
    let Begun { operator, facts, scopes } = begin(ground, Box::new(reporter)).await;
    let watching = stop.child_token();
    let _unwatched = watching.clone().drop_guard();
    let mut watches = JoinSet::new();
    for scope in scopes {
        watches.spawn(follow((kube.clone(), scope), digester.clone(), facts.clone(), watching.clone()));
    }
    let begun = clock::now();
    tracing::info!(%begun, "running");
    until_told(operator, watches, stop).await
}

/// Runs until it is told to stop, and then for as long as what is under way takes, within reason.
async fn until_told(operator: Operator, mut watches: JoinSet<()>, stop: CancellationToken) -> Result<(), RunError> {
    let running = operator.run(stop.clone());
    tokio::pin!(running);
    tokio::select! {
        // Told to stop, watches end too.
        biased;
        () = stop.cancelled() => {
            if tokio::time::timeout(PATIENCE, &mut running).await.is_err() {
                tracing::warn!("what was under way has not ended in time; the journal knows of it");
            }
        }
        () = &mut running => {}
        // Without one of them nothing that is seen can be believed: whoever starts this again starts anew.
        Some(ended) = watches.join_next() => {
            let why = ended.err().map_or_else(|| "it ended".to_owned(), |error| error.to_string());
            return Err(RunError::Watch(why));
        }
    }
    Ok(())
}

/// Changes of one moment are planned together.
const DEBOUNCE: Duration = Duration::from_millis(100);
/// A clock that was set is noticed after so long.
const LONGEST: Duration = Duration::from_secs(15);

async fn follow(
    (kube, scope): (Http, Scope),
    digester: Digester,
    facts: tokio::sync::mpsc::UnboundedSender<Fact>,
    stop: CancellationToken,
) {
    let (events, mut inbox) = unbounded_channel();
    let pass_on = async {
        while let Some((scope, event)) = inbox.recv().await {
            if facts.send(Fact::Watched(scope, event)).is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = watch(kube, scope, digester, events) => {}
        () = pass_on => {}
        () = stop.cancelled() => {}
    }
}

pub(super) fn scopes(namespaces: &[String]) -> Vec<Option<String>> {
    if namespaces.is_empty() { vec![None] } else { namespaces.iter().cloned().map(Some).collect() }
}

/// The namespace of this program: as its service account says, else as it was told, else that of the kubeconfig.
pub(super) fn home(told: Option<String>, context: String) -> String {
    said_home(told).unwrap_or(context)
}

/// The namespace of this program, if its service account or somebody says it.
pub(super) fn said_home(told: Option<String>) -> Option<String> {
    let own = std::fs::read_to_string(SERVICE_ACCOUNT).ok().map(|text| text.trim().to_owned());
    own.filter(|name| !name.is_empty()).or(told)
}

/// What tells this cluster from every other.
pub(super) async fn cluster(kube: &Http) -> Result<Name, RunError> {
    const WHAT: &str = "get namespace kube-system";
    let api: Api<Namespace> = Api::all(kube.client().clone());
    let found = tokio::time::timeout(DEADLINE, api.get_metadata("kube-system")).await;
    let found = found.map_err(|_| RunError::Cluster(WHAT, KubeError::NoAnswer.to_string()))?.map_err(|error| {
        match KubeError::from(&error) {
            error @ KubeError::Forbidden { .. } => RunError::Forbidden(WHAT, error.to_string()),
            error => RunError::Cluster(WHAT, error.to_string()),
        }
    })?;
    Ok(found.metadata.uid.unwrap_or_default().into())
}
