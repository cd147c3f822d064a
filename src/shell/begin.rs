//! The parts of an operator put together, whatever they reach: a cluster and Aiven, or models of both.
//!
//! Decides what has to be known before the loop begins: the journal, as it stands. Takes connections and policy as given.

use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};

use super::ask::Asker;
use super::execute::Executor;
use super::fact::Fact;
use super::journal::{self, Place};
use super::keystore::Encryption;
use super::kube::{Kube, Scope, watched};
use super::operate::{Operator, Pace};
use super::report::Report;
use super::view::View;
use super::{aiven, clock};
use crate::world::{Digester, Observed, Settings};

/// What an operator stands on.
pub(crate) struct Ground {
    /// The cluster.
    pub(crate) kube: Kube,
    /// Aiven.
    pub(crate) aiven: aiven::Client,
    /// Where the journal is, and whose.
    pub(crate) place: Place,
    /// What makes digests, the same for both.
    pub(crate) digester: Digester,
    /// The policy.
    pub(crate) settings: Settings,
    /// How stores are encrypted.
    pub(crate) encryption: Encryption,
    /// How fast it goes, and where it looks.
    pub(crate) pace: Pace,
}

/// An operator that can run, and what it waits for.
pub(crate) struct Begun {
    /// It.
    pub(crate) operator: Operator,
    /// Where what watches say goes.
    pub(crate) facts: UnboundedSender<Fact>,
    /// What has to be watched for it.
    pub(crate) scopes: Vec<Scope>,
}

/// Reads the journal, and puts an operator together.
pub(crate) async fn begin(ground: Ground, reporter: Box<dyn Report>) -> Begun {
    let Ground { kube, aiven, place, digester, settings, encryption, pace } = ground;
    let (facts, inbox) = unbounded_channel();
    let journal = journal::Writer::start(kube.clone(), place.clone());
    let executor =
        Executor::new((kube.clone(), aiven), journal, (encryption, digester.clone(), settings.settle), facts.clone());
    let namespaces = &pace.namespaces;
    let scopes: Vec<Scope> = watched()
        .flat_map(|kind| namespaces.iter().map(move |namespace| Scope { kind, namespace: namespace.clone() }))
        .collect();
    let mut view = View::new(settings, digester.clone(), scopes.clone());
    let since = clock::now();
    let journal = journal::read(&kube, &place).await;
    if let Observed::Unseen(why) = &journal {
        tracing::warn!("{why}");
    }
    view.take(Fact::Journal(journal, since));
    let asker = Asker { executor, place, digester, facts: facts.clone() };
    let operator = Operator::new(pace, view, (asker, reporter), inbox);
    Begun { operator, facts, scopes }
}
