//! What each call asks for, and what it makes of the answer.

use std::time::Duration;

use aivenator::action::AccessRules;
use aivenator::shell::aiven::{NotReady, Problem, RawAcl};
use aivenator::value::Credential;
use aivenator::world::{Content, FailureClass, Name};
use serde_json::json;

use super::server::{Reply, Server};
use super::{client, digester, kafka, user};

fn access() -> AccessRules {
    let list = |rules: &[&str]| rules.iter().map(|rule| Name::from(*rule)).collect();
    AccessRules {
        categories: list(&["-@all", "+@read"]),
        commands: list(&["+info"]),
        keys: list(&["*"]),
        channels: vec![],
    }
}

#[tokio::test]
async fn a_service_is_read_without_secrets_and_without_the_credentials_of_its_users() {
    let body = json!({"service": {
        "service_name": "kafka", "service_type": "kafka", "state": "RUNNING", "project_vpc_id": null, "new": {"x": [1]},
        "components": [
            {"component": "kafka", "host": "h", "port": 26484, "route": "dynamic", "usage": "primary",
             "kafka_authentication_method": "certificate", "kafka_ssl_ca": null, "privatelink_connection_id": null},
            {"component": "kafka", "host": "h", "port": "26495", "route": "warp", "usage": 7, "ssl": false, "path": "/p",
             "privatelink_connection_id": "plc1"},
            {"component": "no_port", "host": "h"}, {"component": "bad_port", "host": "h", "port": 70000}, null, "x",
        ],
        "users": [
            {"username": "avnadmin", "type": "primary", "password": "planted", "access_key": "planted"},
            {"username": "u", "type": "normal", "password_updated_time": "2026-01-02T03:04:05Z",
             "access_cert_not_valid_after_time": "not a time",
             "access_control": {"valkey_acl_categories": ["-@all", null], "valkey_acl_keys": null}},
        ],
    }});
    let server = Server::always(200, body.to_string()).await;
    let service = client(&server.url).service(&kafka()).await.unwrap().unwrap();
    assert_eq!(server.lines(), ["GET /v1/project/dev/service/kafka"]);
    assert_eq!((service.service_type.as_str(), service.state.as_str()), ("kafka", "RUNNING"));
    assert_eq!(service.components.len(), 2);
    let second = &service.components[1];
    assert_eq!((second.port, second.usage.as_str(), second.route.as_str()), (26495, "", "warp"));
    assert!(second.privatelink && !service.components[0].privatelink && second.ssl == Some(false));
    assert!(!service.users_complete, "a list only suggests that somebody is not there");
    let admin = &service.users["avnadmin"];
    assert!(admin.primary && admin.password.is_none() && admin.private_key.is_none() && admin.access.is_none());
    let other = &service.users["u"];
    assert_eq!(other.name, digester().content(b"u"));
    assert_eq!(other.access.as_ref().unwrap().categories, ["-@all"]);
    assert_eq!((other.certificate_ends, other.password_updated.is_some()), (None, true));
}

