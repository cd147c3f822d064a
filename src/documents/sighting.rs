//! One object of Kubernetes, reduced to what a world keeps of it; the same for files, lists and watches.
//!
//! Decides what of an object matters. Takes as given that somebody else has fetched and parsed it; never keeps the value
//! of a secret, nor anything of somebody else's Secret but its name.

use serde_json::Value;

use super::field::{Fault, Object};
use super::kind::Known;
use super::metadata::{Metadata, Names};
use super::{application, secret, workload};
use crate::want::ServiceType;
use crate::world::{
    AppKey, Application, Digester, Keys, Name, Observed, Secret, SecretKey, Workload, WorkloadKey, World,
};

/// What an object comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sighting {
    /// An `AivenApplication`.
    Application(Box<Application>),
    /// A managed Secret.
    Secret(Box<Secret>),
    /// Somebody else's Secret.
    Foreign {
        /// Which.
        key: SecretKey,
        /// Whether it is being deleted.
        terminating: bool,
    },
    /// A pod or workload in a namespace; `None` for one that has finished.
    Workload(Name, WorkloadKey, Option<Workload>),
    /// An instance object: its kind, namespace, name and state.
    Instance(ServiceType, Name, Name, Name),
}

/// The name of an object that was or could be seen.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Seen {
    /// An `AivenApplication`.
    Application(AppKey),
    /// A Secret, whosever.
    Secret(SecretKey),
    /// A pod or workload in a namespace.
    Workload(Name, WorkloadKey),
    /// An instance object: its kind, namespace and name.
    Instance(ServiceType, Name, Name),
}

impl Sighting {
    /// Which object it is.
    pub fn key(&self) -> Seen {
        match self {
            Sighting::Application(app) => Seen::Application(app.key.clone()),
            Sighting::Secret(secret) => Seen::Secret(secret.key.clone()),
            Sighting::Foreign { key, terminating: _ } => Seen::Secret(key.clone()),
            Sighting::Workload(namespace, key, _) => Seen::Workload(namespace.clone(), key.clone()),
            Sighting::Instance(service_type, namespace, name, _) => {
                Seen::Instance(*service_type, namespace.clone(), name.clone())
            }
        }
    }
}

impl World {
    /// Takes in an object as it was seen.
    pub fn see(&mut self, sighting: Sighting) {
        match sighting {
            Sighting::Application(app) => self.put_application(*app),
            Sighting::Secret(secret) => self.put_secret(*secret),
            Sighting::Foreign { key, terminating } => self.put_foreign_secret(&key, terminating),
            Sighting::Workload(namespace, key, Some(workload)) => self.put_workload(&namespace, key, workload),
            Sighting::Workload(namespace, key, None) => self.remove_workload(&namespace, &key),
            Sighting::Instance(service_type, namespace, name, state) => {
                self.put_instance(service_type, &namespace, (name, state));
            }
        }
    }

    /// Forgets an object that is gone; of a Secret nothing is known then.
    pub fn lose(&mut self, seen: &Seen) {
        match seen {
            Seen::Application(key) => self.remove_application(key),
            Seen::Secret(key) => self.remove_secret(key),
            Seen::Workload(namespace, key) => self.remove_workload(namespace, key),
            Seen::Instance(service_type, namespace, name) => self.remove_instance(*service_type, namespace, name),
        }
    }
}

/// Reduces the objects that one observer sees, as an API server shows them: what is not there is empty, not left out.
/// Texts that recur are kept once.
pub struct Sight {
    names: Names,
    digester: Digester,
}

/// More texts than the objects of a large cluster have in common; then the observer starts anew.
const MANY_NAMES: usize = 100_000;

impl Sight {
    /// An observer that has seen nothing.
    pub fn new(digester: Digester) -> Self {
        Sight { names: Names::default(), digester }
    }

    /// Reduces an object of which `apiVersion` and `kind` are known; the error says what was expected, and no value.
    pub fn see(&mut self, api_version: &str, kind: &str, value: &Value) -> Result<Sighting, String> {
        if self.names.count() > MANY_NAMES {
            self.names = Names::default();
        }
        let read = || {
            let Some(known) = Known::of(api_version, kind)? else { return Ok(None) };
            let root = Object::of(value)?;
            let meta = Metadata::of(&root, known.is_namespaced(), &self.names)?;
            reduce((known, &root, &meta), &self.names, &self.digester)
        };
        match read() {
            Ok(Some(Sighting::Secret(mut secret)))
                if is_left_out(value, "data") && is_left_out(value, "stringData") =>
            {
                secret.set_data(Observed::Seen(Keys::default()));
                Ok(Sighting::Secret(secret))
            }
            Ok(Some(sighting)) => Ok(sighting),
            Ok(None) => Err(format!("{api_version} {kind} is no kind that is read")),
            Err(fault) => Err(fault.describe(false)),
        }
    }
}

fn is_left_out(object: &Value, member: &str) -> bool {
    object.get(member).is_none_or(Value::is_null)
}

/// Reduces an object of a known kind; `None` for the kinds that are no objects of Kubernetes.
pub(super) fn reduce(
    (kind, root, meta): (Known, &Object<'_>, &Metadata<'_>),
    names: &Names,
    digester: &Digester,
) -> Result<Option<Sighting>, Fault> {
    let sighting = match kind {
        Known::Application(version) => Sighting::Application(Box::new(application::read(root, meta, version, names)?)),
        Known::Secret => match secret::read(root, meta, names, digester)? {
            Some(secret) => Sighting::Secret(Box::new(secret)),
            None => Sighting::Foreign { key: meta.secret_key(), terminating: meta.terminating },
        },
        Known::Workload(kind) => match workload::read(kind, root, meta, names)? {
            Some((key, workload)) => Sighting::Workload(meta.namespace.clone(), key, Some(workload)),
            None => Sighting::Workload(meta.namespace.clone(), WorkloadKey { kind, name: meta.name.clone() }, None),
        },
        Known::Instance(service_type) => {
            let status = root.opt("status", |value| Object::of(value)?.opt("state", |v| names.text(v)))?;
            let state = status.flatten().unwrap_or_default();
            Sighting::Instance(service_type, meta.namespace.clone(), meta.name.clone(), state)
        }
        Known::ConfigMap | Known::Project | Known::Observation => return Ok(None),
    };
    Ok(Some(sighting))
}
