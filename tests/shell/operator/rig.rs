//! A sandbox, operators that can be stopped, killed and started again, and waiting until something holds.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::{Operation, Options};
use aivenator::sandbox::kubernetes::{self, Count};
use aivenator::sandbox::story;
use aivenator::shell::logs::{self, Format, Level, Style};
use aivenator::shell::{Config, RunError, run};
use aivenator::world::Settings;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::given::{self, PROJECT, TEAM};
use super::place::{Cluster, Place};

/// How long something may take; a machine that is busy needs most of it.
const DEADLINE: Duration = Duration::from_secs(40);
/// The same in a real cluster, where every look is a request.
const DEADLINE_IN_A_REAL_CLUSTER: Duration = Duration::from_mins(2);

/// A cluster with what [`given::documents`] says, and what operators log.
pub struct Rig {
    pub sandbox: Place,
    pub settings: Settings,
    pub log: Log,
    pub level: Level,
}

/// A running operator, as a process of its own: dropped, it is killed where it stands.
pub struct Operator {
    runtime: Option<Runtime>,
    stop: CancellationToken,
    task: Option<JoinHandle<Result<(), RunError>>>,
}

/// Every line that was logged.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl Log {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.0.lock().unwrap()).into_owned()
    }
}

/// How often the API servers were asked, without watches.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    pub kubernetes: BTreeMap<Count, u64>,
    pub aiven: BTreeMap<(Operation, Option<u16>), u64>,
}

impl Rig {
    pub async fn new() -> Rig {
        Rig::with(Options::default()).await
    }

    pub async fn with(options: Options) -> Rig {
        Rig::of(options, kubernetes::Options::default(), &given::documents()).await
    }

    pub async fn of(aiven: Options, kubernetes: kubernetes::Options, documents: &[Value]) -> Rig {
        let sandbox = Place::start(aiven, kubernetes).await;
        sandbox.load(documents).unwrap();
        let second = SignedDuration::from_secs(1);
        let settings = Settings {
            settle: second,
            retire_after: second,
            janitor_grace: second,
            kubernetes_write_retry_interval: SignedDuration::from_millis(300),
            ..Settings::default()
        };
        Rig { sandbox, settings, log: Log::default(), level: Level::Debug }
    }

    pub fn config(&self) -> Config {
        self.sandbox.config(self.settings.clone())
    }

    pub fn start(&self) -> Operator {
        self.run(self.config())
    }

    pub fn run(&self, config: Config) -> Operator {
        let style = Style { format: Format::Text, level: self.level, colour: false };
        let log = self.log.clone();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .on_thread_start(move || {
                let log = log.clone();
                let lines = tracing::Dispatch::new(logs::subscriber(style, move || log.clone()));
                // For as long as the thread lives.
                std::mem::forget(tracing::dispatcher::set_default(&lines));
            })
            .build()
            .unwrap();
        let stop = CancellationToken::new();
        let task = runtime.spawn(run(config, stop.clone()));
        Operator { runtime: Some(runtime), stop, task: Some(task) }
    }

    /// Applies an object, as a person does.
    pub fn apply(&self, object: Value) -> Value {
        self.sandbox.kubernetes.apply(object).unwrap()
    }

    pub fn secret(&self, name: &str) -> Option<Value> {
        self.sandbox.kubernetes.get("secrets", TEAM, name)
    }

    /// A value of a secret as the application sees it.
    pub fn value(&self, secret: &str, key: &str) -> String {
        String::from_utf8(self.bytes(secret, key)).unwrap()
    }

    pub fn bytes(&self, secret: &str, key: &str) -> Vec<u8> {
        let object = self.secret(secret).unwrap_or_default();
        STANDARD.decode(object["data"][key].as_str().unwrap_or_default()).unwrap()
    }

    pub fn application(&self, name: &str) -> Value {
        self.sandbox.kubernetes.get("aivenapplications", TEAM, name).unwrap_or_default()
    }

