//! A real cluster for one scenario: what people do to it, what is in it, and what an operator asks of it.
//!
//! What people do goes to the server itself; an operator goes by way of [`Forward`], with the rights of its own account.

use std::collections::BTreeSet;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use aivenator::sandbox::faults::Faults;
use jiff::Timestamp;
use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Answer, Ask, Client, MERGE};
use super::forward::Forward;
use super::kinds::{self, LEFT, named, path, plural_of, shown, strip};
use super::pool::Taken;
use super::rights::Roles;
use super::server::Server;

/// What is in every cluster, and stays.
const SYSTEM: [&str; 4] = ["kube-system", "kube-public", "kube-node-lease", "default"];

pub struct Lent {
    pub forward: Forward,
    taken: Taken,
    admin: Client,
    namespaces: Mutex<BTreeSet<String>>,
    roles: Mutex<Roles>,
}

impl Lent {
    /// A cluster in which nothing is left of whoever had it before.
    pub async fn new(faults: &Faults) -> Lent {
        let taken = Taken::one().await;
        let forward = Forward::to(taken.server(), faults);
        let admin = taken.server().admin.clone();
        let roles = Mutex::new(Roles::of(taken.server()));
        let lent = Lent { forward, taken, admin, namespaces: Mutex::default(), roles };
        lent.server().define();
        lent.clean();
        lent
    }

    pub fn server(&self) -> &Server {
        self.taken.server()
    }

