//! Single requests: reads, and writes that fail rather than act on a stale view.
//!
//! Takes as given that a write carries the version that it was decided on. What only sends stands behind [`Port`], so that
//! the same requests can be put to a model; nothing is decided there. Measures each request under the names that
//! dashboards use; never repeats one.

use std::future::Future;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::http::{Request, Uri};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::client::Body;
use kube::core::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::doc::{Doc, Keep, Lean, Whole};
use super::error::KubeError;
use super::kind::{counted, label_selector, resource, watched};
use crate::shell::metrics::{KubernetesCall, Metrics, Resource, Verb};
use crate::world::{Expect, Kind};

/// After this time a request counts as not answered.
const DEADLINE: Duration = Duration::from_secs(30);
/// How many objects one page of a list holds.
const PAGE: u32 = 500;

/// How one request is answered.
pub(crate) type Sent<'s, T> = BoxFuture<'s, Result<T, KubeError>>;
/// Namespace and name.
pub(crate) type Key<'k> = (&'k str, &'k str);
/// Which Secrets are meant, by their metadata.
pub(crate) type Such<'s> = &'s (dyn Fn(&ObjectMeta) -> bool + Send + Sync);

/// Where requests to one cluster go.
pub(crate) trait Port: Send + Sync {
    /// One object.
    fn get<'s>(&'s self, resource: &'s ApiResource, key: Key<'s>) -> Sent<'s, Value>;
    /// The metadata of one object, and nothing else of it.
    fn metadata<'s>(&'s self, resource: &'s ApiResource, key: Key<'s>) -> Sent<'s, Value>;
    /// Every watched object of a kind in a namespace or everywhere.
    fn list<'s>(&'s self, kind: Kind, namespace: Option<&'s str>) -> Sent<'s, Vec<Value>>;
    /// Every Secret whose metadata are such, managed or not: (namespace, name).
    fn secrets_with<'s>(&'s self, namespace: Option<&'s str>, such: Such<'s>) -> Sent<'s, Vec<(String, String)>>;
    /// The namespaces that hold an object of that kind and name.
    fn namespaces_with<'s>(&'s self, resource: &'s ApiResource, name: &'s str) -> Sent<'s, Vec<String>>;
    /// Makes an object; gives it as it is then.
    fn create<'s>(&'s self, resource: &'s ApiResource, namespace: &'s str, body: Value) -> Sent<'s, Value>;
    /// Changes an object by a merge patch; gives it as it is then.
    fn patch<'s>(&'s self, resource: &'s ApiResource, key: Key<'s>, patch: &'s Value) -> Sent<'s, Value>;
    /// Changes the status of an object by a merge patch; gives it as it is then.
    fn patch_status<'s>(&'s self, resource: &'s ApiResource, key: Key<'s>, patch: &'s Value) -> Sent<'s, Value>;
    /// Deletes an object in the very version that is expected.
    fn delete<'s>(&'s self, resource: &'s ApiResource, key: Key<'s>, expect: &'s Expect) -> Sent<'s, ()>;
}

/// Single requests to one cluster; a clone sends to the same one.
#[derive(Clone)]
pub(crate) struct Kube(Arc<dyn Port>);

impl Kube {
    /// Sends requests there.
    pub(crate) fn over(port: impl Port + 'static) -> Self {
        Kube(Arc::new(port))
    }

    /// One object of a watched kind, if it is there.
    pub(crate) async fn get(&self, kind: Kind, key: Key<'_>) -> Result<Option<Value>, KubeError> {
        self.get_of(&resource(kind), key).await
    }

    /// One object of any kind, if it is there.
    pub(crate) async fn get_of(&self, resource: &ApiResource, key: Key<'_>) -> Result<Option<Value>, KubeError> {
        if_there(self.0.get(resource, key).await)
    }

    /// The metadata of one object, if it is there: of somebody else's Secret nothing more may be read.
    pub(crate) async fn metadata(&self, kind: Kind, key: Key<'_>) -> Result<Option<Value>, KubeError> {
        if_there(self.0.metadata(&resource(kind), key).await)
    }

