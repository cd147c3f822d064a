//! A thousand passes in which everything fails in turn, panics among it, at the loudest: no canary comes out anywhere.

use std::collections::{BTreeSet, HashMap};
use std::io::Write;
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once};
use std::time::{Duration, Instant};

use aivenator::sandbox::aiven::{Lag, Options};
use aivenator::sandbox::faults::{Effect, Rule};
use aivenator::shell::logs::{self, Format, Level, Style};
use aivenator::shell::{Config, run};
use jiff::SignedDuration;
use serde_json::json;
use tokio::runtime::Runtime;
use tokio_util::sync::CancellationToken;

use super::given::{TEAM, app, kafka, search, valkey};
use super::process::{page, ready, served};
use super::rig::{Log, Rig, edit};
use super::telling::forms;
use super::{Scenario, scenarios, together};

/// How many passes over applications there are at least.
const PASSES: u64 = 1_000;
/// Stands in the texts of failures, beside what is secret itself.
const CANARY: &str = "c4nary-in-the-words-of-aiven";
/// What a panic says that the test has forced.
const FORCED: &str = "forced in the middle of a call";
/// Every so many calls to Aiven end in a panic.
const EVERY: usize = 40;

/// Writes what is logged, and now and then panics where a call has just been answered.
#[derive(Clone)]
struct Brittle {
    log: Log,
    calls: Arc<AtomicUsize>,
}

impl Write for Brittle {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.log.write(bytes);
        let is_call = bytes.windows(12).any(|part| part == b"called aiven");
        assert!(!is_call || self.calls.fetch_add(1, Ordering::SeqCst) % EVERY != EVERY - 1, "{FORCED}");
        written
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Keeps what panics say that the tests have forced; others are as loud as before.
fn overhear() -> &'static Mutex<String> {
    static HEARD: Mutex<String> = Mutex::new(String::new());
    static HOOK: Once = Once::new();
    HOOK.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info.to_string();
            if text.contains(FORCED) {
                let trace = std::backtrace::Backtrace::force_capture().to_string();
                HEARD.lock().unwrap().extend([text.as_str(), "\n", trace.as_str(), "\n"]);
            } else {
                before(info);
            }
        }));
    });
    &HEARD
}

fn start(log: &Log, config: Config, stop: &CancellationToken) -> Runtime {
    let style = Style { format: Format::Json, level: Level::Trace, colour: false };
    let brittle = Brittle { log: log.clone(), calls: Arc::default() };
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .on_thread_start(move || {
            let brittle = brittle.clone();
            let lines = tracing::Dispatch::new(logs::subscriber(style, move || brittle.clone()));
            // For as long as the thread lives.
            std::mem::forget(tracing::dispatcher::set_default(&lines));
        })
        .build()
        .unwrap();
    runtime.spawn(run(config, stop.clone()));
    runtime
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_thousand_passes_tell_no_secret() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![a_thousand_passes]
}

