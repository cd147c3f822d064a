//! What can be done to the world: every detail is in the action, so that executing it needs no choice.
//!
//! Takes as given that actions of one step are executed in order, and that a failure ends the step.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::Serialize;

use crate::reason::Reason;
use crate::value::Value;
use crate::world::{ConsumerRef, Expect, Name, Timestamp, UserKey};

/// One effect, or one thing that is left on purpose; in the order of execution within a decision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// Writes down in the journal that a user is about to be made.
    RecordIntent {
        /// The user to be.
        #[serde(flatten)]
        user: UserKey,
        /// The namespace of the secret.
        namespace: Name,
        /// The secret that will record it.
        secret: Name,
        /// The application that it is for.
        application: Name,
        /// The uid of that application.
        application_uid: Name,
    },
    /// Makes a service user.
    CreateUser {
        /// Its name, and where.
        #[serde(flatten)]
        user: UserKey,
        /// What it may do, where that is part of making it (Valkey).
        #[serde(skip_serializing_if = "Option::is_none")]
        access: Option<AccessRules>,
    },
    /// Replaces what a Valkey user may do.
    SetAccess {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
        /// What it may do.
        access: AccessRules,
    },
    /// Turns the enforcement of ACLs on.
    EnableAcl {
        /// The Aiven project.
        project: Name,
        /// The OpenSearch service.
        service: Name,
    },
    /// Makes the ACL rules of an OpenSearch user exactly those of a permission.
    GrantAcl {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
        /// `read`, `write`, `readwrite` or `admin`.
        permission: Name,
    },
    /// Removes every ACL rule of an OpenSearch user.
    RevokeAcl {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
    },
    /// Writes down in the journal that a user is replaced; the write that follows lists it on the secret.
    RetireUser {
        /// The user that was replaced.
        #[serde(flatten)]
        user: UserKey,
        /// The namespace of the secret.
        namespace: Name,
        /// The secret that lists it.
        secret: Name,
        /// The application that the secret is for.
        application: Name,
    },
    /// Creates or patches a Secret.
    WriteKeys(Box<WriteKeys>),
    /// Deletes a service user; one that is gone already counts as deleted.
    DeleteUser {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
    },
    /// Removes what the journal says of a user: its intent, or the copy of its retirement.
    ClearIntent {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
        /// The namespace of the secret that it was for.
        namespace: Name,
        /// The secret that it was for.
        secret: Name,
        /// Whether the user stays at Aiven, ours to forget and not ours to delete; the journal then notes that.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        left_behind: bool,
        /// Whether it is the copy of its retirement that goes: where another replica has removed the intent, that copy is
        /// not to go in its place.
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        retired: bool,
    },
    /// Deletes a Secret; its finalizer sees to its users.
    DeleteSecret {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
        /// The object that this was decided on.
        #[serde(flatten)]
        expect: Expect,
    },
    /// Removes our finalizer from a Secret that is being deleted.
    ReleaseSecret {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
        /// Users that stay at Aiven; the journal notes them.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        left_behind: Vec<UserKey>,
        /// The object that this was decided on.
        #[serde(flatten)]
        expect: Expect,
    },
    /// Deletes an application that has expired.
    DeleteApplication {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
        /// The object that this was decided on.
        #[serde(flatten)]
        expect: Expect,
    },
    /// Patches the status of an application.
    UpdateStatus(Box<UpdateStatus>),
    /// Changes nothing: says that a secret stays because it is protected.
    SkipProtected {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
        /// When the protection ends, if it does.
        #[serde(skip_serializing_if = "Option::is_none", serialize_with = "optional_time")]
        #[cfg_attr(feature = "schema", schemars(with = "Option<String>"))]
        expires_at: Option<Timestamp>,
    },
    /// Changes nothing: says that a secret stays because something asks for it or uses it.
    KeepSecret {
        /// The namespace.
        namespace: Name,
        /// The name.
        name: Name,
        /// What asks for it; if nothing does, what uses it.
        used_by: Arc<[ConsumerRef]>,
    },
    /// Changes nothing: says that a user stays because other secrets record it.
    KeepUser {
        /// Which user.
        #[serde(flatten)]
        user: UserKey,
        /// The secrets that record it, as namespace/name.
        used_by: Vec<Name>,
    },
}

