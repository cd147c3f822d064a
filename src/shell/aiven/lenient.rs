//! Values of an answer that may be anything, whatever its description says.
//!
//! Decides nothing: a value that is not of the expected kind is as good as absent. Takes as given that whoever asks knows
//! which absence matters. Never fails but on what is not JSON, and never copies what it leaves out.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use jiff::Timestamp;
use serde::de::value::MapAccessDeserializer;
use serde::de::{Deserialize, DeserializeOwned, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::world::Name;

/// A kind of value, and what it takes from each kind of JSON; from the others its default.
pub(super) trait Shape: Default {
    fn text(_: &str) -> Self {
        Self::default()
    }

    fn number(_: i64) -> Self {
        Self::default()
    }

    fn flag(_: bool) -> Self {
        Self::default()
    }

    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }

    fn object<'de, A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::default())
    }
}

/// A value of that shape, whatever stands there.
#[derive(Clone, Debug, Default)]
pub(super) struct Loose<T>(pub(super) T);

impl<'de, T: Shape> Deserialize<'de> for Loose<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Any(PhantomData))
    }
}

impl<T> Deref for Loose<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: Shape> Visitor<'de> for Any<T> {
    type Value = Loose<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Loose<T>, E> {
        Ok(Loose(T::text(text)))
    }

    fn visit_bool<E: Error>(self, flag: bool) -> Result<Loose<T>, E> {
        Ok(Loose(T::flag(flag)))
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Loose<T>, E> {
        Ok(Loose(T::number(number)))
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Loose<T>, E> {
        Ok(Loose(i64::try_from(number).map_or_else(|_| T::default(), T::number)))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Loose<T>, E> {
        Ok(Loose(T::default()))
    }

    fn visit_unit<E: Error>(self) -> Result<Loose<T>, E> {
        Ok(Loose(T::default()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Loose<T>, A::Error> {
        T::list(list).map(Loose)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Loose<T>, A::Error> {
        T::object(map).map(Loose)
    }
}

/// Something that is passed over: not even copied.
#[derive(Default)]
pub(super) struct Unread;

impl Shape for Unread {}

/// A text, a number or a boolean; not for anything secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Scalar {
    Text(String),
    Number(i64),
    Flag(bool),
    #[default]
    Other,
}

impl Shape for Scalar {
    fn text(text: &str) -> Self {
        Scalar::Text(text.to_owned())
    }

    fn number(number: i64) -> Self {
        Scalar::Number(number)
    }

    fn flag(flag: bool) -> Self {
        Scalar::Flag(flag)
    }
}

impl Scalar {
    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Scalar::Text(text) => Some(text),
            Scalar::Number(_) | Scalar::Flag(_) | Scalar::Other => None,
        }
    }

    /// A text that is not empty.
    pub(super) fn as_name(&self) -> Option<Name> {
        self.as_text().filter(|text| !text.is_empty()).map(Name::from)
    }

    pub(super) fn as_number(&self) -> Option<i64> {
        match self {
            Scalar::Number(number) => Some(*number),
            Scalar::Text(text) => text.parse().ok(),
            Scalar::Flag(_) | Scalar::Other => None,
        }
    }

    pub(super) fn as_flag(&self) -> Option<bool> {
        match self {
            Scalar::Flag(flag) => Some(*flag),
            Scalar::Text(_) | Scalar::Number(_) | Scalar::Other => None,
        }
    }

    pub(super) fn as_time(&self) -> Option<Timestamp> {
        self.as_text()?.parse().ok()
    }
}

/// A list; `None` if it is none.
#[derive(Clone, Debug)]
pub(super) struct List<T>(pub(super) Option<Vec<T>>);

impl<T> Default for List<T> {
    fn default() -> Self {
        List(None)
    }
}

impl<T: Shape> Shape for List<T> {
    fn list<'de, A: SeqAccess<'de>>(mut list: A) -> Result<Self, A::Error> {
        let mut items = vec![];
        while let Some(Loose(item)) = list.next_element()? {
            items.push(item);
        }
        Ok(List(Some(items)))
    }
}

impl<T> List<T> {
    /// Its items; none if it is no list.
    pub(super) fn items(&self) -> &[T] {
        self.0.as_deref().unwrap_or_default()
    }
}

/// An object; `None` if it is none.
#[derive(Clone, Debug)]
pub(super) struct Object<T>(pub(super) Option<T>);

impl<T> Default for Object<T> {
    fn default() -> Self {
        Object(None)
    }
}

impl<T: DeserializeOwned> Shape for Object<T> {
    fn object<'de, A: MapAccess<'de>>(map: A) -> Result<Self, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map)).map(|object| Object(Some(object)))
    }
}

/// Reads a whole body that should be an object; `None` if it is not.
pub(super) fn object<T: DeserializeOwned>(body: &[u8]) -> Option<T> {
    serde_json::from_slice::<Loose<Object<T>>>(body).ok()?.0.0
}
