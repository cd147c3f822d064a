//! Single requests: reads, and writes that fail rather than act on a stale view.
//!
//! Takes as given that a write carries the version that it was decided on. Measures each request under the names that
//! dashboards use; never repeats one.

use std::future::Future;
use std::time::{Duration, Instant};

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{Api, DeleteParams, ListParams, Patch, PatchParams, PostParams, Preconditions};
use kube::core::ApiResource;
use kube::{Client, ResourceExt};
use serde_json::{Value, json};

use super::doc::{Doc, Keep, Whole};
use super::error::KubeError;
use super::kind::{counted, label_selector, resource};
use crate::shell::metrics::{KubernetesCall, Metrics, Verb};
use crate::world::{Expect, Kind};

/// After this time a request counts as not answered.
const DEADLINE: Duration = Duration::from_secs(30);
/// How many objects one page of a list holds.
const PAGE: u32 = 500;

/// Sends single requests to one cluster.
#[derive(Clone)]
pub(crate) struct Kube {
    client: Client,
    metrics: Metrics,
}

impl Kube {
    /// Sends requests with this client.
    pub(crate) fn new(client: Client, metrics: Metrics) -> Self {
        Kube { client, metrics }
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

    /// One object of a watched kind, if it is there.
    pub(crate) async fn get(&self, kind: Kind, key: (&str, &str)) -> Result<Option<Value>, KubeError> {
        self.get_of(&resource(kind), key).await
    }

    /// One object of any kind, if it is there.
    pub(crate) async fn get_of(
        &self,
        resource: &ApiResource,
        (namespace, name): (&str, &str),
    ) -> Result<Option<Value>, KubeError> {
        let api = self.api::<Whole>(resource, Some(namespace));
        match self.measured(resource, Verb::Get, api.get(name)).await {
            Ok(doc) => Ok(Some(doc.value)),
            Err(KubeError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The metadata of one object, if it is there: of somebody else's Secret nothing more may be read.
    pub(crate) async fn metadata(
        &self,
        kind: Kind,
        (namespace, name): (&str, &str),
    ) -> Result<Option<Value>, KubeError> {
        let resource = resource(kind);
        let api = self.api::<Whole>(&resource, Some(namespace));
        match self.measured(&resource, Verb::Get, api.get_metadata(name)).await {
            Ok(found) => Ok(Some(json!({"metadata": found.metadata}))),
            Err(KubeError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Every watched object of a kind in a namespace or everywhere, page by page.
    pub(crate) async fn list<K: Keep>(&self, kind: Kind, namespace: Option<&str>) -> Result<Vec<Value>, KubeError> {
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

    /// Every Secret whose metadata are such, managed or not: (namespace, name); metadata only.
    pub(crate) async fn secrets_with(
        &self,
        namespace: Option<&str>,
        such: impl Fn(&ObjectMeta) -> bool,
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

    /// The namespaces that hold an object of that kind and name.
    pub(crate) async fn namespaces_with(&self, kind: &ApiResource, name: &str) -> Result<Vec<String>, KubeError> {
        let api = self.api::<Whole>(kind, None);
        let params = ListParams::default().fields(&format!("metadata.name={name}"));
        let found = self.measured(kind, Verb::List, api.list_metadata(&params)).await?;
        Ok(found.items.iter().filter_map(ResourceExt::namespace).collect())
    }

    /// Makes an object; gives it as it is then.
    pub(crate) async fn create(&self, kind: &ApiResource, namespace: &str, body: Value) -> Result<Value, KubeError> {
        let api = self.api::<Whole>(kind, Some(namespace));
        let params = PostParams { field_manager: Some(MANAGER.to_owned()), ..PostParams::default() };
        let body = Doc::of(body);
        self.measured(kind, Verb::Create, api.create(&params, &body)).await.map(|doc| doc.value)
    }

    /// Changes an object by a merge patch; gives it as it is then.
    pub(crate) async fn patch(
        &self,
        kind: &ApiResource,
        (namespace, name): (&str, &str),
        patch: &Value,
    ) -> Result<Value, KubeError> {
        let api = self.api::<Whole>(kind, Some(namespace));
        let patch = Patch::Merge(patch);
        self.measured(kind, Verb::Patch, api.patch(name, &params(), &patch)).await.map(|doc| doc.value)
    }

    /// Changes the status of an object by a merge patch; gives it as it is then.
    pub(crate) async fn patch_status(
        &self,
        kind: Kind,
        (namespace, name): (&str, &str),
        patch: &Value,
    ) -> Result<Value, KubeError> {
        let resource = resource(kind);
        let api = self.api::<Whole>(&resource, Some(namespace));
        let patch = Patch::Merge(patch);
        self.measured(&resource, Verb::Update, api.patch_status(name, &params(), &patch)).await.map(|doc| doc.value)
    }

    /// Deletes an object in the very version that is expected; one that is gone counts as deleted.
    pub(crate) async fn delete(
        &self,
        kind: Kind,
        (namespace, name): (&str, &str),
        expect: &Expect,
    ) -> Result<(), KubeError> {
        let Expect { uid, version } = expect;
        let resource = resource(kind);
        let api = self.api::<Whole>(&resource, Some(namespace));
        let preconditions = Preconditions { uid: Some(uid.to_string()), resource_version: Some(version.to_string()) };
        let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::default() };
        match self.measured(&resource, Verb::Delete, api.delete(name, &params)).await {
            Ok(_) | Err(KubeError::NotFound) => Ok(()),
            Err(error) => Err(error),
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

/// Who writes.
const MANAGER: &str = "aivenator";

fn params() -> PatchParams {
    PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() }
}
