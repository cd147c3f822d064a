//! What of several sightings counts, and what is of no concern.

use std::collections::BTreeMap;

use super::*;
use crate::documents::Seen;
use crate::shell::kube::Event;
use crate::world::{
    AppKey, Application, Content, FailureClass, Secret, Service, ServiceKey, Spec, Subject, User, Workload,
    WorkloadKey, WorkloadKind, names,
};

fn view() -> View {
    View::new(Settings::default(), Digester::new(&[7; 32]), vec![])
}

fn of(kind: Kind) -> Scope {
    Scope { kind, namespace: None }
}

fn key() -> AppKey {
    AppKey::new("shop", "web")
}

fn app(uid: &str, version: &str, generation: i64) -> Sighting {
    let mut app = Application::new(key(), Spec::default());
    (app.uid, app.version, app.generation) = (uid.into(), version.into(), generation);
    Sighting::Application(Box::new(app))
}

fn watched(sighting: Sighting, version: &str) -> Fact {
    let kind = match sighting {
        Sighting::Application(_) => Kind::Application,
        _ => Kind::Secret,
    };
    Fact::Watched(of(kind), Event::Seen(Box::new(sighting), version.to_owned()))
}

fn gone(seen: Seen, version: &str) -> Fact {
    Fact::Watched(of(Kind::Application), Event::Gone(seen, version.to_owned()))
}

fn secret() -> Secret {
    let mut secret = Secret::new(SecretKey::new("shop", "web"), BTreeMap::new());
    secret.labels.kind = Some(names::TYPE_VALUE.into());
    secret.version = "5".into();
    secret
}

/// No watch would ever say again what it has said once.
#[test]
fn an_answer_of_before_undoes_no_edit() {
    let mut view = view();
    assert!(view.take(watched(app("a", "102", 2), "102")));
    assert!(!view.take(Fact::Seen(Box::new(app("a", "101", 1)))));
    assert_eq!(view.world().application(&key()).unwrap().generation, 2);
}

#[test]
fn an_answer_of_before_brings_nothing_back() {
    let mut view = view();
    view.take(watched(app("a", "101", 1), "101"));
    assert!(view.take(gone(Seen::Application(key()), "103")));
    assert!(!view.take(Fact::Seen(Box::new(app("a", "102", 1)))));
    assert!(view.world().application(&key()).is_none());
    assert!(view.take(Fact::Seen(Box::new(app("b", "104", 1)))), "one that was made since");
}

/// Who looks for an object that was gone for a moment would forget the next one of that name.
#[test]
fn a_watch_says_what_is_gone() {
    let mut view = view();
    view.take(watched(app("a", "101", 1), "101"));
    view.take(watched(Sighting::Secret(Box::new(secret())), "5"));
    assert!(!view.take(Fact::Gone(Seen::Application(key()))));
    assert!(!view.take(Fact::Gone(Seen::Secret(secret().key))));
    assert!(view.world().application(&key()).is_some() && view.world().managed(&secret().key).is_some());
    let unknown = SecretKey::new("shop", "other");
    assert!(view.take(Fact::Gone(Seen::Secret(unknown))), "of others no watch tells");
}

#[test]
fn what_has_failed_goes_with_its_object() {
    let failed = || Failed {
        class: FailureClass::Refused,
        operation: "CreateUser",
        service: None,
        generation: 1,
        retry_after: None,
    };
    let step = FailureKey { subject: Subject::Application(key()), step: "web".into() };
    let mut view = view();
    view.take(watched(app("a", "101", 1), "101"));
    view.take(Fact::Failed(step.clone(), failed(), Timestamp::UNIX_EPOCH));
    view.take(watched(app("a", "102", 1), "102"));
    assert!(view.world().failures.contains_key(&step));
    view.take(watched(app("b", "105", 1), "105"));
    assert!(view.world().failures.is_empty(), "another of the same name");
    view.take(Fact::Failed(step, failed(), Timestamp::UNIX_EPOCH));
    view.take(gone(Seen::Application(key()), "106"));
    assert!(view.world().failures.is_empty());
}

/// In a cluster something happens to some pod all the time.
#[test]
fn pods_matter_by_the_secrets_that_they_use() {
    let pod = |name: &str, secret: &str| {
        let key = WorkloadKey { kind: WorkloadKind::Pod, name: name.into() };
        let workload = Workload { started: None, secrets: vec![Name::from(secret)] };
        let sighting = Sighting::Workload("shop".into(), key, Some(workload));
        Fact::Watched(of(Kind::Workload(WorkloadKind::Pod)), Event::Seen(Box::new(sighting), String::new()))
    };
    let mut view = view();
    view.take(watched(Sighting::Secret(Box::new(secret())), "5"));
    assert!(!view.take(pod("one", "somebody-elses")));
    assert!(view.take(pod("two", "web")));
    assert!(!view.take(pod("two", "web")), "nothing is different");
    assert!(view.take(pod("two", "somebody-elses")), "it no longer uses it");
    assert_eq!(view.world().namespace("shop").unwrap().workloads().count(), 2, "known all the same");
}

