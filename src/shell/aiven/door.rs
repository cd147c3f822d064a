//! What reads Aiven's answers, as plain functions of bytes; for `fuzz/`, and in no build that is shipped.
//!
//! Decides nothing: each does what [`Client`](super::Client) does with an answer once it is there.

use std::time::Duration;

use super::acl::RawAcl;
use super::answer::{Failed, why_failed};
use super::credentials::Account;
use super::error::{Circumstances, Error, Operation, Target};
use super::{pace, wire};
use crate::world::{Digester, Name, Service, ServiceKey, Timestamp, UserKey};

/// What an answer says went wrong, as it is recorded, logged and shown; `None` if nothing did.
pub fn error((operation, target): (Operation, &Target), status: u16, body: &[u8]) -> Option<Error> {
    let Failed { problem, status, code } = why_failed((operation, target), status, body)?;
    Some(Error::new((operation, target), problem, Circumstances { status, code, ..Circumstances::default() }))
}

/// How long a `Retry-After` asks to wait.
pub fn retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    pace::retry_after(value, now)
}

/// Reads an answer about a service.
pub fn service(body: &[u8], key: &ServiceKey, digester: &Digester) -> Option<Service> {
    wire::service(body, key, digester)
}

/// Reads an answer about a service user.
pub fn account(body: &[u8], key: &UserKey, digester: &Digester) -> Option<Account> {
    wire::account(body, key, digester)
}

/// Reads an ACL document.
pub fn acl(body: &[u8]) -> Option<RawAcl> {
    wire::acl(body)
}

/// Reads the CA of a project.
pub fn ca(body: &[u8]) -> Option<String> {
    wire::ca(body)
}

/// Reads a list of projects.
pub fn projects(body: &[u8]) -> Option<Vec<Name>> {
    wire::projects(body)
}

/// Reads a list of services.
pub fn services(body: &[u8]) -> Option<Vec<Name>> {
    wire::services(body)
}
