//! The way between an operator and the models: every request waits here until the simulator lets it happen.
//!
//! Decides nothing: which request is carried out, and what becomes of its answer, the simulator says. A request whose
//! process has died stays, as one that is under way would.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use kube::core::ApiResource;
use serde_json::{Value, json};
use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;

use super::cluster::{Key, Table, key_of};
use crate::shell::aiven::{Call, Error, Operation, Problem, Raw, Road, Target};
use crate::shell::kube::{self as shell, KubeError, Port, Sent, Such};
use crate::want::ServiceType;
use crate::world::{Expect, Kind, WorkloadKind};

/// After this time a request counts as not answered, as over HTTP.
const DEADLINE: Duration = Duration::from_secs(30);

/// What is asked.
#[derive(Clone, Debug)]
pub(super) enum Request {
    /// One object, or only its metadata.
    Get(Table, Key, bool),
    /// The objects of a kind, in one namespace or in all.
    List(Kind, Option<String>),
    /// The metadata of all Secrets.
    Secrets(Option<String>),
    Create(Table, Value),
    /// A merge patch, perhaps of the status.
    Patch(Table, Key, Value, bool),
    Delete(Table, Key, Expect),
    Aiven(Operation, Target, Option<Vec<u8>>),
}

/// What is answered.
pub(super) enum Answer {
    Object(Result<Value, KubeError>),
    Objects(Result<Vec<Value>, KubeError>),
    Aiven(Result<Raw, Problem>),
}

#[cfg(feature = "defects")]
impl Answer {
    /// Whether nobody knows what came of it.
    fn is_lost(&self) -> bool {
        matches!(
            self,
            Answer::Object(Err(KubeError::NoAnswer))
                | Answer::Objects(Err(KubeError::NoAnswer))
                | Answer::Aiven(Err(Problem::Timeout))
        )
    }
}

/// A request that waits.
pub(super) struct Pending {
    pub(super) process: usize,
    pub(super) request: Request,
    pub(super) answer: oneshot::Sender<Answer>,
    /// How often it was passed over on purpose.
    pub(super) held_until: Duration,
}

/// Every request that waits, in the order of asking.
#[derive(Clone, Default)]
pub(super) struct Wire(Arc<Mutex<Waiting>>);

#[derive(Default)]
pub(super) struct Waiting {
    next: u64,
    pub(super) pending: BTreeMap<u64, Pending>,
}

/// One operator's end of it.
#[derive(Clone)]
pub(super) struct End {
    pub(super) wire: Wire,
    pub(super) process: usize,
    /// Told of every request.
    pub(super) asked: Arc<Notify>,
}

impl Wire {
    pub(super) fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl End {
    async fn ask(&self, request: Request) -> Option<Answer> {
        let (answer, answered) = oneshot::channel();
        {
            let mut waiting = self.wire.waiting();
            waiting.next += 1;
            let (number, process) = (waiting.next, self.process);
            waiting.pending.insert(number, Pending { process, request, answer, held_until: Duration::ZERO });
        }
        self.asked.notify_one();
        let answer = tokio::time::timeout_at(Instant::now() + DEADLINE, answered).await.ok().and_then(Result::ok);
        #[cfg(feature = "defects")]
        let answer = super::sabotage::wait_for(answer, Answer::is_lost).await;
        answer
    }

    async fn object(&self, request: Request) -> Result<Value, KubeError> {
        match self.ask(request).await {
            Some(Answer::Object(answer)) => answer,
            _ => Err(KubeError::NoAnswer),
        }
    }

    async fn objects(&self, request: Request) -> Result<Vec<Value>, KubeError> {
        match self.ask(request).await {
            Some(Answer::Objects(answer)) => answer,
            _ => Err(KubeError::NoAnswer),
        }
    }

    async fn named(&self, namespace: Option<String>, such: Such<'_>) -> Result<Vec<(String, String)>, KubeError> {
        let found = self.objects(Request::Secrets(namespace)).await?;
        let metadata = |object: &Value| serde_json::from_value(object.get("metadata")?.clone()).ok();
        let such = found.iter().filter(|object| metadata(object).is_some_and(|metadata| such(&metadata)));
        Ok(such.map(key_of).collect())
    }

    async fn exchange(&self, call: &Call) -> Result<Raw, Error> {
        let request = Request::Aiven(call.operation, call.target.clone(), call.body.clone());
        match self.ask(request).await {
            Some(Answer::Aiven(Ok(raw))) => Ok(raw),
            Some(Answer::Aiven(Err(problem))) => Err(call.without_answer(problem)),
            _ => Err(call.without_answer(Problem::Timeout)),
        }
    }
}

impl Road for End {
    fn send<'s>(&'s self, call: &'s Call) -> BoxFuture<'s, Result<Raw, Error>> {
        self.exchange(call).boxed()
    }
}

impl Port for End {
    fn get<'s>(&'s self, resource: &'s ApiResource, key: shell::Key<'s>) -> Sent<'s, Value> {
        self.object(Request::Get(table(resource), owned(key), false)).boxed()
    }

    fn metadata<'s>(&'s self, resource: &'s ApiResource, key: shell::Key<'s>) -> Sent<'s, Value> {
        async move {
            let found = self.object(Request::Get(table(resource), owned(key), true)).await?;
            Ok(json!({"metadata": found.get("metadata")}))
        }
        .boxed()
    }

    fn list<'s>(&'s self, kind: Kind, namespace: Option<&'s str>) -> Sent<'s, Vec<Value>> {
        self.objects(Request::List(kind, namespace.map(str::to_owned))).boxed()
    }

    fn secrets_with<'s>(&'s self, namespace: Option<&'s str>, such: Such<'s>) -> Sent<'s, Vec<(String, String)>> {
        self.named(namespace.map(str::to_owned), such).boxed()
    }

    fn namespaces_with<'s>(&'s self, _: &'s ApiResource, _: &'s str) -> Sent<'s, Vec<String>> {
        // Only people ask for that.
        async { Err(KubeError::NotFound) }.boxed()
    }

    fn create<'s>(&'s self, resource: &'s ApiResource, _: &'s str, body: Value) -> Sent<'s, Value> {
        self.object(Request::Create(table(resource), body)).boxed()
    }

    fn patch<'s>(&'s self, resource: &'s ApiResource, key: shell::Key<'s>, patch: &'s Value) -> Sent<'s, Value> {
        self.object(Request::Patch(table(resource), owned(key), patch.clone(), false)).boxed()
    }

    fn patch_status<'s>(&'s self, resource: &'s ApiResource, key: shell::Key<'s>, patch: &'s Value) -> Sent<'s, Value> {
        self.object(Request::Patch(table(resource), owned(key), patch.clone(), true)).boxed()
    }

    fn delete<'s>(&'s self, resource: &'s ApiResource, key: shell::Key<'s>, expect: &'s Expect) -> Sent<'s, ()> {
        async move { self.object(Request::Delete(table(resource), owned(key), expect.clone())).await.map(drop) }.boxed()
    }
}

fn owned((namespace, name): shell::Key<'_>) -> Key {
    (namespace.to_owned(), name.to_owned())
}

/// Where the objects of a resource are.
fn table(resource: &ApiResource) -> Table {
    let workload = WorkloadKind::ALL.map(Kind::Workload);
    let instances = [Kind::Instance(ServiceType::OpenSearch), Kind::Instance(ServiceType::Valkey)];
    let mut kinds = [Kind::Secret, Kind::Application].into_iter().chain(workload).chain(instances);
    kinds.find(|kind| kind.to_string() == resource.kind)
}
