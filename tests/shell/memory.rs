//! What is in the memory of the process: of a Secret that is not ours nothing, at no time; of ours nothing for long.
//!
//! The operator runs as a process of its own, so that what the sandbox holds is not taken for what the operator holds.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use aivenator::sandbox::{Sandbox, aiven, kubernetes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::operator::given::{self, TEAM};

/// In no text of this program: it is put together when the test runs.
fn canary(name: &str) -> String {
    ["canary", name, "of", "the", "heap", "5c1e9b"].join("~")
}

/// The process, until the test ends.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

impl Running {
    /// Everything that it can write to, region by region.
    fn memory(&self) -> Vec<Vec<u8>> {
        let process = format!("/proc/{}", self.0.id());
        let maps = std::fs::read_to_string(format!("{process}/maps")).unwrap();
        let mut memory = File::open(format!("{process}/mem")).unwrap();
        let regions = maps.lines().filter(|line| line.split(' ').nth(1).is_some_and(|rights| rights.starts_with("rw")));
        let read = regions.filter_map(|line| {
            let (from, to) = line.split(' ').next()?.split_once('-')?;
            let bounds = [from, to].map(|bound| u64::from_str_radix(bound, 16).unwrap());
            memory.seek(SeekFrom::Start(bounds[0])).ok()?;
            let mut bytes = vec![0; usize::try_from(bounds[1] - bounds[0]).ok()?];
            memory.read_exact(&mut bytes).ok().map(|()| bytes)
        });
        read.collect()
    }

    /// How often a text stands in it, as it is and in base64 at any of the three offsets.
    fn holds(&self, text: &str) -> usize {
        let mut forms = vec![text.as_bytes().to_vec()];
        for offset in 0..3 {
            let shifted = STANDARD.encode([&b"xyz"[..offset], text.as_bytes()].concat());
            // Without the ends, which depend on what stands beside it.
            forms.push(shifted.as_bytes()[4..shifted.len() - 4].to_vec());
        }
        let memory = self.memory();
        forms.iter().map(|form| memory.iter().map(|bytes| count(bytes, form)).sum::<usize>()).sum()
    }
}

fn count(bytes: &[u8], form: &[u8]) -> usize {
    let starts = bytes.iter().enumerate().filter(|(_, byte)| **byte == form[0]);
    starts.filter(|(place, _)| bytes[*place..].starts_with(form)).count()
}

/// A sandbox, and a kubeconfig file for it.
struct Place {
    _runtime: Runtime,
    sandbox: Sandbox,
    folder: tempfile::TempDir,
}

impl Place {
    fn new() -> Place {
        let runtime = Runtime::new().unwrap();
        let options = aiven::Options::default();
        let sandbox = runtime.block_on(Sandbox::start(options, kubernetes::Options::default())).unwrap();
        sandbox.load(&given::documents()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("kubeconfig"), sandbox.kubernetes.kubeconfig()).unwrap();
        Place { _runtime: runtime, sandbox, folder }
    }