    /// Every watched object of a kind in a namespace or everywhere.
    pub(crate) async fn list(&self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Value>, KubeError> {
        self.0.list(kind, namespace).await
    }

    /// Every Secret whose metadata are such, managed or not: (namespace, name); metadata only.
    pub(crate) async fn secrets_with(
        &self,
        namespace: Option<&str>,
        such: impl Fn(&ObjectMeta) -> bool + Send + Sync,
    ) -> Result<Vec<(String, String)>, KubeError> {
        self.0.secrets_with(namespace, &such).await
    }

    /// The namespaces that hold an object of that kind and name.
    pub(crate) async fn namespaces_with(&self, kind: &ApiResource, name: &str) -> Result<Vec<String>, KubeError> {
        self.0.namespaces_with(kind, name).await
    }

    /// Makes an object; gives it as it is then.
    pub(crate) async fn create(&self, kind: &ApiResource, namespace: &str, body: Value) -> Result<Value, KubeError> {
        self.0.create(kind, namespace, body).await
    }

    /// Changes an object by a merge patch; gives it as it is then.
    pub(crate) async fn patch(&self, kind: &ApiResource, key: Key<'_>, patch: &Value) -> Result<Value, KubeError> {
        self.0.patch(kind, key, patch).await
    }

    /// Changes the status of an object by a merge patch; gives it as it is then.
    pub(crate) async fn patch_status(&self, kind: Kind, key: Key<'_>, patch: &Value) -> Result<Value, KubeError> {
        self.0.patch_status(&resource(kind), key, patch).await
    }

    /// Deletes an object in the very version that is expected; one that is gone counts as deleted.
    pub(crate) async fn delete(&self, kind: Kind, key: Key<'_>, expect: &Expect) -> Result<(), KubeError> {
        match self.0.delete(&resource(kind), key, expect).await {
            Ok(()) | Err(KubeError::NotFound) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

fn if_there(answer: Result<Value, KubeError>) -> Result<Option<Value>, KubeError> {
    match answer {
        Ok(found) => Ok(Some(found)),
        Err(KubeError::NotFound) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Sends requests to a cluster over HTTP.
#[derive(Clone)]
pub(crate) struct Http {
    client: Client,
    metrics: Metrics,
}

impl Http {
    /// Sends requests with this client; needs the runtime that they are going to run on.
    pub(crate) fn new(client: Client, metrics: Metrics) -> Self {
        Http { client: noticing(client, metrics.clone()), metrics }
    }

    /// The client itself, for watches, leases and events.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The requests for one kind, in a namespace or everywhere.
    pub(crate) fn api<K: Keep>(&self, resource: &ApiResource, namespace: Option<&str>) -> Api<Doc<K>> {
        match namespace {
            Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, resource),
            None => Api::all_with(self.client.clone(), resource),
        }
    }

    async fn pages<K: Keep>(&self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Value>, KubeError> {
        let resource = resource(kind);
        let api = self.api::<K>(&resource, namespace);
        let mut params = ListParams { label_selector: label_selector(kind), ..ListParams::default().limit(PAGE) };
        let mut found = Vec::new();
        loop {
            let page = self.measured(&resource, Verb::List, api.list(&params)).await?;
            found.extend(page.items.into_iter().map(|doc| doc.value));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    async fn metadata_pages(
        &self,
        namespace: Option<&str>,
        such: Such<'_>,
    ) -> Result<Vec<(String, String)>, KubeError> {
        let resource = resource(Kind::Secret);
        let api = self.api::<Whole>(&resource, namespace);
        let mut params = ListParams::default().limit(PAGE);
        let mut found = Vec::new();
        loop {
            let page = self.measured(&resource, Verb::List, api.list_metadata(&params)).await?;
            let such = page.items.iter().filter(|secret| such(&secret.metadata));
            found.extend(such.filter_map(|secret| Some((secret.namespace()?, secret.name_any()))));
            match page.metadata.continue_.filter(|token| !token.is_empty()) {
                Some(token) => params = params.continue_token(&token),
                None => return Ok(found),
            }
        }
    }

    async fn measured<T>(
        &self,
        resource: &ApiResource,
        verb: Verb,
        request: impl Future<Output = Result<T, kube::Error>>,
    ) -> Result<T, KubeError> {
        let begun = Instant::now();
        let answer = match tokio::time::timeout(DEADLINE, request).await {
            Ok(answer) => answer.map_err(|error| KubeError::from(&error)),
            Err(_) => Err(KubeError::NoAnswer),
        };
        let call = KubernetesCall { resource: counted(&resource.kind), verb };
        self.metrics.kubernetes_latency(call, begun.elapsed());
        answer
    }
}

impl Port for Http {
    fn get<'s>(&'s self, resource: &'s ApiResource, (namespace, name): Key<'s>) -> Sent<'s, Value> {
        let api = self.api::<Whole>(resource, Some(namespace));
        async move { self.measured(resource, Verb::Get, api.get(name)).await.map(|doc| doc.value) }.boxed()
    }

    fn metadata<'s>(&'s self, resource: &'s ApiResource, (namespace, name): Key<'s>) -> Sent<'s, Value> {
        let api = self.api::<Whole>(resource, Some(namespace));
        async move {
            let found = self.measured(resource, Verb::Get, api.get_metadata(name)).await;
            found.map(|found| json!({"metadata": found.metadata}))
        }
        .boxed()
    }

    fn list<'s>(&'s self, kind: Kind, namespace: Option<&'s str>) -> Sent<'s, Vec<Value>> {
        match kind {
            Kind::Workload(_) => self.pages::<Lean>(kind, namespace).boxed(),
            Kind::Application | Kind::Secret | Kind::Instance(_) => self.pages::<Whole>(kind, namespace).boxed(),
        }
    }

    fn secrets_with<'s>(&'s self, namespace: Option<&'s str>, such: Such<'s>) -> Sent<'s, Vec<(String, String)>> {
        self.metadata_pages(namespace, such).boxed()
    }

    fn namespaces_with<'s>(&'s self, resource: &'s ApiResource, name: &'s str) -> Sent<'s, Vec<String>> {
        let api = self.api::<Whole>(resource, None);
        async move {
            let params = ListParams::default().fields(&format!("metadata.name={name}"));
            let found = self.measured(resource, Verb::List, api.list_metadata(&params)).await?;
            Ok(found.items.iter().filter_map(ResourceExt::namespace).collect())
        }
        .boxed()
    }

