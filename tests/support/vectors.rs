//! Specs as the golden values hold them.

use aivenator::world::{Access, InstanceSpec, KafkaSpec, Name, Spec};
use serde_json::Value;

pub(crate) fn spec(json: &Value) -> Spec {
    Spec {
        secret_name: name(&json["secretName"]),
        protected: json["protected"].as_bool().unwrap_or_default(),
        expires_at: json["expiresAt"].as_str().map(|text| text.parse().unwrap()),
        kafka: json.get("kafka").map(|kafka| KafkaSpec {
            pool: name(&kafka["pool"]).unwrap_or_default(),
            secret_name: name(&kafka["secretName"]),
        }),
        open_search: json.get("openSearch").map(instance),
        valkey: json["valkey"].as_array().into_iter().flatten().map(instance).collect(),
    }
}

fn name(json: &Value) -> Option<Name> {
    json.as_str().map(Name::from)
}

fn instance(json: &Value) -> InstanceSpec {
    let access = json["access"].as_str();
    InstanceSpec {
        instance: name(&json["instance"]).unwrap_or_default(),
        access: access.and_then(|access| Access::ALL.into_iter().find(|known| known.as_str() == access)),
        secret_name: name(&json["secretName"]),
    }
}
