//! One of the two servers, and what was seen there.

use std::collections::BTreeMap;
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use super::asks::{Kind, Step, Version};
use super::normal::Names;
use crate::apiserver::client::{Answer, Ask, Client, MERGE};

const METADATA: &str = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1";
const ONE_METADATA: &str = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1";

/// An object as it was seen: uid and version.
type Sight = (String, String);

pub struct Side {
    client: Client,
    namespace: String,
    names: Names,
    /// What was seen last of each object, and before.
    seen: BTreeMap<(&'static str, &'static str), Vec<Sight>>,
    /// Where the last list goes on.
    next: Option<(Kind, &'static str, String)>,
    /// From where something is to be watched in the end.
    marks: Vec<(Kind, &'static str, String)>,
}

impl Side {
    pub fn new(client: Client, namespace: &str) -> Side {
        let namespace_object = json!({"metadata": {"name": namespace}});
        client.send(Ask::new(Method::POST, "/api/v1/namespaces").body(namespace_object)).ok().unwrap();
        Side {
            client,
            namespace: namespace.to_owned(),
            names: Names::new(namespace),
            seen: BTreeMap::new(),
            next: None,
            marks: vec![],
        }
    }

    fn path(&self, kind: Kind, name: &str) -> String {
        let name = if name.is_empty() { String::new() } else { format!("/{name}") };
        let (group, plural) = kind.place();
        format!("/{group}/namespaces/{}/{plural}{name}", self.namespace)
    }

    /// Sends the request of a step; gives the answer in words that are the same for both.
    pub fn take(&mut self, step: &Step) -> String {
        match step {
            Step::Create { kind, name, body } => {
                let mut body = self.addressed(body);
                body["metadata"]["name"] = json!(name);
                self.one((*kind, name), Ask::new(Method::POST, self.path(*kind, "")).body(kind.typed(body)))
            }
            Step::Replace { kind, name, body, version } => {
                let mut body = self.addressed(body);
                body["metadata"]["name"] = json!(name);
                self.rest_on(&mut body, (*kind, name), *version);
                self.one((*kind, name), Ask::new(Method::PUT, self.path(*kind, name)).body(kind.typed(body)))
            }
            Step::Get { kind, name, metadata } => {
                let accept = if *metadata { ONE_METADATA } else { "application/json" };
                self.one((*kind, name), Ask::new(Method::GET, self.path(*kind, name)).accept(accept))
            }
            Step::Patch { kind, name, patch, version, status } => {
                let mut patch = patch.clone();
                self.rest_on(&mut patch, (*kind, name), *version);
                let place = self.path(*kind, name) + if *status { "/status" } else { "" };
                let request = Ask::new(Method::PATCH, place + "?fieldManager=aivenator").media(MERGE);
                self.one((*kind, name), request.body(patch))
            }
            Step::Delete { kind, name, uid, version } => {
                let uid = self.version_of((*kind, name), *uid).map(|(uid, _)| uid);
                let version = self.version_of((*kind, name), *version).map(|(_, version)| version);
                let options = json!({"apiVersion": "v1", "kind": "DeleteOptions",
                                     "preconditions": {"uid": uid, "resourceVersion": version}});
                self.one((*kind, name), Ask::new(Method::DELETE, self.path(*kind, name)).body(options))
            }
            Step::List { kind, query, metadata } => self.list((*kind, query), *metadata, ""),
            Step::Next => match self.next.take() {
                Some((kind, query, token)) => self.list((kind, query), false, &token),
                None => String::new(),
            },
        }
    }

    fn addressed(&self, body: &Value) -> Value {
        serde_json::from_str(&body.to_string().replace("NAMESPACE", &self.namespace)).unwrap()
    }

    fn version_of(&self, (kind, name): (Kind, &'static str), which: Version) -> Option<Sight> {
        let seen = self.seen.get(&(kind.place().1, name)).map(Vec::as_slice).unwrap_or_default();
        match which {
            Version::None => None,
            Version::Fresh => seen.last().cloned(),
            Version::Stale => seen.first().cloned(),
            Version::Wrong => Some(("00000000-0000-0000-0000-000000000000".to_owned(), "1".to_owned())),
        }
    }

    fn rest_on(&self, body: &mut Value, key: (Kind, &'static str), which: Version) {
        if let Some((_, version)) = self.version_of(key, which) {
            body["metadata"]["resourceVersion"] = json!(version);
        }
    }

    /// A request for one object.
    fn one(&mut self, (kind, name): (Kind, &'static str), ask: Ask) -> String {
        let answer = self.client.send(ask);
        let body = answer.json();
        if let (Some(uid), Some(version)) =
            (body["metadata"]["uid"].as_str(), body["metadata"]["resourceVersion"].as_str())
        {
            let seen = self.seen.entry((kind.place().1, name)).or_default();
            seen.push((uid.to_owned(), version.to_owned()));
        }
        self.told(&answer, body)
    }

    fn list(&mut self, (kind, query): (Kind, &'static str), metadata: bool, token: &str) -> String {
        let mut path = self.path(kind, "") + query;
        if !token.is_empty() {
            path = format!("{path}&continue={token}");
        }
        let accept = if metadata { METADATA } else { "application/json" };
        let answer = self.client.send(Ask::new(Method::GET, path).accept(accept));
        let body = answer.json();
        let list = &body["metadata"];
        if let Some(token) = list["continue"].as_str().filter(|token| !token.is_empty()) {
            self.next = Some((kind, query, token.to_owned()));
        }
        if answer.code == 200 && !query.contains("limit") && !query.contains("resourceVersion") {
            let version = list["resourceVersion"].as_str().unwrap().to_owned();
            self.marks.push((kind, query, version));
        }
        self.told(&answer, body)
    }

    fn told(&mut self, answer: &Answer, body: Value) -> String {
        format!("{} {} {:?}", answer.code, self.names.replace(body), answer.warnings)
    }

    /// What watches tell within a while that begin where lists were made: all of it has happened already.
    pub fn watched(&self, patience: Duration) -> Vec<Vec<String>> {
        let Side { client, marks, .. } = self;
        let paths = marks.iter().rev().take(4).map(|(kind, query, version)| {
            let joint = if query.is_empty() { '?' } else { '&' };
            format!("{}{query}{joint}watch=true&resourceVersion={version}", self.path(*kind, ""))
        });
        let paths: Vec<String> = paths.collect();
        let listened: Vec<Vec<Value>> = std::thread::scope(|scope| {
            let listening: Vec<_> =
                paths.iter().map(|path| scope.spawn(move || client.watch(path, usize::MAX, patience))).collect();
            listening.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let mut names = self.names.clone();
        let tell =
            |events: Vec<Value>| events.into_iter().map(|event| names.replace(event).to_string()).collect::<Vec<_>>();
        listened.into_iter().map(tell).collect()
    }
}

impl Kind {
    /// Group with version, and plural.
    fn place(self) -> (&'static str, &'static str) {
        match self {
            Kind::Secret => ("api/v1", "secrets"),
            Kind::ConfigMap => ("api/v1", "configmaps"),
            Kind::Lease => ("apis/coordination.k8s.io/v1", "leases"),
            Kind::V1 => ("apis/aiven.nais.io/v1", "aivenapplications"),
            Kind::V2 => ("apis/aiven.nais.io/v2", "aivenapplications"),
            Kind::OpenSearch => ("apis/aiven.io/v1alpha1", "opensearches"),
            Kind::Event => ("apis/events.k8s.io/v1", "events"),
        }
    }

    /// With apiVersion and kind.
    fn typed(self, mut body: Value) -> Value {
        let kind = match self {
            Kind::Secret => "Secret",
            Kind::ConfigMap => "ConfigMap",
            Kind::Lease => "Lease",
            Kind::V1 | Kind::V2 => "AivenApplication",
            Kind::OpenSearch => "OpenSearch",
            Kind::Event => "Event",
        };
        let version = self.place().0.split_once('/').map_or("", |(_, version)| version);
        body["apiVersion"] = json!(version);
        body["kind"] = json!(kind);
        body
    }
}
