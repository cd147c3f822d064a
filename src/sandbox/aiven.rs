//! An Aiven API in process, over HTTP on loopback, that behaves as the real one does: its operations for users of
//! services, its errors, its redaction, its certificates, and that its reads lag behind its writes.
//!
//! Takes what there is from documents and from these methods, which act at once. Never goes to a network.

mod acl;
mod authority;
mod call;
mod load;
mod operation;
mod options;
mod record;
mod refusal;
mod server;
mod store;
mod user;

use std::io;
use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::broadcast;
use tokio_util::sync::{CancellationToken, DropGuard};

pub use self::call::{Call, Operation};
pub use self::load::LoadError;
pub use self::options::{Lag, Options};
pub use self::record::{Counts, Record};
use self::refusal::Refusal;
use self::server::Server;
use self::store::{Service, Store};
use self::user::Shown;
use super::faults::Faults;

/// A running Aiven; it stops when this is dropped.
pub struct Aiven {
    server: Arc<Server>,
    url: String,
    _stops: DropGuard,
}

impl Aiven {
    /// Starts one that has nothing, on a free port of loopback.
    pub async fn start(options: Options) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}", listener.local_addr()?);
        let server = Arc::new(Server::new(options));
        let stop = CancellationToken::new();
        let serve = axum::serve(listener, server.router()).with_graceful_shutdown(stop.clone().cancelled_owned());
        tokio::spawn(async move { serve.await });
        Ok(Aiven { server, url, _stops: stop.drop_guard() })
    }

    /// Where it answers, without `/v1`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The token that it accepts.
    pub fn token(&self) -> &str {
        &self.server.token
    }

    /// Its faults; there are none until some are added.
    pub fn faults(&self) -> &Faults {
        &self.server.faults
    }

    /// The time there.
    pub fn now(&self) -> Timestamp {
        self.server.now()
    }

    /// Moves its clock ahead; certificates end and are renewed accordingly.
    pub fn advance(&self, by: Duration) {
        self.server.advance(by);
    }

    /// Loads an `AivenProject` document; services of the same name are replaced.
    pub fn load(&self, document: &Value) -> Result<(), LoadError> {
        self.change(|store, now| load::document(store, document, now))
    }

    /// Makes a project, if there is none of that name.
    pub fn add_project(&self, project: &str) -> Result<(), LoadError> {
        self.change(|store, now| load::project(store, project, now))
    }

    /// Puts a service, in the form of a member of `services` of an `AivenProject`, into a project that there is.
    ///
    /// Without `users` it has the built-in one.
    pub fn put_service(&self, project: &str, service: &Value) -> Result<(), LoadError> {
        self.change(|store, now| load::service(store, project, service, now))
    }

    /// Puts a user, in the form of a member of `users`, into a service: one that somebody else has made, say.
    pub fn put_user(&self, project: &str, service: &str, user: &Value) -> Result<(), LoadError> {
        self.change(|store, now| load::user(store, (project, service), user, now))
    }

    /// Takes a user away as if somebody else had deleted it; whether there was one. Reads miss it at once.
    pub fn remove_user(&self, project: &str, service: &str, user: &str) -> bool {
        self.with_service(project, service, |service| service.users.remove(user).is_some()).unwrap_or(false)
    }

    /// Takes a service away, with all that it has; whether there was one.
    pub fn remove_service(&self, project: &str, service: &str) -> bool {
        let removed = self.change(|store, _| store.projects.get_mut(project)?.services.remove(service));
        removed.is_some()
    }

    /// Sets the state of a service, such as `REBUILDING` or `POWEROFF`; whether there is one.
    pub fn set_state(&self, project: &str, service: &str, state: &str) -> bool {
        self.with_service(project, service, |service| state.clone_into(&mut service.state)).is_some()
    }

    /// Sets where the parts of a service can be reached; whether there is one.
    pub fn set_components(&self, project: &str, service: &str, components: Value) -> bool {
        let set = |service: &mut Service| Arc::make_mut(&mut service.about).insert("components".into(), components);
        self.with_service(project, service, set).is_some()
    }

    /// Whether the token is refused from now on, as one that has expired.
    pub fn refuse_token(&self, refuse: bool) {
        self.server.refuses_token.store(refuse, Ordering::Relaxed);
    }

    /// Whether reads with secrets are refused from now on, as to a token without that right.
    pub fn refuse_secrets(&self, refuse: bool) {
        self.server.refuses_secrets.store(refuse, Ordering::Relaxed);
    }

    /// The CA certificate of a project.
    pub fn ca(&self, project: &str) -> Option<String> {
        self.change(|store, _| store.projects.get(project).map(|project| project.authority.pem()))
    }

    /// Every service: its project and its name, sorted.
    pub fn services(&self) -> Vec<(String, String)> {
        self.change(|store, _| {
            let projects = store.projects.iter();
            let of = |(name, project): (&String, &store::Project)| -> Vec<(String, String)> {
                project.services.keys().map(|service| (name.clone(), service.clone())).collect()
            };
            projects.flat_map(of).collect()
        })
    }

    /// The names of the users that a service has, sorted; not what reads show of them.
    pub fn users(&self, project: &str, service: &str) -> Vec<String> {
        let users = |service: &mut Service| service.existing().cloned().collect();
        self.with_service(project, service, users).unwrap_or_default()
    }

    /// A user as it is, with its secrets, in the form in which Aiven shows it.
    pub fn user(&self, project: &str, service: &str, user: &str) -> Option<Value> {
        let shown = |service: &mut Service| {
            let found = service.user(user).ok()?;
            serde_json::to_value(Shown { name: user, user: found, redact: false, ready: true }).ok()
        };
        self.with_service(project, service, shown).flatten()
    }

    /// The ACL document of an OpenSearch service.
    pub fn acl(&self, project: &str, service: &str) -> Option<Value> {
        self.with_service(project, service, |service| json!(service.acl.as_ref()))
    }

    /// Every password and private key that there ever was, whether or not anyone has asked for it.
    pub fn secrets(&self) -> Vec<String> {
        self.change(|store, _| store.secrets.clone())
    }

    /// What is asked from now on, as it is answered; who is slow misses the oldest.
    pub fn listen(&self) -> broadcast::Receiver<Arc<Record>> {
        self.server.log.listen()
    }

    /// What was asked: the last 20,000 requests.
    pub fn records(&self) -> Vec<Arc<Record>> {
        self.server.log.records()
    }

    /// How often each operation was answered by each status, since the start.
    pub fn counts(&self) -> Counts {
        self.server.log.counts()
    }

    /// How often an operation was asked for, since the start, however it was answered.
    pub fn count(&self, operation: Operation) -> u64 {
        self.counts().into_iter().filter(|((counted, _), _)| *counted == operation).map(|(_, times)| times).sum()
    }

    /// The bytes of all answers' bodies, since the start.
    pub fn bytes(&self) -> u64 {
        self.server.log.bytes()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Store, Timestamp) -> T) -> T {
        change(&mut self.server.store(), self.now())
    }

    fn with_service<T>(&self, project: &str, service: &str, change: impl FnOnce(&mut Service) -> T) -> Option<T> {
        self.change(|store, _| store.service_mut(project, service).map(change).map_err(|_: Refusal| ()).ok())
    }
}