impl Action {
    /// The name of the action, as it stands in the JSON.
    pub const fn name(&self) -> &'static str {
        match self {
            Action::RecordIntent { .. } => "record_intent",
            Action::CreateUser { .. } => "create_user",
            Action::SetAccess { .. } => "set_access",
            Action::EnableAcl { .. } => "enable_acl",
            Action::GrantAcl { .. } => "grant_acl",
            Action::RevokeAcl { .. } => "revoke_acl",
            Action::RetireUser { .. } => "retire_user",
            Action::WriteKeys(_) => "write_keys",
            Action::DeleteUser { .. } => "delete_user",
            Action::ClearIntent { .. } => "clear_intent",
            Action::DeleteSecret { .. } => "delete_secret",
            Action::ReleaseSecret { .. } => "release_secret",
            Action::DeleteApplication { .. } => "delete_application",
            Action::UpdateStatus(_) => "update_status",
            Action::SkipProtected { .. } => "skip_protected",
            Action::KeepSecret { .. } => "keep_secret",
            Action::KeepUser { .. } => "keep_user",
        }
    }

    /// Whether it changes anything; the others are there to be read.
    pub const fn is_change(&self) -> bool {
        !matches!(self, Action::SkipProtected { .. } | Action::KeepSecret { .. } | Action::KeepUser { .. })
    }

    /// Whether what it does cannot be undone.
    pub const fn is_destructive(&self) -> bool {
        matches!(
            self,
            Action::DeleteUser { .. }
                | Action::RevokeAcl { .. }
                | Action::DeleteSecret { .. }
                | Action::ReleaseSecret { .. }
                | Action::DeleteApplication { .. }
        )
    }
}

/// The rules of a Valkey user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct AccessRules {
    /// `valkey_acl_categories`, in order.
    pub categories: Vec<Name>,
    /// `valkey_acl_commands`, in order.
    pub commands: Vec<Name>,
    /// `valkey_acl_keys`.
    pub keys: Vec<Name>,
    /// `valkey_acl_channels`.
    pub channels: Vec<Name>,
}

/// Creates or patches a Secret: only what differs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct WriteKeys {
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// Whether the Secret is made by this.
    pub operation: Operation,
    /// The object that this was decided on; absent when it is made.
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// Keys to set, and where each value comes from.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub set: BTreeMap<Name, Value>,
    /// Keys to remove.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub remove: Vec<Name>,
    /// Labels to set; `null` removes one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub labels: BTreeMap<Name, Option<Name>>,
    /// Annotations to set; `null` removes one.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<Name, Option<Value>>,
    /// Finalizers to add.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub finalizers: Vec<Name>,
    /// Why, where nothing else in the decision says so; for people.
    #[serde(skip)]
    pub why: Option<Box<Reason>>,
}

/// How a Secret is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Operation {
    /// It does not exist.
    Create,
    /// It exists, in the version that is expected.
    Patch,
}

/// Patches the status of an application; its two times are set by whoever executes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct UpdateStatus {
    /// The namespace.
    pub namespace: Name,
    /// The name.
    pub name: Name,
    /// The object that this was decided on.
    #[serde(flatten)]
    pub expect: Expect,
    /// `RolloutComplete` or `RolloutFailed`.
    pub state: Name,
    /// `synchronizationHash`.
    pub hash: Name,
    /// `observedGeneration`.
    pub observed_generation: i64,
    /// `synchronizedGeneration`.
    pub synchronized_generation: i64,
    /// All conditions, those of other types among them.
    pub conditions: Vec<ConditionSet>,
    /// The state that it says now; for people.
    #[serde(skip)]
    pub was: Name,
    /// The conditions that go; for people.
    #[serde(skip)]
    pub gone: Vec<Name>,
}

/// A condition as it shall stand.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct ConditionSet {
    /// Its type.
    #[serde(rename = "type")]
    pub kind: Name,
    /// `True` or `False`, or what others have set.
    pub status: Name,
    /// A code.
    pub reason: Name,
    /// For people.
    pub message: Name,
    /// Whether `lastUpdateTime` moves.
    pub changed: bool,
}

#[expect(clippy::ref_option, reason = "the signature that serde calls")]
fn optional_time<S: serde::Serializer>(time: &Option<Timestamp>, serializer: S) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => serializer.serialize_str(&crate::world::rfc3339(*time)),
        None => serializer.serialize_none(),
    }
}
