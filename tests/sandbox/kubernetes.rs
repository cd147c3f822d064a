//! The Kubernetes API of the sandbox, asked as any client would: raw, through the kube client, and with kubectl.

mod compared;
mod kinds;
mod kubectl;
mod lists;
mod rights;
mod watches;
mod writes;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use aivenator::sandbox::kubernetes::{Kubernetes, Options};
use k8s_openapi::api::core::v1::Secret;
use kube::api::{Api, DynamicObject};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::core::{ApiResource, GroupVersionKind};
use kube::{Client, Config};
use serde_json::{Value, json};

const APPLICATIONS: &str = "/apis/aiven.nais.io/v1/namespaces/team/aivenapplications";
const SECRETS: &str = "/api/v1/namespaces/team/secrets";
const MERGE: &str = "application/merge-patch+json";

fn start() -> Kubernetes {
    Kubernetes::start(Options::default()).unwrap()
}

/// A client, made from the kubeconfig that the API gives out.
async fn client(kubernetes: &Kubernetes) -> Client {
    let kubeconfig = Kubeconfig::from_yaml(&kubernetes.kubeconfig()).unwrap();
    let config = Config::from_custom_kubeconfig(kubeconfig, &KubeConfigOptions::default()).await.unwrap();
    Client::try_from(config).unwrap()
}

/// The applications of a namespace.
fn applications(client: Client) -> Api<DynamicObject> {
    let kind = ApiResource::from_gvk_with_plural(
        &GroupVersionKind::gvk("aiven.nais.io", "v1", "AivenApplication"),
        "aivenapplications",
    );
    Api::namespaced_with(client, "team", &kind)
}

fn secrets(client: Client) -> Api<Secret> {
    Api::namespaced(client, "team")
}

fn application(name: &str) -> Value {
    json!({
        "apiVersion": "aiven.nais.io/v1",
        "kind": "AivenApplication",
        "metadata": {"name": name, "namespace": "team"},
        "spec": {"kafka": {"pool": "dev-nais-dev", "secretName": "kafka"}},
    })
}

fn secret(name: &str) -> Value {
    json!({
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": name, "namespace": "team"},
        "data": {"KEY": "dmFsdWU="},
    })
}

/// The same with labels.
fn labelled(mut object: Value, labels: &Value) -> Value {
    object["metadata"]["labels"] = labels.clone();
    object
}

fn version(object: &Value) -> &str {
    object["metadata"]["resourceVersion"].as_str().unwrap()
}

/// An answer as it came.
#[derive(Debug)]
struct Answer {
    code: u16,
    headers: String,
    text: String,
}

impl Answer {
    fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }
}

/// Begins a request; the rest of the connection is its answer.
fn open(kubernetes: &Kubernetes, line: &str, (media, body): (&str, &str)) -> BufReader<TcpStream> {
    let address = kubernetes.url();
    let mut stream = TcpStream::connect(address.trim_start_matches("http://")).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    let length = body.len();
    let headers =
        format!("Host: sandbox\r\nUser-Agent: test\r\nConnection: close\r\nContent-Length: {length}\r\n{media}");
    write!(stream, "{line} HTTP/1.1\r\n{headers}\r\n{body}").unwrap();
    BufReader::new(stream)
}

/// Status and headers.
fn head(stream: &mut BufReader<TcpStream>) -> (u16, String) {
    let mut headers = String::new();
    while !headers.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut headers).unwrap() > 0, "the head is incomplete: {headers}");
    }
    (headers.split(' ').nth(1).unwrap().parse().unwrap(), headers)
}

fn ask(kubernetes: &Kubernetes, line: &str, headers: &str, body: &str) -> Answer {
    let mut stream = open(kubernetes, line, (headers, body));
    let (code, headers) = head(&mut stream);
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    Answer { code, headers, text }
}

fn get(kubernetes: &Kubernetes, path: &str) -> Answer {
    ask(kubernetes, &format!("GET {path}"), "", "")
}

fn send(kubernetes: &Kubernetes, line: &str, body: &Value) -> Answer {
    ask(kubernetes, line, "Content-Type: application/json\r\n", &body.to_string())
}

fn patch(kubernetes: &Kubernetes, path: &str, (media, body): (&str, &Value)) -> Answer {
    ask(kubernetes, &format!("PATCH {path}"), &format!("Content-Type: {media}\r\n"), &body.to_string())
}

fn post(kubernetes: &Kubernetes, path: &str, body: &Value) -> Answer {
    send(kubernetes, &format!("POST {path}"), body)
}

fn put(kubernetes: &Kubernetes, path: &str, body: &Value) -> Answer {
    send(kubernetes, &format!("PUT {path}"), body)
}

fn delete(kubernetes: &Kubernetes, path: &str) -> Answer {
    ask(kubernetes, &format!("DELETE {path}"), "", "")
}
