//! Any annotations and labels on a Secret that goes: whatever they claim, nothing is touched that is not its namespace's.

use aivenator::action::Action;
use aivenator::documents::{Source, read};
use aivenator::naming::{Prefix, suffixes};
use aivenator::sim;
use aivenator::world::{Access, AppKey, Digester, Lookup, ServiceKey, Settings, UserKey, World};
use jiff::SignedDuration;
use serde_json::{Map, Value, json};

use crate::judge::judged;

/// How often the world is planned, executed, and looked at an hour later.
const ROUNDS: usize = 4;

/// See the module: lines `a KEY=VALUE` for annotations, `l KEY=VALUE` for labels; `$K` and its like stand for users.
pub fn check(bytes: &[u8]) {
    let cast = Cast::new();
    let text = cast.name(&String::from_utf8_lossy(bytes));
    let (annotations, labels) = (entries(&text, "a "), entries(&text, "l "));
    let Some(mut world) = world(&cast, &annotations, labels) else { return };
    let before = world.clone();
    let claimed = Value::from(annotations).to_string();
    for _ in 0..ROUNDS {
        let plan = judged(&world);
        for user in plan.actions().filter_map(changed) {
            assert!(cast.may_go(user), "{user} is not of this namespace\n{text}");
            assert!(claimed.contains(user.username.as_str()), "{user}: nobody spoke of it\n{text}");
        }
        world = sim::execute(&world, &plan);
        world = sim::wait_until(&world, world.now + SignedDuration::from_hours(1));
    }
    for user in cast.stays() {
        assert_eq!(found(&before, &user), found(&world, &user), "{user} was touched\n{text}");
    }
}

/// The user that an action changes or deletes.
fn changed(action: &Action) -> Option<&UserKey> {
    match action {
        Action::SetAccess { user, .. }
        | Action::GrantAcl { user, .. }
        | Action::RevokeAcl { user }
        | Action::DeleteUser { user } => Some(user),
        _ => None,
    }
}

