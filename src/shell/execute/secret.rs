//! Actions on Secrets: created, patched, deleted, released.
//!
//! Takes as given the version that each was decided on; a Secret in another is looked at again and left alone.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::core::ApiResource;
use serde_json::{Map, Value as Json, json};

use super::Executor;
use crate::action::{Operation, WriteKeys};
use crate::documents::{Seen, Sighting};
#[cfg(feature = "defects")]
use crate::sandbox::simulation::{Defect, sabotage};
use crate::shell::fact::Fact;
use crate::shell::kube::{KubeError, resource};
use crate::shell::resolve::{Purse, Resolved};
use crate::shell::trouble::Trouble;
use crate::value::Value;
use crate::world::{Expect, Kind, Name, SecretKey, UserKey, names};

impl Executor {
    /// Creates or patches a Secret; the answer is what is known of it from then on.
    pub(super) async fn write_keys(&self, write: &WriteKeys, purse: &mut Purse<'_>) -> Result<(), Trouble> {
        let mut facts = Vec::new();
        let resolved = purse.resolve(&write.set, &mut facts).await;
        for fact in facts {
            self.learn(fact);
        }
        let resolved = resolved?;
        let key = (&*write.namespace, &*write.name);
        let (operation, written) = match write.operation {
            Operation::Create => {
                let body = created(write, &resolved);
                let made = self.kube.create(&secrets(), &write.namespace, body.clone()).await;
                #[cfg(feature = "defects")]
                let made = sabotage::overwrite(made, &self.kube, (&secrets(), key, &body)).await;
                ("CreateSecret", made)
            }
            Operation::Patch => {
                let finalizers = self.finalizers(write).await?;
                let patch = patched(write, &resolved, finalizers);
                ("PatchSecret", self.kube.patch(&secrets(), key, &patch).await)
            }
        };
        let written = self.or_look_again(written, operation, key).await?;
        #[cfg(feature = "defects")]
        if sabotage::has(Defect::G33) {
            return Ok(());
        }
        if let Some(sighting) = self.sight(Kind::Secret, &written) {
            self.learn(Fact::Seen(Box::new(sighting)));
        }
        Ok(())
    }

    /// The finalizers that shall be there, those of others among them, if any are to be added.
    async fn finalizers(&self, write: &WriteKeys) -> Result<Option<Vec<String>>, Trouble> {
        if write.finalizers.is_empty() {
            return Ok(None);
        }
        let key = (&*write.namespace, &*write.name);
        let found = self.kube.metadata(Kind::Secret, key).await.map_err(Trouble::kubernetes("GetSecret"))?;
        let mut all = found.as_ref().map(finalizers).unwrap_or_default();
        all.extend(
            write.finalizers.iter().map(ToString::to_string).filter(|it| !finalizers_of(found.as_ref()).contains(it)),
        );
        Ok(Some(all))
    }

    /// Removes our finalizer from the very Secret that is being deleted; what stays at Aiven is noted first.
    pub(super) async fn release(
        &self,
        (namespace, name): (&Name, &Name),
        left_behind: &[UserKey],
        expect: &Expect,
    ) -> Result<(), Trouble> {
        let key = (&**namespace, &**name);
        let stale = Trouble::Stale { operation: "ReleaseSecret" };
        let found = self.kube.metadata(Kind::Secret, key).await.map_err(Trouble::kubernetes("ReleaseSecret"))?;
        let Some(found) = found else {
            self.learn(Fact::Gone(Seen::Secret(SecretKey { namespace: namespace.clone(), name: name.clone() })));
            return Err(stale);
        };
        let text = |pointer: &str| found.pointer(pointer).and_then(Json::as_str).unwrap_or_default();
        let is_expected =
            *text("/metadata/uid") == *expect.uid && *text("/metadata/resourceVersion") == *expect.version;
        let is_ending = !text("/metadata/deletionTimestamp").is_empty();
        #[cfg(feature = "defects")]
        let (is_expected, is_ending) =
            (is_expected || sabotage::has(Defect::G01), is_ending || sabotage::has(Defect::G01));
        if !is_expected || !is_ending {
            self.look_at_secret(key).await.map_err(Trouble::kubernetes("GetSecret"))?;
            return Err(stale);
        }
        for user in left_behind {
            self.leave_behind(user, "its secret went, and it was not made for that").await;
        }
        let others: Vec<String> = finalizers(&found).into_iter().filter(|it| it != names::FINALIZER).collect();
        let patch = json!({"metadata": {"uid": expect.uid, "resourceVersion": expect.version, "finalizers": others}});
        #[cfg(feature = "defects")]
        let patch = if sabotage::has(Defect::G01) { json!({"metadata": {"finalizers": others}}) } else { patch };
        let released = self.kube.patch(&secrets(), key, &patch).await;
        let released = if matches!(released, Err(KubeError::NotFound)) { Ok(Json::Null) } else { released };
        self.or_look_again(released, "ReleaseSecret", key).await.map(|_| ())
    }