    /// A kubeconfig that leads there by way of faults and records, with the token of the operator.
    pub fn kubeconfig(&self) -> String {
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: a\n\
             clusters:\n- name: a\n  cluster: {{server: 'http://{}'}}\n\
             users:\n- name: a\n  user: {{token: {}}}\n\
             contexts:\n- name: a\n  context: {{cluster: a, user: a, namespace: default}}\n",
            self.forward.address,
            self.server().token
        )
    }

    fn clean(&self) {
        for plural in LEFT {
            let of_ours =
                |object: &Value| !SYSTEM.contains(&object["metadata"]["namespace"].as_str().unwrap_or("default"));
            let left: Vec<Value> = self.list(plural, "").into_iter().filter(of_ours).collect();
            for object in left {
                let one = kinds::path(plural, text(&object, "namespace"), text(&object, "name"));
                if object["metadata"].get("finalizers").is_some() {
                    self.ask(Method::PATCH, &one, json!({"metadata": {"finalizers": null}}));
                }
                self.ask(Method::DELETE, &one, json!({"gracePeriodSeconds": 0, "propagationPolicy": "Background"}));
            }
        }
    }

    fn ask(&self, method: Method, path: &str, body: Value) -> Answer {
        let media = if method == Method::PATCH { MERGE } else { "application/json" };
        self.admin.send(Ask::new(method, path).media(media).body(body))
    }

    /// A namespace comes with its first object, as in the sandbox.
    fn in_its_namespace(&self, object: &Value) {
        let namespace = text(object, "namespace");
        if namespace.is_empty() || !self.namespaces.lock().unwrap().insert(namespace.to_owned()) {
            return;
        }
        let made = self.ask(Method::POST, "/api/v1/namespaces", json!({"metadata": {"name": namespace}}));
        assert!([201, 409].contains(&made.code), "{made:?}");
    }

    /// Creates or replaces an object, as a person with a manifest would.
    pub fn apply(&self, mut object: Value) -> Result<Value, String> {
        self.in_its_namespace(&object);
        strip(&mut object);
        let plural = plural_of(&object);
        let one = path(plural, text(&object, "namespace"), text(&object, "name"));
        loop {
            let current = self.admin.get(&one);
            let (method, place) = if current.code == 200 {
                let metadata = current.json()["metadata"].clone();
                object["metadata"]["resourceVersion"] = metadata["resourceVersion"].clone();
                if object["metadata"].get("finalizers").is_none() && metadata.get("finalizers").is_some() {
                    object["metadata"]["finalizers"] = metadata["finalizers"].clone();
                }
                (Method::PUT, one.clone())
            } else {
                strip(&mut object);
                (Method::POST, kinds::place_of(&object))
            };
            let answer = self.ask(method, &place, object.clone());
            // Somebody else was faster.
            if ![404, 409].contains(&answer.code) {
                return answer.ok().map(shown);
            }
        }
    }

    /// Puts an object there with its status, as from a backup. Uids and times are the server's own: who was made long
    /// ago is only older than who comes next.
    pub fn load(&self, object: Value) -> Result<Value, String> {
        let (plural, status) = (plural_of(&object), object.get("status").cloned());
        let is_old = object["metadata"].get("creationTimestamp").is_some();
        let stored = self.apply(object)?;
        if is_old {
            let made: Timestamp = text(&stored, "creationTimestamp").parse().unwrap();
            while now().as_second() <= made.as_second() {
                std::thread::sleep(Duration::from_millis(50));
            }
        }
        let Some(status) = status else { return Ok(stored) };
        let what = (plural, text(&stored, "namespace"), text(&stored, "name"));
        match self.patch_status(what, json!({"status": status})) {
            // Where the status is not apart, it is stored.
            Err(why) if why.starts_with("404") => Ok(stored),
            answer => answer,
        }
    }

    pub fn get(&self, plural: &str, namespace: &str, name: &str) -> Option<Value> {
        let answer = self.admin.get(&path(plural, namespace, name));
        assert!([200, 404].contains(&answer.code), "{answer:?}");
        (answer.code == 200).then(|| shown(answer.json()))
    }

    pub fn list(&self, plural: &str, namespace: &str) -> Vec<Value> {
        let answer = self.admin.get(&path(plural, namespace, "")).ok().unwrap();
        let items = answer["items"].as_array().cloned().unwrap_or_default();
        let outside = |object: &Value| namespace.is_empty() && text(object, "namespace").starts_with("kube-");
        items.into_iter().filter(|object| !outside(object)).map(|object| named(plural, object)).collect()
    }

    /// Deletes an object; says whether it is gone, or held by a finalizer.
    pub fn delete(&self, plural: &str, namespace: &str, name: &str) -> Result<bool, String> {
        let answer = self.ask(Method::DELETE, &path(plural, namespace, name), json!({})).ok()?;
        // A pod is shown as it was, although nothing of it is left.
        Ok(answer["kind"] == "Status" || answer["metadata"].get("finalizers").is_none())
    }

    pub fn patch(&self, (plural, namespace, name): (&str, &str, &str), patch: Value) -> Result<Value, String> {
        self.ask(Method::PATCH, &path(plural, namespace, name), patch).ok().map(shown)
    }

    pub fn patch_status(&self, (plural, namespace, name): (&str, &str, &str), patch: Value) -> Result<Value, String> {
        self.ask(Method::PATCH, &format!("{}/status", path(plural, namespace, name)), patch).ok().map(shown)
    }

    /// The version of the last change.
    pub fn version(&self) -> u64 {
        let list = self.admin.get("/api/v1/namespaces/default/configmaps?limit=1").ok().unwrap();
        list["metadata"]["resourceVersion"].as_str().unwrap().parse().unwrap()
    }

    /// Takes a right away from the operator, and waits until that holds.
    pub fn deny(&self, verb: &str, resource: &str) {
        self.roles.lock().unwrap().deny(verb, resource);
    }

    pub fn allow_everything(&self) {
        self.roles.lock().unwrap().restore();
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        // Whoever comes next has every right again.
        self.roles.lock().unwrap().restore();
    }
}

#[expect(clippy::disallowed_methods, reason = "the server's clock is the one of the machine")]
fn now() -> Timestamp {
    Timestamp::now()
}

fn text<'o>(object: &'o Value, field: &str) -> &'o str {
    object["metadata"][field].as_str().unwrap_or_default()
}

/// Waits until something holds.
pub fn until(what: &str, holds: impl Fn() -> bool) {
    let begun = Instant::now();
    while !holds() {
        assert!(begun.elapsed() < Duration::from_mins(1), "never came: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}
