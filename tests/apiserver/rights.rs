//! The roles of the operator, and what they allow: taken away and given back as a scenario wants.

use reqwest::Method;
use serde_json::{Value, json};

use super::client::{Ask, Client};
use super::kinds;
use super::lent::until;
use super::server::Server;

/// Whose rights these are.
const ACCOUNT: &str = "system:serviceaccount:aivenator:aivenator";

/// The roles of a server, as deployed and as they are now.
pub struct Roles {
    admin: Client,
    deployed: Vec<Value>,
    /// What was taken away: group, resource, verb, name.
    denied: Vec<[String; 4]>,
}

impl Roles {
    pub fn of(server: &Server) -> Roles {
        // Whoever had the server before may have left it without some rights.
        Roles { admin: server.admin.clone(), deployed: server.roles.clone(), denied: vec![] }
    }

    /// Takes a right away, and waits until that holds.
    pub fn deny(&mut self, verb: &str, resource: &str) {
        for role in self.deployed.clone() {
            let is_meant = |rule: &Value, of: &Value| of == resource && has(&rule["verbs"], verb);
            let rules = role["rules"].as_array().unwrap().clone();
            let singles = rules.iter().flat_map(|rule| {
                let of = rule["resources"].as_array().unwrap().iter();
                of.map(move |of| (rule, of))
            });
            for (rule, of) in singles.filter(|(rule, of)| is_meant(rule, of)) {
                let name = rule["resourceNames"][0].as_str().unwrap_or_default();
                let group = rule["apiGroups"][0].as_str().unwrap();
                self.denied.push([group, of.as_str().unwrap(), verb, name].map(str::to_owned));
            }
        }
        self.write();
        for right in &self.denied {
            until("the right is gone", || !self.allows(right));
        }
    }

    /// Gives everything back, and waits until that holds.
    pub fn restore(&mut self) {
        let denied = std::mem::take(&mut self.denied);
        self.write();
        for right in &denied {
            until("the right is back", || self.allows(right));
        }
    }

    fn write(&self) {
        for role in &self.deployed {
            let mut role = role.clone();
            let rules = role["rules"].as_array().unwrap().iter().flat_map(|rule| self.left_of(rule)).collect();
            role["rules"] = Value::Array(rules);
            let place = kinds::place_of(&role);
            let path = format!("{place}/{}", role["metadata"]["name"].as_str().unwrap());
            self.admin.send(Ask::new(Method::PUT, path).body(role)).ok().unwrap();
        }
    }

    /// A rule, split by resource, without the verbs that were taken away.
    fn left_of(&self, rule: &Value) -> Vec<Value> {
        let of = rule["resources"].as_array().unwrap();
        let single = |resource: &Value| {
            let mut rule = rule.clone();
            rule["resources"] = json!([resource]);
            let gone = |verb: &Value| self.denied.iter().any(|[_, of, denied, _]| resource == of && verb == denied);
            rule["verbs"].as_array_mut().unwrap().retain(|verb| !gone(verb));
            rule
        };
        of.iter().map(single).filter(|rule| rule["verbs"] != json!([])).collect()
    }

    fn allows(&self, [group, resource, verb, name]: &[String; 4]) -> bool {
        let (resource, subresource) = resource.split_once('/').unwrap_or((resource, ""));
        let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "spec": {
            "user": ACCOUNT,
            "resourceAttributes": {"namespace": "aivenator", "verb": verb, "group": group, "resource": resource,
                                   "subresource": subresource, "name": name}}});
        let path = "/apis/authorization.k8s.io/v1/subjectaccessreviews";
        let answer = self.admin.send(Ask::new(Method::POST, path).body(review)).ok().unwrap();
        answer["status"]["allowed"] == true
    }
}

fn has(list: &Value, wanted: &str) -> bool {
    list.as_array().is_some_and(|list| list.iter().any(|one| one == wanted))
}
