//! How the program reaches a cluster: proxies and private authorities, as its environment and the kubeconfig file say.
//!
//! Variables are those of a whole process, so each look is one of its own.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aivenator::sandbox::{Sandbox, aiven, kubernetes};
use aivenator::shell::transport::{Proxies, TransportError};
use axum::http::Uri;
use tokio::runtime::Runtime;

use super::operator::given;
use super::tunnel::{file, forward, proxy, server};

const HOST: &str = "kubernetes.test";

/// A cluster behind TLS, an account, and a proxy that leads to the cluster.
struct Place {
    _runtime: Runtime,
    sandbox: Sandbox,
    folder: tempfile::TempDir,
    authority: String,
    front: SocketAddr,
    proxy: SocketAddr,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Place {
    fn new() -> Place {
        let runtime = Runtime::new().unwrap();
        let started = Sandbox::start(aiven::Options::default(), kubernetes::Options::default());
        let sandbox = runtime.block_on(started).unwrap();
        let behind: SocketAddr = sandbox.kubernetes.url().strip_prefix("http://").unwrap().parse().unwrap();
        let (authority, front) = server(&[HOST, "localhost"], move |stream| forward(stream, behind));
        let (proxy, heads) = proxy(front);
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), &authority).unwrap();
        Place { _runtime: runtime, sandbox, folder, authority, front, proxy, heads }
    }

    fn ca(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// The server by a name that only the proxy can find.
    fn far(&self) -> String {
        format!("https://{HOST}:{}", self.front.port())
    }

    /// The server on loopback.
    fn near(&self) -> String {
        format!("https://localhost:{}", self.front.port())
    }

    /// A kubeconfig file for a server; `more` is said of the cluster besides.
    fn kubeconfig(&self, server: &str, more: &str) -> PathBuf {
        let text = format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: c\n\
             clusters: [{{name: c, cluster: {{server: '{server}'{more}}}}}]\n\
             users: [{{name: c, user: {{}}}}]\n\
             contexts: [{{name: c, context: {{cluster: c, user: c}}}}]\n"
        );
        let path = self.folder.path().join("kubeconfig");
        std::fs::write(&path, text).unwrap();
        path
    }

    fn with_ca(&self) -> String {
        format!(", certificate-authority: '{}'", self.ca().display())
    }

    /// A command, with nothing in its environment but this.
    fn command(&self, name: &str, kubeconfig: &Path, environment: &[(&str, &str)]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
        command
            .arg(name)
            .env_clear()
            .env("KUBECONFIG", kubeconfig)
            .env("AIVENATOR_AIVEN_TOKEN", self.sandbox.aiven.token())
            .env("AIVEN_WEB_URL", self.sandbox.aiven.url())
            .envs(environment.iter().copied())
            .stdin(Stdio::null());
        command
    }

    /// Looks at the cluster.
    fn look(&self, kubeconfig: &Path, environment: &[(&str, &str)]) -> Output {
        self.command("plan", kubeconfig, environment).output().unwrap()
    }

    #[track_caller]
    fn sees(&self, kubeconfig: &Path, environment: &[(&str, &str)]) {
        let output = self.look(kubeconfig, environment);
        assert_eq!(String::from_utf8_lossy(&output.stderr), "", "{environment:?}");
        assert!(String::from_utf8_lossy(&output.stdout).starts_with("No changes."), "{output:?}");
    }

    #[track_caller]
    fn sees_not(&self, kubeconfig: &Path, environment: &[(&str, &str)]) -> String {
        let output = self.look(kubeconfig, environment);
        assert_eq!(output.status.code(), Some(1), "{environment:?}: {output:?}");
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(said.lines().count(), 1, "{said}");
        said
    }

    /// The heads that the proxy was sent since the last time.
    fn carried(&self) -> Vec<String> {
        std::mem::take(&mut self.heads.lock().unwrap())
    }
}

