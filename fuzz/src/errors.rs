//! Any answer that says something went wrong: nothing that Aiven wrote comes out, and "gone" only if it said so.

use std::error::Error as _;
use std::fmt::Write as _;

use aivenator::shell::aiven::{Missing, Operation, Problem, Target, door};
use aivenator::world::ServiceKey;
use serde_json::Value;

use crate::CANARY;

const OPERATIONS: [Operation; 10] = [
    Operation::ListProjects,
    Operation::GetCa,
    Operation::ListServices,
    Operation::GetService,
    Operation::GetUser,
    Operation::CreateUser,
    Operation::SetAccess,
    Operation::DeleteUser,
    Operation::GetAcl,
    Operation::PutAcl,
];

const STATUSES: [u16; 18] = [200, 204, 302, 400, 401, 403, 404, 405, 407, 408, 409, 413, 417, 422, 429, 500, 503, 599];

/// See the module: an operation, a status, and a body in which `@` stands for a secret.
pub fn check(bytes: &[u8]) {
    let [operation, status, body @ ..] = bytes else { return };
    let operation = OPERATIONS[usize::from(*operation) % OPERATIONS.len()];
    let status = STATUSES[usize::from(*status) % STATUSES.len()];
    let body = String::from_utf8_lossy(body).replace('@', CANARY);
    let target = target(operation);
    let Some(error) = door::error((operation, &target), status, body.as_bytes()) else {
        assert!((200..300).contains(&status), "{status} is no success");
        return;
    };
    let mut shown = format!("{error} {error:?} {:?} {:?} {:?}", error.problem(), error.code(), error.class());
    let mut source = error.source();
    while let Some(cause) = source {
        let _ = write!(shown, "{cause} {cause:?}");
        source = cause.source();
    }
    assert!(!shown.to_lowercase().contains(CANARY), "{shown}");
    assert!(!shown.contains(['\n', '\r']), "{shown:?}");
    if let Problem::Missing(missing) = error.problem() {
        let word = match missing {
            Missing::Project => "project",
            Missing::Service => "service",
            Missing::User => "user",
        };
        // As a text, without escapes.
        let said = serde_json::from_str::<Value>(&body).map_or_else(|_| body.clone(), |body| body.to_string());
        assert!(said.to_lowercase().contains(word), "{word} is gone, and nobody said so: {body}");
    }
    let _ = door::retry_after(&body, "2026-11-20T12:00:00Z".parse().expect("a time"));
}

fn target(operation: Operation) -> Target {
    let key = ServiceKey::new("p", "s");
    match operation {
        Operation::ListProjects => Target::Account,
        Operation::GetCa | Operation::ListServices => Target::Project(key.project),
        Operation::GetService | Operation::GetAcl | Operation::PutAcl => Target::Service(key),
        Operation::GetUser | Operation::CreateUser | Operation::SetAccess | Operation::DeleteUser => {
            Target::User(key.user("u".into()))
        }
    }
}
