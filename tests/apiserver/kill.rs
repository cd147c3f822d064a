//! The program itself, killed again and again while people make, edit, delete and make again 200 applications.
//!
//! Nothing is asked of it meanwhile; in the end no user is without its Secret, no Secret without its user, and nothing hangs.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::Operation;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::{assets, with_the_real_server};
use crate::shell::operator::given::{KAFKA, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use crate::shell::operator::place::Cluster;
use crate::shell::operator::rig::Rig;

const APPLICATIONS: u32 = 200;
const KILLS: u32 = 60;
/// The shortest and the longest life, in milliseconds.
const LIFE: (u32, u32) = (150, 3_000);

/// How long it may take until everything is as it should be, once nobody kills it any more.
const PATIENCE: Duration = Duration::from_mins(4);

/// Numbers by a seed.
struct Lot(u64);

impl Lot {
    fn below(&mut self, limit: u32) -> u32 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        u32::try_from(self.0 >> 33).unwrap() % limit
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_again_and_again_it_loses_nobody() {
    if assets().is_none() {
        return;
    }
    with_the_real_server(async {
        let rig = Rig::new().await;
        let folder = tempfile::tempdir().unwrap();
        let over = AtomicBool::new(false);
        tokio::task::block_in_place(|| {
            std::thread::scope(|scope| {
                let churn = scope.spawn(|| churn(&rig, &over));
                kill(&rig, &folder);
                over.store(true, Ordering::SeqCst);
                churn.join().unwrap();
            });
        });
        settle(&rig, &folder).await;
    })
    .await;
}

/// The program as people run it.
fn start(rig: &Rig, folder: &TempDir) -> Child {
    let Cluster::Real(lent) = &rig.sandbox.kubernetes else { panic!("it is real") };
    let config = folder.path().join("config");
    std::fs::write(&config, lent.server().kubeconfig(Some(&lent.server().token))).unwrap();
    let log = std::fs::OpenOptions::new().create(true).append(true).open(folder.path().join("log")).unwrap();
    let options = [
        ("aiven-url", rig.sandbox.aiven.url().to_owned()),
        ("operator-namespace", "aivenator".to_owned()),
        ("metrics-address", "0".to_owned()),
        ("settle", "1s".to_owned()),
        ("retire-after", "1s".to_owned()),
        ("janitor-grace", "1s".to_owned()),
        ("janitor-interval", "5s".to_owned()),
        ("kubernetes-write-retry-interval", "300ms".to_owned()),
        ("max-deletions", "1000".to_owned()),
        ("log-level", "warning".to_owned()),
    ];
    let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
    command.arg("operator").arg("--kubeconfig").arg(config);
    command.args(options.iter().map(|(name, value)| format!("--{name}={value}")));
    command.env("AIVENATOR_AIVEN_TOKEN", rig.sandbox.aiven.token()).env_remove("KUBECONFIG");
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

fn kill(rig: &Rig, folder: &TempDir) {
    let mut lot = Lot(1);
    for number in 0..KILLS {
        let mut child = start(rig, folder);
        let life = LIFE.0 + lot.below(LIFE.1 - LIFE.0);
        std::thread::sleep(Duration::from_millis(life.into()));
        let ended = child.try_wait().unwrap();
        assert!(ended.is_none(), "number {number} ended by itself: {ended:?}\n{}", log(folder));
        // SIGKILL: it is not asked.
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

fn log(folder: &TempDir) -> String {
    let text = std::fs::read_to_string(folder.path().join("log")).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(30)..].join("\n")
}

/// What people do, until it is over: with each of the applications, all the time.
fn churn(rig: &Rig, over: &AtomicBool) {
    let mut lot = Lot(2);
    for number in 0..APPLICATIONS {
        rig.apply(wish(&mut lot, number));
    }
    while !over.load(Ordering::SeqCst) {
        let number = lot.below(APPLICATIONS);
        let name = format!("app-{number}");
        match lot.below(4) {
            0 => drop(rig.sandbox.kubernetes.delete("aivenapplications", TEAM, &name)),
            // A person deletes what an application has.
            1 if lot.below(4) == 0 => drop(rig.sandbox.kubernetes.delete("secrets", TEAM, &name)),
            _ => drop(rig.apply(wish(&mut lot, number))),
        }
        std::thread::sleep(Duration::from_millis(15));
    }
}

/// What an application asks for today: one of the services, some access, one of two Secrets.
fn wish(lot: &mut Lot, number: u32) -> Value {
    let name = format!("app-{number}");
    let secret = if lot.below(5) == 0 { format!("{name}-b") } else { name.clone() };
    let access = if lot.below(2) == 0 { "read" } else { "readwrite" };
    let spec = match number % 3 {
        0 => kafka(&secret),
        1 => search(access, &secret),
        _ => valkey(access, &secret),
    };
    app(&name, spec)
}

/// Lives on until everything is as it should be.
async fn settle(rig: &Rig, folder: &TempDir) {
    let mut child = start(rig, folder);
    let calm = |rig: &Rig| why_not_settled(rig).is_none();
    let begun = Instant::now();
    while !calm(rig) {
        assert!(begun.elapsed() < PATIENCE, "{:?}\n{}", why_not_settled(rig), log(folder));
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    rig.nobody_is_lost();
    child.kill().unwrap();
    child.wait().unwrap();
    let made = rig.sandbox.aiven.count(Operation::UserCreate);
    assert!(made > 200, "only {made} users were ever made");
}

/// What is still to come, if anything is.
fn why_not_settled(rig: &Rig) -> Option<String> {
    let applications = rig.sandbox.kubernetes.list("aivenapplications", TEAM);
    let secrets = rig.sandbox.kubernetes.list("secrets", TEAM);
    let name = |object: &Value| object["metadata"]["name"].as_str().unwrap().to_owned();
    let secret_of = |app: &Value| {
        let spec = &app["spec"];
        let named = [&spec["kafka"], &spec["openSearch"], &spec["valkey"][0]].map(|part| part["secretName"].as_str());
        named.into_iter().flatten().next().unwrap().to_owned()
    };
    let is_complete = |app: &&Value| {
        app["status"]["synchronizationState"] == "RolloutComplete"
            && app["status"]["synchronizedGeneration"] == app["metadata"]["generation"]
    };
    if let Some(app) = applications.iter().find(|app| !is_complete(app)) {
        return Some(format!("{} is not complete", name(app)));
    }
    let wanted: BTreeSet<String> = applications.iter().map(secret_of).collect();
    let there: BTreeSet<String> = secrets.iter().map(name).collect();
    if wanted != there {
        return Some(format!("{:?} differ", wanted.symmetric_difference(&there)));
    }
    if let Some(held) = secrets.iter().find(|secret| secret["metadata"].get("deletionTimestamp").is_some()) {
        return Some(format!("{} is held", name(held)));
    }
    if !rig.journal().is_empty() {
        return Some(format!("the journal holds {:?}", rig.journal()));
    }
    why_users_differ(rig, &secrets)
}

/// The first reason why users and Secrets do not fit, if they do not.
fn why_users_differ(rig: &Rig, secrets: &[Value]) -> Option<String> {
    let mut users: BTreeSet<String> = BTreeSet::new();
    let mut recorded: BTreeMap<String, u32> = BTreeMap::new();
    for service in [KAFKA, SEARCH, VALKEY] {
        users.extend(rig.users(service).into_iter().map(|user| format!("{service}/{user}")));
    }
    for secret in secrets {
        let annotations = secret["metadata"]["annotations"].as_object().unwrap();
        let retired = annotations.get("aivenator.aiven.nais.io/retired");
        if retired.is_some_and(|list| list != &json!("[]")) {
            return Some(format!("{} has replaced users", secret["metadata"]["name"]));
        }
        for (key, user) in annotations.iter().filter(|(key, _)| key.ends_with("aiven.nais.io/serviceUser")) {
            let service = [("kafka", KAFKA), ("opensearch", SEARCH)].into_iter().find(|(of, _)| key.starts_with(of));
            let service = service.map_or(VALKEY, |(_, service)| service);
            *recorded.entry(format!("{service}/{}", user.as_str().unwrap())).or_default() += 1;
        }
    }
    let named: BTreeSet<String> = recorded.keys().cloned().collect();
    let fit = users == named && recorded.values().all(|times| *times == 1) && recorded.len() == secrets.len();
    (!fit).then(|| format!("users without secrets, or the other way round: {:?}", users.symmetric_difference(&named)))
}
