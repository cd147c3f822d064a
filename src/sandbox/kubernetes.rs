//! A Kubernetes API in process, over HTTP on loopback, for the kinds that this program reads and writes.
//!
//! Behaves as the real one does, so that client and program cannot tell: versions, conflicts, finalizers, watches,
//! status, pruning. Takes every request as allowed unless told otherwise; never runs controllers, so that nothing is
//! scheduled, collected or expired.

use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use axum::Router;
use axum::serve::ListenerExt as _;
use jiff::Timestamp;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;

mod answer;
mod decode;
mod direct;
mod discovery;
mod events;
mod failure;
mod list;
mod object;
mod openapi;
mod patch;
mod record;
mod resource;
mod review;
mod route;
mod schema;
mod select;
mod serve;
mod store;
mod table;
mod valid;
mod view;
mod watch;
mod write;

pub use self::failure::Failure;
pub use self::record::{Count, Recorder, Request};
pub use self::store::Change;

use self::serve::Shared;
use self::store::Store;

/// Where the time comes from.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;

/// Something that stands before the API: it is given the router, and gives back what is served.
pub type Layer = Box<dyn FnOnce(Router) -> Router + Send>;

/// How the API behaves.
pub struct Options {
    /// How many events each resource keeps for watches that resume; older versions are gone.
    pub history: usize,
    /// Whether a namespace comes with its first object, so that nobody has to create it.
    pub create_namespaces: bool,
    /// Whether the kinds of Aiven's operator are defined from the start.
    pub aiven_kinds: bool,
    /// What every request waits before it is answered.
    pub latency: Duration,
    /// How often a quiet watch is told the version that it has reached.
    pub bookmark_every: Duration,
    /// Whether a version that is gone is refused with HTTP status 410 rather than with an error event.
    pub gone_as_status: bool,
    /// How many requests are remembered.
    pub requests_kept: usize,
    /// The time of creations and deletions.
    pub clock: Clock,
    /// What stands before the API, such as faults; requests are recorded with the answer that it gives.
    pub layer: Option<Layer>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            history: 10_000,
            create_namespaces: true,
            aiven_kinds: true,
            latency: Duration::ZERO,
            bookmark_every: Duration::from_mins(1),
            gone_as_status: false,
            requests_kept: 100_000,
            clock: Arc::new(now),
            layer: None,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the cluster has a clock of its own, which the program never reads")]
fn now() -> Timestamp {
    Timestamp::now()
}

/// A running API; it stops when this is dropped.
pub struct Kubernetes {
    shared: Arc<Shared>,
    changes: broadcast::Sender<Change>,
    address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Kubernetes {
    /// Starts the API on a free port of loopback, with a runtime of its own: callers need none.
    pub fn start(mut options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let changes = broadcast::Sender::new(4096);
        let mut store = Store::new(&options, changes.clone());
        direct::furnish(&mut store, options.aiven_kinds);
        let shared = Arc::new(Shared::new(store, &options));
        let router = router(&shared, options.layer.take());
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = std::thread::Builder::new().name("sandbox-kubernetes".to_owned()).spawn(move || {
            runtime.block_on(serve(listener, router, stopped));
        })?;
        Ok(Self { shared, changes, address, stop, thread: Some(thread) })
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig that leads here, in YAML.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\n\
             kind: Config\n\
             clusters:\n- name: sandbox\n  cluster: {{server: '{}'}}\n\
             users:\n- name: sandbox\n  user: {{}}\n\
             contexts:\n- name: sandbox\n  context: {{cluster: sandbox, user: sandbox, namespace: default}}\n\
             current-context: sandbox\n",
            self.url()
        )
    }

    /// Ends every watch; clients have to begin anew.
    pub fn drop_watches(&self) {
        self.shared.gate.send_modify(|gate| gate.epoch += 1);
    }

    /// Delivers nothing to watches, or goes on: what happened meanwhile is delivered then.
    pub fn hold_watches(&self, held: bool) {
        self.shared.gate.send_modify(|gate| gate.held = held);
    }

    /// Forgets the past: every version before the current one is gone, and so are pages of lists under way.
    pub fn compact(&self) {
        self.shared.store().compact();
    }

    /// Refuses every write over HTTP, or no longer does; asking for one's rights is no write.
    pub fn refuse_writes(&self, refused: bool) {
        self.shared.read_only.store(refused, Ordering::Relaxed);
    }

    /// Refuses a verb on a resource (`secrets`, `aivenapplications/status`, `*`), and says so in reviews of rights.
    pub fn deny(&self, verb: &str, resource: &str) {
        self.shared.store().denied.push((verb.to_owned(), resource.to_owned()));
    }

    /// Takes back every refusal.
    pub fn allow_everything(&self) {
        self.shared.store().denied.clear();
    }

    /// Lets every request wait.
    pub fn set_latency(&self, latency: Duration) {
        let millis = u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        self.shared.latency.store(millis, Ordering::Relaxed);
    }

    /// Refuses versions that are gone with HTTP status 410, or with an error event.
    pub fn set_gone_as_status(&self, as_status: bool) {
        self.shared.gone_as_status.store(as_status, Ordering::Relaxed);
    }

    /// The last requests over HTTP, oldest first.
    pub fn requests(&self) -> Vec<Arc<Request>> {
        self.shared.recorder.requests()
    }

    /// How many requests there were of each kind.
    pub fn counts(&self) -> BTreeMap<Count, u64> {
        self.shared.recorder.counts()
    }

    /// Forgets all requests.
    pub fn forget_requests(&self) {
        self.shared.recorder.forget();
    }

    /// Every request from now on, once it is answered.
    pub fn watch_requests(&self) -> broadcast::Receiver<Arc<Request>> {
        self.shared.recorder.watch()
    }

    /// Every change of an object from now on.
    pub fn watch_changes(&self) -> broadcast::Receiver<Change> {
        self.changes.subscribe()
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        self.shared.store().version
    }
}

impl Drop for Kubernetes {
    fn drop(&mut self) {
        self.drop_watches();
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            // A server that panicked has stopped too.
            drop(thread.join());
        }
    }
}

fn router(shared: &Arc<Shared>, layer: Option<Layer>) -> Router {
    let router = Router::new().fallback(serve::serve).with_state(Arc::clone(shared));
    let router = match layer {
        Some(layer) => layer(router),
        None => router,
    };
    shared.recorder.wrap(router)
}

async fn serve(listener: TcpListener, router: Router, stop: CancellationToken) {
    let Ok(listener) = tokio::net::TcpListener::from_std(listener) else { return };
    // Small answers are sent at once.
    let listener = listener.tap_io(|connection| drop(connection.set_nodelay(true)));
    tokio::select! {
        // It ends only with an error of the listener: nothing is left to serve then.
        _ = axum::serve(listener, router).into_future() => {}
        () = stop.cancelled() => {}
    }
}
