//! kubectl itself, where it is installed.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use aivenator::sandbox::kubernetes::Kubernetes;
use serde_json::json;
use tempfile::TempDir;

use super::{application, secret, start};

const KUBECTL: &str = "/usr/bin/kubectl";

/// kubectl with the kubeconfig of one API.
struct Kubectl(TempDir);

impl Kubectl {
    /// None where it is not installed.
    fn of(kubernetes: &Kubernetes) -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("config"), kubernetes.kubeconfig()).unwrap();
        Path::new(KUBECTL).exists().then_some(Self(folder))
    }

    fn command(&self, words: &str) -> Command {
        let mut command = Command::new(KUBECTL);
        command.arg("--kubeconfig").arg(self.0.path().join("config")).args(words.split(' '));
        command.env("HOME", self.0.path()).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What it prints, when it succeeds.
    fn run(&self, words: &str, input: &str) -> String {
        let output = self.try_run(words, input);
        let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{words}: {out}{error}");
        out.into_owned()
    }

    fn try_run(&self, words: &str, input: &str) -> Output {
        let mut child = self.command(words).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        child.wait_with_output().unwrap()
    }
}

#[test]
fn kubectl_reads() {
    let kubernetes = start();
    let Some(kubectl) = Kubectl::of(&kubernetes) else { return };
    kubernetes.apply(application("one")).unwrap();
    kubernetes.apply(secret("kafka")).unwrap();
    kubernetes
        .patch_status(("aivenapp", "team", "one"), json!({"status": {"synchronizationState": "RolloutComplete"}}))
        .unwrap();
    let table = kubectl.run("get aivenapp,secret,pod -A", "");
    for part in ["STATE", "RolloutComplete", "secret/kafka", "Opaque"] {
        assert!(table.contains(part), "{table}");
    }
    let wide = kubectl.run("get aivenapp -n team -o wide", "");
    assert!(wide.contains("KAFKA SECRET"), "{wide}");
    let yaml = kubectl.run("get aivenapp one -n team -o yaml", "");
    assert!(yaml.contains("apiVersion: aiven.nais.io/v2") && yaml.contains("pool: dev-nais-dev"), "{yaml}");
    let described = kubectl.run("describe aivenapp one -n team", "");
    assert!(described.contains("Events:") && described.contains("dev-nais-dev"), "{described}");
    let described = kubectl.run("describe secret kafka -n team", "");
    assert!(described.contains("KEY:  5 bytes"), "{described}");
    assert!(kubectl.run("api-resources", "").contains("aivenapp "));
    assert!(kubectl.run("get crd", "").contains("aivenapplications.aiven.nais.io"));
    let missing = kubectl.try_run("get secret none -n team", "");
    assert!(
        String::from_utf8_lossy(&missing.stderr).contains("Error from server (NotFound): secrets \"none\" not found")
    );
}

#[test]
fn kubectl_writes() {
    let kubernetes = start();
    let Some(kubectl) = Kubectl::of(&kubernetes) else { return };
    let both = format!("{}\n---\n{}\n", application("one"), secret("kafka"));
    assert!(kubectl.run("apply -f -", &both).contains("created"));
    let unchanged = kubectl.run("apply -f -", &both);
    assert_eq!(unchanged.matches("unchanged").count(), 2, "{unchanged}");
    let mut changed = application("one");
    changed["spec"] = json!({"kafka": {"pool": "other", "secretName": "kafka"}, "protected": true});
    assert!(kubectl.run("apply -f -", &changed.to_string()).contains("configured"));
    assert_eq!(kubernetes.get("aivenapp", "team", "one").unwrap()["spec"], changed["spec"]);
    let mut more = secret("kafka");
    more["data"] = json!({"OTHER": "b3RoZXI="});
    kubectl.run("apply -f -", &more.to_string());
    assert_eq!(kubernetes.get("secret", "team", "kafka").unwrap()["data"], more["data"], "a key that is left out goes");
    for kind in ["aivenapp/one", "secret/kafka"] {
        kubectl.run(&format!("annotate -n team {kind} a.io/b=c"), "");
        kubectl.run(&format!("label -n team {kind} d=e"), "");
    }
    for (kind, name) in [("aivenapp", "one"), ("secret", "kafka")] {
        let metadata = kubernetes.get(kind, "team", name).unwrap()["metadata"].clone();
        assert_eq!((&metadata["annotations"]["a.io/b"], &metadata["labels"]["d"]), (&json!("c"), &json!("e")));
    }
    kubectl.run("patch -n team aivenapp one --type=merge -p {\"spec\":{\"protected\":false}}", "");
    let mut edit = kubectl.command("edit -n team aivenapp one");
    let output = edit.env("KUBE_EDITOR", "sed -i s/pool:.other/pool:\\ third/").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let spec = kubernetes.get("aivenapp", "team", "one").unwrap()["spec"].clone();
    assert_eq!((&spec["protected"], &spec["kafka"]["pool"]), (&json!(false), &json!("third")));
    changed["spec"]["kafka"]["typo"] = json!("x");
    let refused = kubectl.try_run("apply -f -", &changed.to_string());
    let error = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(!refused.status.success() && error.contains("unknown field \"spec.kafka.typo\""), "{error}");
    kubectl.run("delete -n team aivenapp/one secret/kafka", "");
    assert!(kubernetes.list("secrets", "team").is_empty());
}

#[test]
fn kubectl_waits_and_watches() {
    let kubernetes = start();
    let Some(kubectl) = Kubectl::of(&kubernetes) else { return };
    let mut held = secret("held");
    held["metadata"]["finalizers"] = json!(["a.io/b"]);
    kubernetes.apply(held).unwrap();
    let mut watching = kubectl.command("get secrets -n team -w --request-timeout=60s").spawn().unwrap();
    while !kubernetes.requests().iter().any(|request| request.verb == "watch") {
        std::thread::sleep(Duration::from_millis(20));
    }
    let deleting = kubectl.command("delete -n team secret held").spawn().unwrap();
    while kubernetes.get("secret", "team", "held").unwrap()["metadata"].get("deletionTimestamp").is_none() {
        std::thread::sleep(Duration::from_millis(20));
    }
    kubernetes.apply(secret("new")).unwrap();
    kubernetes.patch(("secret", "team", "held"), json!({"metadata": {"finalizers": null}})).unwrap();
    assert!(deleting.wait_with_output().unwrap().status.success());
    let lines = BufReader::new(watching.stdout.take().unwrap()).lines().map(Result::unwrap);
    let seen: Vec<String> = lines.take_while(|line| !line.starts_with("new")).collect();
    watching.kill().unwrap();
    watching.wait().unwrap();
    assert!(seen.iter().any(|line| line.starts_with("held")), "{seen:?}");
    kubectl.run("wait --for=condition=Established crd/aivenapplications.aiven.nais.io --timeout=5s", "");
}
