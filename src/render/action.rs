//! One action, in words.
//!
//! Takes as given that the object it belongs to was named above it; leaves out what only an executor needs (uid, version).

use super::page::{Page, Row};
use super::paint::Symbol;
use super::summary::and;
use super::write;
use crate::action::{AccessRules, Action, ConditionSet, Operation, UpdateStatus};
use crate::world::{ConsumerKind, ConsumerRef, Name, UserKey, names, rfc3339};

/// Writes one action, on as many lines as it needs.
pub(super) fn action(page: &mut Page, indent: usize, action: &Action) {
    if let Action::WriteKeys(keys) = action {
        return write::keys(page, indent, keys);
    }
    let text = page.dated(&words(action));
    page.item(indent, symbol(action), &text);
    match action {
        Action::CreateUser { user: _, access: Some(access) } | Action::SetAccess { user: _, access } => {
            rules(page, indent + 4, access);
        }
        Action::ReleaseSecret { namespace: _, name: _, left_behind, expect: _ } => {
            for user in left_behind {
                page.item(indent + 2, Symbol::Keep, &left(user));
            }
        }
        Action::ClearIntent { user, namespace: _, secret: _, left_behind: true, retired: _ } => {
            page.item(indent + 2, Symbol::Keep, &left(user));
        }
        _ => {}
    }
}

/// What stands before it.
pub(super) const fn symbol(action: &Action) -> Symbol {
    match action {
        Action::RecordIntent { .. } | Action::ClearIntent { .. } => Symbol::Note,
        Action::CreateUser { .. } => Symbol::Create,
        Action::WriteKeys(write) => match write.operation {
            Operation::Create => Symbol::Create,
            Operation::Patch => Symbol::Change,
        },
        Action::SetAccess { .. }
        | Action::EnableAcl { .. }
        | Action::GrantAcl { .. }
        | Action::RetireUser { .. }
        | Action::UpdateStatus(_) => Symbol::Change,
        Action::RevokeAcl { .. }
        | Action::DeleteUser { .. }
        | Action::DeleteSecret { .. }
        | Action::ReleaseSecret { .. }
        | Action::DeleteApplication { .. } => Symbol::Delete,
        Action::SkipProtected { .. } | Action::KeepSecret { .. } | Action::KeepUser { .. } => Symbol::Keep,
    }
}

/// One action in a few words, for a log line or an event.
pub fn words(action: &Action) -> String {
    match action {
        Action::RecordIntent { user, namespace: _, secret, application: _, application_uid: _ } => {
            format!("note that user {} is about to be made for secret {secret}", user.username)
        }
        Action::CreateUser { user, access: _ } => format!("create user {}", place(user)),
        Action::SetAccess { user, access } => match crate::want::access_of(access) {
            Some(access) => format!("set the rights of user {} to {}", place(user), access.as_str()),
            None => format!("change what user {} may do", place(user)),
        },
        Action::EnableAcl { project, service } => format!("turn on access control for {project}/{service}"),
        Action::GrantAcl { user, permission } => format!("grant {permission} to user {}", place(user)),
        Action::RevokeAcl { user } => format!("revoke every right of user {}", place(user)),
        Action::RetireUser { user, namespace: _, secret: _, application: _ } => {
            format!("retire user {}: it is deleted once nothing holds it any longer", place(user))
        }
        Action::WriteKeys(write) => match write.operation {
            Operation::Create => format!("create secret {}", write.name),
            Operation::Patch => format!("change secret {}", write.name),
        },
        Action::DeleteUser { user } => format!("delete user {}", place(user)),
        Action::ClearIntent { user, namespace: _, secret: _, left_behind: _, retired: _ } => {
            format!("remove the note about user {} from the journal", user.username)
        }
        Action::DeleteSecret { namespace: _, name, expect: _ } => format!("delete secret {name}; its users follow"),
        Action::ReleaseSecret { namespace: _, name, left_behind: _, expect: _ } => {
            format!("let secret {name} go (remove the finalizer)")
        }
        Action::DeleteApplication { namespace: _, name, expect: _ } => format!("delete AivenApplication {name}"),
        Action::UpdateStatus(update) => status(update),
        Action::SkipProtected { namespace: _, name, expires_at: None } => {
            format!("keep secret {name}: it is protected")
        }
        Action::SkipProtected { namespace: _, name, expires_at: Some(end) } => {
            format!("keep secret {name}, which is protected until {}", rfc3339(*end))
        }
        Action::KeepSecret { namespace: _, name, used_by } => format!("keep secret {name}, for {}", consumers(used_by)),
        Action::KeepUser { user, used_by } => {
            format!("keep user {}, recorded by secret {}", place(user), joined(used_by, ", "))
        }
    }
}

fn status(update: &UpdateStatus) -> String {
    let UpdateStatus {
        namespace: _,
        name: _,
        expect: _,
        state,
        hash: _,
        observed_generation: _,
        synchronized_generation: _,
        conditions,
        was,
        gone,
    } = update;
    let standing: Vec<String> = conditions.iter().filter_map(worth_saying).collect();
    let of = |names: &[String]| match names {
        [one] => format!("condition {one}"),
        more => format!("conditions {}", and(more)),
    };
    if state != was || !standing.is_empty() {
        let standing = if standing.is_empty() { String::new() } else { format!(", with {}", of(&standing)) };
        return format!("set its status to {state}{standing}");
    }
    let gone: Vec<String> = gone.iter().map(Name::to_string).collect();
    match gone.len() {
        0 => format!("bring its status up to date ({state})"),
        count => format!("set its status: {} {}", of(&gone), if count == 1 { "goes" } else { "go" }),
    }
}

/// A condition that is true and changes, but for the one that only repeats the state.
fn worth_saying(condition: &ConditionSet) -> Option<String> {
    let ConditionSet { kind, status, reason, message: _, changed } = condition;
    let said = *changed && *status == "True" && *kind != names::SUCCEEDED;
    said.then(|| format!("{kind} ({reason})"))
}

fn rules(page: &mut Page, indent: usize, access: &AccessRules) {
    let AccessRules { categories, commands, keys, channels } = access;
    let row = |name: &str, values: &[Name]| Row {
        names: vec![name.to_owned()],
        text: if values.is_empty() { "none".to_owned() } else { joined(values, " ") },
    };
    let commands: Vec<Name> = categories.iter().chain(commands).cloned().collect();
    page.rows(indent, &[row("commands", &commands), row("keys", keys), row("channels", channels)]);
}

/// A user that stays at Aiven when its secret goes.
fn left(user: &UserKey) -> String {
    if user.service.is_empty() || user.project.is_empty() {
        return format!("leave user {} behind (it was recorded without a service)", user.username);
    }
    format!("leave user {} behind", place(user))
}

/// A user, and where.
fn place(user: &UserKey) -> String {
    let UserKey { project, service, username } = user;
    format!("{username} on {project}/{service}")
}

/// Objects by kind, the kind once: `Pod a, b, ReplicaSet c`.
pub(super) fn consumers(all: &[ConsumerRef]) -> String {
    let mut last: Option<ConsumerKind> = None;
    let shown = all.iter().map(|ConsumerRef { kind, name }| {
        let same = last.replace(*kind) == Some(*kind);
        if same { name.to_string() } else { format!("{kind} {name}") }
    });
    shown.collect::<Vec<_>>().join(", ")
}

fn joined(values: &[Name], separator: &str) -> String {
    values.iter().map(Name::as_str).collect::<Vec<_>>().join(separator)
}
