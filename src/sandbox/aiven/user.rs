//! One service user, and how Aiven shows it.
//!
//! Decides what is redacted, what is left out because it is empty, and from when until when reads show the user.

use jiff::Timestamp;
use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Map, Value};

use super::authority::{self, Authority, Pair, whole};

/// What stands in the place of a secret.
pub(super) const REDACTED: &str = "<redacted>";

/// One service user.
#[derive(Clone)]
pub(super) struct User {
    pub(super) kind: String,
    pub(super) password: String,
    pub(super) password_updated: Timestamp,
    /// How many more reads show an empty password.
    pub(super) empty_reads: u32,
    pub(super) pair: Option<Pair>,
    /// The end of the certificate before, while a renewed one is on offer.
    pub(super) expiring: Option<Timestamp>,
    pub(super) access: Option<Value>,
    /// Members that the sandbox makes nothing of.
    pub(super) others: Map<String, Value>,
    /// From when reads show it.
    pub(super) from: Timestamp,
    /// Until when reads still show it although it is deleted.
    pub(super) until: Option<Timestamp>,
}

impl User {
    /// A user that reads show at once.
    pub(super) fn new(kind: impl Into<String>, password: String, now: Timestamp) -> Self {
        User {
            kind: kind.into(),
            password,
            password_updated: whole(now),
            empty_reads: 0,
            pair: None,
            expiring: None,
            access: None,
            others: Map::new(),
            from: now,
            until: None,
        }
    }

    pub(super) fn is_primary(&self) -> bool {
        self.kind == "primary"
    }

    pub(super) fn exists(&self) -> bool {
        self.until.is_none()
    }

    pub(super) fn is_shown(&self, now: Timestamp) -> bool {
        self.from <= now && self.until.is_none_or(|until| now < until)
    }

    /// When something about it changes by itself: its certificate, or that it is still shown.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let ends = self.pair.as_ref().and_then(|pair| pair.ends);
        self.until.or_else(|| ends.map(authority::renewal).into_iter().chain(self.expiring).min())
    }

    /// Renews its certificate if that is due; whether there is a new key.
    pub(super) fn renew(&mut self, name: &str, authority: &Authority, now: Timestamp) -> Result<bool, rcgen::Error> {
        let due = self.pair.as_ref().and_then(|pair| authority::renewed(pair.ends?, now));
        if let Some((ends, before)) = due {
            self.pair = Some(authority.issue(name, authority::beginning(ends))?);
            self.expiring = Some(before);
        }
        self.expiring = self.expiring.filter(|end| *end > now);
        Ok(due.is_some())
    }

    /// A read with secrets: whether the password is there yet.
    pub(super) fn read(&mut self) -> bool {
        let ready = self.empty_reads == 0;
        self.empty_reads = self.empty_reads.saturating_sub(1);
        ready
    }
}

/// A user as an answer shows it.
pub(super) struct Shown<'a> {
    pub(super) name: &'a str,
    pub(super) user: &'a User,
    /// Whether its secrets are left out.
    pub(super) redact: bool,
    /// Whether its password is there yet.
    pub(super) ready: bool,
}

impl Serialize for Shown<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Shown { name, user, redact, ready } = *self;
        let hide = |secret| if redact { REDACTED } else { secret };
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("username", name)?;
        map.serialize_entry("type", &user.kind)?;
        map.serialize_entry("password", hide(if ready { &user.password } else { "" }))?;
        map.serialize_entry("password_updated_time", &user.password_updated)?;
        if let Some(pair) = &user.pair {
            map.serialize_entry("access_cert", hide(&pair.certificate))?;
            map.serialize_entry("access_key", hide(&pair.key))?;
            if let Some(ends) = pair.ends {
                map.serialize_entry("access_cert_not_valid_after_time", &ends)?;
            }
        }
        if let Some(expiring) = user.expiring {
            map.serialize_entry("expiring_cert_not_valid_after_time", &expiring)?;
        }
        if let Some(access) = &user.access {
            map.serialize_entry("access_control", &without_empty(access))?;
        }
        for (key, value) in &user.others {
            map.serialize_entry(key, value)?;
        }
        map.end()
    }
}

fn without_empty(access: &Value) -> Value {
    let is_empty = |value: &Value| value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    match access {
        Value::Object(members) => {
            let members = members.iter().filter(|(_, value)| !is_empty(value));
            Value::Object(members.map(|(key, value)| (key.clone(), value.clone())).collect())
        }
        other => other.clone(),
    }
}
