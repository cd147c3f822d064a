//! What every HTTP client of this program rests on: whom it trusts, and which proxy it goes through.
//!
//! Decides the roots (those of the system, read from files, and the certificates of one more file) and when a proxy is
//! used. Takes the environment as given. Never sets anything for the whole process, and never shows the password of a proxy.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::http::Uri;
use hyper_util::client::proxy::matcher::Matcher;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use rustls::{ClientConfig, RootCertStore};

/// What is never reached through a proxy, whatever `NO_PROXY` says.
const LOOPBACK: &str = "localhost,127.0.0.0/8,::1";

/// The certificates that a server's certificate may go back to.
#[derive(Clone, Debug)]
pub struct Roots(Arc<RootCertStore>);

impl Roots {
    /// Reads those of the system (`SSL_CERT_FILE`, `SSL_CERT_DIR`, else where systems have them), and adds those of a file.
    ///
    /// A certificate of the system that cannot be used is left out; one of the file is an error.
    pub fn load(more: Option<&Path>) -> Result<Self, TransportError> {
        let mut store = RootCertStore::empty();
        let system = rustls_native_certs::load_native_certs();
        for error in &system.errors {
            tracing::warn!(%error, "some certificates of the system cannot be read");
        }
        store.add_parsable_certificates(system.certs);
        if let Some(path) = more {
            add(&mut store, path)?;
        }
        Ok(Roots(Arc::new(store)))
    }

    /// Whether there are none, so that no server can be trusted.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// TLS with these roots, on a provider of its own.
    pub fn client_config(&self) -> Result<ClientConfig, TransportError> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|_| TransportError::NoTls)?
            .with_root_certificates(self.0.clone())
            .with_no_client_auth();
        Ok(config)
    }
}

fn add(store: &mut RootCertStore, path: &Path) -> Result<(), TransportError> {
    let wrong = |_| TransportError::NotCertificates { path: path.into() };
    certificates(path)?.into_iter().try_for_each(|certificate| store.add(certificate).map_err(wrong))
}

/// The certificates in a PEM file, at least one.
pub fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TransportError> {
    let text =
        std::fs::read(path).map_err(|error| TransportError::Unreadable { path: path.into(), why: error.kind() })?;
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    found.ok().filter(|found| !found.is_empty()).ok_or_else(|| TransportError::NotCertificates { path: path.into() })
}

/// Which proxy to go through.
#[derive(Clone, Default)]
pub struct Proxies {
    http: Option<String>,
    https: Option<String>,
    none: String,
}

impl Proxies {
    /// Reads `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, in either case; an empty variable is not set.
    pub fn from_env() -> Self {
        Proxies::from_lookup(|name| std::env::var_os(name))
    }

    /// Reads the same variables from somewhere else.
    pub fn from_lookup(lookup: impl Fn(&str) -> Option<OsString>) -> Self {
        let value = |name: &str| lookup(name)?.into_string().ok().filter(|value| !value.trim().is_empty());
        let either = |name: &str| value(name).or_else(|| value(&name.to_ascii_lowercase()));
        let none = either("NO_PROXY").unwrap_or_default();
        // An asterisk exempts everything, addresses too.
        if none.split(',').any(|entry| entry.trim() == "*") {
            return Proxies::default();
        }
        Proxies { http: either("HTTP_PROXY"), https: either("HTTPS_PROXY"), none }
    }

    /// Makes a client use them, and nothing that it finds by itself.
    pub fn apply(&self, builder: reqwest::ClientBuilder) -> Result<reqwest::ClientBuilder, TransportError> {
        let exempt = reqwest::NoProxy::from_string(&format!("{LOOPBACK},{}", self.none));
        let mut builder = builder.no_proxy();
        if let Some(url) = &self.http {
            let proxy = reqwest::Proxy::http(url.trim()).map_err(|_| TransportError::BadProxy("HTTP_PROXY"))?;
            builder = builder.proxy(proxy.no_proxy(exempt.clone()));
        }
        if let Some(url) = &self.https {
            let proxy = reqwest::Proxy::https(url.trim()).map_err(|_| TransportError::BadProxy("HTTPS_PROXY"))?;
            builder = builder.proxy(proxy.no_proxy(exempt));
        }
        Ok(builder)
    }

    /// The proxy through which that place is reached, by the same rules; `None` if it is reached straight.
    pub fn on_the_way_to(&self, place: &Uri) -> Result<Option<Uri>, TransportError> {
        let (variable, url) = match place.scheme_str() {
            Some("http") => ("HTTP_PROXY", &self.http),
            _ => ("HTTPS_PROXY", &self.https),
        };
        let none = format!("{LOOPBACK},{}", self.none);
        let carried = Matcher::builder().all("http://proxy").no(none).build().intercept(place).is_some();
        let Some(url) = url.as_deref().map(str::trim).filter(|_| carried) else { return Ok(None) };
        let url = if url.contains("://") { url.to_owned() } else { format!("http://{url}") };
        url.parse().map(Some).map_err(|_| TransportError::BadProxy(variable))
    }
}

impl fmt::Debug for Proxies {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let given = |url: &Option<String>| url.as_ref().map(|_| "hidden");
        f.debug_struct("Proxies")
            .field("http", &given(&self.http))
            .field("https", &given(&self.https))
            .field("none", &self.none)
            .finish()
    }
}

/// Why there is no transport.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TransportError {
    /// A file of certificates cannot be read.
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the system says.
        why: std::io::ErrorKind,
    },
    /// A file holds no certificate, or something that is none.
    NotCertificates {
        /// The file.
        path: PathBuf,
    },
    /// A variable of the environment is not the URL of a proxy.
    BadProxy(&'static str),
    /// The TLS library offers no version of the protocol.
    NoTls,
}

impl fmt::Display for TransportError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TransportError::Unreadable { path, why } => {
                write!(f, "the certificates in {} cannot be read: {why}", path.display())
            }
            TransportError::NotCertificates { path } => {
                write!(f, "{} is not a file of PEM certificates", path.display())
            }
            TransportError::BadProxy(variable) => write!(f, "{variable} is not the URL of a proxy"),
            TransportError::NoTls => f.write_str("there is no version of TLS to use"),
        }
    }
}

impl std::error::Error for TransportError {}
