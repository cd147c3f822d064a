//! Lists: selections, pages, versions, and how much of an object they show.

use kube::api::ListParams;
use serde_json::{Value, json};

use super::{APPLICATIONS, SECRETS, application, ask, client, get, labelled, secret, secrets, start};

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[test]
fn selectors_choose() {
    let kubernetes = start();
    kubernetes.apply(labelled(secret("a"), &json!({"app": "x", "tier": "one"}))).unwrap();
    kubernetes.apply(labelled(secret("b"), &json!({"app": "y"}))).unwrap();
    kubernetes.apply(secret("c")).unwrap();
    for (selector, wanted) in [
        ("labelSelector=app%3Dx", vec!["a"]),
        ("labelSelector=app%3D%3Dx", vec!["a"]),
        ("labelSelector=app%21%3Dx", vec!["b", "c"]),
        ("labelSelector=app+in+(x,+y),tier", vec!["a"]),
        ("labelSelector=app+in+(x,y)", vec!["a", "b"]),
        ("labelSelector=app+notin+(x)", vec!["b", "c"]),
        ("labelSelector=app", vec!["a", "b"]),
        ("labelSelector=%21app", vec!["c"]),
        ("fieldSelector=metadata.name%3Db", vec!["b"]),
        ("fieldSelector=metadata.name%21%3Db,metadata.namespace%3Dteam", vec!["a", "c"]),
        ("fieldSelector=type%3DOpaque&labelSelector=tier", vec!["a"]),
    ] {
        let list = get(&kubernetes, &format!("{SECRETS}?{selector}")).json();
        assert_eq!(names(&list), wanted, "{selector}");
    }
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?labelSelector=a+b+c")).code, 400);
    let answer = get(&kubernetes, &format!("{SECRETS}?fieldSelector=data.x%3Dy"));
    assert_eq!(answer.json()["message"], "field label not supported: data.x");
}

/// Every page shows the moment of the first one, and says what remains.
#[tokio::test]
async fn pages_show_one_moment() {
    let kubernetes = start();
    for index in 0..7 {
        kubernetes.apply(secret(&format!("s{index}"))).unwrap();
    }
    let api = secrets(client(&kubernetes).await);
    let first = api.list(&ListParams::default().limit(3)).await.unwrap();
    assert_eq!((first.items.len(), first.metadata.remaining_item_count), (3, Some(4)));
    kubernetes.delete("secrets", "team", "s4").unwrap();
    kubernetes.apply(secret("s9")).unwrap();
    let token = first.metadata.continue_.unwrap();
    let second = api.list(&ListParams::default().limit(3).continue_token(&token)).await.unwrap();
    let seen: Vec<&str> = second.items.iter().filter_map(|item| item.metadata.name.as_deref()).collect();
    assert_eq!((seen, second.metadata.remaining_item_count), (vec!["s3", "s4", "s5"], Some(1)));
    assert_eq!(second.metadata.resource_version, first.metadata.resource_version);
    let last = second.metadata.continue_.unwrap();
    let third = api.list(&ListParams::default().limit(3).continue_token(&last)).await.unwrap();
    assert_eq!((third.items.len(), third.metadata.continue_, third.metadata.remaining_item_count), (1, None, None));
    kubernetes.compact();
    let error = api.list(&ListParams::default().limit(3).continue_token(&token)).await.unwrap_err();
    let kube::Error::Api(status) = error else { panic!("{error}") };
    assert_eq!((status.code, status.reason.as_str()), (410, "Expired"));
    let some = get(&kubernetes, &format!("{SECRETS}?limit=1&labelSelector=%21x")).json();
    assert_eq!(some["metadata"].get("remainingItemCount"), None, "what a selector leaves is not counted");
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?continue=nonsense")).code, 400);
}

#[test]
fn versions_of_lists_are_understood() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    let now = kubernetes.version();
    for query in
        [String::new(), "resourceVersion=0".to_owned(), format!("resourceVersion={now}&resourceVersionMatch=Exact")]
    {
        let list = get(&kubernetes, &format!("/api/v1/secrets?{query}")).json();
        assert_eq!(
            (names(&list), list["metadata"]["resourceVersion"].as_str()),
            (vec!["one"], Some(now.to_string().as_str()))
        );
    }
    let later = get(&kubernetes, &format!("{SECRETS}?resourceVersion={}", now + 9));
    assert_eq!(later.code, 504);
    assert_eq!(later.json()["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?resourceVersionMatch=Exact")).code, 422);
    assert_eq!(get(&kubernetes, &format!("{SECRETS}?resourceVersion=x")).code, 400);
}

/// Items of built-in kinds leave out what the list says; those of custom kinds do not.
#[test]
fn items_look_as_they_do_in_kubernetes() {
    let kubernetes = start();
    kubernetes.apply(secret("one")).unwrap();
    kubernetes.apply(application("one")).unwrap();
    let list = get(&kubernetes, SECRETS).json();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("SecretList"), &json!("v1")));
    assert_eq!(list["items"][0].get("kind"), None);
    let list = get(&kubernetes, APPLICATIONS).json();
    assert_eq!((&list["kind"], &list["apiVersion"]), (&json!("AivenApplicationList"), &json!("aiven.nais.io/v1")));
    assert_eq!(list["items"][0]["kind"], "AivenApplication");
    assert_eq!(names(&get(&kubernetes, "/apis/aiven.nais.io/v1/aivenapplications").json()), ["one"]);
    assert_eq!(get(&kubernetes, "/api/v1/namespaces/other/secrets").json()["items"], json!([]));
}

/// Metadata alone, for clients that need no more.
#[tokio::test]
async fn metadata_comes_alone() {
    let kubernetes = start();
    let made = kubernetes.apply(labelled(secret("one"), &json!({"a": "b"}))).unwrap();
    let api = secrets(client(&kubernetes).await);
    let list = api.list_metadata(&ListParams::default()).await.unwrap();
    assert_eq!(list.items[0].metadata.labels.as_ref().unwrap()["a"], "b");
    assert_eq!(api.get_metadata("one").await.unwrap().metadata.uid.as_deref(), made["metadata"]["uid"].as_str());
    let accept = "Accept: application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1\r\n";
    let list = ask(&kubernetes, &format!("GET {SECRETS}"), accept, "").json();
    assert_eq!(list["kind"], "PartialObjectMetadataList");
    assert_eq!((&list["items"][0]["kind"], list["items"][0].get("data")), (&json!("PartialObjectMetadata"), None));
}

/// A large cluster is listed in a blink: it is written once, when it is stored.
#[test]
fn thousands_are_listed_quickly() {
    let kubernetes = start();
    for index in 0..20_000 {
        kubernetes.apply(secret(&format!("s{index}"))).unwrap();
    }
    let begun = std::time::Instant::now();
    let list = get(&kubernetes, SECRETS);
    assert!(begun.elapsed() < std::time::Duration::from_secs(3), "{:?}", begun.elapsed());
    assert_eq!(list.json()["items"].as_array().unwrap().len(), 20_000);
}
