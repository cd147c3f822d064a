//! How the Kubernetes API is reached: a kubeconfig file, else the cluster that this runs in.
//!
//! Takes proxies and further certificates from its target: they are for clusters that a file names. The cluster that
//! this runs in is reached straight, and vouches for itself. Decides nothing about what is asked.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;

use crate::shell::transport::{Proxies, TransportError, certificates};

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
    /// Not for the cluster that this runs in: its service account says whom to trust.
    pub ca_file: Option<PathBuf>,
    /// Which proxy to go through, where the kubeconfig file names none.
    pub proxies: Proxies,
}

/// Why there is no way to the cluster.
#[derive(Debug, thiserror::Error)]
pub enum ConnectError {
    /// The configuration cannot be read or makes no sense.
    #[error("no cluster to talk to: {0}")]
    Configuration(String),
    /// A file of certificates or a proxy cannot be used.
    #[error("{0}")]
    Transport(TransportError),
}

/// A client and the namespace that its configuration names.
pub(crate) async fn connect(target: &Target) -> Result<(Client, String), ConnectError> {
    let mut config = match kubeconfig(target)? {
        Some(file) => outside(target, file).await?,
        // The service account says whom to trust, and its file is read again when it changes.
        None => Config::incluster().map_err(|error| wrong(&error))?,
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    // What is tried again, and when, the planner decides.
    config.default_retry = false;
    let namespace = config.default_namespace.clone();
    let client = Client::try_from(config).map_err(|error| wrong(&error))?;
    Ok((client, namespace))
}

/// The file that says which cluster is meant; `None` if it is the one that this runs in.
fn kubeconfig(target: &Target) -> Result<Option<Kubeconfig>, ConnectError> {
    if let Some(text) = &target.text {
        return Kubeconfig::from_yaml(text).map(Some).map_err(|error| wrong(&error));
    }
    if let Some(path) = &target.kubeconfig {
        let why = |error: &dyn Error| format!("{}: {}", path.display(), first_line(&error.to_string()));
        return Kubeconfig::read_from(path).map(Some).map_err(|error| ConnectError::Configuration(why(&error)));
    }
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    if is_set("KUBERNETES_SERVICE_HOST") && !is_set("KUBECONFIG") && target.context.is_none() {
        return Ok(None);
    }
    Kubeconfig::read().map(Some).map_err(|error| wrong(&error))
}

/// A cluster that a file names: on the way there may be a proxy, and an authority that the file does not know.
async fn outside(target: &Target, file: Kubeconfig) -> Result<Config, ConnectError> {
    let options = KubeConfigOptions { context: target.context.clone(), ..KubeConfigOptions::default() };
    let told = proxy_of(&file, target.context.as_ref());
    let mut config = Config::from_custom_kubeconfig(file, &options).await.map_err(|error| wrong(&error))?;
    // The library asks whether the proxy itself is exempt, not the cluster.
    config.proxy_url = match told {
        Some(url) => Some(url.parse().map_err(|_| ConnectError::Configuration("proxy-url is not a URL".to_owned()))?),
        None => target.proxies.on_the_way_to(&config.cluster_url).map_err(ConnectError::Transport)?,
    };
    if let Some(path) = &target.ca_file {
        trust(&mut config, path)?;
    }
    Ok(config)
}

/// The proxy that the file itself names for its cluster: that is one that was asked for, whatever the environment says.
fn proxy_of(file: &Kubeconfig, context: Option<&String>) -> Option<String> {
    let name = context.or(file.current_context.as_ref())?;
    let context = file.contexts.iter().find(|it| it.name == *name)?.context.as_ref()?;
    let cluster = file.clusters.iter().find(|it| it.name == context.cluster)?.cluster.as_ref()?;
    cluster.proxy_url.clone().filter(|url| !url.is_empty())
}

/// Adds certificates to those that the configuration trusts; without any, it trusts those of the system.
fn trust(config: &mut Config, path: &Path) -> Result<(), ConnectError> {
    let more = certificates(path).map_err(ConnectError::Transport)?;
    let mut roots = match config.root_cert.take() {
        Some(roots) => roots,
        None => owned(rustls_native_certs::load_native_certs().certs),
    };
    roots.extend(owned(more));
    config.root_cert = Some(roots);
    Ok(())
}

fn owned(certificates: Vec<CertificateDer<'static>>) -> Vec<Vec<u8>> {
    certificates.into_iter().map(|certificate| certificate.to_vec()).collect()
}

fn wrong(error: &dyn Error) -> ConnectError {
    ConnectError::Configuration(first_line(&error.to_string()))
}

fn first_line(text: &str) -> String {
    text.lines().next().unwrap_or_default().to_owned()
}