#[tokio::test]
async fn an_answer_without_the_service_is_not_a_service_that_is_gone() {
    for body in ["{}", "null", "[]", "", "<html>", r#"{"service":null}"#, r#"{"service":{"service_name":"other"}}"#] {
        let server = Server::always(200, body).await;
        let error = client(&server.url).service(&kafka()).await.unwrap_err();
        assert_eq!((error.problem(), error.class()), (&Problem::NotUnderstood, FailureClass::Unknown), "{body}");
    }
    let server = Server::always(404, r#"{"errors":[{"error_code":"service_not_found"}]}"#).await;
    assert_eq!(client(&server.url).service(&kafka()).await.unwrap(), None);
    let server = Server::always(404, "<html>nginx</html>").await;
    assert_eq!(client(&server.url).service(&kafka()).await.unwrap_err().class(), FailureClass::Unknown);
    let server = Server::always(404, r#"{"message":"Project does not exist"}"#).await;
    assert_eq!(client(&server.url).service(&kafka()).await.unwrap_err().class(), FailureClass::NotFound);
}

#[tokio::test]
async fn a_user_is_read_with_its_credentials_byte_for_byte() {
    let certificate = "-----BEGIN CERTIFICATE-----\r\nAAA\n-----END CERTIFICATE-----\n\n";
    let body = json!({"user": {
        "username": "team_app_1", "type": "normal", "password": " påss\"\\\n", "access_cert": certificate,
        "access_key": "key", "access_cert_not_valid_after_time": "2028-01-01T00:00:00Z",
        "expiring_cert_not_valid_after_time": "2027-01-01T00:00:00Z",
    }});
    let server = Server::always(200, body.to_string()).await;
    let account = client(&server.url).user(&user()).await.unwrap().unwrap();
    assert_eq!(server.lines(), ["GET /v1/project/dev/service/kafka/user/team_app_1?include_secrets=true"]);
    assert_eq!(account.credentials.expose(Credential::Password), Ok(" påss\"\\\n".as_bytes()));
    assert_eq!(account.credentials.expose(Credential::Certificate), Ok(certificate.as_bytes()));
    assert_eq!(account.user.private_key, Some(digester().content(b"key")));
    assert_eq!(account.user.certificate_ends, "2028-01-01T00:00:00Z".parse().ok());
}

#[tokio::test]
async fn what_is_absent_null_empty_or_redacted_is_not_ready() {
    for password in [json!(null), json!(""), json!(" "), json!("<redacted>"), json!(7), json!({"a": 1}), json!(["x"])] {
        let body = json!({"user": {"username": "team_app_1", "password": password, "access_cert": "<redacted>"}});
        let server = Server::always(200, body.to_string()).await;
        let account = client(&server.url).user(&user()).await.unwrap().unwrap();
        for credential in [Credential::Password, Credential::Certificate, Credential::PrivateKey] {
            assert_eq!(account.credentials.expose(credential), Err(NotReady(credential)), "{password}");
        }
        assert_eq!(account.user.password, Some(Content::Empty));
        assert_eq!(account.user.certificate, Some(Content::Empty));
        assert_eq!(account.user.private_key, Some(Content::Empty));
    }
}

#[tokio::test]
async fn a_404_of_a_user_that_does_not_say_what_is_missing_is_held_against_the_list() {
    let answer = |list: &'static str| {
        Server::start(move |_, asked| {
            if asked.line.contains("/user/") {
                Reply::new(404, r#"{"message":"Not found"}"#)
            } else {
                Reply::new(200, format!(r#"{{"service":{{"service_name":"kafka"{list}}}}}"#))
            }
        })
    };
    let server = answer(r#","users":[{"username":"avnadmin"}]"#).await;
    let client_ = client(&server.url);
    assert!(client_.user(&user()).await.unwrap().is_none());
    client_.delete_user(&user()).await.unwrap();
    for list in ["", r#","users":null"#, r#","users":[null]"#, r#","users":[{"username":"team_app_1"}]"#] {
        let server = answer(list).await;
        let error = client(&server.url).user(&user()).await.unwrap_err();
        assert_eq!((error.status(), error.class()), (404, FailureClass::Unknown), "{list}");
        assert!(client(&server.url).delete_user(&user()).await.unwrap_err().is_outcome_unknown());
    }
    let server = Server::always(404, r#"{"message":"Service does not exist"}"#).await;
    assert_eq!(client(&server.url).user(&user()).await.unwrap_err().class(), FailureClass::NotFound);
    client(&server.url).delete_user(&user()).await.unwrap();
    let server = Server::always(404, r#"{"message":"Project does not exist"}"#).await;
    assert_eq!(client(&server.url).user(&user()).await.unwrap_err().class(), FailureClass::NotFound);
    assert_eq!(client(&server.url).delete_user(&user()).await.unwrap_err().class(), FailureClass::NotFound);
}

#[tokio::test]
async fn a_user_is_made_with_its_rules_and_known_from_the_answer() {
    let body = json!({"message": "created", "user": {"username": "team_app_1", "password": "AVNS_x"}});
    let server = Server::always(200, body.to_string()).await;
    let account = client(&server.url).create_user(&user(), Some(&access())).await.unwrap();
    assert_eq!(account.credentials.expose(Credential::Password), Ok(&b"AVNS_x"[..]));
    client(&server.url).create_user(&user(), None).await.unwrap();
    let asked = server.asked();
    assert_eq!(asked[0].line, "POST /v1/project/dev/service/kafka/user");
    let sent: serde_json::Value = serde_json::from_str(&asked[0].body).unwrap();
    let rules = json!({"valkey_acl_categories": ["-@all", "+@read"], "valkey_acl_commands": ["+info"],
        "valkey_acl_keys": ["*"], "valkey_acl_channels": []});
    assert_eq!(sent, json!({"username": "team_app_1", "access_control": rules}));
    assert_eq!(asked[1].body, r#"{"username":"team_app_1"}"#);
    assert_eq!(asked[0].header("content-type"), "application/json");
    assert_eq!(asked[0].header("authorization"), "aivenv1 planted-token");
    assert_eq!(asked[0].header("user-agent"), concat!("aivenator/", env!("CARGO_PKG_VERSION")));

    client(&server.url).set_access(&user(), &access()).await.unwrap();
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.line, "PUT /v1/project/dev/service/kafka/user/team_app_1");
    let sent: serde_json::Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(sent, json!({"operation": "set-access-control", "access_control": rules}));
}

#[tokio::test]
async fn a_user_that_was_made_but_is_not_in_the_answer_may_be_there() {
    for body in ["", "{}", "<html>", r#"{"user":{"username":"somebody_else"}}"#] {
        let server = Server::always(200, body).await;
        let error = client(&server.url).create_user(&user(), None).await.unwrap_err();
        assert!(error.is_outcome_unknown(), "{body}: {error}");
    }
}

#[tokio::test]
async fn projects_and_their_certificates() {
    let server =
        Server::always(200, r#"{"projects":[{"project_name":"a","x":1},null,{}, {"project_name":"b"}]}"#).await;
    assert_eq!(client(&server.url).projects().await.unwrap(), ["a", "b"]);
    assert_eq!(server.lines(), ["GET /v1/project"]);
    let pem = "-----BEGIN CERTIFICATE-----\nAA\n-----END CERTIFICATE-----\n";
    let server = Server::always(200, json!({"certificate": pem}).to_string()).await;
    let ca = client(&server.url).ca(&"a b".into()).await.unwrap();
    assert_eq!((&*ca.pem, ca.content), (pem, digester().content(pem.as_bytes())));
    assert_eq!(server.lines(), ["GET /v1/project/a%20b/kms/ca"]);
    let server = Server::always(200, r#"{"certificate":"<redacted>"}"#).await;
    assert_eq!(client(&server.url).ca(&"a".into()).await.unwrap_err().class(), FailureClass::Unknown);
}

#[tokio::test]
async fn an_acl_document_goes_back_whole() {
    let document =
        json!({"opensearch_acl_config": {"enabled": false, "x": 1, "acls": [{"username": "u", "rules": []}]}});
    let text = document.to_string();
    let server = Server::start(move |_, asked| {
        if asked.line.starts_with("GET") { Reply::new(200, text.clone()) } else { Reply::new(200, "{}") }
    });
    let server = server.await;
    let client_ = client(&server.url);
    let acl = client_.acl(&kafka()).await.unwrap();
    client_.put_acl(&kafka(), &acl).await.unwrap();
    let asked = server.asked().pop().unwrap();
    assert_eq!(asked.line, "PUT /v1/project/dev/service/kafka/opensearch/acl");
    assert_eq!(serde_json::from_str::<serde_json::Value>(&asked.body).unwrap(), document);

    let entries: Vec<_> = (0..513).map(|number| json!({"username": format!("u{number}"), "rules": []})).collect();
    let full = RawAcl::new(json!({"enabled": true, "acls": entries})).unwrap();
    let error = client_.put_acl(&kafka(), &full).await.unwrap_err();
    assert_eq!((error.class(), error.status()), (FailureClass::AclFull, 0));
    assert_eq!(server.lines().len(), 2, "it was not sent");
    for body in ["{}", r#"{"opensearch_acl_config":null}"#, r#"{"opensearch_acl_config":{"acls":1}}"#] {
        let server = Server::always(200, body).await;
        assert_eq!(client(&server.url).acl(&kafka()).await.unwrap_err().class(), FailureClass::Unknown, "{body}");
    }
}

#[tokio::test]
async fn the_same_reads_at_once_are_one_and_none_that_began_before_a_write_serves_one_after_it() {
    let slow = Duration::from_millis(200);
    let server = Server::start(move |_, asked| {
        if asked.line.starts_with("GET") {
            Reply::new(200, r#"{"service":{"service_name":"kafka"}}"#).after(slow)
        } else {
            Reply::new(200, "{}")
        }
    });
    let server = server.await;
    let client_ = client(&server.url);
    let key = kafka();
    let both = futures::future::join(client_.service(&key), client_.service(&key)).await;
    assert!(both.0.is_ok() && both.1.is_ok());
    assert_eq!(server.lines().len(), 1);
    let write_then_read = async {
        tokio::time::sleep(slow / 4).await;
        client_.set_access(&user(), &access()).await.unwrap();
        client_.service(&key).await.unwrap();
    };
    let (before, ()) = futures::future::join(client_.service(&key), write_then_read).await;
    assert!(before.is_ok());
    assert_eq!(server.lines().len(), 4, "{:?}", server.lines());
}
