//! A kube-apiserver with authorization and an audit log, furnished as a cluster in which the operator is to run.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::kinds;
use super::process::{Leashed, free_port};
use crate::support::repository;

/// Who may do everything.
const ADMIN: &str = "admin-of-a-test";
/// How long a server may take until it is ready.
const PATIENCE: Duration = Duration::from_mins(3);

const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
/// The kinds of Aiven's operator, and what defines them.
const INSTANCES: [(&str, &str); 2] = [("opensearches", "opensearches.aiven.io"), ("valkeys", "valkeys.aiven.io")];

/// What is written down of whom: requests of the operator, once they are answered.
const POLICY: &str = "apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived, ResponseStarted]
rules:
- level: Metadata
  users: [\"system:serviceaccount:aivenator:aivenator\"]
- level: None
";

/// A running server, and what its operator needs.
pub struct Server {
    pub url: String,
    pub authority: String,
    pub admin: Client,
    /// The token of the operator's service account.
    pub token: String,
    /// The file with what the operator has asked, one request a line.
    pub audit: PathBuf,
    /// The roles as they are deployed.
    pub roles: Vec<Value>,
    folder: PathBuf,
    arguments: Vec<String>,
    program: Mutex<Option<Leashed>>,
}

/// The one etcd of all servers: its address and its program.
fn etcd(assets: &std::path::Path) -> &'static str {
    static ETCD: OnceLock<(String, Leashed)> = OnceLock::new();
    let (url, _) = ETCD.get_or_init(|| {
        let folder = tempfile::Builder::new().prefix("aivenator-etcd-").tempdir().unwrap().keep();
        let (url, peer) = (format!("http://127.0.0.1:{}", free_port()), format!("http://127.0.0.1:{}", free_port()));
        let data = folder.join("data");
        let options = [
            ("data-dir", data.to_str().unwrap()),
            ("listen-client-urls", &url),
            ("advertise-client-urls", &url),
            ("listen-peer-urls", &peer),
            ("initial-advertise-peer-urls", &peer),
            ("initial-cluster", &format!("default={peer}")),
            ("log-level", "error"),
        ];
        let mut arguments: Vec<String> = options.iter().map(|(name, value)| format!("--{name}={value}")).collect();
        arguments.push("--unsafe-no-fsync".to_owned());
        let program = Leashed::start(&assets.join("etcd"), &arguments, &folder);
        (url, program)
    });
    url
}

impl Server {
    /// Starts one and waits until it can be used.
    pub fn start() -> Server {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let assets = super::assets().expect("asked before");
        let number = STARTED.fetch_add(1, Ordering::SeqCst);
        let folder = tempfile::Builder::new().prefix("aivenator-apiserver-").tempdir().unwrap().keep();
        let port = free_port();
        let arguments = arguments(&folder, etcd(&assets), (port, number));
        let program = Leashed::start(&assets.join("kube-apiserver"), &arguments, &folder);
        let url = format!("https://127.0.0.1:{port}");
        let begun = Instant::now();
        let certificate = folder.join("apiserver.crt");
        let whole = |text: &String| text.ends_with("-----END CERTIFICATE-----\n");
        let authority = awaited(begun, || std::fs::read_to_string(&certificate).ok().filter(whole), || program.said());
        let mut server = Server {
            admin: Client::new(&url, Some(&authority), Some(ADMIN)),
            audit: folder.join("audit.log"),
            url,
            authority,
            folder,
            arguments,
            token: String::new(),
            roles: vec![],
            program: Mutex::new(Some(program)),
        };
        server.await_ready();
        server.furnish();
        server
    }

    /// Kills it, and starts it again with what is stored, all of it newer than whatever anybody has seen.
    pub fn start_again(&self) {
        let assets = super::assets().expect("asked before");
        let mut program = self.program.lock().unwrap();
        program.take().unwrap().kill();
        let etcd = Client::new(etcd(&assets), None, None);
        let put = Ask::new(Method::POST, "/v3/kv/put").body(json!({"key": "YQ==", "value": "YQ=="}));
        etcd.send(put).ok().unwrap();
        *program = Some(Leashed::start(&assets.join("kube-apiserver"), &self.arguments, &self.folder));
        drop(program);
        self.await_ready();
    }

    fn await_ready(&self) {
        let is_there = |path: &str| {
            let asked = self.admin.try_send(Ask::new(Method::GET, path));
            asked.filter(|answer| answer.code == 200).map(drop)
        };
        self.awaited(|| is_there("/readyz"));
        self.awaited(|| is_there("/api/v1/namespaces/kube-system"));
    }

    fn awaited(&self, found: impl FnMut() -> Option<()>) {
        awaited(Instant::now(), found, || {
            self.program.lock().unwrap().as_ref().map_or_else(String::new, Leashed::said)
        });
    }

