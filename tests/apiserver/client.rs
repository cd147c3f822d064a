//! Single requests to an API server, for callers that wait: also from within a runtime.

use std::future::Future;
use std::sync::OnceLock;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use reqwest::{Certificate, Method};
use serde_json::Value;
use tokio::runtime::{Handle, Runtime, RuntimeFlavor};

/// What merge patches are sent as.
pub const MERGE: &str = "application/merge-patch+json";

/// Where all requests of this file run.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap())
}

/// Waits for something that needs a runtime.
pub fn wait<T: Send + 'static>(future: impl Future<Output = T> + Send + 'static) -> T {
    let (tell, told) = sync_channel(1);
    runtime().spawn(async move { tell.send(future.await) });
    let wait = || told.recv().expect("it does not panic");
    match Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(RuntimeFlavor::MultiThread) => tokio::task::block_in_place(wait),
        _ => wait(),
    }
}

/// Somebody who asks an API server.
#[derive(Clone)]
pub struct Client {
    http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// What it answered.
#[derive(Clone, Debug)]
pub struct Answer {
    pub code: u16,
    pub warnings: Vec<String>,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    /// The body, or why there is none.
    pub fn ok(self) -> Result<Value, String> {
        if self.code < 300 { Ok(self.json()) } else { Err(format!("{}: {}", self.code, self.text)) }
    }
}

/// A request: how, where, the media type of the body (if it is not JSON), the body.
#[derive(Clone, Debug)]
pub struct Ask {
    pub method: Method,
    pub path: String,
    pub media: &'static str,
    pub accept: &'static str,
    pub body: Option<Value>,
    /// As whom, and of which group; else as oneself.
    pub by: Option<(&'static str, &'static str)>,
}

impl Ask {
    pub fn new(method: Method, path: impl Into<String>) -> Ask {
        Ask { method, path: path.into(), media: "application/json", accept: "application/json", body: None, by: None }
    }

    #[must_use]
    pub fn by(self, user: &'static str, group: &'static str) -> Ask {
        Ask { by: Some((user, group)), ..self }
    }

    #[must_use]
    pub fn body(self, body: Value) -> Ask {
        Ask { body: Some(body), ..self }
    }

    #[must_use]
    pub fn media(self, media: &'static str) -> Ask {
        Ask { media, ..self }
    }

    #[must_use]
    pub fn accept(self, accept: &'static str) -> Ask {
        Ask { accept, ..self }
    }
}

/// A client of the library, which trusts this authority, or needs none.
pub fn http(authority: Option<&str>) -> reqwest::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let trusted = authority.map(|pem| Certificate::from_pem_bundle(pem.as_bytes()).unwrap()).unwrap_or_default();
    let builder = reqwest::Client::builder().no_proxy().no_gzip().tls_certs_only(trusted);
    builder.connect_timeout(Duration::from_secs(10)).build().unwrap()
}

impl Client {
    pub fn new(url: &str, authority: Option<&str>, token: Option<&str>) -> Client {
        Client { http: http(authority), url: url.to_owned(), token: token.map(str::to_owned) }
    }

    /// Sends a request; `None` if nobody answers.
    pub fn try_send(&self, ask: Ask) -> Option<Answer> {
        let request = self.request(ask).timeout(Duration::from_secs(30));
        wait(async move {
            let response = request.send().await.ok()?;
            let warnings = response.headers().get_all("warning").iter();
            let warnings = warnings.map(|text| text.to_str().unwrap_or_default().to_owned()).collect();
            let code = response.status().as_u16();
            Some(Answer { code, warnings, text: response.text().await.ok()? })
        })
    }

    pub fn send(&self, ask: Ask) -> Answer {
        let what = format!("{} {}", ask.method, ask.path);
        self.try_send(ask).unwrap_or_else(|| panic!("no answer to {what}"))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.send(Ask::new(Method::GET, path))
    }

    fn request(&self, ask: Ask) -> reqwest::RequestBuilder {
        let mut request = self.http.request(ask.method, format!("{}{}", self.url, ask.path));
        request = request.header("Accept", ask.accept);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        if let Some((user, group)) = ask.by {
            request = request.header("Impersonate-User", user).header("Impersonate-Group", group);
        }
        match ask.body {
            Some(body) => request.header("Content-Type", ask.media).body(body.to_string()),
            None => request,
        }
    }

    /// The first lines of a watch that come within some time: as many as are wanted, or fewer.
    pub fn watch(&self, path: &str, wanted: usize, patience: Duration) -> Vec<Value> {
        let request = self.request(Ask::new(Method::GET, path));
        let text = wait(async move {
            let mut text: Vec<u8> = vec![];
            let read = async {
                let Ok(mut response) = request.send().await else { return };
                while let Ok(Some(chunk)) = response.chunk().await {
                    text.extend_from_slice(&chunk);
                    if text.split(|byte| *byte == b'\n').count() > wanted {
                        return;
                    }
                }
            };
            let _ = tokio::time::timeout(patience, read).await;
            text
        });
        let text = String::from_utf8(text).unwrap();
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}