/// Lists are not in step with the watches: what a watch has shown since is newer.
#[test]
fn a_list_undoes_nothing_that_a_watch_has_shown() {
    let mut view = view();
    let now = "2026-11-20T12:00:00Z".parse().unwrap();
    view.take(watched(app("a", "102", 2), "102"));
    for listed in [vec![app("a", "101", 1)], vec![]] {
        view.take(Fact::Listed(Kind::Application, "shop".into(), listed));
        assert_eq!(view.confirmed(&"shop".into(), now).application(&key()).unwrap().generation, 2);
    }
    view.take(Fact::Listed(Kind::Application, "shop".into(), vec![app("a", "103", 3)]));
    assert_eq!(view.confirmed(&"shop".into(), now).application(&key()).unwrap().generation, 3);
    assert_eq!(view.world().application(&key()).unwrap().generation, 2, "and only for that decision");
}

/// So that a deployment a minute later finds its Secret.
#[test]
fn a_secret_was_wanted_until_its_application_has_expired() {
    let mut view = view();
    let [before, end, later] =
        ["2026-11-20T11:59:00Z", "2026-11-20T12:00:00Z", "2026-11-20T12:00:01Z"].map(|text| text.parse().unwrap());
    let spec = Spec { secret_name: Some("web".into()), expires_at: Some(end), ..Spec::default() };
    view.take(watched(Sighting::Application(Box::new(Application::new(key(), spec))), "1"));
    view.take(watched(Sighting::Secret(Box::new(secret())), "5"));
    let wanted = |view: &mut View, now| view.at(now).managed(&SecretKey::new("shop", "web")).unwrap().last_wanted;
    assert_eq!(wanted(&mut view, before), None);
    assert_eq!(wanted(&mut view, later), Some(later));
}

fn user_as_listed(reset: Timestamp) -> User {
    User {
        name: Content::Empty,
        primary: false,
        password: None,
        certificate: None,
        private_key: None,
        certificate_ends: None,
        expiring_certificate_ends: None,
        password_updated: Some(reset),
        changed: false,
        access: None,
    }
}

/// What a list that was just read says of the user `web`, and of nobody else.
fn listed(reset: i64) -> Fact {
    let mut service = Service::new("valkey", vec![]);
    service.users_complete = false;
    service.users.insert("web".into(), user_as_listed(Timestamp::from_second(reset).unwrap()).into());
    Fact::Service(ServiceKey::new("dev", "valkey-shop-x"), Some(Box::new(service)))
}

fn web() -> UserKey {
    ServiceKey::new("dev", "valkey-shop-x").user("web".into())
}

fn known(view: &View) -> (Option<Content>, bool) {
    let Lookup::Found(user) = view.world().user(&web()) else { panic!("it was listed") };
    (user.password, user.changed)
}

/// Else a status that follows from it would be written twice with every list.
#[test]
fn a_list_leaves_what_was_read_as_long_as_the_dates_are_the_same() {
    let mut view = view();
    view.take(listed(10));
    let password = Some(view.world().digester().content(b"secret"));
    let read = User { password, ..user_as_listed(Timestamp::from_second(10).unwrap()) };
    view.take(Fact::User(web(), Box::new(read)));
    view.take(listed(10));
    assert_eq!(known(&view), (password, false));
    view.take(listed(20));
    assert_eq!(known(&view), (None, true), "it was reset");
    view.take(listed(20));
    assert_eq!(known(&view), (None, true), "and nobody has looked since");
    let read = User { password, ..user_as_listed(Timestamp::from_second(20).unwrap()) };
    view.take(Fact::User(web(), Box::new(read)));
    assert_eq!(known(&view), (password, false));
}

#[test]
fn a_list_leaves_a_user_gone_that_something_records() {
    let mut view = view();
    view.take(listed(10));
    let gone = ServiceKey::new("dev", "valkey-shop-x").user("gone".into());
    view.take(Fact::UserMissing(gone.clone(), Timestamp::UNIX_EPOCH));
    assert!(matches!(view.world().user(&gone), Lookup::Absent));
    view.take(listed(10));
    assert!(matches!(view.world().user(&gone), Lookup::Unseen(_)), "nobody speaks of it");

    let annotations = [
        ("x.valkey.aiven.nais.io/serviceUser", "gone"),
        ("x.valkey.aiven.nais.io/serviceName", "valkey-shop-x"),
        ("valkey.aiven.nais.io/project", "dev"),
    ];
    let annotations = annotations.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    let mut secret = Secret::new(SecretKey::new("shop", "web"), annotations);
    secret.labels.kind = Some(names::TYPE_VALUE.into());
    view.take(watched(Sighting::Secret(Box::new(secret)), "5"));
    view.take(Fact::UserMissing(gone.clone(), Timestamp::UNIX_EPOCH));
    view.take(listed(10));
    assert!(matches!(view.world().user(&gone), Lookup::Absent));
}