    /// The definitions of resources, the namespace of the operator, and what the operator may do.
    fn furnish(&mut self) {
        self.make(DEFINITIONS, aivenator::crd::definition());
        self.awaited(|| Some(()).filter(|()| self.admin.get(&kinds::path("aivenapplications", "", "")).code == 200));
        self.define();
        self.make("/api/v1/namespaces", json!({"metadata": {"name": "aivenator"}}));
        for object in manifests() {
            self.make(&kinds::place_of(&object), object.clone());
            if object["kind"].as_str().is_some_and(|kind| kind == "Role" || kind == "ClusterRole") {
                self.roles.push(object);
            }
        }
        let path = "/api/v1/namespaces/aivenator/serviceaccounts/aivenator/token";
        let asked = json!({"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest",
                           "spec": {"expirationSeconds": 86400}});
        let answer = self.make(path, asked);
        answer["status"]["token"].as_str().unwrap().clone_into(&mut self.token);
    }

    /// Sees to it that the kinds of Aiven's operator are defined as they should be.
    pub fn define(&self) {
        let as_it_should_be = |name: &str| {
            let found = self.admin.get(&format!("{DEFINITIONS}/{name}"));
            found.code == 200 && found.json()["spec"]["versions"][0].get("subresources").is_some()
        };
        if INSTANCES.iter().all(|(_, name)| as_it_should_be(name)) {
            return;
        }
        self.undefine();
        let sandbox = Kubernetes::start(Options::default()).unwrap();
        for (plural, name) in INSTANCES {
            let mut definition = sandbox.get("crd", "", name).unwrap();
            kinds::strip(&mut definition);
            self.make(DEFINITIONS, definition);
            self.awaited(|| Some(()).filter(|()| self.admin.get(&kinds::path(plural, "", "")).code == 200));
        }
    }

    /// Takes the kinds of Aiven's operator away.
    pub fn undefine(&self) {
        for (plural, name) in INSTANCES {
            let path = format!("{DEFINITIONS}/{name}");
            self.admin.send(Ask::new(Method::DELETE, &*path));
            self.awaited(|| Some(()).filter(|()| self.admin.get(&path).code == 404));
            self.awaited(|| Some(()).filter(|()| self.admin.get(&kinds::path(plural, "", "")).code == 404));
        }
    }

    fn make(&self, path: &str, object: Value) -> Value {
        self.admin.send(Ask::new(Method::POST, path).body(object)).ok().unwrap()
    }

    /// A kubeconfig of whoever has this token; without a token, of the administrator.
    pub fn kubeconfig(&self, token: Option<&str>) -> String {
        let (authority, token) = (STANDARD.encode(&self.authority), token.unwrap_or(ADMIN));
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             clusters:\n- name: a\n  cluster: {{server: '{}', certificate-authority-data: {authority}}}\n\
             users:\n- name: a\n  user: {{token: {token}}}\n\
             contexts:\n- name: a\n  context: {{cluster: a, user: a, namespace: default}}\n",
            self.url
        )
    }
}

/// What deploy/ applies.
fn manifests() -> Vec<Value> {
    let text = std::fs::read_to_string(repository("deploy/manifests/rbac.yaml")).unwrap();
    text.split("\n---\n").map(|document| serde_saphyr::from_str(document).unwrap()).collect()
}

fn arguments(folder: &std::path::Path, etcd: &str, (port, number): (u16, usize)) -> Vec<String> {
    let file = |name: &str, text: &str| {
        let path = folder.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let pair = rcgen::KeyPair::generate().unwrap();
    let (public, private) = (file("accounts.pub", &pair.public_key_pem()), file("accounts.key", &pair.serialize_pem()));
    let options = [
        ("etcd-servers", etcd.to_owned()),
        ("etcd-prefix", format!("/registry-{number}")),
        ("bind-address", "127.0.0.1".to_owned()),
        ("advertise-address", "127.0.0.1".to_owned()),
        ("secure-port", port.to_string()),
        ("cert-dir", folder.to_str().unwrap().to_owned()),
        ("token-auth-file", file("tokens.csv", &format!("{ADMIN},admin,admin,\"system:masters\"\n"))),
        ("service-account-issuer", "https://kubernetes.default.svc".to_owned()),
        ("service-account-key-file", public),
        ("service-account-signing-key-file", private),
        ("service-cluster-ip-range", "10.0.0.0/24".to_owned()),
        ("authorization-mode", "RBAC".to_owned()),
        // Nobody makes the accounts that pods would run as.
        ("disable-admission-plugins", "ServiceAccount".to_owned()),
        ("endpoint-reconciler-type", "none".to_owned()),
        ("audit-policy-file", file("policy.yaml", POLICY)),
        ("audit-log-path", folder.join("audit.log").to_str().unwrap().to_owned()),
        ("audit-log-mode", "blocking".to_owned()),
    ];
    options.iter().map(|(name, value)| format!("--{name}={value}")).collect()
}

/// Waits until there is something; else says what the program has said.
fn awaited<T>(begun: Instant, mut found: impl FnMut() -> Option<T>, said: impl Fn() -> String) -> T {
    loop {
        if let Some(found) = found() {
            return found;
        }
        assert!(begun.elapsed() < PATIENCE, "the server never became ready\n{}", said());
        std::thread::sleep(Duration::from_millis(100));
    }
}
