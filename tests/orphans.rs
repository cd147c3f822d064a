//! Which users count as recorded by nobody.

use aivenator::action::Action;
use aivenator::documents::{self, Source};
use aivenator::naming;
use aivenator::orphans::deletion::{Fate, Stay, fate};
use aivenator::orphans::{Cluster, Likeness, Orphans, Spared, orphans};
use aivenator::world::{Digester, ServiceKey, Settings, UserKey, World};

const NOW: &str = "2026-11-20T12:00:00Z";

/// A cluster that records one user on a Secret, and one in its journal as intended.
const ONE: &str = r#"
apiVersion: v1
kind: Secret
metadata:
  name: s
  namespace: team
  labels: {type: aivenator.aiven.nais.io, app: web}
  annotations: {kafka.aiven.nais.io/pool: dev-nais-dev, kafka.aiven.nais.io/serviceUser: team_web_01234567_aaa}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: aivenator-journal, namespace: ops}
data:
  intent.x: '{"version": 1, "project": "dev-nais-dev", "service": "kafka", "username": "team_web_01234567_bbb",
    "namespace": "team", "secret": "t", "application": "web", "applicationUid": "u", "since": "2026-11-01T00:00:00Z"}'
  left.x: '{"version": 1, "project": "dev-nais-dev", "service": "kafka", "username": "somebody", "reason": "SkipCleanup"}'
"#;

const AIVEN: &str = r#"
apiVersion: aivenator.aiven.nais.io/v1
kind: AivenProject
metadata: {name: dev-nais-dev}
ca: present
services:
- service_name: kafka
  service_type: kafka
  state: RUNNING
  components: []
  users:
  - {username: avnadmin, type: primary}
  - {username: team_web_01234567_aaa, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: team_web_01234567_bbb, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: team_web_01234567_ccc, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: team_web_01234567_ddd, password_updated_time: "2026-11-20T00:00:00Z"}
  - {username: team_web_01234567_12345}
  - {username: somebody, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: somebody-else}
- service_name: opensearch-team-logs
  service_type: opensearch
  state: RUNNING
  components: []
  users:
  - {username: team-rw-xYz, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: other-rw-xYz, password_updated_time: "2026-01-01T00:00:00Z"}
- service_name: valkey-team-cache
  service_type: valkey
  state: RUNNING
  components: []
  users:
  - {username: web-r-xYz, password_updated_time: "2026-01-01T00:00:00Z"}
  - {username: my-app, password_updated_time: "2026-01-01T00:00:00Z"}
"#;

fn cluster(name: &str, texts: &[&str]) -> Cluster {
    let source = |(at, text): (usize, &&str)| Source { name: at.to_string(), text: (*text).to_owned() };
    let sources: Vec<Source> = texts.iter().enumerate().map(source).collect();
    let nothing = World::new(NOW.parse().unwrap(), Settings::default(), Digester::new(&[0; 32]));
    (name.into(), documents::read(&sources, nothing, None).unwrap())
}

fn found(clusters: &[Cluster]) -> Orphans {
    orphans(clusters, NOW.parse().unwrap())
}

fn about(found: &Orphans) -> Vec<(&str, Likeness, Option<Spared>)> {
    found.orphans.iter().map(|orphan| (orphan.user.username.as_str(), orphan.name, orphan.spared)).collect()
}

#[test]
fn what_no_secret_intent_or_retirement_records_is_an_orphan() {
    let found = found(&[cluster("one", &[ONE, AIVEN])]);
    assert_eq!(
        about(&found),
        [
            ("somebody", Likeness::Other, Some(Spared::NameUnsure)),
            ("team_web_01234567_12345", Likeness::Ours, Some(Spared::AgeUnknown)),
            ("team_web_01234567_ccc", Likeness::Ours, None),
            ("team_web_01234567_ddd", Likeness::Ours, Some(Spared::Young)),
            ("team-rw-xYz", Likeness::Ours, None),
            ("my-app", Likeness::Perhaps, Some(Spared::NameUnsure)),
            ("web-r-xYz", Likeness::Ours, None),
        ]
    );
    assert_eq!(found.unseen, [""; 0]);
    assert_eq!(found.orphans[0].left_behind.as_deref(), Some("SkipCleanup"));
}

