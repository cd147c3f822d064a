//! A cluster that was restored from a backup: what it says of Aiven is of another day, or of another cluster.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::given::{KAFKA, PROJECT, SEARCH, TEAM, VALKEY, app, kafka, search, valkey};
use super::process::{served, shows};
use super::rig::Rig;
use super::{Scenario, scenarios, together};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_restored() {
    together(scenarios()).await;
}

pub fn scenarios() -> Vec<(String, Scenario)> {
    scenarios![into_the_same_cluster, into_another_cluster]
}

/// What a backup holds.
const KINDS: [&str; 3] = ["aivenapplications", "secrets", "configmaps"];

fn backup(rig: &Rig) -> Vec<Value> {
    KINDS.into_iter().flat_map(|kind| rig.sandbox.kubernetes.list(kind, "")).collect()
}

/// Puts everything back, and takes away what was not there then.
fn restore(rig: &Rig, backup: Vec<Value>) {
    let key = |object: &Value| (object["kind"].clone(), object["metadata"]["name"].clone());
    let then: Vec<_> = backup.iter().map(key).collect();
    for kind in KINDS {
        for object in rig.sandbox.kubernetes.list(kind, TEAM) {
            if !then.contains(&key(&object)) {
                let name = object["metadata"]["name"].as_str().unwrap();
                let none = json!({"metadata": {"finalizers": null}});
                rig.sandbox.kubernetes.patch((kind, TEAM, name), none).unwrap();
                rig.sandbox.kubernetes.delete(kind, TEAM, name).unwrap();
            }
        }
    }
    for object in backup {
        rig.sandbox.kubernetes.load(object).unwrap();
    }
}

/// Users that are gone are replaced, other passwords are written, and what nothing records any longer is left alone and
/// counted.
async fn into_the_same_cluster() {
    let mut rig = Rig::new().await;
    rig.settings.sync_period = SignedDuration::from_secs(2);
    rig.apply(app("web", kafka("web")));
    rig.apply(app("index", search("read", "index")));
    rig.apply(app("cache", valkey("read", "cache")));
    let operator = rig.start();
    rig.complete(&["web", "index", "cache"]).await;
    operator.stop().await;
    let saved = backup(&rig);
    let user = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");

    // Then life goes on: one user is replaced, one gets another password, an application comes.
    let operator = rig.start();
    assert!(rig.sandbox.aiven.remove_user(PROJECT, KAFKA, &user));
    rig.apply(app("late", kafka("late")));
    rig.until("another user", |rig| rig.users(KAFKA).len() == 2 && !rig.users(KAFKA).contains(&user)).await;
    rig.complete(&["web", "late"]).await;
    operator.stop().await;
    let left = rig.users(KAFKA);
    let mut account = rig.sandbox.aiven.user(PROJECT, SEARCH, &rig.users(SEARCH)[0]).unwrap();
    // A password is dated to the second.
    let reset = rig.sandbox.aiven.now() + SignedDuration::from_secs(2);
    account["password"] = json!("another-password");
    account["password_updated_time"] = json!(reset.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    rig.sandbox.aiven.put_user(PROJECT, SEARCH, &account).unwrap();
    let cache = (rig.users(VALKEY), rig.secret("cache").unwrap()["data"].clone());

    restore(&rig, saved);
    assert_eq!(rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER"), user);
    let (mut config, address) = served(&rig);
    config.janitor_interval = SignedDuration::from_secs(2);
    let operator = rig.run(config);
    rig.until("the password is the one that holds", |rig| {
        rig.value("index", "OPEN_SEARCH_PASSWORD") == "another-password"
    })
    .await;
    rig.until("a user that exists", |rig| {
        let now = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
        now != user && rig.users(KAFKA).contains(&now)
    })
    .await;
    rig.until("settled", |rig| {
        ["web", "index", "cache"].iter().all(|app| rig.is_complete(app)) && rig.journal().is_empty()
    })
    .await;
    let now = rig.value("web", "KAFKA_SCHEMA_REGISTRY_USER");
    assert!(!left.contains(&now), "what was made after the backup may be anybody's: it is not taken over");
    assert_eq!((rig.users(VALKEY), rig.secret("cache").unwrap()["data"].clone()), cache);
    shows(address, "\naivenator_service_users_orphaned 2\n").await;
    assert!(left.iter().all(|user| rig.users(KAFKA).contains(user)), "and not deleted either");
    assert_eq!(rig.users(KAFKA).len(), 3);
    operator.stop().await;
}

/// Its journal says whose it is: as long as it is there, nothing is done, since the other cluster may still run.
async fn into_another_cluster() {
    let rig = Rig::new().await;
    rig.apply(app("web", kafka("web")));
    let operator = rig.start();
    rig.complete(&["web"]).await;
    operator.stop().await;
    let journal = ("configmaps", "aivenator", "aivenator-journal");
    rig.sandbox.kubernetes.patch(journal, json!({"data": {"cluster": "a-uid-of-another-cluster"}})).unwrap();
    rig.apply(app("late", kafka("late")));
    rig.sandbox.kubernetes.delete("secrets", TEAM, "web").unwrap();
    let (users, writes) = (rig.users(KAFKA), rig.writes());
    let mut config = rig.config();
    config.janitor_interval = SignedDuration::from_secs(2);
    let operator = rig.run(config);
    rig.until("it runs", |rig| rig.log.text().contains("JournalUnavailable")).await;
    let same = |rig: &Rig| rig.users(KAFKA) == users && rig.writes() == writes;
    rig.stays(Duration::from_millis(1_500), "it only looks", same).await;
    rig.sandbox.kubernetes.delete("configmaps", "aivenator", "aivenator-journal").unwrap();
    rig.complete(&["web", "late"]).await;
    assert_eq!(rig.users(KAFKA).len(), 2);
    operator.stop().await;
}
