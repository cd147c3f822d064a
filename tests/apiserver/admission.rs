//! The admission policies in a real server: it says what the engine of the tests says, to the same requests.

use reqwest::Method;
use serde_json::{Value, json};

use super::assets;
use super::client::{Answer, Ask, wait};
use super::lent::{Lent, until};
use crate::deploy::{admission, manifest};

const POLICIES: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies";
const BINDINGS: &str = "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicybindings";
const DEFINITIONS: &str = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
const TEAM: &str = "shop";

/// The policies of deploy/, in force until this is dropped.
pub struct Policies<'l> {
    lent: &'l Lent,
}

impl Policies<'_> {
    pub fn put(lent: &Lent) -> Policies<'_> {
        for object in manifest("admission.yaml") {
            lent.server().admin.send(Ask::new(Method::POST, place(&object)).body(object)).ok().unwrap();
        }
        let policies = Policies { lent };
        until("policies are in force", || policies.refuse() == [true, true]);
        for policy in lent.server().admin.get(POLICIES).ok().unwrap()["items"].as_array().unwrap() {
            assert_eq!(policy["status"]["typeChecking"].get("expressionWarnings"), None, "{policy}");
        }
        policies
    }

    /// Whether a Secret that claims to be managed is refused, and an application that asks for another pool.
    fn refuse(&self) -> [bool; 2] {
        let claims = json!({"metadata": {"name": "claims", "labels": {"type": "aivenator.aiven.nais.io"}}});
        let elsewhere = json!({"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication",
                               "metadata": {"name": "elsewhere"}, "spec": {"kafka": {"pool": "another"}}});
        let tried = [("api/v1", "secrets", claims), ("apis/aiven.nais.io/v1", "aivenapplications", elsewhere)];
        tried.map(|(group, plural, object)| {
            let path = format!("/{group}/namespaces/default/{plural}?dryRun=All");
            let answer = self.lent.server().admin.try_send(Ask::new(Method::POST, path).body(object));
            answer.is_some_and(|answer| [403, 422].contains(&answer.code))
        })
    }
}

impl Drop for Policies<'_> {
    fn drop(&mut self) {
        for object in manifest("admission.yaml") {
            let one = format!("{}/{}", place(&object), object["metadata"]["name"].as_str().unwrap_or_default());
            self.lent.server().admin.try_send(Ask::new(Method::DELETE, one));
        }
        // Else they would judge whoever has the server next.
        for _ in 0..200 {
            if self.refuse() == [false, false] {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(50));
        }
    }
}

fn place(object: &Value) -> &'static str {
    if object["kind"] == "ValidatingAdmissionPolicy" { POLICIES } else { BINDINGS }
}

/// Applications of nais, which a pool can be asked for in, too.
fn definition() -> Value {
    let schema = json!({"type": "object", "x-kubernetes-preserve-unknown-fields": true});
    let version = json!({"name": "v1", "served": true, "storage": true, "schema": {"openAPIV3Schema": schema}});
    json!({
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "applications.nais.io"},
        "spec": {"group": "nais.io", "scope": "Namespaced", "versions": [version],
                 "names": {"kind": "Application", "plural": "applications", "singular": "application"}},
    })
}

/// A request of [`admission`], as it is sent.
struct Sent {
    asked: admission::Asked,
    path: String,
    one: String,
}

impl Sent {
    /// Each about an object of its own.
    fn new(number: usize, asked: admission::Asked) -> Sent {
        let (group, plural) = asked.request.resource;
        let root = if group.is_empty() { "/api/v1".to_owned() } else { format!("/apis/{group}/v1") };
        let path = format!("{root}/namespaces/{TEAM}/{plural}");
        Sent { one: format!("{path}/object-{number}"), path, asked }
    }

    fn whole(&self, mut object: Value) -> Value {
        let (version, kind) = match self.asked.request.resource {
            ("", _) => ("v1", "Secret"),
            ("nais.io", _) => ("nais.io/v1", "Application"),
            _ => ("aiven.nais.io/v1", "AivenApplication"),
        };
        object["apiVersion"] = json!(version);
        object["kind"] = json!(kind);
        object["metadata"]["name"] = json!(self.one.rsplit('/').next());
        object
    }