#[test]
fn what_another_cluster_records_is_none() {
    let other = ONE.replace("_aaa", "_ccc").replace("_bbb", "_ddd");
    let both = found(&[cluster("one", &[ONE, AIVEN]), cluster("two", &[&other, AIVEN])]);
    let names: Vec<&str> = about(&both).into_iter().map(|(name, _, _)| name).collect();
    assert_eq!(names, ["somebody", "team_web_01234567_12345", "team-rw-xYz", "my-app", "web-r-xYz"]);
}

#[test]
fn what_was_not_seen_is_said() {
    let unlisted = "apiVersion: aivenator.aiven.nais.io/v1\nkind: Observation\nmetadata: {name: o}\n\
                    unlisted: {Secret: nobody looked}\njournal: {unseen: nobody asked}\n";
    let lines = found(&[cluster("one", &[unlisted])]).unseen;
    let expected = [
        "Aiven project dev-nais-dev: it was not observed",
        "cluster one: Secrets: nobody looked",
        "cluster one: journal: nobody asked",
    ];
    assert_eq!(lines, expected);
}

/// One look at Aiven is enough for all clusters; what records users has to be seen in each.
#[test]
fn what_one_cluster_has_seen_at_aiven_is_seen() {
    let both = found(&[cluster("one", &[ONE, AIVEN]), cluster("two", &[ONE])]);
    assert_eq!(both.unseen, [""; 0]);
    let unread = "apiVersion: aivenator.aiven.nais.io/v1\nkind: Observation\nmetadata: {name: o}\n\
                  journal: {unseen: nobody asked}\n";
    let both = found(&[cluster("one", &[ONE, AIVEN]), cluster("two", &[unread])]);
    assert_eq!(both.unseen, ["cluster two: journal: nobody asked"]);
    assert_eq!(
        both.why_none().unwrap(),
        "users may be recorded where nobody could look: cluster two: journal: nobody asked"
    );
}

/// Annotations of programs before this one do not always say on which service.
#[test]
fn what_a_legacy_annotation_names_is_recorded() {
    for key in [
        "cache.redis.aiven.nais.io/serviceUser",
        "elastic.aiven.nais.io/serviceUser",
        "kafka.aiven.nais.io/legacyServiceUser",
    ] {
        let legacy = ONE.replace("{kafka.aiven", &format!("{{{key}: web-r-xYz, kafka.aiven"));
        let found = found(&[cluster("one", &[&legacy, AIVEN])]);
        assert!(about(&found).iter().all(|(name, _, _)| *name != "web-r-xYz"), "{key}");
    }
}

#[test]
fn what_may_be_deleted_and_what_is_spared() {
    let found = found(&[cluster("one", &[ONE, AIVEN])]);
    assert_eq!(found.why_none(), None);
    let delete: Vec<&str> = found.deletable().map(|orphan| orphan.user.username.as_str()).collect();
    assert_eq!(delete, ["team_web_01234567_ccc", "team-rw-xYz", "web-r-xYz"]);
    let spared: Vec<(&str, Spared)> =
        found.spared().map(|(orphan, why)| (orphan.user.username.as_str(), why)).collect();
    let expected = [
        ("somebody", Spared::NameUnsure),
        ("team_web_01234567_12345", Spared::AgeUnknown),
        ("team_web_01234567_ddd", Spared::Young),
        ("my-app", Spared::NameUnsure),
    ];
    assert_eq!(spared, expected);
    let counts: Vec<(&str, usize)> =
        found.by_project().into_iter().map(|(name, count)| (name.as_str(), count)).collect();
    assert_eq!(counts, [("dev-nais-dev", 3)]);
    let more = ["b: it failed".to_owned(), "a: it failed".to_owned(), "b: it failed".to_owned()];
    let why = found.with_unseen(more).why_none().unwrap();
    assert_eq!(why, "users may be recorded where nobody could look: a: it failed, and 1 thing more");
}

fn user(service: &str, name: &str) -> UserKey {
    ServiceKey::new("dev-nais-dev", service).user(name.into())
}

