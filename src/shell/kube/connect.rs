//! How the Kubernetes API is reached: a kubeconfig file, else the cluster that this runs in.
//!
//! Takes proxies from the environment, as the library reads it; decides nothing about what is asked.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use thiserror::Error;

use crate::shell::transport::{TransportError, certificates};

/// Which cluster is meant.
#[derive(Clone, Debug, Default)]
pub struct Target {
    /// The kubeconfig file; else what KUBECONFIG names, else the cluster that this runs in, else `~/.kube/config`.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it.
    pub context: Option<String>,
    /// The text of a kubeconfig file, instead of any file.
    pub text: Option<String>,
    /// Certificates to trust besides those of the configuration, or of the system where it has none (`AIVEN_CA_CERT`).
    pub ca_file: Option<PathBuf>,
}

/// Why there is no way to the cluster.
#[derive(Debug, Error)]
pub enum ConnectError {
    /// The configuration cannot be read or makes no sense.
    #[error("no cluster to talk to: {0}")]
    Configuration(String),
    /// A file of certificates cannot be used.
    #[error("{0}")]
    Certificates(TransportError),
}

/// A client and the namespace that its configuration names.
pub(crate) async fn connect(target: &Target) -> Result<(Client, String), ConnectError> {
    let mut config = configuration(target).await?;
    if let Some(path) = &target.ca_file {
        trust(&mut config, path)?;
    }
    config.connect_timeout = Some(Duration::from_secs(10));
    // What is tried again, and when, the planner decides.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| ConnectError::Configuration(error.to_string()))?;
    Ok((client, namespace))
}

/// Adds certificates to those that the configuration trusts; without any, it trusts those of the system.
fn trust(config: &mut Config, path: &Path) -> Result<(), ConnectError> {
    let more = certificates(path).map_err(ConnectError::Certificates)?;
    let mut roots = match (config.root_cert_file.take(), config.root_cert.take()) {
        (Some(file), _) => owned(certificates(&file).map_err(ConnectError::Certificates)?),
        (None, Some(roots)) => roots,
        (None, None) => owned(rustls_native_certs::load_native_certs().certs),
    };
    roots.extend(owned(more));
    config.root_cert = Some(roots);
    Ok(())
}

fn owned(certificates: Vec<CertificateDer<'static>>) -> Vec<Vec<u8>> {
    certificates.into_iter().map(|certificate| certificate.to_vec()).collect()
}

async fn configuration(target: &Target) -> Result<Config, ConnectError> {
    let wrong = |error: &dyn std::error::Error| ConnectError::Configuration(first_line(&error.to_string()));
    let options = KubeConfigOptions { context: target.context.clone(), ..KubeConfigOptions::default() };
    if let Some(text) = &target.text {
        let file = Kubeconfig::from_yaml(text).map_err(|error| wrong(&error))?;
        return Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(&error));
    }
    match (&target.kubeconfig, &target.context) {
        (Some(path), _) => {
            let file = Kubeconfig::read_from(path).map_err(|error| {
                ConnectError::Configuration(format!("{}: {}", path.display(), first_line(&error.to_string())))
            })?;
            Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(&error))
        }
        (None, Some(_)) => Config::from_kubeconfig(&options).await.map_err(|error| wrong(&error)),
        (None, None) => Config::infer().await.map_err(|error| wrong(&error)),
    }
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