    fn run(&self) -> Running {
        let log = File::create(self.folder.path().join("log")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_aivenator"))
            .arg("operator")
            .env_clear()
            .env("KUBECONFIG", self.folder.path().join("kubeconfig"))
            .env("AIVENATOR_AIVEN_TOKEN", self.sandbox.aiven.token())
            .env("AIVEN_WEB_URL", self.sandbox.aiven.url())
            .env("AIVENATOR_METRICS_ADDRESS", "0")
            .env("AIVENATOR_OPERATOR_NAMESPACE", "aivenator")
            .env("AIVENATOR_LOG_LEVEL", "trace")
            .env("AIVENATOR_JANITOR_INTERVAL", "1s")
            .env("AIVENATOR_SETTLE", "1s")
            .stdin(Stdio::null())
            .stderr(log)
            .spawn()
            .unwrap();
        Running(child)
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap()
    }

    fn until(&self, what: &str, holds: impl Fn(&Sandbox) -> bool) {
        let begun = Instant::now();
        while !holds(&self.sandbox) {
            let log = self.log();
            let last: Vec<&str> = log.lines().rev().take(20).collect();
            assert!(begun.elapsed() < Duration::from_mins(1), "never came: {what}\n{}", last.join("\n"));
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    fn secret(&self, name: &str) -> Option<Value> {
        self.sandbox.kubernetes.get("secrets", TEAM, name)
    }
}

fn is_complete(sandbox: &Sandbox, name: &str) -> bool {
    let app = sandbox.kubernetes.get("aivenapplications", TEAM, name).unwrap_or_default();
    app["status"]["synchronizationState"] == "RolloutComplete"
        && app["status"]["synchronizedGeneration"] == app["metadata"]["generation"]
}

/// Twenty Secrets of other people stand in the same namespace; one has the name that an application asks for, one our
/// finalizer. The operator meets all of them, and reads the data of none.
#[test]
fn what_is_in_the_secrets_of_others_is_never_there() {
    let place = Place::new();
    let text = canary("foreign");
    let data = json!({"password": STANDARD.encode(&text), "more": STANDARD.encode(text.repeat(500))});
    let foreign = |name: &str, more: Value| {
        let mut object = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"namespace": TEAM, "name": name}});
        object["data"] = data.clone();
        object["metadata"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        place.sandbox.kubernetes.apply(object).unwrap();
    };
    (0..20).for_each(|number| foreign(&format!("foreign-{number}"), json!({})));
    foreign("taken", json!({}));
    foreign("stripped", json!({"finalizers": ["aivenator.aiven.nais.io/finalizer"]}));
    place.sandbox.kubernetes.apply(given::app("web", given::kafka("web"))).unwrap();
    place.sandbox.kubernetes.apply(given::app("bad", given::kafka("taken"))).unwrap();
    let running = place.run();
    place.until("both are decided", |sandbox| {
        let bad = sandbox.kubernetes.get("aivenapplications", TEAM, "bad").unwrap_or_default();
        is_complete(sandbox, "web") && bad["status"]["synchronizationState"] == "RolloutFailed"
    });
    place.sandbox.kubernetes.delete("secrets", TEAM, "foreign-1").unwrap();
    place.sandbox.kubernetes.delete("secrets", TEAM, "stripped").unwrap();
    let lists = |sandbox: &Sandbox| {
        let asked = sandbox.kubernetes.requests();
        asked.iter().filter(|it| it.resource == "secrets" && it.verb == "list").count()
    };
    let before = lists(&place.sandbox);
    place.until("stripped ones were looked for again", |sandbox| lists(sandbox) > before + 1);
    assert_eq!(running.holds(&text), 0, "of Secrets that are not ours");
    // The scan would find it: what the process was told in its environment is there.
    assert!(running.holds(place.sandbox.aiven.url()) > 0);
}

/// A hundred of our Secrets hold a text of 100 KiB each: what is kept of them are digests.
#[test]
fn what_is_in_our_secrets_does_not_stay() {
    let place = Place::new();
    place.sandbox.kubernetes.apply(given::app("web", given::kafka("web"))).unwrap();
    let running = place.run();
    place.until("there is a secret of ours", |sandbox| is_complete(sandbox, "web"));
    let text = canary("ours");
    let mut object = place.secret("web").unwrap();
    let whole = text.repeat(100 * 1024 / text.len());
    for number in 0..100 {
        object["metadata"] = json!({"namespace": TEAM, "name": format!("copy-{number}"),
            "labels": object["metadata"]["labels"], "annotations": {"aivenator.aiven.nais.io/protected": "true"}});
        object["data"]["filling"] = json!(STANDARD.encode(&whole));
        place.sandbox.kubernetes.apply(object.clone()).unwrap();
    }
    place.sandbox.kubernetes.apply(given::app("late", given::kafka("late"))).unwrap();
    place.until("all of that was seen", |sandbox| is_complete(sandbox, "late"));
    // Something else goes through the buffers; what was freed is given back after a second.
    let begun = Instant::now();
    let per_secret = 100 * 1024 / text.len();
    while running.holds(&text) > 15 * per_secret {
        let held = running.holds(&text);
        assert!(begun.elapsed() < Duration::from_secs(30), "{held} of {} are still there", 100 * per_secret);
        std::thread::sleep(Duration::from_millis(500));
    }
}
