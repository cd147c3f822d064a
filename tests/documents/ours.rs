//! The Aiven side, the journal, and what an operator knows.

use super::*;

pub(super) const PROJECT: &str = r#"
apiVersion: aivenator.aiven.nais.io/v1
kind: AivenProject
metadata: {name: dev-nais-dev}
ca: present
services:
- service_name: kafka
  service_type: kafka
  state: RUNNING
  plan: business-4
  components:
  - {component: kafka, usage: primary, route: dynamic, kafka_authentication_method: certificate, host: h, port: 26484}
  - {component: kafka, usage: primary, route: privatelink, host: h, port: 1, privatelink_connection_id: l, ssl: false}
  users:
  - {username: avnadmin, type: primary}
  - username: app
    type: normal
    password: hunter2-canary
    access_cert: null
    access_key: ""
    access_cert_not_valid_after_time: "2028-04-01T00:00:00.123456Z"
    password_updated_time: "2026-01-01T00:00:00Z"
    access_control: {valkey_acl_categories: ["-@all", +@read], valkey_acl_keys: ["*"]}
- service_name: logs
  service_type: opensearch
  state: POWEROFF
  opensearch_acl: {enabled: true, extendedAcl: x, acls: [{username: app, rules: [{index: "*", permission: read}]}]}
"#;

#[test]
fn a_project_as_aiven_lists_it() {
    let world = world_of(PROJECT);
    let key = ServiceKey::new("dev-nais-dev", "kafka");
    let Lookup::Found(kafka) = world.service(&key) else { panic!("no kafka") };
    assert!(kafka.usable() && kafka.users_complete);
    assert_eq!(kafka.components.iter().map(|part| part.privatelink).collect::<Vec<_>>(), [false, true]);
    assert_eq!(kafka.address("KAFKA_BROKERS").and_then(|address| address.text.as_deref()), Some("h:26484"));
    let Lookup::Found(user) = world.user(&key.user("app".into())) else { panic!("no user") };
    assert_eq!(user.password, Some(world.digester().content(CANARY.as_bytes())));
    assert_eq!((user.certificate, user.private_key), (Some(Content::Opaque), Some(Content::Empty)));
    assert_eq!(user.name, world.digester().content(b"app"));
    assert_eq!(user.access.as_ref().map(|access| access.categories.len()), Some(2));
    let Lookup::Found(admin) = world.user(&key.user("avnadmin".into())) else { panic!("no admin") };
    assert_eq!((admin.primary, admin.password), (true, None));
    assert_eq!(world.user(&key.user("other".into())), Lookup::Absent);
    assert_eq!(world.service(&ServiceKey::new("dev-nais-dev", "other")), Lookup::Absent);
    let logs = ServiceKey::new("dev-nais-dev", "logs");
    let Lookup::Found(service) = world.service(&logs) else { panic!("no logs") };
    assert_eq!(service.acl.seen().map(|acl| (acl.enabled, acl.rules.len())), Some((true, 1)));
    assert!(matches!(world.user(&logs.user("app".into())), Lookup::Unseen(_)), "no users member is not no users");
}

#[test]
fn a_project_that_does_not_answer_is_unseen() {
    let world =
        world_of("{apiVersion: aivenator.aiven.nais.io/v1, kind: AivenProject, metadata: {name: p}, unseen: timeout}");
    assert_eq!(world.project("p"), Lookup::Unseen("timeout".into()));
}

pub(super) fn journal(namespace: &str, data: &str) -> String {
    format!(
        "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{namespace: {namespace}, name: aivenator-journal}}\ndata:\n{data}\n"
    )
}

