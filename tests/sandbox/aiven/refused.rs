//! What is refused, how, and that the bodies have the shape that clients classify by.

use aivenator::sandbox::aiven::{Lag, Options};
use reqwest::Method;
use serde_json::{Value, json};

use super::{Api, KAFKA, SEARCH, VALKEY, answered};

/// The body of an error: one message, and one entry with that message, the status and perhaps a code.
fn code(status: u16, answer: &Value) -> &str {
    let errors = answer["errors"].as_array().unwrap();
    assert_eq!((errors.len(), &errors[0]["status"]), (1, &json!(status)));
    assert_eq!(errors[0]["message"], answer["message"]);
    assert!(errors[0]["more_info"].is_string());
    errors[0].get("error_code").map_or("", |code| code.as_str().unwrap())
}

#[tokio::test]
async fn tokens_are_looked_at() {
    let api = Api::calm().await;
    let url = format!("{}/v1/project/dev", api.aiven.url());
    let with = |header: String| answered(api.client.get(&url).header("Authorization", header));
    let (status, answer) = answered(api.client.get(&url)).await;
    assert_eq!((status, code(status, &answer)), (401, "authentication_failed"));
    assert_eq!(with(format!("Basic {}", api.aiven.token())).await.0, 401);
    assert_eq!(with(format!("Bearer {}", api.aiven.token())).await.0, 200);
    let (status, answer) = with("aivenv1 wrong".into()).await;
    assert_eq!((status, answer["message"].as_str().unwrap()), (403, "Invalid token"));

    api.aiven.refuse_token(true);
    let (status, answer) = api.get("/project/dev").await;
    assert_eq!((status, code(status, &answer)), (403, "authentication_failed"));
    api.aiven.refuse_token(false);
    assert_eq!(api.get("/project/dev").await.0, 200);

    api.aiven.refuse_secrets(true);
    let (status, answer) = api.get(&format!("{VALKEY}/user/default?include_secrets=true")).await;
    assert_eq!((status, code(status, &answer)), (403, "permission_denied"));
    assert_eq!(api.get(&format!("{VALKEY}/user/default")).await.0, 200);
}

#[tokio::test]
async fn what_is_missing_can_be_told_apart() {
    let api = Api::calm().await;
    let cases = [
        ("/project/other", "project_does_not_exist", "Project other does not exist"),
        ("/project/other/kms/ca", "project_does_not_exist", "Project other does not exist"),
        ("/project/other/service/kafka/user/u", "project_does_not_exist", "Project other does not exist"),
        ("/project/dev/service/gone", "service_does_not_exist", "Service gone does not exist"),
        ("/project/dev/service/gone/user/u", "service_does_not_exist", "Service gone does not exist"),
        ("/project/dev/service/kafka/user/u%2F1", "user_not_found", "Service user does not exist"),
        ("/other", "", "Not found"),
    ];
    for (path, expected, message) in cases {
        let (status, answer) = api.get(path).await;
        assert_eq!((status, code(status, &answer), answer["message"].as_str().unwrap()), (404, expected, message));
    }
    assert_eq!(api.get(&format!("{KAFKA}/user")).await.0, 405, "there is no list of users but the service");
}

#[tokio::test]
async fn parameters_are_looked_at() {
    let api = Api::calm().await;
    assert_eq!(api.get("/project?limit=250").await.0, 200);
    let (status, answer) = api.get("/project?limit=999").await;
    assert_eq!(status, 400);
    assert_eq!(answer["message"], "Invalid value for limit parameter: maximum allowed value is 250");

    let long = "x".repeat(65);
    for name in ["", "-dash", ".dot", "sp ace", "ø", "a*", &long] {
        let (status, answer) = api.post(&format!("{VALKEY}/user"), json!({"username": name})).await;
        assert_eq!((status, code(status, &answer)), (400, "username_is_invalid"), "{name}");
    }
    for name in ["_x", "A.b-c_9", &long[..64]] {
        api.made(VALKEY, name).await;
    }
    let user = format!("{VALKEY}/user/_x");
    let bad = [
        json!({}),
        json!({"operation": "other"}),
        json!({"operation": "reset-credentials", "new_password": "short"}),
        json!({"operation": "set-access-control"}),
        json!({"operation": "set-access-control", "access_control": {"valkey_acl_keys": vec!["k"; 257]}}),
    ];
    for body in bad {
        assert_eq!(api.put(&user, body).await.0, 400);
    }
    assert_eq!(answered(api.request(Method::POST, &format!("{VALKEY}/user")).body("{")).await.0, 400);
    assert_eq!(api.post(&format!("{VALKEY}/user"), json!({})).await.0, 400);
}

#[tokio::test]
async fn users_are_limited_where_aiven_limits_them() {
    let api = Api::with(Options { user_limit: 2, lag: Lag::NONE, ..Options::default() }).await;
    for service in [KAFKA, SEARCH] {
        api.made(service, "one").await;
        let (status, answer) = api.post(&format!("{service}/user"), json!({"username": "two"})).await;
        assert_eq!((status, code(status, &answer)), (400, ""));
        assert_eq!(api.delete(&format!("{service}/user/one")).await.0, 200);
        api.made(service, "two").await;
    }
    for name in ["one", "two", "three"] {
        api.made(VALKEY, name).await;
    }
}

#[tokio::test]
async fn a_service_without_power_changes_nothing() {
    let api = Api::calm().await;
    api.aiven.set_state("dev", "kafka", "POWEROFF");
    let (status, answer) = api.post(&format!("{KAFKA}/user"), json!({"username": "one"})).await;
    assert_eq!((status, code(status, &answer)), (409, "not_powered"));
    assert_eq!(api.get(&format!("{KAFKA}/user/avnadmin")).await.0, 200);
}

#[tokio::test]
async fn a_name_is_taken_once_and_the_built_in_user_stays() {
    let api = Api::calm().await;
    api.made(KAFKA, "one").await;
    let (status, answer) = api.post(&format!("{KAFKA}/user"), json!({"username": "one"})).await;
    assert_eq!(status, 409);
    assert!(answer["message"].as_str().unwrap().contains("already exists"));
    let (status, answer) = api.delete(&format!("{KAFKA}/user/avnadmin")).await;
    assert_eq!((status, code(status, &answer)), (403, "request_forbidden"));
    assert_eq!(api.delete(&format!("{KAFKA}/user/one")).await.0, 200);
    let (status, answer) = api.delete(&format!("{KAFKA}/user/one")).await;
    assert_eq!((status, code(status, &answer)), (404, "user_not_found"));
}
