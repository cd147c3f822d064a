//! Actions on applications: their status, and their end.
//!
//! Takes as given that conditions of other types stay; the times of conditions that have not changed are those that stand.

use serde_json::{Map, Value as Json, json};

use super::Executor;
use crate::action::{ConditionSet, UpdateStatus};
use crate::documents::Seen;
use crate::shell::clock;
use crate::shell::fact::Fact;
use crate::shell::kube::KubeError;
use crate::shell::trouble::Trouble;
use crate::world::{AppKey, Expect, Kind, Name, rfc3339};

impl Executor {
    /// Patches the status of the very version that was decided on.
    pub(super) async fn update_status(&self, update: &UpdateStatus) -> Result<(), Trouble> {
        let key = (&*update.namespace, &*update.name);
        let found = self.kube.get(Kind::Application, key).await.map_err(Trouble::kubernetes("UpdateStatus"))?;
        let stale = Trouble::Stale { operation: "UpdateStatus" };
        let Some(found) = found else {
            self.application_gone(&update.namespace, &update.name);
            return Err(stale);
        };
        let version = found.pointer("/metadata/resourceVersion").and_then(Json::as_str);
        if version != Some(&*update.expect.version) {
            self.application_seen(&found);
            return Err(stale);
        }
        let patch = status(update, &found, &rfc3339(clock::now()));
        match self.kube.patch_status(Kind::Application, key, &patch).await {
            Ok(written) => {
                self.application_seen(&written);
                Ok(())
            }
            Err(error) => Err(self.look_again(error, "UpdateStatus", (&update.namespace, &update.name)).await),
        }
    }

    /// Deletes the very application that has expired.
    pub(super) async fn delete_application(
        &self,
        (namespace, name): (&Name, &Name),
        expect: &Expect,
    ) -> Result<(), Trouble> {
        match self.kube.delete(Kind::Application, (namespace, name), expect).await {
            Ok(()) => Ok(()),
            Err(error) => Err(self.look_again(error, "DeleteApplication", (namespace, name)).await),
        }
    }

    async fn look_again(
        &self,
        error: KubeError,
        operation: &'static str,
        (namespace, name): (&Name, &Name),
    ) -> Trouble {
        let trouble = Trouble::kubernetes(operation)(error);
        if trouble.is_stale() {
            match self.kube.get(Kind::Application, (namespace, name)).await {
                Ok(Some(found)) => self.application_seen(&found),
                Ok(None) => self.application_gone(namespace, name),
                Err(error) => return Trouble::kubernetes("GetApplication")(error),
            }
        }
        trouble
    }

    fn application_seen(&self, found: &Json) {
        if let Some(sighting) = self.sight(Kind::Application, found) {
            self.learn(Fact::Seen(Box::new(sighting)));
        }
    }

    fn application_gone(&self, namespace: &Name, name: &Name) {
        let key = AppKey { namespace: namespace.clone(), name: name.clone() };
        self.learn(Fact::Gone(Seen::Application(key)));
    }
}

fn status(update: &UpdateStatus, found: &Json, now: &str) -> Json {
    let UpdateStatus {
        namespace: _,
        name: _,
        expect,
        state,
        hash,
        observed_generation,
        synchronized_generation,
        conditions,
        was: _,
        gone: _,
    } = update;
    let stand = found.pointer("/status/conditions").and_then(Json::as_array).map_or(&[][..], Vec::as_slice);
    let conditions: Vec<Json> = conditions.iter().map(|set| condition(set, stand, now)).collect();
    json!({
        "metadata": {"uid": expect.uid, "resourceVersion": expect.version},
        "status": {
            "synchronizationState": state,
            "synchronizationHash": hash,
            "synchronizationTime": now,
            "synchronizedGeneration": synchronized_generation,
            "observedGeneration": observed_generation,
            "conditions": conditions,
        },
    })
}

fn condition(set: &ConditionSet, stand: &[Json], now: &str) -> Json {
    let ConditionSet { kind, status, reason, message, changed } = set;
    let stood = stand.iter().find(|stood| stood.get("type").and_then(Json::as_str) == Some(kind));
    let mut condition = stood.and_then(Json::as_object).cloned().unwrap_or_else(Map::new);
    condition.insert("type".into(), json!(kind));
    condition.insert("status".into(), json!(status));
    for (member, text) in [("reason", reason), ("message", message)] {
        if text.is_empty() {
            condition.remove(member);
        } else {
            condition.insert(member.into(), json!(text));
        }
    }
    if *changed {
        condition.insert("lastUpdateTime".into(), json!(now));
    }
    Json::Object(condition)
}
