//! Answers: what a plan would need to see is looked at, and what came of it becomes facts.
//!
//! Takes what to ask from the plan; decides nothing. Asks of a Secret first whether it is managed, and of a service never
//! for credentials.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use tokio::sync::mpsc::UnboundedSender;

use super::aiven::{Missing, Problem};
use super::clock;
use super::execute::Executor;
use super::fact::Fact;
use super::journal::{self, Place};
use super::kube::resource;
use super::trouble::Trouble;
use crate::action::Action;
use crate::documents::{Sight, Sighting};
use crate::plan::{Decision, Step};
use crate::read::Read;
use crate::world::{
    AppKey, Digester, Kind, Lookup, Name, Secret, SecretKey, ServiceKey, Subject, UserKey, WorkloadKind, World, names,
};

/// Whether a Secret has our finalizer and not our label, so that no watch shows it: it may record users all the same.
fn is_stripped(secret: &ObjectMeta) -> bool {
    let ours = secret.finalizers.iter().flatten().any(|finalizer| finalizer == names::FINALIZER);
    let label = secret.labels.as_ref().and_then(|labels| labels.get(names::TYPE));
    ours && label.is_none_or(|label| label != names::TYPE_VALUE)
}

/// What asking needs.
#[derive(Clone)]
pub(crate) struct Asker {
    pub(crate) executor: Executor,
    pub(crate) place: Place,
    pub(crate) digester: Digester,
    pub(crate) facts: UnboundedSender<Fact>,
}

impl Asker {
    /// Looks at one thing.
    pub(crate) async fn ask(&self, read: &Read) -> Result<(), Trouble> {
        match read {
            // The watches see to that, and the loop looks for the Secrets that none shows.
            Read::Kind(_) => Ok(()),
            Read::Secret(key) => self.secret(key).await,
            Read::Project(project) => self.project(project).await,
            Read::Service(key) => self.service(key).await,
            Read::Acl(key) => {
                let document = self.executor.aiven.acl(key).await.map_err(Trouble::Aiven)?.document();
                self.learn(Fact::Acl(key.clone(), document));
                Ok(())
            }
            Read::User(key) | Read::Credentials(key) => self.user(key).await,
            Read::Journal => self.ask_journal().await,
        }
    }

    async fn ask_journal(&self) -> Result<(), Trouble> {
        let asked = clock::now();
        let journal = journal::read(&self.executor.kube, &self.place).await;
        let read = journal.seen().map(|_| ()).ok_or(Trouble::Journal(journal::Unwritten::Unavailable));
        self.learn(Fact::Journal(journal, asked));
        read
    }

    async fn secret(&self, key: &SecretKey) -> Result<(), Trouble> {
        let looked = self.executor.look_at_secret((&key.namespace, &key.name)).await;
        looked.map_err(Trouble::kubernetes("GetSecret"))
    }

    async fn project(&self, project: &Name) -> Result<(), Trouble> {
        let ca = self.executor.aiven.ca(project).await.map_err(Trouble::Aiven)?;
        self.learn(Fact::Project(project.clone(), ca.content));
        self.executor.cas.keep(project, ca.pem);
        Ok(())
    }

    /// Reads a service, and before the first one the CA of its project; without that, what is written waits, and nothing
    /// else does.
    async fn service(&self, key: &ServiceKey) -> Result<(), Trouble> {
        if !self.executor.cas.knows(&key.project)
            && let Err(trouble) = self.project(&key.project).await
        {
            tracing::warn!(project = &*key.project, "its CA could not be read: {trouble}");
        }
        match self.executor.aiven.service(key).await {
            Ok(service) => {
                self.learn(Fact::Service(key.clone(), service.map(Box::new)));
                Ok(())
            }
            Err(error) => {
                self.learn(Fact::ProjectUnseen(key.project.clone(), error.to_string().into()));
                Err(Trouble::Aiven(error))
            }
        }
    }

    async fn user(&self, key: &UserKey) -> Result<(), Trouble> {
        let asked = clock::now();
        match self.executor.aiven.user(key).await {
            Ok(Some(account)) => self.learn(Fact::User(key.clone(), Box::new(account.user))),
            Ok(None) => self.learn(Fact::UserMissing(key.clone(), asked)),
            Err(error) if *error.problem() == Problem::Missing(Missing::Service) => {
                self.learn(Fact::Service(key.service_key(), None));
            }
            Err(error) => return Err(Trouble::Aiven(error)),
        }
        Ok(())
    }