#[test]
fn right_before_it_is_deleted_every_cluster_counts() {
    let one = cluster("one", &[ONE, AIVEN]);
    let of = |clusters: &[Cluster], user: &UserKey| fate(&clusters[0].1, clusters, user);
    let here = [one.clone()];
    let kafka = user("kafka", "team_web_01234567_ccc");
    assert_eq!(of(&here, &kafka), Fate::Delete(vec![Action::DeleteUser { user: kafka.clone() }]));
    let search = user("opensearch-team-logs", "team-rw-xYz");
    let both = vec![Action::RevokeAcl { user: search.clone() }, Action::DeleteUser { user: search.clone() }];
    assert_eq!(of(&here, &search), Fate::Delete(both));
    for recorded in ["team_web_01234567_aaa", "team_web_01234567_bbb"] {
        assert_eq!(of(&here, &user("kafka", recorded)), Fate::Stays(Stay::Recorded), "{recorded}");
    }
    assert_eq!(of(&here, &user("kafka", "team_web_01234567_zzz")), Fate::Gone);
    assert_eq!(of(&here, &user("gone", "team_web_01234567_ccc")), Fate::Gone);
    for (name, why) in
        [("team_web_01234567_ddd", Spared::Young), ("avnadmin", Spared::NameUnsure), ("somebody", Spared::NameUnsure)]
    {
        assert_eq!(of(&here, &user("kafka", name)), Fate::Stays(Stay::Spared(why)), "{name}");
    }
    let other = cluster("two", &[&ONE.replace("_aaa", "_ccc")]);
    assert_eq!(of(&[one.clone(), other], &kafka), Fate::Stays(Stay::Recorded));
    // Seen a moment ago in one place, young in another: the younger one counts.
    let younger =
        AIVEN.replace("_ccc, password_updated_time: \"2026-01-01", "_ccc, password_updated_time: \"2026-11-20");
    assert_eq!(of(&[one.clone(), cluster("two", &[&younger])], &kafka), Fate::Stays(Stay::Spared(Spared::Young)));
    let unseen = "apiVersion: aivenator.aiven.nais.io/v1\nkind: Observation\nmetadata: {name: o}\n\
                  journal: {unseen: nobody asked}\n";
    let why = "cluster two: journal: nobody asked".to_owned();
    assert_eq!(of(&[one, cluster("two", &[unseen])], &kafka), Fate::Stays(Stay::Unseen(why)));
    assert!(matches!(of(&[cluster("two", &[ONE])], &kafka), Fate::Stays(Stay::Unseen(_))));
}

/// What a snapshot has missed is not gone if it is seen elsewhere.
#[test]
fn what_was_left_behind_is_listed_where_anybody_sees_it() {
    let before = AIVEN.replace("  - {username: somebody, password_updated_time: \"2026-01-01T00:00:00Z\"}\n", "");
    for clusters in [[&[ONE, AIVEN][..], &[&before]], [&[ONE, &before], &[AIVEN]]] {
        let found = found(&[cluster("one", clusters[0]), cluster("two", clusters[1])]);
        assert!(about(&found).contains(&("somebody", Likeness::Other, Some(Spared::NameUnsure))));
    }
    assert!(about(&found(&[cluster("one", &[ONE, &before])])).iter().all(|(name, _, _)| *name != "somebody"));
}

#[test]
fn names_of_ours_are_recognised_by_their_form() {
    for name in ["team_web_01234567_P16", "team_web_01234567_a_b", "a_b-c_01234567_12345"] {
        assert!(naming::is_of_kafka(name), "{name}");
    }
    for name in ["avnadmin", "team_web_0123456_P16", "team_web_0123456G_P16", "team_web_01234567_", "_web_01234567_P16"]
    {
        assert!(!naming::is_of_kafka(name), "{name}");
    }
    assert_eq!(naming::stems("team-rw-xYz"), ["team-rw", "team"]);
    assert_eq!(naming::stems("team-12345"), ["team"]);
    assert_eq!(naming::stems("Team-xYz"), [""; 0]);
    assert_eq!(naming::stems("avnadmin"), [""; 0]);
}