async fn a_thousand_passes() {
    let lag = Lag { empty_passwords: 1, ..Lag::default() };
    let mut rig = Rig::with(Options { lag, redact: false, ..Options::default() }).await;
    rig.settings.sync_period = SignedDuration::from_secs(2);
    let heard = overhear();
    let (mut config, address) = served(&rig);
    config.janitor_interval = SignedDuration::from_secs(1);
    let stop = CancellationToken::new();
    let runtime = start(&rig.log, config, &stop);
    // Before it runs, a failure ends it.
    rig.until("it runs", |rig| rig.log.text().contains("running")).await;
    beset(&rig);
    let mut secrets = BTreeSet::from([CANARY.to_owned(), rig.sandbox.aiven.token().to_owned()]);
    let (begun, mut turn) = (Instant::now(), 0);
    while passes(&page(address, "/metrics").await.1) < PASSES || turn < 40 {
        change(&rig, turn);
        secrets.extend(rig.sandbox.aiven.secrets());
        turn += 1;
        assert!(begun.elapsed() < Duration::from_mins(2), "too few passes in {turn} turns\n{}", rig.story());
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    // Not everything fails all the time.
    rig.sandbox.faults.clear();
    rig.sandbox.aiven.faults().clear();
    ready(address).await;
    rig.until("somebody has what is asked for", |rig| (0..9).any(|number| rig.is_complete(&format!("app-{number}"))))
        .await;
    let metrics = page(address, "/metrics").await.1;
    let printed = tokio::task::block_in_place(|| printed(&rig));
    secrets.extend(rig.sandbox.aiven.secrets());
    stop.cancel();
    runtime.shutdown_background();

    let list = |resource: &str| json!(rig.sandbox.kubernetes.list(resource, "")).to_string();
    let (log, heard) = (rig.log.text(), heard.lock().unwrap().clone());
    assert!(heard.matches(FORCED).count() >= 3, "some panics were forced: {heard}");
    assert!(log.contains("hyper") && log.contains("\"level\":\"trace\""), "the loudest logs there are");
    assert!(secrets.len() > 20 && printed.contains("format_version"), "{printed}");
    let told = [
        ("log", log),
        ("panics", heard),
        ("events", list("events")),
        ("applications", list("aivenapplications")),
        ("journal", list("configmaps")),
        ("metrics", metrics),
        ("commands", printed),
    ];
    let needles: Vec<String> = secrets.iter().flat_map(|secret| forms(secret)).collect();
    for (place, text) in &told {
        assert_eq!(found(text, &needles), None, "{place} tells a secret");
    }
    // The search finds what is there.
    assert!(found(&format!("some text {CANARY} and more"), &needles).is_some());
}

/// How many passes over applications were counted.
fn passes(metrics: &str) -> u64 {
    let lines = metrics.lines().filter(|line| line.starts_with("aivenator_aiven_applications_processed{"));
    lines.filter_map(|line| line.rsplit_once(' ')?.1.parse::<u64>().ok()).sum()
}

/// Every answer that says that something went wrong, with secrets in its words.
fn beset(rig: &Rig) {
    let token = rig.sandbox.aiven.token();
    let words = json!({"message": format!("{CANARY}: token {token} of {CANARY} is wrong"),
        "errors": [{"message": CANARY, "error_code": CANARY, "status": 400, "more_info": token}],
        "user": {"username": CANARY, "password": CANARY, "access_key": CANARY}});
    let aiven = rig.sandbox.aiven.faults();
    for status in [200, 302, 400, 401, 403, 404, 408, 409, 417, 422, 429, 500, 501, 502, 503, 504] {
        let retry = vec![("Retry-After".to_owned(), "1".to_owned()), ("X-Info".to_owned(), CANARY.to_owned())];
        let effect = Effect::Answer { status, body: words.to_string(), headers: retry };
        aiven.add(Rule::new(effect).containing("/user").chance(0.01));
    }
    let status = json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": format!("denied: {CANARY}"), "reason": CANARY, "details": {"name": CANARY}});
    for code in [400, 403, 404, 409, 410, 422, 429, 500, 503] {
        let mut body = status.clone();
        body["code"] = json!(code);
        let effect = Effect::Answer { status: code, body: body.to_string(), headers: vec![] };
        rig.sandbox.faults.add(Rule::new(effect).under("/api/v1/namespaces/shop/secrets").chance(0.01));
    }
    for effect in [Effect::Drop, Effect::LoseAnswer, Effect::Garbage, Effect::Delay(Duration::from_millis(100))] {
        aiven.add(Rule::new(effect.clone()).chance(0.02));
        rig.sandbox.faults.add(Rule::new(effect).chance(0.01));
    }
}

/// People want something else, edit and delete.
fn change(rig: &Rig, turn: usize) {
    for number in 0..9 {
        let name = format!("app-{number}");
        let access = ["read", "readwrite", "admin"][(turn + number) % 3];
        let spec = match number % 3 {
            0 => kafka(&format!("{name}-{}", turn / 8)),
            1 => search(access, &name),
            _ => valkey(access, &name),
        };
        rig.apply(app(&name, spec));
    }
    let name = format!("app-{}", turn % 9);
    if turn % 4 == 3 {
        drop(rig.sandbox.kubernetes.delete("secrets", TEAM, &name));
    } else {
        drop(rig.sandbox.kubernetes.patch(("secrets", TEAM, &name), edit("AIVEN_CA", "edited")));
    }
}

/// What commands say of it all.
fn printed(rig: &Rig) -> String {
    let folder = tempfile::tempdir().unwrap();
    let kubeconfig = folder.path().join("kubeconfig");
    std::fs::write(&kubeconfig, rig.sandbox.kubernetes.kubeconfig()).unwrap();
    let out = folder.path().join("world");
    let of = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_aivenator"));
        let command = command.args(args).env_clear().env("KUBECONFIG", &kubeconfig);
        let command = command.env("AIVENATOR_AIVEN_TOKEN", rig.sandbox.aiven.token());
        let output = command.env("AIVEN_WEB_URL", rig.sandbox.aiven.url()).output().unwrap();
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let mut said: String =
        [&["plan", "-A", "-o", "json"][..], &["plan", "-A"], &["orphans"], &["explain", "-n", TEAM, "secret/app-1"]]
            .into_iter()
            .map(of)
            .collect();
    said += &of(&["snapshot", "-o", out.to_str().unwrap()]);
    said += &texts(&out);
    said
}

/// Every text in a folder, and in those in it.
fn texts(folder: &std::path::Path) -> String {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { texts(&path) } else { std::fs::read_to_string(path).unwrap() }).collect()
}

/// The first of the needles that stands in a text; looks at each place once.
fn found<'n>(text: &str, needles: &'n [String]) -> Option<&'n str> {
    const BEGIN: usize = 10;
    let mut by_begin: HashMap<&[u8], Vec<&str>> = HashMap::new();
    for needle in needles.iter().filter(|needle| needle.len() >= BEGIN) {
        by_begin.entry(&needle.as_bytes()[..BEGIN]).or_default().push(needle);
    }
    let text = text.as_bytes();
    (0..text.len().saturating_sub(BEGIN - 1)).find_map(|place| {
        let candidates = by_begin.get(&text[place..place + BEGIN])?;
        candidates.iter().find(|needle| text[place..].starts_with(needle.as_bytes())).copied()
    })
}