    /// Looks afresh at what a decision rests on.
    pub(crate) async fn confirm(&self, ground: &Ground) -> Result<(), Trouble> {
        let Ground { namespace, secrets, journal, doubted, users } = ground;
        if let Some(namespace) = namespace {
            self.namespace(namespace).await?;
        }
        for key in secrets {
            self.secret(key).await?;
        }
        if *journal {
            self.ask_journal().await?;
        }
        for user in doubted.union(users) {
            self.user(user).await?;
        }
        Ok(())
    }

    /// Lists what could ask for secrets or use them.
    async fn namespace(&self, namespace: &Name) -> Result<(), Trouble> {
        self.list(Kind::Application, namespace).await?;
        for kind in WorkloadKind::ALL {
            self.list(Kind::Workload(kind), namespace).await?;
        }
        Ok(())
    }

    async fn list(&self, kind: Kind, namespace: &Name) -> Result<(), Trouble> {
        let resource = resource(kind);
        let mut sight = Sight::new(self.digester.clone());
        match self.executor.kube.list(kind, Some(namespace)).await {
            Ok(objects) => {
                let seen = objects.iter().map(|object| sight.see(&resource.api_version, &resource.kind, object));
                let all = seen.collect::<Result<Vec<Sighting>, String>>();
                // The watch of the kind says which one cannot be read.
                self.learn(Fact::Listed(
                    kind,
                    namespace.clone(),
                    all.map_err(|_| Trouble::Stale { operation: "List" })?,
                ));
                Ok(())
            }
            Err(error) => Err(Trouble::Kubernetes { operation: "List", error }),
        }
    }

    /// Looks for Secrets that no watch shows, since somebody has stripped their label; and at those that were found so
    /// before.
    pub(crate) async fn look_for_stripped(
        &self,
        mut known: BTreeSet<SecretKey>,
        namespaces: &[Option<String>],
    ) -> Result<(), Trouble> {
        for namespace in namespaces {
            let found = self.executor.kube.secrets_with(namespace.as_deref(), is_stripped).await;
            let found = found.map_err(Trouble::kubernetes("ListSecrets"))?;
            known.extend(found.into_iter().map(|(namespace, name)| SecretKey::new(namespace, name)));
        }
        for key in &known {
            self.secret(key).await?;
        }
        self.learn(Fact::StrippedShown);
        Ok(())
    }

    fn learn(&self, fact: Fact) {
        // Nobody listens any longer when the operator is ending.
        let _ = self.facts.send(fact);
    }
}

/// What is to be looked at afresh before a decision is executed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ground {
    /// Where everything is listed that could ask for secrets or use them.
    pub(crate) namespace: Option<Name>,
    secrets: BTreeSet<SecretKey>,
    /// Another replica may have made a user just now, so that it does not show yet, or may have told it from a stranger's.
    journal: bool,
    doubted: BTreeSet<UserKey>,
    users: BTreeSet<UserKey>,
}

impl Ground {
    /// What a decision on a world rests on.
    pub(crate) fn of(decision: &Decision, world: &World) -> Self {
        let deleted = decision.actions.iter().filter_map(|planned| match &planned.action {
            Action::DeleteUser { user } => Some(user.clone()),
            _ => None,
        });
        let mut users: BTreeSet<UserKey> = deleted.collect();
        // That a user is not needed rests on the one that its secret records instead.
        if let Subject::User(user) = &decision.subject
            && users.contains(user)
        {
            let secret = concern(&decision.subject, world).and_then(|key| world.managed(&key));
            let instead = secret.into_iter().flat_map(Secret::accounts);
            users.extend(instead.filter(|it| it.project == user.project && it.service == user.service));
        }
        let doubted = in_doubt(decision, world);
        let journal = !doubted.is_empty() || (!users.is_empty() && matches!(decision.subject, Subject::User(_)));
        let (namespace, secrets) = if decision.is_destructive() {
            (home(&decision.subject, world), secrets(decision, world))
        } else {
            (None, BTreeSet::new())
        };
        Ground { namespace, secrets, journal, doubted, users }
    }

    /// Whether there is nothing to look at.
    pub(crate) fn is_empty(&self) -> bool {
        *self == Ground::default()
    }

    /// Whether who has looked at this has looked at all of that.
    pub(crate) fn covers(&self, other: &Ground) -> bool {
        let namespace = other.namespace.is_none() || self.namespace == other.namespace;
        let users = other.doubted.is_subset(&self.doubted) && other.users.is_subset(&self.users);
        namespace && other.secrets.is_subset(&self.secrets) && (self.journal || !other.journal) && users
    }
}

