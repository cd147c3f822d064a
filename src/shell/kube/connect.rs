//! How the Kubernetes API is reached: a kubeconfig file, else the cluster that this runs in.
//!
//! Takes proxies and further certificates from its target: they are for clusters that a file names. The cluster that
//! this runs in is reached straight, and vouches for itself. Decides nothing about what is asked.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Uri;
use kube::config::{AuthInfo, Cluster, Context, ExecAuthCluster, Kubeconfig};
use kube::{Client, Config};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

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

/// How long a connection that somebody waits on may be silent.
const SILENCE: Duration = Duration::from_mins(5);

/// A client and the namespace that its configuration names; needs the runtime that its requests are going to run on.
pub(crate) fn connect(target: &Target) -> Result<(Client, String), ConnectError> {
    let mut config = match kubeconfig(target)? {
        Some(file) => outside(target, &file)?,
        // The service account says whom to trust, and its file is read again when it changes.
        None => Config::incluster().map_err(|error| wrong(&error))?,
    };
    config.connect_timeout = Some(Duration::from_secs(10));
    // Watches end by themselves after 290 s; one that is silent for longer is dead, and nobody has said so.
    config.read_timeout = Some(SILENCE);
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
///
/// Put together here, since the library would read proxies from the environment by itself: it asks whether the proxy is
/// exempt, not the cluster, and refuses lists of exemptions that every other program takes.
fn outside(target: &Target, file: &Kubeconfig) -> Result<Config, ConnectError> {
    let (context, cluster, mut user) = named(file, target.context.as_ref())
        .map_err(|what| ConnectError::Configuration(format!("there is no {what}")))?;
    let about = ExecAuthCluster::try_from(&cluster).map_err(|error| wrong(&error))?;
    let not_a_url =
        |what: &str| ConnectError::Configuration(format!("the {what} of cluster {} is no URL", context.cluster));
    let server: Uri = cluster.server.unwrap_or_default().parse().map_err(|_| not_a_url("server"))?;
    let mut config = Config::new(server);
    config.proxy_url = match cluster.proxy_url.filter(|url| !url.is_empty()) {
        // That one was asked for, whatever the environment says.
        Some(url) => Some(url.parse().map_err(|_| not_a_url("proxy-url"))?),
        None => target.proxies.on_the_way_to(&config.cluster_url).map_err(ConnectError::Transport)?,
    };
    config.root_cert = about.certificate_authority_data.as_deref().map(authorities).transpose()?;
    if let Some(path) = &target.ca_file {
        trust(&mut config, path)?;
    }
    config.default_namespace = context.namespace.unwrap_or_else(|| "default".to_owned());
    config.accept_invalid_certs = cluster.insecure_skip_tls_verify.unwrap_or(false);
    config.disable_compression = cluster.disable_compression.unwrap_or(false);
    config.tls_server_name = cluster.tls_server_name;
    if let Some(exec) = user.exec.as_mut().filter(|exec| exec.provide_cluster_info) {
        exec.cluster = Some(about);
    }
    config.auth_info = user;
    Ok(config)
}

/// The context of that name, else the current one, its cluster and its user; the error names what is missing. A user that
/// the file does not have is one without credentials.
fn named(file: &Kubeconfig, name: Option<&String>) -> Result<(Context, Cluster, AuthInfo), String> {
    let name = name.or(file.current_context.as_ref()).ok_or("current context")?;
    let context = file.contexts.iter().find(|it| it.name == *name).and_then(|it| it.context.clone());
    let context = context.ok_or_else(|| format!("context {name}"))?;
    let cluster = file.clusters.iter().find(|it| it.name == context.cluster).and_then(|it| it.cluster.clone());
    let cluster = cluster.ok_or_else(|| format!("cluster {}", context.cluster))?;
    let user = file.auth_infos.iter().find(|it| Some(&it.name) == context.user.as_ref());
    let user = user.and_then(|it| it.auth_info.clone()).unwrap_or_default();
    Ok((context, cluster, user))
}

/// The certificates in the PEM text of a kubeconfig file.
fn authorities(text: &[u8]) -> Result<Vec<Vec<u8>>, ConnectError> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(text).collect();
    found.map(owned).map_err(|_| ConnectError::Configuration("certificate-authority is not PEM".to_owned()))
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