    /// What has to be there before it.
    fn before(&self) -> Option<Value> {
        Some(self.asked.request.old.clone()).filter(|old| !old.is_null()).map(|old| self.whole(old))
    }

    /// Sends it, with nothing to come of it.
    fn send(&self, lent: &Lent) -> Answer {
        let request = &self.asked.request;
        let admin = &lent.server().admin;
        let ask = match request.operation {
            "CREATE" => {
                Ask::new(Method::POST, format!("{}?dryRun=All", self.path)).body(self.whole(request.object.clone()))
            }
            "UPDATE" => {
                let mut object = self.whole(request.object.clone());
                let stored = admin.get(&self.one).ok().unwrap();
                object["metadata"]["resourceVersion"] = stored["metadata"]["resourceVersion"].clone();
                Ask::new(Method::PUT, format!("{}?dryRun=All", self.one)).body(object)
            }
            _ => Ask::new(Method::DELETE, format!("{}?dryRun=All", self.one)).body(json!({})),
        };
        // What the program may do is the matter of its roles, which policies do not ask for.
        let is_mighty = request.admin || request.user == admission::PROGRAM;
        admin.send(ask.by(request.user, if is_mighty { "system:masters" } else { "tenants" }))
    }
}

#[test]
fn the_server_judges_as_the_engine_does() {
    if assets().is_none() {
        return;
    }
    let lent = wait(async { Lent::new(&aivenator::sandbox::faults::Faults::new(0)).await });
    let admin = &lent.server().admin;
    lent.apply(json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"namespace": TEAM, "name": "a"}})).unwrap();
    let defined = admin.send(Ask::new(Method::POST, DEFINITIONS).body(definition()));
    assert!([201, 409].contains(&defined.code), "{defined:?}");
    until("the definition is in force", || admin.get("/apis/nais.io/v1/applications").code == 200);
    for object in tenants() {
        lent.apply(object).unwrap();
    }

    let sent: Vec<Sent> =
        admission::asked().into_iter().enumerate().map(|(number, asked)| Sent::new(number, asked)).collect();
    assert!(sent.len() > 50, "only {}", sent.len());
    // What is there before was there before the policies.
    for (sent, before) in sent.iter().filter_map(|sent| Some((sent, sent.before()?))) {
        admin.send(Ask::new(Method::POST, &*sent.path).body(before)).ok().unwrap();
    }
    let policies = Policies::put(&lent);
    for sent in &sent {
        let answer = sent.send(&lent);
        let request = &sent.asked.request;
        let context = format!("{} {} by {}: {answer:?}", request.operation, request.object, request.user);
        match &sent.asked.refusal {
            None => assert!([200, 201].contains(&answer.code), "{context}"),
            Some(why) => {
                assert!([403, 422].contains(&answer.code), "{context}");
                let said = answer.json()["message"].as_str().unwrap().to_owned();
                assert!(said.contains("denied request: ") && said.ends_with(why.trim()), "{why}\n{context}");
            }
        }
    }
    drop(policies);
    admin.send(Ask::new(Method::DELETE, format!("{DEFINITIONS}/applications.nais.io")));
}

/// What everybody may do who is not an administrator: everything to what the policies are about.
fn tenants() -> [Value; 2] {
    let rules = json!([
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]},
        {"apiGroups": ["aiven.nais.io"], "resources": ["aivenapplications"], "verbs": ["*"]},
        {"apiGroups": ["nais.io"], "resources": ["applications"], "verbs": ["*"]},
    ]);
    let (group, metadata) = ("rbac.authorization.k8s.io", json!({"namespace": TEAM, "name": "tenants"}));
    let version = format!("{group}/v1");
    [
        json!({"apiVersion": version, "kind": "Role", "metadata": metadata, "rules": rules}),
        json!({"apiVersion": version, "kind": "RoleBinding", "metadata": metadata,
               "roleRef": {"apiGroup": group, "kind": "Role", "name": "tenants"},
               "subjects": [{"apiGroup": group, "kind": "Group", "name": "tenants"}]}),
    ]
}