#[test]
fn certificates_are_those_of_the_file_of_the_system_and_of_one_more() {
    let place = Place::new();
    let (_others, other) = file(&server(&["elsewhere"], |_| Ok(())).0);
    let (ca, other) = (place.ca(), other.to_str().unwrap().to_owned());
    let ca = ca.to_str().unwrap();

    let known = place.kubeconfig(&place.near(), &place.with_ca());
    place.sees(&known, &[]);
    place.sees(&known, &[("AIVEN_CA_CERT", &other)]);
    let said = place.sees_not(&known, &[("AIVEN_CA_CERT", "no/such.pem")]);
    assert!(said.contains("no/such.pem"), "{said}");

    let unknown = place.kubeconfig(&place.near(), "");
    place.sees_not(&unknown, &[]);
    place.sees_not(&unknown, &[("AIVEN_CA_CERT", &other)]);
    place.sees(&unknown, &[("AIVEN_CA_CERT", ca)]);
    place.sees(&unknown, &[("SSL_CERT_FILE", ca)]);
    place.sees(&unknown, &[("SSL_CERT_FILE", ca), ("AIVEN_CA_CERT", &other)]);

    // What the file says holds, too, where a server between vouches for itself with the other authority.
    let data = base64::Engine::encode(&base64::engine::general_purpose::STANDARD, std::fs::read(&other).unwrap());
    let between = place.kubeconfig(&place.near(), &format!(", certificate-authority-data: {data}"));
    place.sees_not(&between, &[]);
    place.sees(&between, &[("AIVEN_CA_CERT", ca)]);
    assert!(place.authority.starts_with("-----BEGIN"));
}

#[test]
fn a_proxy_carries_what_is_not_exempt() {
    let place = Place::new();
    let far = place.kubeconfig(&place.far(), &place.with_ca());
    let url = format!("http://me:w%40rd@{}", place.proxy);
    // Lists are written by people: what makes no sense in them exempts nothing.
    for (variable, exempt) in [
        ("HTTPS_PROXY", "10.0.0.0/8,elsewhere.test"),
        ("https_proxy", "127.0.0.1,*.kubernetes.test.elsewhere, ,<local>,"),
    ] {
        place.sees(&far, &[(variable, &url), ("NO_PROXY", exempt)]);
        let seen = place.carried();
        assert!(!seen.is_empty());
        for head in seen {
            assert!(head.starts_with(&format!("CONNECT {HOST}:{} ", place.front.port())), "{head}");
            // me:w@rd
            assert!(head.to_lowercase().contains("proxy-authorization: basic bwu6d0byza=="), "{head}");
        }
    }
    for exempt in [".test", "kubernetes.test", "*"] {
        place.sees_not(&far, &[("HTTPS_PROXY", &url), ("no_proxy", exempt)]);
        assert!(place.carried().is_empty(), "{exempt}: it went straight to a name that there is not");
    }
    // A proxy that is exempt itself is one all the same.
    place.sees(&far, &[("HTTPS_PROXY", &url), ("NO_PROXY", "127.0.0.1")]);
    assert!(!place.carried().is_empty());
    place.sees_not(&far, &[("HTTP_PROXY", &url)]);
    assert!(place.carried().is_empty());
}

/// Watches and writes go the same way; and a signal ends it well.
#[test]
fn an_operator_works_through_a_proxy_until_it_is_told_to_stop() {
    let place = Place::new();
    place.sandbox.load(&given::documents()).unwrap();
    let far = place.kubeconfig(&place.far(), &place.with_ca());
    let url = format!("http://{}", place.proxy);
    let environment = [
        ("HTTPS_PROXY", url.as_str()),
        ("AIVENATOR_METRICS_ADDRESS", "0"),
        ("AIVENATOR_OPERATOR_NAMESPACE", "aivenator"),
    ];
    for signal in ["TERM", "INT"] {
        let log = place.folder.path().join("log");
        let into = std::fs::File::create(&log).unwrap();
        let mut running = Running(place.command("operator", &far, &environment).stderr(into).spawn().unwrap());
        let log = || std::fs::read_to_string(&log).unwrap();
        wait("it runs", &log, || log().contains("running"));
        // It is seen by a watch that is open.
        let name = format!("late-{}", signal.to_lowercase());
        place.sandbox.kubernetes.apply(given::app(&name, given::kafka(&name))).unwrap();
        wait("its secret", &log, || place.sandbox.kubernetes.get("secrets", given::TEAM, &name).is_some());
        let told = Command::new("kill").args(["-s", signal, &running.0.id().to_string()]).status().unwrap();
        assert!(told.success());
        assert_eq!(running.0.wait().unwrap().code(), Some(0), "{}", log());
        assert!(!place.carried().is_empty());
    }
}

/// A process that does not outlive the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn wait(what: &str, log: &impl Fn() -> String, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_secs(30), "never came: {what}\n{}", log());
        std::thread::sleep(Duration::from_millis(25));
    }
}

