//! Nothing that is planted as a secret shows anywhere; what is counted.

use std::fmt::Debug;
use std::io;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use aivenator::shell::aiven::{Client, Error, Options, TokenSource};
use aivenator::shell::metrics::Metrics;
use aivenator::shell::transport::Proxies;
use serde_json::json;
use tracing_subscriber::fmt::MakeWriter;

use super::server::{Reply, Server};
use super::{TOKEN, digester, kafka, options, user};

const PASSWORD: &str = "planted-password";
const KEY: &str = "planted-key";

#[derive(Clone, Default)]
struct Memory(Arc<Mutex<Vec<u8>>>);

impl io::Write for Memory {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'w> MakeWriter<'w> for Memory {
    type Writer = Memory;

    fn make_writer(&'w self) -> Memory {
        self.clone()
    }
}

impl Memory {
    fn show(&self, value: impl Debug) {
        self.text(format!("{value:?} {value:#?}"));
    }

    fn error(&self, error: &Error) {
        self.show(error);
        let mut cause: Option<&dyn std::error::Error> = Some(error);
        while let Some(error) = cause {
            self.text(format!("{error} {error:?}"));
            cause = error.source();
        }
    }

    fn text(&self, text: String) {
        self.0.lock().unwrap().extend(text.into_bytes());
    }

    fn all(&self) -> String {
        String::from_utf8(self.0.lock().unwrap().clone()).unwrap()
    }
}

fn answers() -> Vec<Reply> {
    let user = json!({"username": "team_app_1", "password": PASSWORD, "access_key": KEY, "access_cert": KEY});
    let whole = json!({"service": {"service_name": "kafka", "users": [user], "service_uri": PASSWORD}});
    let speaks = json!({"message": PASSWORD, "errors": [{"message": KEY, "error_code": PASSWORD, "more_info": TOKEN}]});
    let mut answers = vec![
        Reply::new(200, json!({"user": user}).to_string()),
        Reply::new(200, whole.to_string()),
        Reply::new(200, format!("<html>{PASSWORD}")),
        Reply::new(200, json!({"errors": [PASSWORD], "user": user}).to_string()),
        Reply::new(302, PASSWORD).with("location", format!("http://{TOKEN}/{PASSWORD}")),
    ];
    for status in [400, 401, 403, 404, 408, 409, 417, 500, 503] {
        answers.push(Reply::new(status, speaks.to_string()));
        answers.push(Reply::new(status, PASSWORD));
    }
    answers.push(Reply::new(200, PASSWORD).after(Duration::from_secs(5)));
    answers.push(Reply::new(429, speaks.to_string()));
    answers
}

#[tokio::test]
async fn no_secret_shows_in_any_error_type_or_log() {
    let memory = Memory::default();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(memory.clone()).finish();
    let _logging = tracing::subscriber::set_default(subscriber);
    for reply in answers() {
        let server = Server::start(move |_, _| reply.clone()).await;
        let mut options = options(&server.url);
        options.deadlines.call = Duration::from_millis(300);
        options.deadlines.service = Duration::from_millis(300);
        options.deadlines.turn = Duration::ZERO;
        let proxies = [("HTTPS_PROXY", format!("http://u:{PASSWORD}@proxy"))];
        options.proxies = Proxies::from_lookup(|name| {
            proxies.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into())
        });
        memory.show(&options);
        let client = Client::new(options, digester()).unwrap();
        memory.show(&client);
        match client.user(&user()).await {
            Ok(account) => memory.show(account),
            Err(error) => memory.error(&error),
        }
        match client.create_user(&user(), None).await {
            Ok(account) => memory.show(account),
            Err(error) => memory.error(&error),
        }
        match client.service(&kafka()).await {
            Ok(service) => memory.show(service),
            Err(error) => memory.error(&error),
        }
        drop(client.delete_user(&user()).await.inspect_err(|error| memory.error(error)));
        drop(client.acl(&kafka()).await.map(|acl| memory.show(acl)).inspect_err(|error| memory.error(error)));
        drop(client.ca(&"dev".into()).await.inspect_err(|error| memory.error(error)));
    }
    for token in [TokenSource::literal(TOKEN), TokenSource::literal(format!("{TOKEN} {TOKEN}"))] {
        memory.show(&token);
        if let Err(error) =
            Client::new(aivenator::shell::aiven::Options { token, ..options("http://localhost:1") }, digester())
        {
            memory.text(format!("{error} {error:?}"));
        }
    }
    let all = memory.all();
    assert!(all.contains("called aiven") && all.contains("TRACE"), "the log was read");
    for secret in [TOKEN, PASSWORD, KEY] {
        let place = all.find(secret).map(|at| all[at.saturating_sub(200)..].chars().take(300).collect::<String>());
        assert_eq!(place, None, "{secret}");
    }
}

#[tokio::test]
async fn every_call_is_timed_under_its_name() {
    let metrics = Metrics::new([]);
    let timed = |url: &str| {
        let options = Options { metrics: Some(metrics.clone()), ..super::options(url) };
        Client::new(options, super::digester()).unwrap()
    };
    let server = Server::always(404, r#"{"errors":[{"error_code":"service_not_found"}]}"#).await;
    let client = timed(&server.url);
    client.service(&kafka()).await.unwrap();
    client.delete_user(&user()).await.unwrap();
    timed("http://127.0.0.1:1").ca(&"dev".into()).await.unwrap_err();
    let page = metrics.render();
    for (operation, status) in [("Service_Get", "404"), ("ServiceUser_Delete", "404"), ("CA_Get", "0")] {
        let is_it = |line: &&str| {
            let labels =
                [format!("operation=\"{operation}\""), format!("status=\"{status}\""), "pool=\"dev\"".to_owned()];
            line.starts_with("aivenator_aiven_latency_count{") && labels.iter().all(|label| line.contains(label))
        };
        let line = page.lines().find(is_it);
        assert!(line.is_some_and(|line| line.ends_with("} 1")), "{operation} {status}: {line:?}");
    }
}
