//! Both APIs in process, over HTTP on loopback: a Kubernetes API and an Aiven API that behave as the real ones do.
//!
//! For people without a cluster and for tests; never in the image. Takes the same documents that planning takes.

pub mod aiven;
pub mod faults;
mod fill;
pub mod kubernetes;
pub mod simulation;
pub mod story;

use std::io;

use jiff::SignedDuration;
use serde_json::Value;

use self::aiven::Aiven;
use self::faults::Faults;
use self::kubernetes::Kubernetes;
use crate::shell::aiven::{Options as AivenOptions, TokenSource};
use crate::shell::http::Listen;
use crate::shell::keystore::Encryption;
use crate::shell::transport::Proxies;
use crate::shell::{Config, Target};
use crate::world::Settings;

/// A cluster and an Aiven account; both stop when this is dropped.
pub struct Sandbox {
    /// The cluster.
    pub kubernetes: Kubernetes,
    /// The account.
    pub aiven: Aiven,
    /// What goes wrong with the cluster; what goes wrong with Aiven is in [`Aiven::faults`].
    pub faults: Faults,
}

impl Sandbox {
    /// Starts both, empty.
    pub async fn start(aiven: aiven::Options, mut kubernetes: kubernetes::Options) -> io::Result<Self> {
        let faults = Faults::new(aiven.seed);
        let layer = faults.clone();
        kubernetes.layer = Some(Box::new(move |router| layer.wrap(router)));
        Ok(Sandbox { kubernetes: Kubernetes::start(kubernetes)?, aiven: Aiven::start(aiven).await?, faults })
    }

    /// Loads documents: what is at Aiven, and objects as from a backup; values that are only said to be there are filled in.
    pub fn load(&self, documents: &[Value]) -> Result<(), String> {
        let is_project = |document: &&Value| document.get("kind").and_then(Value::as_str) == Some("AivenProject");
        for project in documents.iter().filter(is_project) {
            self.aiven.load(project).map_err(|error| format!("failed to {error}"))?;
        }
        for object in documents.iter().filter(|document| !is_project(document)) {
            let filled = fill::secret(object, &self.aiven);
            self.kubernetes.load(filled).map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// A configuration with which an operator runs against both.
    pub fn config(&self, settings: Settings) -> Config {
        config(&self.aiven, self.kubernetes.kubeconfig(), settings)
    }
}

/// A configuration with which an operator runs against this account and any cluster, which a kubeconfig names.
pub fn config(account: &Aiven, kubeconfig: String, settings: Settings) -> Config {
    let mut aiven = AivenOptions::new(account.url(), TokenSource::literal(account.token()));
    aiven.proxies = Proxies::default();
    Config {
        settings,
        target: Target { text: Some(kubeconfig), ..Target::default() },
        aiven,
        listen: Listen::Off,
        namespaces: vec![],
        home: Some("aivenator".to_owned()),
        candidate: None,
        janitor_interval: SignedDuration::from_mins(15),
        concurrency: 10,
        encryption: Encryption::Modern,
        key: [7; 32],
    }
}
