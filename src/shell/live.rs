//! One look at a cluster and at Aiven: everything is listed once, and asked for until nothing more would help.
//!
//! Takes what to ask from the planner; changes nothing. What only a running operator knows (since when something is unused,
//! what failed of late) is not known here.

use std::collections::BTreeSet;

use futures::StreamExt;
use futures::stream;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};

use super::ask::Asker;
use super::execute::Executor;
use super::fact::Fact;
use super::journal::{self, Place};
use super::kube::{Event, Http, Kube, KubeError, Scope, connect, resource, watched};
use super::metrics::Metrics;
use super::run::{Config, RunError, cluster, said_home, scopes};
use super::view::View;
use super::{aiven, clock};
use crate::documents::{Seen, Sight};
use crate::plan;
use crate::read::Read;
use crate::world::{Digester, Kind, Name, Observed, SecretKey, ServiceKey, World};

/// How often it is planned and asked again, at most: every round can only need what the one before has found.
const ROUNDS: usize = 12;
/// How much is asked at a time.
const AT_A_TIME: usize = 16;

/// A cluster and an Aiven account, looked at once.
pub struct Live {
    pub(super) view: View,
    pub(super) asker: Asker,
    pub(super) client: kube::Client,
    pub(super) facts: UnboundedReceiver<Fact>,
    pub(super) home: Home,
    /// Why it is not known which cluster this is, if so: then no journal can be told from that of another.
    nameless: Option<Name>,
    refused: bool,
}

/// The namespace of the program.
pub(super) struct Home {
    pub(super) namespace: String,
    /// Whether somebody said so or a journal is there; else it is that of the kubeconfig file.
    pub(super) known: bool,
}

impl Live {
    /// Looks at everything that a plan needs; nothing is written.
    ///
    /// Where not everything may be listed, it looks only at `narrow`, if that is given.
    pub async fn observe(config: &Config, narrow: Option<&str>) -> Result<Live, RunError> {
        let mut namespaces = scopes(&config.namespaces);
        let mut live = Live::look(config, &namespaces).await?;
        if let Some(narrow) = narrow.filter(|_| live.refused) {
            namespaces = vec![Some(narrow.to_owned())];
            live = Live::look(config, &namespaces).await?;
        }
        // Who may not list every Secret does not see those; what a plan needs of them it asks for by name.
        if let Err(trouble) = live.asker.look_for_stripped(BTreeSet::new(), &namespaces).await {
            tracing::warn!("cannot look for stripped secrets: {trouble}");
        }
        live.ask().await;
        Ok(live)
    }

    /// Lists everything.
    async fn look(config: &Config, namespaces: &[Option<String>]) -> Result<Live, RunError> {
        let (client, context) = connect(&config.target).map_err(RunError::Connect)?;
        let http = Http::new(client, Metrics::new([]));
        let kube = Kube::over(http.clone());
        let digester = Digester::new(&config.key);
        let aiven = aiven::Client::new(config.aiven.clone(), digester.clone()).map_err(RunError::Aiven)?;
        let (cluster, nameless) = match cluster(&http).await {
            Ok(cluster) => (cluster, None),
            Err(RunError::Forbidden(what, why)) => (Name::default(), Some(format!("failed to {what}: {why}").into())),
            Err(error) => return Err(error),
        };
        let home = home(&kube, config.home.clone(), context).await?;
        let place = Place { namespace: home.namespace.clone(), cluster };
        let (sender, facts) = unbounded_channel();
        let writer = journal::Writer::start(kube.clone(), place.clone());
        let parts = (config.encryption, digester.clone(), config.settings.settle);
        let executor = Executor::new((kube.clone(), aiven), writer, parts, sender.clone());
        let asker = Asker { executor, place, digester: digester.clone(), facts: sender };
        let all: Vec<Scope> = watched()
            .flat_map(|kind| namespaces.iter().map(move |namespace| Scope { kind, namespace: namespace.clone() }))
            .collect();
        let view = View::new(config.settings.clone(), digester.clone(), all.clone());
        let client = http.client().clone();
        let mut live = Live { view, asker, client, facts, home, nameless, refused: false };
        let journal = match &live.nameless {
            None => journal::read(&kube, &live.asker.place).await,
            Some(why) => Observed::Unseen(format!("whose journal it is cannot be told: {why}").into()),
        };
        live.view.take(Fact::Journal(journal, clock::now()));
        for scope in all {
            live.list(&kube, scope, &digester).await?;
        }
        Ok(live)
    }

    /// What was seen, as of now; nobody has seen since when something is unused.
    pub fn world(&mut self) -> World {
        of_one_look(self.view.at(clock::now()).clone())
    }

    /// The same, where lists of a namespace that were just made count for more.
    pub(super) fn confirmed(&mut self, namespace: &Name) -> World {
        of_one_look(self.view.confirmed(namespace, clock::now()))
    }

