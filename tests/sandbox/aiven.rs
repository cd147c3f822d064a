//! The Aiven of the sandbox, asked over HTTP: operations, errors, time, faults.

mod faults;
mod refused;
mod time;
mod users;

use aivenator::sandbox::aiven::{Aiven, Lag, Operation, Options};
use reqwest::{Client, Method, RequestBuilder, StatusCode};
use serde_json::{Value, json};

use crate::support::repository;

/// An Aiven, and a client of it.
struct Api {
    aiven: Aiven,
    client: Client,
}

const KAFKA: &str = "/project/dev/service/kafka";
const SEARCH: &str = "/project/dev/service/search";
const VALKEY: &str = "/project/dev/service/valkey";

impl Api {
    /// One without surprises, with a project and one service of each type.
    async fn calm() -> Self {
        Api::with(Options { lag: Lag::NONE, ..Options::default() }).await
    }

    async fn with(options: Options) -> Self {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let aiven = Aiven::start(options).await.unwrap();
        aiven.add_project("dev").unwrap();
        for (name, kind) in [("kafka", "kafka"), ("search", "opensearch"), ("valkey", "valkey")] {
            aiven.put_service("dev", &json!({"service_name": name, "service_type": kind})).unwrap();
        }
        Api { aiven, client: Client::builder().no_proxy().build().unwrap() }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = format!("{}/v1{path}", self.aiven.url());
        self.client.request(method, url).header("Authorization", format!("aivenv1 {}", self.aiven.token()))
    }

    async fn get(&self, path: &str) -> (u16, Value) {
        answered(self.request(Method::GET, path)).await
    }

    async fn post(&self, path: &str, body: Value) -> (u16, Value) {
        answered(self.request(Method::POST, path).json(&body)).await
    }

    async fn put(&self, path: &str, body: Value) -> (u16, Value) {
        answered(self.request(Method::PUT, path).json(&body)).await
    }

    async fn delete(&self, path: &str) -> (u16, Value) {
        answered(self.request(Method::DELETE, path)).await
    }

    /// Makes a user and gives what the creation showed of it.
    async fn made(&self, service: &str, name: &str) -> Value {
        let (status, answer) = self.post(&format!("{service}/user"), json!({"username": name})).await;
        assert_eq!(status, 200, "{answer}");
        answer["user"].clone()
    }

    async fn listed(&self, service: &str) -> Vec<String> {
        let (_, answer) = self.get(service).await;
        let users = answer["service"]["users"].as_array().unwrap();
        users.iter().map(|user| user["username"].as_str().unwrap().to_owned()).collect()
    }
}

async fn answered(request: RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    assert_eq!(response.headers()["content-type"], "application/json");
    (response.status().as_u16(), response.json().await.unwrap())
}

#[tokio::test]
async fn projects_and_services_are_listed_and_read() {
    let api = Api::calm().await;
    api.aiven.add_project("prod").unwrap();
    let (status, list) = api.get("/project").await;
    let names: Vec<&Value> = list["projects"].as_array().unwrap().iter().map(|one| &one["project_name"]).collect();
    assert_eq!((status, names), (200, vec![&json!("dev"), &json!("prod")]));
    assert_eq!(list["project_membership"], json!({"dev": "admin", "prod": "admin"}));
    assert_eq!(api.get("/project/dev").await.1["project"]["project_name"], "dev");

    let (_, list) = api.get("/project/dev/service").await;
    let names: Vec<&Value> = list["services"].as_array().unwrap().iter().map(|one| &one["service_name"]).collect();
    assert_eq!(names, ["kafka", "search", "valkey"]);
    let (_, service) = api.get(VALKEY).await;
    assert_eq!(service["service"]["state"], "RUNNING");
    assert_eq!(api.listed(VALKEY).await, ["default"]);

    assert!(api.aiven.set_state("dev", "valkey", "REBUILDING"));
    let components = json!([{"component": "valkey", "usage": "primary", "route": "dynamic", "host": "h", "port": 1}]);
    assert!(api.aiven.set_components("dev", "valkey", components.clone()));
    let (_, service) = api.get(VALKEY).await;
    assert_eq!((&service["service"]["state"], &service["service"]["components"]), (&json!("REBUILDING"), &components));
    assert!(api.aiven.remove_service("dev", "valkey"));
    assert_eq!(api.get(VALKEY).await.0, 404);
}

/// The documents that plans are made of start the sandbox too; who is only named in them gets credentials.
#[tokio::test]
async fn a_document_is_loaded_as_planning_reads_it() {
    let api = Api::calm().await;
    let text = std::fs::read_to_string(repository("fixtures/quickstart/aiven.yaml")).unwrap();
    api.aiven.load(&serde_saphyr::from_str(&text).unwrap()).unwrap();
    assert_eq!(api.aiven.users("dev-nais-dev", "kafka").len(), 5);
    let (_, service) = api.get("/project/dev-nais-dev/service/kafka").await;
    assert_eq!(service["service"]["components"][0]["port"], 26484);
    assert!(service["service"].get("opensearch_acl").is_none(), "it has a place of its own");

    let user = "/project/dev-nais-dev/service/kafka/user/orders_payments_e0ef0834_37O?include_secrets=true";
    let (_, answer) = api.get(user).await;
    assert!(answer["user"]["access_key"].as_str().unwrap().starts_with("-----BEGIN PRIVATE KEY-----"));
    let (_, answer) = api.get("/project/dev-nais-dev/service/opensearch-catalog-products/opensearch/acl").await;
    assert_eq!(answer["opensearch_acl_config"]["acls"][1]["username"], "catalog-rw-PQW");

    let wrong = json!({"metadata": {"name": "dev"}, "services": [{"service_name": "kafka"}]});
    let error = api.aiven.load(&wrong).unwrap_err().to_string();
    assert_eq!(error, "load a project document: expected a text at service_type");
}