/// The users that a decision takes for gone, since it replaces them or what speaks of them goes; and those that it takes for
/// somebody else's. Since somebody has looked they may have been made, or made anew, such as by another replica, and then
/// they would be lost.
fn in_doubt(decision: &Decision, world: &World) -> BTreeSet<UserKey> {
    let recorded = |namespace: &Name, name: &Name| -> Vec<UserKey> {
        let secret = world.managed(&SecretKey { namespace: namespace.clone(), name: name.clone() });
        secret.into_iter().flat_map(Secret::accounts).collect()
    };
    let concerned = decision.actions.iter().flat_map(|planned| match &planned.action {
        Action::RecordIntent { namespace, secret: name, .. } => recorded(namespace, name),
        Action::WriteKeys(write) => recorded(&write.namespace, &write.name),
        Action::ReleaseSecret { namespace, name, .. } => recorded(namespace, name),
        Action::ClearIntent { user, .. } => vec![user.clone()],
        Action::CreateUser { .. }
        | Action::SetAccess { .. }
        | Action::EnableAcl { .. }
        | Action::GrantAcl { .. }
        | Action::RevokeAcl { .. }
        | Action::RetireUser { .. }
        | Action::DeleteUser { .. }
        | Action::DeleteSecret { .. }
        | Action::DeleteApplication { .. }
        | Action::UpdateStatus(_)
        | Action::SkipProtected { .. }
        | Action::KeepSecret { .. }
        | Action::KeepUser { .. } => vec![],
    });
    let forgotten = |user: &UserKey| {
        let clears = |action: &Action| matches!(action, Action::ClearIntent { user: cleared, .. } if cleared == user);
        decision.actions.iter().any(|planned| clears(&planned.action)) && world.recorders(user).is_empty()
    };
    concerned.filter(|user| matches!(world.user(user), Lookup::Absent) || forgotten(user)).collect()
}

/// The secrets that a decision deletes, releases, or deletes users of.
fn secrets(decision: &Decision, world: &World) -> BTreeSet<SecretKey> {
    let namespace = home(&decision.subject, world);
    let destructive = decision.actions.iter().filter(|planned| planned.action.is_destructive());
    let steps = destructive.filter_map(|planned| match (&planned.step, &namespace) {
        (Step::Secret(name), Some(namespace)) => Some(SecretKey { namespace: namespace.clone(), name: name.clone() }),
        (Step::Secret(_), None) | (Step::Status, _) => None,
    });
    steps.chain(concern(&decision.subject, world)).collect()
}

/// The secret that a subject is, or that the journal says its user was made for.
fn concern(subject: &Subject, world: &World) -> Option<SecretKey> {
    match subject {
        Subject::Application(_) => None,
        Subject::Secret(key) => Some(key.clone()),
        Subject::User(user) => {
            let journal = world.journal()?;
            let intended = journal.intents.get(user).map(|intent| &intent.secret);
            intended.or_else(|| journal.retirements.get(user).map(|copy| &copy.secret)).cloned()
        }
    }
}

/// The namespace in which everything is that may need a subject.
pub(crate) fn home(subject: &Subject, world: &World) -> Option<Name> {
    match subject {
        Subject::Application(key) => Some(key.namespace.clone()),
        Subject::Secret(_) | Subject::User(_) => concern(subject, world).map(|secret| secret.namespace),
    }
}

/// Everything that a decision about a subject may change: two that share any of it are not executed at a time.
pub(crate) fn touched(subject: &Subject, world: &World) -> BTreeSet<Subject> {
    let own = std::iter::once(subject.clone()).chain(concern(subject, world).map(Subject::Secret));
    match subject {
        Subject::Secret(_) => own.collect(),
        Subject::Application(key) => {
            let names = world.application(key).into_iter().flat_map(|app| app.spec.secret_names());
            let secrets = names.map(|name| SecretKey { namespace: key.namespace.clone(), name: name.clone() });
            own.chain(secrets.map(Subject::Secret)).collect()
        }
        Subject::User(user) => {
            let intent = world.journal().and_then(|journal| journal.intents.get(user));
            let for_whom = intent
                .map(|intent| AppKey { namespace: intent.secret.namespace.clone(), name: intent.application.clone() });
            own.chain(for_whom.map(Subject::Application)).collect()
        }
    }
}