    /// What the status says: its state, and why, if something is wrong.
    pub fn status(&self, name: &str) -> (String, Vec<String>) {
        let status = &self.application(name)["status"];
        let conditions = status["conditions"].as_array().cloned().unwrap_or_default();
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let true_ones = conditions.iter().filter(|condition| condition["status"] == "True");
        (text(&status["synchronizationState"]), true_ones.map(|condition| text(&condition["reason"])).collect())
    }

    /// Whether an application has what its spec of today asks for.
    pub fn is_complete(&self, name: &str) -> bool {
        let app = self.application(name);
        app["status"]["synchronizationState"] == "RolloutComplete"
            && app["status"]["synchronizedGeneration"] == app["metadata"]["generation"]
            && app["metadata"]["generation"].is_i64()
    }

    /// The users of a service that are not built in.
    pub fn users(&self, service: &str) -> Vec<String> {
        let users = self.sandbox.aiven.users(PROJECT, service);
        users.into_iter().filter(|user| user != "avnadmin" && user != "default").collect()
    }

    /// The names in the ACL document.
    pub fn acl(&self) -> BTreeMap<String, Value> {
        let document = self.sandbox.aiven.acl(PROJECT, given::SEARCH).unwrap_or_default();
        let entries = document["acls"].as_array().cloned().unwrap_or_default();
        entries.iter().map(|entry| (entry["username"].as_str().unwrap().to_owned(), entry["rules"].clone())).collect()
    }

    /// The entries of the journal.
    pub fn journal(&self) -> Vec<String> {
        let journal = self.sandbox.kubernetes.get("configmaps", "aivenator", "aivenator-journal").unwrap_or_default();
        let data = journal["data"].as_object().cloned().unwrap_or_default();
        data.into_iter().filter(|(key, _)| key != "cluster").map(|(_, text)| text.to_string()).collect()
    }