pub(super) const ENTRIES: &str = r#"  cluster: uid-1
  intent.a: '{"version":1,"project":"p","service":"s","username":"u","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  intent.b: '{"version":1,"project":"p","service":"s","username":"u","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  intent.c: '{"version":2,"project":"p","service":"s","username":"v","namespace":"team","secret":"x","application":"app","applicationUid":"0a","since":"2026-11-20T11:00:00Z"}'
  retired.a: '{"version":1,"project":"p","service":"s","username":"w","namespace":"team","secret":"x","application":"app","since":"2026-11-20T11:00:00Z"}'
  left.a: '{"version":1,"project":"p","service":"s","username":"z","reason":"NotOurs"}'
  broken: '{'
  intent.twice: '{"version":1,"version":1}'"#;

pub(super) const OBSERVATION: &str = r#"
---
apiVersion: aivenator.aiven.nais.io/v1
kind: Observation
metadata: {name: now}
completeSince: "2026-11-20T10:00:00Z"
unlisted: {Pod: forbidden, Secret: forbidden, Valkey: not served}
clusterUid: uid-2
journal: {unwritable: forbidden}
intents: [{project: p, service: s, username: u, outcome: unknown}]
lastWanted: [{namespace: team, secret: app-secret, at: "2026-11-20T11:30:00Z"}]
failures:
- subject: {kind: AivenApplication, namespace: team, name: app}
  step: app-secret
  class: tooFast
  operation: CreateUser
  service: {project: p, service: s}
  at: "2026-11-20T11:59:00Z"
  count: 3
  generation: 2
  retryAfter: 30
- {subject: {kind: ServiceUser, project: p, service: s, name: u}, step: status, class: unknown, operation: DeleteUser, at: "2026-11-20T11:59:00Z"}
"#;

#[test]
fn the_journal_and_what_an_operator_knows() {
    let secret = secret(MANAGED, "");
    let parts = [OBSERVATION.to_owned(), journal("aivenator", ENTRIES), format!("---\n{secret}")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0]] {
        let world = world_of(&order.map(|part: usize| parts[part].as_str()).concat());
        let journal = world.journal().expect("a journal");
        let unreadable: Vec<_> = journal.unreadable.iter().map(|key| &**key).collect();
        assert_eq!(unreadable, ["broken", "intent.b", "intent.c", "intent.twice"]);
        assert_eq!((journal.intents.len(), journal.retirements.len(), journal.left_behind.len()), (1, 1, 1));
        let user = ServiceKey::new("p", "s").user("u".into());
        assert_eq!(journal.intents.get(&user).map(|intent| intent.outcome), Some(Outcome::Unknown));
        assert_eq!(journal.unwritable.as_deref(), Some("forbidden"));
        assert!(journal.foreign);
        assert_eq!(world.complete_since, "2026-11-20T10:00:00Z".parse().ok());
        assert_eq!(world.why_unlisted(Kind::Workload(WorkloadKind::Pod)).map(|why| &**why), Some("forbidden"));
        assert_eq!(world.unlisted.len(), 3);
        assert_eq!(managed(&world, "team", "app-secret").last_wanted, "2026-11-20T11:30:00Z".parse().ok());
        let subject = Subject::Application(AppKey::new("team", "app"));
        let failure = world.failures.get(&FailureKey { subject, step: "app-secret".into() }).expect("a failure");
        assert_eq!((failure.class, failure.count, failure.generation), (FailureClass::TooFast, 3, 2));
        let other = FailureKey { subject: Subject::User(user), step: "".into() };
        assert_eq!(world.failures.get(&other).map(|failure| failure.count), Some(1));
    }
}

#[test]
fn the_namespace_of_the_operator_says_which_journal_is_ours() {
    let text = journal("aivenator", ENTRIES) + &journal("elsewhere", "  broken: x");
    let sources = [source("a.yaml", &text)];
    let unreadable = |namespace| {
        let world = read(&sources, empty(), Some(namespace)).expect("a world");
        world.journal().map(|journal| journal.unreadable.len())
    };
    assert_eq!((unreadable("aivenator"), unreadable("elsewhere"), unreadable("nowhere")), (Some(4), Some(1), Some(0)));
}