    fn create<'s>(&'s self, resource: &'s ApiResource, namespace: &'s str, body: Value) -> Sent<'s, Value> {
        let api = self.api::<Whole>(resource, Some(namespace));
        async move {
            let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
            let body = Doc::of(body);
            self.measured(resource, Verb::Create, api.create(&params, &body)).await.map(|doc| doc.value)
        }
        .boxed()
    }

    fn patch<'s>(&'s self, resource: &'s ApiResource, (namespace, name): Key<'s>, patch: &'s Value) -> Sent<'s, Value> {
        let api = self.api::<Whole>(resource, Some(namespace));
        async move {
            let patch = Patch::Merge(patch);
            self.measured(resource, Verb::Patch, api.patch(name, &params(), &patch)).await.map(|doc| doc.value)
        }
        .boxed()
    }

    fn patch_status<'s>(
        &'s self,
        resource: &'s ApiResource,
        (namespace, name): Key<'s>,
        patch: &'s Value,
    ) -> Sent<'s, Value> {
        let api = self.api::<Whole>(resource, Some(namespace));
        async move {
            let patch = Patch::Merge(patch);
            let params = params();
            let patched = api.patch_status(name, &params, &patch);
            self.measured(resource, Verb::Update, patched).await.map(|doc| doc.value)
        }
        .boxed()
    }

    fn delete<'s>(&'s self, resource: &'s ApiResource, (namespace, name): Key<'s>, expect: &'s Expect) -> Sent<'s, ()> {
        let Expect { uid, version } = expect;
        let api = self.api::<Whole>(resource, Some(namespace));
        let preconditions = Preconditions { uid: Some(uid.to_string()), resource_version: Some(version.to_string()) };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        async move { self.measured(resource, Verb::Delete, api.delete(name, &params)).await.map(drop) }.boxed()
    }
}

/// Who writes.
const MANAGER: &str = "aivenator";

fn params() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}

/// A client that notes each watch that is answered: one without changes says nothing else for hours.
fn noticing(client: Client, metrics: Metrics) -> Client {
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: Request<Body>| {
        let (client, metrics, watched) = (client.clone(), metrics.clone(), watched_by(request.uri()));
        async move {
            let answer = client.send(request).await?;
            if let Some(resource) = watched
                && answer.status().is_success()
            {
                metrics.watch_seen(resource);
            }
            Ok::<_, kube::Error>(answer)
        }
    });
    Client::new(service, namespace)
}

/// What a request watches, if it does.
fn watched_by(uri: &Uri) -> Option<Resource> {
    let is_watch = uri.query()?.split('&').any(|pair| pair == "watch=true" || pair == "watch=1");
    let plural = uri.path().rsplit('/').next().filter(|_| is_watch)?;
    let kind = watched().find(|kind| resource(*kind).plural == plural)?;
    Some(counted(&kind.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn watches_are_told_from_lists() {
        for (uri, watched) in [
            ("/api/v1/pods?&watch=true&timeoutSeconds=290", Some(Resource::Pod)),
            ("/api/v1/namespaces/a/secrets?watch=true&labelSelector=type%3Da", Some(Resource::Secret)),
            ("/apis/aiven.io/v1alpha1/opensearches?watch=1", Some(Resource::OpenSearch)),
            ("/api/v1/pods?limit=500", None),
            ("/api/v1/pods?labelSelector=watch", None),
            ("/api/v1/configmaps?watch=true", None),
        ] {
            assert_eq!(watched_by(&uri.parse().unwrap()), watched, "{uri}");
        }
    }
}