    /// The reasons of every event.
    pub fn events(&self) -> Vec<String> {
        let all = self.sandbox.kubernetes.list("events", "");
        all.iter().map(|event| event["reason"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub fn asked(&self) -> Asked {
        let kubernetes = self.sandbox.kubernetes.counts();
        let kubernetes = kubernetes.into_iter().filter(|(count, _)| count.verb != "watch").collect();
        Asked { kubernetes, aiven: self.sandbox.aiven.counts() }
    }

    /// How often the cluster was written to, apart from events, leases and asking for rights.
    pub fn writes(&self) -> BTreeMap<Count, u64> {
        let written = |count: &Count| {
            let verb = ["create", "update", "patch", "delete"].contains(&count.verb);
            verb && !["selfsubjectaccessreviews", "leases", "events"].contains(&&*count.resource)
        };
        self.asked().kubernetes.into_iter().filter(|(count, _)| written(count)).collect()
    }

    fn deadline(&self) -> Duration {
        match self.sandbox.kubernetes {
            Cluster::Sandbox(_) => DEADLINE,
            Cluster::Real(_) => DEADLINE_IN_A_REAL_CLUSTER,
        }
    }

    /// How long to wait before the next look.
    fn pause(&self) -> Duration {
        match self.sandbox.kubernetes {
            Cluster::Sandbox(_) => Duration::from_millis(25),
            Cluster::Real(_) => Duration::from_millis(150),
        }
    }

    /// Waits until something holds.
    pub async fn until(&self, what: &str, holds: impl Fn(&Rig) -> bool) {
        self.until_within(self.deadline(), what, holds).await;
    }

    pub async fn until_within(&self, deadline: Duration, what: &str, holds: impl Fn(&Rig) -> bool) {
        let begun = Instant::now();
        while !holds(self) {
            assert!(begun.elapsed() < deadline, "never came: {what}\n{}", self.story());
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Holds for a while.
    pub async fn stays(&self, long: Duration, what: &str, holds: impl Fn(&Rig) -> bool) {
        let begun = Instant::now();
        while begun.elapsed() < long {
            assert!(holds(self), "did not stay: {what}\n{}", self.story());
            tokio::time::sleep(self.pause()).await;
        }
    }

    /// Waits until these applications have what they ask for, and the journal has nothing left.
    pub async fn complete(&self, apps: &[&str]) {
        self.until(&format!("{} complete, journal empty", apps.join(", ")), |rig| {
            apps.iter().all(|app| rig.is_complete(app)) && rig.journal().is_empty()
        })
        .await;
        self.nobody_is_lost();
    }

    /// Waits until nothing was asked for a while.
    pub async fn quiet(&self) {
        let begun = Instant::now();
        let (mut last, mut since) = (self.asked(), Instant::now());
        while since.elapsed() < Duration::from_millis(1_200) {
            assert!(begun.elapsed() < self.deadline(), "never quiet\n{}", self.story());
            tokio::time::sleep(Duration::from_millis(50)).await;
            let now = self.asked();
            if now != last {
                (last, since) = (now, Instant::now());
            }
        }
    }

    /// Every user is recorded by exactly one secret, as used or as replaced, or is in the journal.
    pub fn nobody_is_lost(&self) {
        let secrets = self.sandbox.kubernetes.list("secrets", "");
        let journal = self.journal().join("\n");
        for service in [given::KAFKA, given::SEARCH, given::VALKEY] {
            for user in self.users(service) {
                let names = |text: &Value| {
                    text.as_str().is_some_and(|text| text == user || text.contains(&format!("\"{user}\"")))
                };
                let records = |secret: &&Value| {
                    let annotations = secret["metadata"]["annotations"].as_object();
                    annotations.is_some_and(|all| all.values().any(names))
                };
                let recorded = secrets.iter().filter(records).count();
                let intended = journal.contains(&user);
                assert!(recorded == 1 || intended, "{user} is recorded by {recorded} secrets\n{}", self.story());
            }
        }
    }

    /// Everything as it is, for whoever has to find out why.
    pub fn story(&self) -> String {
        let mut text = story::ending_of(&|resource| self.sandbox.kubernetes.list(resource, ""), &self.sandbox.aiven);
        for secret in self.sandbox.kubernetes.list("secrets", "") {
            let metadata = &secret["metadata"];
            let _ = writeln!(text, "{}: {} {}", metadata["name"], metadata["annotations"], metadata["labels"]);
        }
        for app in self.sandbox.kubernetes.list("aivenapplications", "") {
            let _ = writeln!(text, "{}: {}", app["metadata"]["name"], app["status"]);
        }
        let _ = writeln!(text, "journal: {:#?}\nkubernetes:", self.journal());
        let asked = self.sandbox.kubernetes.requests();
        let asked: Vec<_> = asked.iter().filter(|it| it.verb != "watch" && !it.resource.ends_with("reviews")).collect();
        for it in asked.iter().skip(asked.len().saturating_sub(25)) {
            let _ = writeln!(text, "  {} {} {} {}", it.at, it.verb, it.path, it.status);
        }
        let records = self.sandbox.aiven.records();
        let _ = writeln!(text, "aiven:");
        for it in records.iter().skip(records.len().saturating_sub(25)) {
            let _ = writeln!(
                text,
                "  {} {} {} {} {:?} {:?}",
                it.at, it.call.operation, it.call.service, it.call.user, it.status, it.fault
            );
        }
        let log = self.log.text();
        let lines: Vec<_> = log.lines().collect();
        let _ = writeln!(text, "log:\n{}", lines[lines.len().saturating_sub(40)..].join("\n"));
        text
    }
}

impl Operator {
    /// Tells it to stop, and takes in how it ends.
    pub async fn stop(self) {
        self.ask_to_stop();
        let ended = tokio::time::timeout(Duration::from_secs(20), self.ended()).await;
        ended.expect("it ends in time").expect("it ends well");
    }

    pub fn ask_to_stop(&self) {
        self.stop.cancel();
    }

    /// How it ends, if it does so itself.
    pub async fn ended(mut self) -> Result<(), RunError> {
        let ended = self.task.take().unwrap().await;
        ended.expect("it does not panic")
    }

    /// Whether it has ended by itself.
    pub fn has_ended(&self) -> bool {
        self.task.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Kills it where it stands.
    pub fn kill(self) {
        drop(self);
    }
}

impl Drop for Operator {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// A merge patch that sets one value of a secret.
pub fn edit(key: &str, value: &str) -> Value {
    json!({"data": {key: STANDARD.encode(value)}})
}