    /// What a write came to; if what is there is not what was decided on, it is looked at again.
    pub(super) async fn or_look_again<T>(
        &self,
        done: Result<T, KubeError>,
        operation: &'static str,
        key: (&str, &str),
    ) -> Result<T, Trouble> {
        match done {
            Ok(done) => Ok(done),
            Err(error) => {
                let trouble = Trouble::kubernetes(operation)(error);
                if trouble.is_stale() {
                    self.look_at_secret(key).await.map_err(Trouble::kubernetes("GetSecret"))?;
                }
                Err(trouble)
            }
        }
    }

    /// Looks whether there is a Secret of that name, and at its data only if it is managed.
    pub(crate) async fn look_at_secret(&self, (namespace, name): (&str, &str)) -> Result<(), KubeError> {
        let key = SecretKey::new(namespace, name);
        let metadata = self.kube.metadata(Kind::Secret, (namespace, name)).await?;
        let found = match metadata.and_then(|metadata| self.sight(Kind::Secret, &metadata)) {
            Some(Sighting::Secret(_)) => self.kube.get(Kind::Secret, (namespace, name)).await?,
            Some(foreign) => {
                self.learn(Fact::Seen(Box::new(foreign)));
                return Ok(());
            }
            None => None,
        };
        match found.and_then(|found| self.sight(Kind::Secret, &found)) {
            Some(sighting) => self.learn(Fact::Seen(Box::new(sighting))),
            None => self.learn(Fact::Gone(Seen::Secret(key))),
        }
        Ok(())
    }
}

fn secrets() -> ApiResource {
    resource(Kind::Secret)
}

fn finalizers(object: &Json) -> Vec<String> {
    let listed = object.pointer("/metadata/finalizers").and_then(Json::as_array).into_iter().flatten();
    listed.filter_map(Json::as_str).map(str::to_owned).collect()
}

fn finalizers_of(object: Option<&Json>) -> Vec<String> {
    object.map(finalizers).unwrap_or_default()
}

fn created(write: &WriteKeys, resolved: &Resolved) -> Json {
    let WriteKeys { namespace, name, labels, annotations, finalizers, .. } = write;
    let labels: Map<String, Json> =
        labels.iter().filter_map(|(key, value)| Some((key.to_string(), json!(value.as_ref()?)))).collect();
    let annotations: Map<String, Json> = annotations
        .iter()
        .filter_map(|(key, value)| Some((key.to_string(), annotation(value.as_ref()?, resolved))))
        .collect();
    json!({
        "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
        "metadata": {
            "namespace": namespace, "name": name,
            "labels": labels, "annotations": annotations, "finalizers": finalizers,
        },
        "data": data(resolved),
    })
}

fn patched(write: &WriteKeys, resolved: &Resolved, finalizers: Option<Vec<String>>) -> Json {
    let WriteKeys { expect, remove, labels, annotations, .. } = write;
    let mut metadata = Map::new();
    if let Some(Expect { uid, version }) = expect {
        metadata.insert("uid".into(), json!(uid));
        metadata.insert("resourceVersion".into(), json!(version));
    }
    if !labels.is_empty() {
        metadata.insert("labels".into(), labels.iter().map(|(key, value)| (key.to_string(), json!(value))).collect());
    }
    if !annotations.is_empty() {
        let annotation = |value: &Option<Value>| value.as_ref().map_or(Json::Null, |value| annotation(value, resolved));
        let set = annotations.iter().map(|(key, value)| (key.to_string(), annotation(value))).collect();
        metadata.insert("annotations".into(), set);
    }
    if let Some(finalizers) = finalizers {
        metadata.insert("finalizers".into(), json!(finalizers));
    }
    let mut patch = Map::from_iter([("metadata".to_owned(), Json::Object(metadata))]);
    let mut data = data(resolved);
    data.extend(remove.iter().map(|key| (key.to_string(), Json::Null)));
    if !data.is_empty() {
        patch.insert("data".into(), Json::Object(data));
    }
    Json::Object(patch)
}

fn data(resolved: &Resolved) -> Map<String, Json> {
    resolved.data.iter().map(|(key, bytes)| (key.to_string(), json!(STANDARD.encode(&**bytes)))).collect()
}

/// An annotation as it is written; only texts and the digests of the stores ever stand in one.
fn annotation(value: &Value, resolved: &Resolved) -> Json {
    match value {
        Value::Text { text } => json!(text),
        Value::StoreDigests => json!(resolved.store_digests),
        Value::User { .. } | Value::Ca { .. } | Value::Keystore { .. } | Value::Truststore { .. } | Value::Clock => {
            Json::Null
        }
    }
}