#[test]
fn a_file_that_names_a_proxy_asks_for_it() {
    let place = Place::new();
    let more = format!("{}, proxy-url: 'http://{}'", place.with_ca(), place.proxy);
    let far = place.kubeconfig(&place.far(), &more);
    for environment in [&[][..], &[("NO_PROXY", ".test,127.0.0.1")], &[("HTTPS_PROXY", "http://127.0.0.1:9")]] {
        place.sees(&far, environment);
        assert!(!place.carried().is_empty(), "{environment:?}");
    }
}

#[test]
fn a_file_that_leads_nowhere_says_why() {
    let place = Place::new();
    let good = std::fs::read_to_string(place.kubeconfig(&place.near(), &place.with_ca())).unwrap();
    for (from, to, said) in [
        ("current-context: c", "current-context: d", "there is no context d"),
        ("current-context: c\n", "", "there is no current context"),
        ("{cluster: c, user: c}", "{cluster: d, user: c}", "there is no cluster d"),
        ("server: 'https://localhost", "server: 'https://local host", "the server of cluster c is no URL"),
        ("ca.pem'", "ca.pem', proxy-url: 'a proxy'", "the proxy-url of cluster c is no URL"),
        ("ca.pem", "no-such.pem", "no-such.pem"),
    ] {
        let path = place.folder.path().join("kubeconfig");
        assert!(good.contains(from), "{good}");
        std::fs::write(&path, good.replacen(from, to, 1)).unwrap();
        let answer = place.sees_not(&path, &[]);
        assert!(answer.contains("no cluster to talk to") && answer.contains(said), "{answer}");
    }
    // Whom it does not know is nobody.
    let path = place.folder.path().join("kubeconfig");
    std::fs::write(&path, good.replace("user: c}", "user: d}")).unwrap();
    place.sees(&path, &[]);
}

#[test]
fn loopback_is_never_reached_through_a_proxy() {
    let place = Place::new();
    let url = format!("http://{}", place.proxy);
    let both = [("HTTPS_PROXY", url.as_str()), ("HTTP_PROXY", url.as_str())];
    for (server, more) in [(place.near(), place.with_ca()), (place.sandbox.kubernetes.url(), String::new())] {
        place.sees(&place.kubeconfig(&server, &more), &both);
        assert!(place.carried().is_empty(), "{server}");
    }
}

#[test]
fn the_way_to_a_place_follows_from_the_variables() {
    let way = |variables: &[(&str, &str)], place: &str| {
        let found = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
        let place: Uri = place.parse().unwrap();
        Proxies::from_lookup(found).on_the_way_to(&place).map(|way| way.map(|url| url.to_string()))
    };
    let through = |url: &str| Ok(Some(url.to_owned()));
    let proxy = ("HTTPS_PROXY", "http://proxy:3128");
    assert_eq!(way(&[], "https://10.0.0.1:6443"), Ok(None));
    assert_eq!(way(&[proxy], "https://10.0.0.1:6443"), through("http://proxy:3128/"));
    assert_eq!(way(&[("https_proxy", " proxy:3128 ")], "https://api.test"), through("http://proxy:3128/"));
    for exempt in ["10.0.0.0/8", "10.0.0.1", "x, 10.0.0.0/8,", "*"] {
        assert_eq!(way(&[proxy, ("NO_PROXY", exempt)], "https://10.0.0.1:6443"), Ok(None), "{exempt}");
    }
    assert_eq!(way(&[proxy, ("NO_PROXY", "10.1.0.0/16")], "https://10.0.0.1:6443"), through("http://proxy:3128/"));
    assert_eq!(way(&[proxy, ("NO_PROXY", "test")], "https://api.test:6443"), Ok(None));
    assert_eq!(way(&[proxy], "http://api.test"), Ok(None));
    assert_eq!(way(&[("HTTP_PROXY", "http://p"), proxy], "http://api.test"), through("http://p/"));
    for loopback in ["https://127.0.0.1:6443", "https://localhost:6443", "https://[::1]:6443", "https://127.8.8.8"] {
        assert_eq!(way(&[proxy], loopback), Ok(None), "{loopback}");
    }
    let bad = [("HTTPS_PROXY", "http://:x:")];
    assert_eq!(way(&bad, "https://api.test"), Err(TransportError::BadProxy("HTTPS_PROXY")));
    assert_eq!(way(&bad, "https://127.0.0.1"), Ok(None));
}
