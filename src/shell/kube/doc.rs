//! Objects as JSON, without what nobody reads: managed fields always, and of pods all but the way to secret names.
//!
//! Takes as given that the API server gives valid objects: decoding one never fails, since a library that cannot decode an
//! answer may log it. Never shows a value.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::core::{ApiResource, DynamicResourceScope};
use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use serde_json::{Map, Value};

use crate::documents::matters_of_workload;

/// Which members of an object are kept, at whatever depth they stand.
pub(crate) trait Keep: Send + Sync + 'static {
    /// Whether one of that name is kept.
    fn keeps(member: &str) -> bool;
}

/// Everything but the managed fields.
pub(crate) enum Whole {}

/// What says which secrets a pod or workload uses.
pub(crate) enum Lean {}

impl Keep for Whole {
    fn keeps(member: &str) -> bool {
        member != "managedFields"
    }
}

impl Keep for Lean {
    fn keeps(member: &str) -> bool {
        matters_of_workload(member)
    }
}

/// An object as JSON.
pub(crate) struct Doc<K> {
    /// What the library needs of the metadata.
    metadata: ObjectMeta,
    /// The object.
    pub(crate) value: Value,
    keep: PhantomData<K>,
}

impl<K> Clone for Doc<K> {
    fn clone(&self) -> Self {
        Doc { metadata: self.metadata.clone(), value: self.value.clone(), keep: PhantomData }
    }
}

impl<K> fmt::Debug for Doc<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Doc({:?}/{:?})", self.metadata.namespace, self.metadata.name)
    }
}

impl<K> Serialize for Doc<K> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}

impl<'de, K: Keep> Deserialize<'de> for Doc<K> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Pruned::<K>(PhantomData).deserialize(deserializer).map(Doc::of)
    }
}

impl<K> Doc<K> {
    /// An object to be sent.
    pub(crate) fn of(value: Value) -> Self {
        let text = |key: &str| value.get("metadata")?.get(key)?.as_str().map(str::to_owned);
        let metadata = ObjectMeta {
            name: text("name"),
            namespace: text("namespace"),
            uid: text("uid"),
            resource_version: text("resourceVersion"),
            ..ObjectMeta::default()
        };
        Doc { metadata, value, keep: PhantomData }
    }
}

impl<K: Keep> kube::Resource for Doc<K> {
    type DynamicType = ApiResource;
    type Scope = DynamicResourceScope;

    fn kind(of: &ApiResource) -> Cow<'_, str> {
        of.kind.as_str().into()
    }

    fn group(of: &ApiResource) -> Cow<'_, str> {
        of.group.as_str().into()
    }

    fn version(of: &ApiResource) -> Cow<'_, str> {
        of.version.as_str().into()
    }

    fn api_version(of: &ApiResource) -> Cow<'_, str> {
        of.api_version.as_str().into()
    }

    fn plural(of: &ApiResource) -> Cow<'_, str> {
        of.plural.as_str().into()
    }

    fn meta(&self) -> &ObjectMeta {
        &self.metadata
    }

    fn meta_mut(&mut self) -> &mut ObjectMeta {
        &mut self.metadata
    }
}

/// Reads JSON and leaves out what is not kept, without ever building it.
struct Pruned<K>(PhantomData<K>);

impl<K> Clone for Pruned<K> {
    fn clone(&self) -> Self {
        Pruned(PhantomData)
    }
}

impl<'de, K: Keep> DeserializeSeed<'de> for Pruned<K> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de, K: Keep> Visitor<'de> for Pruned<K> {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_none<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let mut kept = Vec::new();
        while let Some(entry) = entries.next_element_seed(self.clone())? {
            kept.push(entry);
        }
        Ok(Value::Array(kept))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut kept = Map::new();
        while let Some(member) = members.next_key::<Cow<'de, str>>()? {
            if K::keeps(&member) {
                kept.insert(member.into_owned(), members.next_value_seed(self.clone())?);
            } else {
                members.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Value::Object(kept))
    }
}
