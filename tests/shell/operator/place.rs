//! Where a scenario takes place: an Aiven account, and a cluster that is the sandbox's or a real one.
//!
//! What can be done to a cluster is the same for both; nothing here knows what is expected of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use aivenator::sandbox::aiven::{Aiven, Options};
use aivenator::sandbox::faults::Faults;
use aivenator::sandbox::kubernetes::{self, Count, Kubernetes, Request};
use aivenator::sandbox::{Sandbox, config};
use aivenator::shell::Config;
use aivenator::world::Settings;
use serde_json::Value;

use crate::apiserver::is_real;
use crate::apiserver::lent::Lent;

/// A cluster and an account.
pub struct Place {
    pub kubernetes: Cluster,
    pub aiven: Aiven,
    /// What goes wrong between the operator and the cluster.
    pub faults: Faults,
}

/// A cluster, as people and scenarios see it.
pub enum Cluster {
    Sandbox(Kubernetes),
    Real(Box<Lent>),
}

use Cluster::{Real, Sandbox as Simulated};

impl Place {
    /// In a real cluster, of the options only the kinds that there are matter.
    pub async fn start(options: Options, cluster: kubernetes::Options) -> Place {
        if !is_real() {
            let Sandbox { kubernetes, aiven, faults } = Sandbox::start(options, cluster).await.unwrap();
            return Place { kubernetes: Simulated(kubernetes), aiven, faults };
        }
        let faults = Faults::new(options.seed);
        let lent = Lent::new(&faults).await;
        if !cluster.aiven_kinds {
            lent.server().undefine();
        }
        Place { kubernetes: Real(Box::new(lent)), aiven: Aiven::start(options).await.unwrap(), faults }
    }

    /// Loads documents: what is at Aiven, and objects as from a backup.
    pub fn load(&self, documents: &[Value]) -> Result<(), String> {
        for document in documents {
            if document["kind"] == "AivenProject" {
                self.aiven.load(document).map_err(|error| error.to_string())?;
            } else {
                self.kubernetes.load(document.clone())?;
            }
        }
        Ok(())
    }

    pub fn config(&self, settings: Settings) -> Config {
        config(&self.aiven, self.kubernetes.kubeconfig(), settings)
    }
}

impl Cluster {
    pub fn apply(&self, object: Value) -> Result<Value, String> {
        match self {
            Simulated(kubernetes) => kubernetes.apply(object).map_err(|error| error.to_string()),
            Real(lent) => lent.apply(object),
        }
    }

    pub fn load(&self, object: Value) -> Result<Value, String> {
        match self {
            Simulated(kubernetes) => kubernetes.load(object).map_err(|error| error.to_string()),
            Real(lent) => lent.load(object),
        }
    }

    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        match self {
            Simulated(kubernetes) => kubernetes.get(resource, namespace, name),
            Real(lent) => lent.get(resource, namespace, name),
        }
    }

    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        match self {
            Simulated(kubernetes) => kubernetes.list(resource, namespace),
            Real(lent) => lent.list(resource, namespace),
        }
    }

    /// Deletes an object; says whether it is gone, or held by a finalizer.
    pub fn delete(&self, resource: &str, namespace: &str, name: &str) -> Result<bool, String> {
        match self {
            Simulated(kubernetes) => kubernetes.delete(resource, namespace, name).map_err(|error| error.to_string()),
            Real(lent) => lent.delete(resource, namespace, name),
        }
    }

    pub fn patch(&self, what: (&str, &str, &str), patch: Value) -> Result<Value, String> {
        match self {
            Simulated(kubernetes) => kubernetes.patch(what, patch).map_err(|error| error.to_string()),
            Real(lent) => lent.patch(what, patch),
        }
    }

    pub fn patch_status(&self, what: (&str, &str, &str), patch: Value) -> Result<Value, String> {
        match self {
            Simulated(kubernetes) => kubernetes.patch_status(what, patch).map_err(|error| error.to_string()),
            Real(lent) => lent.patch_status(what, patch),
        }
    }

    /// A kubeconfig that leads there, by way of faults and records.
    pub fn kubeconfig(&self) -> String {
        match self {
            Simulated(kubernetes) => kubernetes.kubeconfig(),
            Real(lent) => lent.kubeconfig(),
        }
    }

    pub fn requests(&self) -> Vec<Arc<Request>> {
        match self {
            Simulated(kubernetes) => kubernetes.requests(),
            Real(lent) => lent.forward.recorder.requests(),
        }
    }

    pub fn counts(&self) -> BTreeMap<Count, u64> {
        match self {
            Simulated(kubernetes) => kubernetes.counts(),
            Real(lent) => lent.forward.recorder.counts(),
        }
    }

    pub fn deny(&self, verb: &str, resource: &str) {
        match self {
            Simulated(kubernetes) => kubernetes.deny(verb, resource),
            Real(lent) => lent.deny(verb, resource),
        }
    }

    pub fn allow_everything(&self) {
        match self {
            Simulated(kubernetes) => kubernetes.allow_everything(),
            Real(lent) => lent.allow_everything(),
        }
    }

    pub fn drop_watches(&self) {
        match self {
            Simulated(kubernetes) => kubernetes.drop_watches(),
            Real(lent) => lent.forward.drop_watches(),
        }
    }

    pub fn hold_watches(&self, held: bool) {
        match self {
            Simulated(kubernetes) => kubernetes.hold_watches(held),
            Real(lent) => lent.forward.hold_watches(held),
        }
    }

    /// Every version before the current one is gone.
    pub fn compact(&self) {
        match self {
            Simulated(kubernetes) => kubernetes.compact(),
            Real(lent) => lent.forward.forget_before(lent.version()),
        }
    }

    pub fn set_gone_as_status(&self, as_status: bool) {
        match self {
            Simulated(kubernetes) => kubernetes.set_gone_as_status(as_status),
            Real(lent) => lent.forward.set_gone_as_status(as_status),
        }
    }
}
