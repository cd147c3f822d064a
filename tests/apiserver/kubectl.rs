//! What a user sees with kubectl: columns, descriptions, events, and waiting until it is done.

use std::path::PathBuf;
use std::process::Command;

use jiff::Timestamp;
use tempfile::TempDir;

use super::server::Server;
use super::{assets, with_the_real_server};
use crate::shell::operator::given::{KAFKA, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use crate::shell::operator::place::Cluster;
use crate::shell::operator::rig::Rig;
use crate::support::repository;

/// kubectl as an administrator of a server.
struct Kubectl {
    program: PathBuf,
    folder: TempDir,
}

impl Kubectl {
    /// The one beside the server, else the one of the machine.
    fn of(server: &Server) -> Kubectl {
        let beside = assets().unwrap().join("kubectl");
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config"), server.kubeconfig(None)).unwrap();
        Kubectl { program: if beside.exists() { beside } else { "kubectl".into() }, folder }
    }

    fn run(&self, words: &str) -> String {
        let mut command = Command::new(&self.program);
        command.arg("--kubeconfig").arg(self.folder.path().join("config")).args(words.split(' '));
        let output = command.env("HOME", self.folder.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{words}: {said}");
        said
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_sees_what_is_going_on() {
    if assets().is_none() {
        return;
    }
    with_the_real_server(async {
        let rig = Rig::new().await;
        let Cluster::Real(lent) = &rig.sandbox.kubernetes else { panic!("it is real") };
        let kubectl = Kubectl::of(lent.server());
        ask_for_one_of_each(&rig);
        let operator = rig.start();
        let state = |name: &str, state: &str| {
            let path = "{.status.synchronizationState}";
            let what = format!("aivenapp/{name} -n {TEAM}");
            tokio::task::block_in_place(|| {
                kubectl.run(&format!("wait --for=jsonpath={path}={state} {what} --timeout=90s"))
            })
        };
        let waited = state("web", "RolloutComplete") + &state("wrong", "RolloutFailed");
        rig.complete(&["web"]).await;
        // One for each Secret, and one for the application that cannot be served.
        rig.until("events are there", |rig| rig.events().len() >= 4).await;
        operator.stop().await;

        let users = [KAFKA, SEARCH, VALKEY].map(|service| rig.users(service));
        let made_up: Vec<String> = users.into_iter().flatten().collect();
        let show = |words: &str| format!("$ kubectl {words}\n{}", shown(&kubectl.run(words), &made_up));
        snapshot("wait", &waited);
        let tables = [
            "get aivenapp -n shop",
            "get aivenapp -n shop -o wide",
            "get aivenapplications.v1.aiven.nais.io -n shop -o wide",
            "get secret -n shop",
        ];
        snapshot("tables", &tables.map(show).join("\n"));
        for (name, kept, told) in [
            ("web", "describe-complete", "Normal SecretMissing AGE aivenator"),
            ("wrong", "describe-failed", "Warning PoolNotAllowed AGE aivenator"),
        ] {
            let described = show(&format!("describe aivenapp {name} -n shop"));
            let (state, events) = described.split_once("\nEvents:\n").expect("it has events");
            snapshot(kept, state);
            assert!(events.contains(told), "{events}");
        }
        snapshot("explain", &show("explain aivenapp.spec.openSearch"));
        snapshot("secret", &show("describe secret web-kafka -n shop"));
    })
    .await;
}

/// An application that gets all that there is, and one that gets nothing.
fn ask_for_one_of_each(rig: &Rig) {
    let mut web = kafka("web-kafka");
    web["openSearch"] = search("read", "web-search")["openSearch"].clone();
    web["valkey"] = valkey("write", "web-valkey")["valkey"].clone();
    rig.apply(app("web", web));
    let mut bad = app("wrong", kafka("wrong"));
    bad["spec"]["kafka"]["pool"] = "not-a-pool".into();
    rig.apply(bad);
}

fn snapshot(name: &str, text: &str) {
    insta::with_settings!({
        snapshot_path => repository("snapshots/kubectl"), prepend_module_to_snapshot => false, omit_expression => true,
    }, { insta::assert_snapshot!(name, text) });
}

/// What was printed, without what is another every time.
fn shown(text: &str, made_up: &[String]) -> String {
    let mut text = text.to_owned();
    for name in made_up {
        text = text.replace(name, &format!("{}***", &name[..name.len() - 3]));
    }
    let mut lines: Vec<String> = text.lines().map(line).collect();
    // The keys of a map come in no order.
    if let Some(at) = lines.iter().position(|line| line == "====") {
        lines[at + 1..].sort();
    }
    lines.join("\n") + "\n"
}

/// A line whose ages, times and other numbers are left out; columns are one blank apart, for they are as wide as those.
fn line(text: &str) -> String {
    let indent = text.len() - text.trim_start().len();
    let words = text.split_whitespace().map(|word| {
        let bare = word.trim_matches(['"', '(', ')', ',']);
        if bare.parse::<Timestamp>().is_ok() {
            "TIME".to_owned()
        } else if is_age(bare) {
            word.replace(bare, "AGE")
        } else if bare.len() == 36 && bare.matches('-').count() == 4 {
            word.replace(bare, "UID")
        } else if bare.len() == 129 && bare.contains(',') {
            "DIGESTS".to_owned()
        } else if bare.len() > 12 && bare.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            word.replace(bare, "HASH")
        } else {
            word.to_owned()
        }
    });
    let words: Vec<String> = words.collect();
    let first = words.first().map_or("", String::as_str);
    let shown = match first {
        "Resource" => "Resource Version: VERSION".to_owned(),
        // Certificates and stores are some bytes longer or shorter each time.
        _ if words.last().is_some_and(|word| word == "bytes") => format!("{first} SIZE"),
        _ => words.join(" "),
    };
    if shown.is_empty() { shown } else { format!("{}{shown}", " ".repeat(indent)) }
}

fn is_age(word: &str) -> bool {
    let parts = word.split(['s', 'm', 'h', 'd']).collect::<Vec<_>>();
    let digits = |part: &&str| part.bytes().all(|byte| byte.is_ascii_digit());
    word.ends_with(['s', 'm', 'h', 'd']) && parts.len() > 1 && !parts[0].is_empty() && parts.iter().all(digits)
}