/// Who is there.
struct Cast {
    own: [(&'static str, String); 3],
    foreign: [(&'static str, String); 5],
}

impl Cast {
    fn new() -> Self {
        let (ours, live, theirs) = (AppKey::new("a", "x"), AppKey::new("a", "z"), AppKey::new("a-b", "y"));
        let user = |prefix: Prefix, app: &AppKey| {
            prefix.username(&suffixes(1, &app.name, None).next().expect("there is always one more"))
        };
        let access = |stem: &str, app: &AppKey| user(Prefix::with_access(stem, Access::ReadWrite), app);
        Cast {
            own: [("$K", user(Prefix::kafka(&ours), &ours)), ("$O", access("a", &ours)), ("$V", access("x", &ours))],
            foreign: [
                ("$L", user(Prefix::kafka(&live), &live)),
                ("$F", user(Prefix::kafka(&theirs), &theirs)),
                ("$P", access("a-b", &theirs)),
                ("$Q", access("y", &theirs)),
                ("$A", "avnadmin".to_owned()),
            ],
        }
    }

    fn everybody(&self) -> impl Iterator<Item = &(&'static str, String)> {
        self.own.iter().chain(&self.foreign)
    }

    fn name(&self, text: &str) -> String {
        self.everybody().fold(text.to_owned(), |text, (sign, name)| text.replace(sign, name))
    }

    /// The accounts that no Secret of namespace `a` but its own may be the end of.
    fn stays(&self) -> Vec<UserKey> {
        let foreign = |service: &str| {
            let key = ServiceKey::new("p1", service);
            self.foreign.iter().map(move |(_, name)| key.user(name.as_str().into()))
        };
        let unowned = ["opensearch-a-b-c", "opensearch-other-c", "valkey-a-bc-c"];
        let other = unowned.map(|service| ServiceKey::new("p1", service)).into_iter();
        let other = other.chain([ServiceKey::new("p9", "kafka")]);
        let all = other.flat_map(|key| self.everybody().map(move |(_, name)| key.user(name.as_str().into())));
        let admin = ServiceKey::new("p1", "valkey-a-c").user("avnadmin".into());
        ["kafka", "opensearch-a-c"].into_iter().flat_map(foreign).chain(all).chain([admin]).collect()
    }

    /// Told by the letter, apart from what the planner goes by.
    fn may_go(&self, user: &UserKey) -> bool {
        let own = match user.service.as_str() {
            "kafka" => user.username.starts_with("a_"),
            "opensearch-a-c" => user.username.starts_with("a-"),
            // Whose application it is, only the label says: but the service is the namespace's alone.
            "valkey-a-c" => true,
            _ => false,
        };
        own && user.project == "p1" && self.foreign[0].1 != user.username.as_str() && user.username != "avnadmin"
    }
}

fn entries(text: &str, mark: &str) -> Map<String, Value> {
    let lines = text.lines().filter_map(|line| line.strip_prefix(mark)?.split_once('='));
    lines.map(|(key, value)| (key.to_owned(), Value::from(value))).collect()
}

fn found(world: &World, user: &UserKey) -> String {
    let Lookup::Found(service) = world.service(&user.service_key()) else { return String::new() };
    let rules = service.acl.seen().map(|acl| format!("{:?}", acl.rules.get(&user.username)));
    format!("{:?} {rules:?}", service.user(&user.username))
}

fn world(cast: &Cast, annotations: &Map<String, Value>, labels: Map<String, Value>) -> Option<World> {
    let now = "2026-11-20T12:00:00Z".parse().expect("a time");
    let settings =
        Settings { projects: ["p1".into(), "p2".into()].into(), main_project: "p1".into(), ..Settings::default() };
    let world = World::new(now, settings, Digester::new(&[7; 32]));
    let mut all = json!({"app": "x", "team": "a", "type": "aivenator.aiven.nais.io"});
    all.as_object_mut()?.extend(labels);
    let goes = json!({"namespace": "a", "name": "s", "uid": "u1", "resourceVersion": "1", "labels": all,
        "annotations": annotations, "finalizers": ["aivenator.aiven.nais.io/finalizer"],
        "creationTimestamp": "2026-11-01T00:00:00Z", "deletionTimestamp": "2026-11-20T11:00:00Z"});
    let [live, theirs] = [&cast.foreign[0].1, &cast.foreign[1].1];
    let items = json!([
        {"apiVersion": "v1", "kind": "Secret", "metadata": goes, "data": {}},
        kept("a", "z", live), kept("a-b", "y", theirs),
        asking("a", "z"), asking("a-b", "y"),
        instance("OpenSearch", "a", "opensearch-a-c"), instance("OpenSearch", "a-b", "opensearch-a-b-c"),
        instance("Valkey", "a", "valkey-a-c"), instance("Valkey", "a-bc", "valkey-a-bc-c"),
        project("p1", cast), project("p9", cast),
    ]);
    let text = json!({"apiVersion": "v1", "kind": "List", "items": items}).to_string();
    let source = Source { name: "a.json".to_owned(), text };
    read(&[source], world, Some("aivenator")).ok()
}

fn kept(namespace: &str, app: &str, user: &str) -> Value {
    let metadata = json!({"namespace": namespace, "name": app, "uid": app, "resourceVersion": "1",
        "labels": {"app": app, "team": namespace, "type": "aivenator.aiven.nais.io"},
        "annotations": {"kafka.aiven.nais.io/serviceUser": user, "kafka.aiven.nais.io/pool": "p1"},
        "finalizers": ["aivenator.aiven.nais.io/finalizer"], "creationTimestamp": "2026-11-01T00:00:00Z"});
    json!({"apiVersion": "v1", "kind": "Secret", "metadata": metadata})
}

fn asking(namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "aiven.nais.io/v1", "kind": "AivenApplication",
        "metadata": {"namespace": namespace, "name": name, "uid": name, "resourceVersion": "1", "generation": 1,
                     "creationTimestamp": "2026-11-01T00:00:00Z"},
        "spec": {"kafka": {"pool": "p1", "secretName": name}}})
}

fn instance(kind: &str, namespace: &str, name: &str) -> Value {
    json!({"apiVersion": "aiven.io/v1alpha1", "kind": kind, "metadata": {"namespace": namespace, "name": name},
           "status": {"state": "RUNNING"}})
}

fn project(name: &str, cast: &Cast) -> Value {
    let names = || cast.everybody().map(|(_, name)| name);
    let of = |name: &String| json!({"username": name, "type": if name == "avnadmin" { "primary" } else { "normal" }});
    let users: Vec<Value> = names().map(of).collect();
    let rules: Vec<Value> =
        names().map(|name| json!({"username": name, "rules": [{"index": "*", "permission": "read"}]})).collect();
    let service = |service: &str, kind: &str| {
        let mut all = json!({"service_name": service, "service_type": kind, "state": "RUNNING",
                             "components": [], "users": users});
        if kind == "opensearch" {
            all["opensearch_acl"] = json!({"enabled": true, "acls": rules});
        }
        all
    };
    json!({"apiVersion": "aivenator.aiven.nais.io/v1", "kind": "AivenProject", "metadata": {"name": name},
    "ca": "present", "services": [
        service("kafka", "kafka"),
        service("opensearch-a-c", "opensearch"), service("opensearch-a-b-c", "opensearch"),
        service("opensearch-other-c", "opensearch"),
        service("valkey-a-c", "valkey"), service("valkey-a-bc-c", "valkey"),
    ]})
}
