//! How the client is set up.
//!
//! Decides what a usable address is: HTTPS anywhere, plain HTTP on this machine only, since the token goes with every
//! request. Takes the environment as given for proxies and roots. Never contacts anything.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::time::Duration;

use reqwest::Url;

use super::pace::Pace;
use super::token::{TokenError, TokenSource};
use crate::shell::metrics::Metrics;
use crate::shell::transport::{Proxies, Roots, TransportError};

/// Connections that idle for longer are given up before the server does so: it closes them after 50 s.
const IDLE: Duration = Duration::from_secs(45);

/// How the client is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// Where the API is, without `/v1`.
    pub url: String,
    /// Where the token comes from.
    pub token: TokenSource,
    /// Certificates to trust besides those of the system (`AIVEN_CA_CERT`).
    pub ca_file: Option<PathBuf>,
    /// How fast it may go.
    pub pace: Pace,
    /// Which proxy to go through.
    pub proxies: Proxies,
    /// How long it waits.
    pub deadlines: Deadlines,
    /// Where calls are timed, if anywhere.
    pub metrics: Option<Metrics>,
}

impl Options {
    /// The defaults for one token, with the proxies of the environment.
    pub fn new(url: impl Into<String>, token: TokenSource) -> Self {
        Options {
            url: url.into(),
            token,
            ca_file: None,
            pace: Pace::default(),
            proxies: Proxies::from_env(),
            deadlines: Deadlines::default(),
            metrics: None,
        }
    }

    /// The address that every path is appended to, ending in `/v1`.
    pub(super) fn base(&self) -> Result<String, BuildError> {
        let url = Url::parse(self.url.trim()).map_err(|_| BuildError::Url("is not a URL"))?;
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BuildError::Url("must not hold a user or password"));
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(BuildError::Url("must end with its path"));
        }
        match url.scheme() {
            "https" => {}
            "http" if is_loopback(&url) => {}
            "http" => return Err(BuildError::Url("would send the token in clear text: only loopback may be http")),
            _ => return Err(BuildError::Url("is neither https nor http")),
        }
        let base = url.as_str().trim_end_matches('/');
        Ok(format!("{base}/v1"))
    }

    /// The HTTP client.
    pub(super) fn http(&self) -> Result<reqwest::Client, BuildError> {
        let roots = Roots::load(self.ca_file.as_deref())?;
        if roots.is_empty() && self.url.trim_start().starts_with("https") {
            return Err(BuildError::NoRoots);
        }
        let mut tls = roots.client_config()?;
        tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(concat!("aivenator/", env!("CARGO_PKG_VERSION")))
            .redirect(reqwest::redirect::Policy::none())
            .retry(reqwest::retry::never())
            .referer(false)
            .gzip(true)
            .connect_timeout(self.deadlines.connect)
            .pool_idle_timeout(IDLE)
            // A connection that died without a word would else take every request on it to its deadline.
            .http2_keep_alive_interval(Duration::from_secs(15))
            .http2_keep_alive_timeout(Duration::from_secs(10));
        self.proxies.apply(builder)?.build().map_err(|_| BuildError::Client)
    }
}

fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        bare == "localhost" || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
    })
}

/// How long the client waits for what.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Deadlines {
    /// For its turn: longer, and the call fails as too fast, so that nothing is done on a view that has grown old.
    pub turn: Duration,
    /// For a connection.
    pub connect: Duration,
    /// For a whole call, from its turn to the end of the answer.
    pub call: Duration,
    /// The same for a whole service, which may be megabytes.
    pub service: Duration,
}

impl Default for Deadlines {
    fn default() -> Self {
        Deadlines {
            turn: Duration::from_secs(30),
            connect: Duration::from_secs(10),
            call: Duration::from_secs(30),
            service: Duration::from_mins(1),
        }
    }
}

/// Why there is no client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BuildError {
    /// The address cannot be used.
    Url(&'static str),
    /// There is no certificate to trust.
    NoRoots,
    /// A file of certificates or a proxy cannot be used.
    Transport(TransportError),
    /// There is no token.
    Token(TokenError),
    /// The HTTP library refused the settings.
    Client,
}

impl From<TransportError> for BuildError {
    fn from(error: TransportError) -> Self {
        BuildError::Transport(error)
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            BuildError::Url(why) => write!(f, "the address of Aiven {why}"),
            BuildError::NoRoots => {
                f.write_str("there is no certificate to trust: neither the system nor a file has one")
            }
            BuildError::Transport(error) => write!(f, "{error}"),
            BuildError::Token(error) => write!(f, "{error}"),
            BuildError::Client => f.write_str("the HTTP client cannot be set up"),
        }
    }
}

impl std::error::Error for BuildError {}