    /// Looks at every service of the projects, also at those that nobody asks for; gives what could not be seen, one line
    /// each.
    pub async fn look_at_projects(&mut self) -> Vec<String> {
        let settings = self.view.world().settings();
        let projects: BTreeSet<Name> = settings.projects.iter().chain([&settings.main_project]).cloned().collect();
        let mut unseen = Vec::new();
        for project in projects {
            let services = match self.asker.executor.aiven.services(&project).await {
                Ok(services) => services,
                Err(error) => {
                    unseen.push(format!("Aiven project {project}: {error}"));
                    continue;
                }
            };
            let from = &self.asker;
            let look = |key: ServiceKey| async move { (from.ask(&Read::Service(key.clone())).await, key) };
            let answers: Vec<_> = stream::iter(services).map(look).buffer_unordered(AT_A_TIME).collect().await;
            let failed = answers.into_iter().filter_map(|(answer, key)| Some((answer.err()?, key)));
            unseen.extend(failed.map(|(trouble, key)| format!("Aiven service {key}: {trouble}")));
            self.learn();
        }
        unseen.sort();
        unseen
    }

    /// Looks for records that no list shows: Secrets that have lost their label, and a journal that is not where it was
    /// looked for; gives what could not be seen, one line each.
    pub async fn look_for_records(&mut self) -> Vec<String> {
        let stripped = self.asker.look_for_stripped(BTreeSet::new(), &[None]).await;
        self.learn();
        let stripped = stripped.err().map(|trouble| format!("Secrets without the label: {trouble}"));
        stripped.into_iter().chain(self.why_journal_missed().await).collect()
    }

    /// Why there may be a journal that was not read, if so.
    async fn why_journal_missed(&self) -> Option<String> {
        match journal::places(&self.asker.executor.kube).await {
            Ok(places) => {
                let other = places.into_iter().find(|place| *place != self.home.namespace)?;
                Some(format!("journal: there is one in namespace {other} too"))
            }
            Err(_) if self.home.known => None,
            Err(error) => Some(format!("journal: say where it is with --operator-namespace, since {error}")),
        }
    }

    /// Takes in what was learned meanwhile.
    pub(super) fn learn(&mut self) {
        while let Ok(fact) = self.facts.try_recv() {
            self.view.take(fact);
        }
    }

    /// The namespace of the program.
    pub fn home(&self) -> &str {
        &self.home.namespace
    }

    async fn list(&mut self, kube: &Kube, scope: Scope, digester: &Digester) -> Result<(), RunError> {
        let namespace = scope.namespace.as_deref();
        let objects = match kube.list(scope.kind, namespace).await {
            Ok(objects) => objects,
            Err(KubeError::NotFound) if matches!(scope.kind, Kind::Instance(_)) => vec![],
            Err(error @ KubeError::Forbidden { .. }) => {
                self.refused = true;
                self.view.take(Fact::Unlisted(scope.kind, format!("it could not be listed: {error}").into()));
                return Ok(());
            }
            Err(error) => return Err(RunError::Cluster("list objects", error.to_string())),
        };
        let resource = resource(scope.kind);
        let mut sight = Sight::new(digester.clone());
        let mut all: BTreeSet<Seen> = BTreeSet::new();
        for object in &objects {
            match sight.see(&resource.api_version, &resource.kind, object) {
                Ok(sighting) => {
                    all.insert(sighting.key());
                    let version = object.pointer("/metadata/resourceVersion").and_then(|version| version.as_str());
                    let event = Event::Seen(Box::new(sighting), version.unwrap_or_default().to_owned());
                    self.view.take(Fact::Watched(scope.clone(), event));
                }
                Err(why) => {
                    self.view.take(Fact::Watched(scope.clone(), Event::Unreadable(Some(why))));
                    return Ok(());
                }
            }
        }
        self.view.take(Fact::Watched(scope, Event::Listed(all)));
        Ok(())
    }

    /// Asks for what a plan would need to see, until nothing new is needed; what fails stays unseen.
    pub(super) async fn ask(&mut self) {
        let mut asked: BTreeSet<Read> = BTreeSet::new();
        for _ in 0..ROUNDS {
            let plan = plan::plan(&self.world());
            let may = |read: &Read| *read != Read::Journal || self.nameless.is_none();
            let needed: Vec<Read> = plan.reads.into_iter().filter(|read| may(read) && !asked.contains(read)).collect();
            if needed.is_empty() {
                return;
            }
            asked.extend(needed.iter().cloned());
            let from = &self.asker;
            let answers = stream::iter(&needed).map(|read| async move { (read, from.ask(read).await) });
            let answers: Vec<_> = answers.buffer_unordered(AT_A_TIME).collect().await;
            for (read, answer) in answers {
                if let Err(trouble) = answer {
                    tracing::warn!(read = read.name(), of = read.target(), "could not be read: {trouble}");
                }
            }
            self.learn();
        }
    }
}

/// A world as a single look shows it: since when something is unused is not known.
fn of_one_look(mut world: World) -> World {
    world.complete_since = None;
    let idle: Vec<SecretKey> = world.idle().cloned().collect();
    for mut secret in idle.iter().filter_map(|key| world.managed(key).cloned()).collect::<Vec<_>>() {
        secret.last_wanted = None;
        world.put_secret(secret);
    }
    world
}

/// The namespace of the program: as somebody says, else where there is a journal, else that of the kubeconfig file.
async fn home(kube: &Kube, told: Option<String>, context: String) -> Result<Home, RunError> {
    if let Some(namespace) = said_home(told) {
        return Ok(Home { namespace, known: true });
    }
    // Who may not look everywhere sees none, and with it what that means: the journal is missing.
    match journal::places(kube).await.unwrap_or_default().as_slice() {
        [] => Ok(Home { namespace: context, known: false }),
        [namespace] => Ok(Home { namespace: namespace.clone(), known: true }),
        several => Err(RunError::Journals(several.join(", "))),
    }
}