#[tokio::test]
async fn an_acl_document_is_written_whole() {
    let api = Api::calm().await;
    let path = format!("{SEARCH}/opensearch/acl");
    let (_, answer) = api.get(&path).await;
    assert_eq!(answer["opensearch_acl_config"], json!({"acls": [], "enabled": false}));

    api.aiven.put_user("dev", "search", &json!({"username": "old"})).unwrap();
    let rules = json!([{"index": "*", "permission": "read"}]);
    let mine = json!({"username": "mine", "rules": rules});
    let enabling = json!({"opensearch_acl_config": {"enabled": true, "extendedAcl": true, "acls": [mine]}});
    let (status, answer) = api.put(&path, enabling).await;
    assert_eq!(status, 200, "{answer}");
    let acls = answer["opensearch_acl_config"]["acls"].as_array().unwrap();
    let names: Vec<&Value> = acls.iter().map(|entry| &entry["username"]).collect();
    assert_eq!(names, ["mine", "avnadmin", "old"], "who was there before keeps all access");

    let (_, answer) = api.put(&path, json!({"opensearch_acl_config": {"enabled": true, "acls": [mine]}})).await;
    let kept = json!({"enabled": true, "extendedAcl": true, "acls": [mine]});
    assert_eq!(answer["opensearch_acl_config"], kept, "the list is replaced, an unknown member stays");
    assert_eq!(api.aiven.acl("dev", "search").unwrap(), kept);
    let (_, answer) = api.put(&path, json!({"opensearch_acl_config": {}})).await;
    assert_eq!(answer["opensearch_acl_config"]["enabled"], false, "absent is the default");

    let entry = |name: usize| json!({"username": format!("u{name}"), "rules": rules});
    let many: Vec<Value> = (0..513).map(entry).collect();
    let bad = [
        json!({}),
        json!({"opensearch_acl_config": {"acls": many}}),
        json!({"opensearch_acl_config": {"acls": [{"username": "u"}]}}),
        json!({"opensearch_acl_config": {"acls": [{"username": "u", "rules": [{"index": "*", "permission": "all"}]}]}}),
    ];
    for body in bad {
        assert_eq!(api.put(&path, body).await.0, 400);
    }
    assert_eq!(api.post(&path, json!({"opensearch_acl_config": {"acls": []}})).await.0, 400, "a set names all");
    assert_eq!(api.get(&format!("{KAFKA}/opensearch/acl")).await.0, 400);
}

#[tokio::test]
async fn what_is_asked_is_told_counted_and_kept() {
    let api = Api::calm().await;
    let mut told = api.aiven.listen();
    api.made(VALKEY, "one").await;
    api.get(&format!("{VALKEY}/user/one?include_secrets=true")).await;
    let (created, read) = (told.recv().await.unwrap(), told.recv().await.unwrap());
    assert_eq!((created.call.operation, created.call.user.as_str()), (Operation::UserCreate, "one"));
    assert!(created.call.operation.writes() && created.bytes > 0 && created.status == Some(200));
    assert!(read.call.secrets && !read.call.operation.writes());
    assert_eq!(read.call.operation.template(), "/v1/project/{project}/service/{service}/user/{user}");
    api.get(&format!("{VALKEY}/user/two")).await;
    let counts = api.aiven.counts();
    assert_eq!(counts[&(Operation::UserGet, Some(404))], 1);
    assert_eq!((api.aiven.count(Operation::UserGet), api.aiven.records().len()), (2, 3));
}

/// The biggest services there are must not make tests slow.
#[tokio::test]
async fn thousands_of_users_are_made_and_listed_quickly() {
    let api = Api::calm().await;
    for number in 0..5000 {
        let user = json!({"username": format!("user-{number}")});
        api.aiven.put_user("dev", "kafka", &user).unwrap();
    }
    let began = std::time::Instant::now();
    for query in ["", "?include_secrets=true"] {
        let (status, answer) = api.get(&format!("{KAFKA}{query}")).await;
        assert_eq!((status, answer["service"]["users"].as_array().unwrap().len()), (200, 5001));
    }
    assert!(began.elapsed().as_secs() < 10, "{:?}", began.elapsed());
}

#[tokio::test]
async fn it_stops_when_it_is_dropped() {
    let Api { aiven, client } = Api::calm().await;
    let url = format!("{}/v1/project", aiven.url());
    assert_eq!(client.get(&url).send().await.unwrap().status(), StatusCode::UNAUTHORIZED);
    drop(aiven);
    for _ in 0..100 {
        if client.get(&url).send().await.is_err() {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("it still answers");
}
