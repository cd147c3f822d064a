//! What people and machines are told: a line per decision, an event per change and failure, numbers.
//!
//! Decides how loud something is. Takes every word from reasons and errors, which hold nothing secret; says nothing when
//! nothing happens.

mod numbers;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::runtime::events::{Event, EventType, Recorder};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

use super::aiven::Client;
use super::audit;
use super::execute::Ended;
use super::fact::Fact;
use super::http::{Condition, Heartbeat, Pages};
use super::kube::counted;
use super::metrics::Metrics;
use super::trouble::Trouble;
use crate::action::Action;
use crate::check::Violation;
use crate::plan::{Decision, Plan, Step};
use crate::reason::Reason;
use crate::world::{FailureClass, Name, Subject, World};

/// Whoever is told what happens.
pub(crate) trait Report: Send {
    /// Says that the loop goes on.
    fn alive(&self);
    /// A fact has reached the loop.
    fn learned(&self, fact: &Fact);
    /// The subjects whose decisions break a rule.
    fn withhold(&mut self, violations: Vec<Violation>) -> BTreeSet<Subject>;
    /// Takes in a plan, and whether it was the slow clock's.
    fn planned(&mut self, world: &World, plan: &Plan, went: (Duration, bool));
    /// A decision was executed.
    fn executed(&self, decision: &Decision, steps: &[Ended], took: Duration);
}

/// Tells what happens.
pub(crate) struct Reporter {
    metrics: Metrics,
    heartbeat: Heartbeat,
    observed: Condition,
    token: Condition,
    aiven: Client,
    events: UnboundedSender<(Event, ObjectReference)>,
    warned: Option<BTreeMap<Subject, &'static str>>,
    withheld: BTreeSet<(Subject, &'static str)>,
    numbers: numbers::Clock,
    /// What the last plan was made of: an event names the uid of its object.
    world: Option<World>,
}

impl Reporter {
    /// Reports through these.
    pub(crate) fn new(pages: Pages, heartbeat: Heartbeat, (recorder, aiven): (Folding, Client)) -> Self {
        let (events, inbox) = unbounded_channel();
        tokio::spawn(publish(recorder, inbox));
        let (observed, token) = (pages.readiness.condition("observed"), pages.readiness.condition("token"));
        let (warned, withheld, numbers, world) = (None, BTreeSet::new(), numbers::Clock::default(), None);
        Reporter { metrics: pages.metrics, heartbeat, observed, token, aiven, events, warned, withheld, numbers, world }
    }

    fn event(&self, decision: &Decision, (type_, action): (EventType, &str), (code, mut note): (&str, String)) {
        let Some(about) = reference(self.world.as_ref(), &decision.subject) else { return };
        note.truncate(note.floor_char_boundary(LONGEST));
        let note = Some(note);
        let event = Event { type_, reason: code.to_owned(), note, action: action.to_owned(), secondary: None };
        // Nobody listens any longer when the operator is ending.
        let _ = self.events.send((event, about));
    }

    /// What was done of a step that ended early: it is seldom planned again.
    fn partly(&self, decision: &Decision, step: &Step, actions: &[&Action]) {
        let told: Vec<&Action> = actions.iter().copied().filter(|action| audit::is_told(action)).collect();
        if !told.is_empty() {
            let reason = audit::reason(decision, step);
            let note = format!("{}: {reason}", describe(&told));
            self.event(decision, (EventType::Normal, action_of(step)), (reason.code(), note));
        }
    }
}

impl Report for Reporter {
    /// Says that the loop goes on.
    fn alive(&self) {
        self.heartbeat.beat();
        self.token.set(!self.aiven.token_refused());
    }

    /// A fact has reached the loop: the age of what watches say is that of what was taken in.
    fn learned(&self, fact: &Fact) {
        if let Fact::Watched(scope, event) = fact
            && event.shows_something()
        {
            self.metrics.watch_seen(counted(&scope.kind.to_string()));
        }
    }

    /// The subjects whose decisions break a rule; each is said once.
    fn withhold(&mut self, violations: Vec<Violation>) -> BTreeSet<Subject> {
        let mut subjects = BTreeSet::new();
        for violation in violations {
            if self.withheld.insert((violation.subject.clone(), violation.rule.code())) {
                tracing::error!(subject = %violation.subject, rule = violation.rule.code(), "withheld: {violation}");
            }
            subjects.insert(violation.subject);
        }
        subjects
    }

    /// Takes in a plan: numbers, and warnings about what stands in the way, each when it begins.
    fn planned(&mut self, world: &World, plan: &Plan, (took, slow): (Duration, bool)) {
        self.world = Some(world.clone());
        self.metrics.plan_time(took);
        self.metrics.plan_subjects(plan.decisions.len());
        if slow {
            numbers::passes(&self.metrics, world, plan);
            numbers::orphaned(&self.metrics, world);
        }
        numbers::withheld(&self.metrics, plan);
        self.numbers.tell(&self.metrics, world);
        let warned = plan.decisions.iter().filter(|decision| decision.reason.is_warning());
        let warned: BTreeMap<_, _> =
            warned.map(|decision| (decision.subject.clone(), decision.reason.code())).collect();
        // What stood in the way before this process began was said by the one before.
        if let Some(before) = &self.warned {
            for decision in &plan.decisions {
                let now = warned.get(&decision.subject);
                if now.is_some() && before.get(&decision.subject) != now {
                    tracing::warn!(subject = %decision.subject, reason = decision.reason.code(), "{}", decision.reason);
                    self.event(
                        decision,
                        (EventType::Warning, "Plan"),
                        (decision.reason.code(), decision.reason.to_string()),
                    );
                }
            }
        }
        self.observed.set(world.unlisted.is_empty());
        if world.unlisted.is_empty() {
            self.warned = Some(warned);
        }
    }

    /// A decision was executed: a line, an event per step, and numbers.
    fn executed(&self, decision: &Decision, steps: &[Ended], took: Duration) {
        self.metrics.processing_reason(&decision.reason);
        numbers::executed(&self.metrics, decision, (steps, took));
        let is_told = steps.iter().any(|ended| ended.step != Step::Status && ended.trouble.is_none());
        for ended in steps {
            let Ended { step, done, trouble } = ended;
            let actions = decision.actions.iter().filter(|planned| planned.step == *step && planned.action.is_change());
            let actions: Vec<&Action> = actions.map(|planned| &planned.action).collect();
            let line = Line::of(decision, step);
            let reason = line.reason;
            if trouble.is_some() {
                self.partly(decision, step, actions.get(..*done).unwrap_or_default());
            }
            match trouble {
                None => {
                    let did = describe(&actions);
                    line.log(|| format!("{did}: {reason}"));
                    let (kind, code, note) = told(reason, &actions, &did);
                    // That all is well follows from what was done for it.
                    if kind == EventType::Warning || !is_told || *step != Step::Status {
                        self.event(decision, (kind, action_of(step)), (code, note));
                    }
                }
                Some(trouble) if trouble.is_stale() => {
                    tracing::debug!(subject = %decision.subject, done, "planned again: {trouble}");
                }
                Some(trouble) => {
                    line.warn(&format!("{trouble}; {done} of {} actions done", actions.len()));
                    self.metrics.application_requeued();
                    self.event(
                        decision,
                        (EventType::Warning, action_of(step)),
                        (code_of(trouble), trouble.to_string()),
                    );
                }
            }
        }
    }
}

/// How many bytes of a note are told: an event with more than 1,024 is refused.
const LONGEST: usize = 1_000;

/// An event that is not taken by then is given up.
const DEADLINE: Duration = Duration::from_secs(10);

/// Makes a recorder, which folds events that are alike into one.
pub(crate) type Folding = Box<dyn Fn() -> Recorder + Send>;

/// A recorder keeps every event that it has seen: after so many another takes its place.
const FOLDED: usize = 1_000;

async fn publish(recorder: Folding, mut inbox: UnboundedReceiver<(Event, ObjectReference)>) {
    let (mut recording, mut told) = (recorder(), 0);
    while let Some((event, about)) = inbox.recv().await {
        told += 1;
        if told % FOLDED == 0 {
            recording = recorder();
        }
        // An event is a courtesy: in a namespace that is being deleted there can be none.
        let taken = tokio::time::timeout(DEADLINE, recording.publish(&event, &about)).await;
        if !matches!(taken, Ok(Ok(()))) {
            tracing::debug!(reason = event.reason, "an event was not taken");
        }
    }
}

/// What a log line says of where it belongs.
struct Line<'d> {
    decision: &'d Decision,
    secret: Option<&'d Name>,
    reason: &'d Reason,
}

impl<'d> Line<'d> {
    fn of(decision: &'d Decision, step: &'d Step) -> Self {
        let secret = match step {
            Step::Secret(name) => Some(name),
            Step::Status => None,
        };
        Line { decision, secret, reason: audit::reason(decision, step) }
    }

    fn log(&self, message: impl FnOnce() -> String) {
        let (team, app) = self.place();
        let secret_name = self.secret.map(Name::as_str);
        let (reason, subject) = (self.reason.code(), &self.decision.subject);
        tracing::info!(%subject, team, aiven_application = app, secret_name, reason, "{}", message());
    }

    fn warn(&self, message: &str) {
        let (team, app) = self.place();
        let secret_name = self.secret.map(Name::as_str);
        let (reason, subject) = (self.reason.code(), &self.decision.subject);
        tracing::warn!(%subject, team, aiven_application = app, secret_name, reason, "{message}");
    }

    fn place(&self) -> (Option<&str>, Option<&str>) {
        match &self.decision.subject {
            Subject::Application(key) => (Some(&key.namespace), Some(&key.name)),
            Subject::Secret(key) => (Some(&key.namespace), None),
            Subject::User(_) => (None, None),
        }
    }
}

/// What was done, in a few words.
fn describe(actions: &[&Action]) -> String {
    let words: Vec<String> = actions.iter().map(|action| crate::render::action_line(action)).collect();
    words.join(", ")
}

/// Which event a step that was done gives: a status that says what is wrong is a warning.
fn told(reason: &Reason, actions: &[&Action], did: &str) -> (EventType, &'static str, String) {
    let failed = actions
        .iter()
        .any(|action| matches!(action, Action::UpdateStatus(update) if update.state != "RolloutComplete"));
    if failed {
        return (EventType::Warning, reason.code(), reason.to_string());
    }
    (EventType::Normal, reason.code(), format!("{did}: {reason}"))
}

fn action_of(step: &Step) -> &str {
    match step {
        Step::Secret(name) => name,
        Step::Status => "status",
    }
}

/// The code of a failure, as a plan would give it.
fn code_of(trouble: &Trouble) -> &'static str {
    match trouble.failed(0).class {
        FailureClass::NotReady => "CredentialsNotReady",
        FailureClass::UserLimit => "UserLimit",
        FailureClass::AclFull => "AclFull",
        FailureClass::JournalFull => "JournalFull",
        FailureClass::JournalUnavailable => "JournalUnavailable",
        FailureClass::NotFound => "ServiceNotFound",
        FailureClass::Refused
        | FailureClass::Unauthorized
        | FailureClass::TooFast
        | FailureClass::Unknown
        | FailureClass::Kubernetes => "ServiceFailed",
    }
}

/// The object that an event is about; `kubectl describe` finds only events that name its uid, if there is one.
fn reference(world: Option<&World>, subject: &Subject) -> Option<ObjectReference> {
    let (api_version, kind, namespace, name) = match subject {
        Subject::Application(key) => ("aiven.nais.io/v1", "AivenApplication", &key.namespace, &key.name),
        Subject::Secret(key) => ("v1", "Secret", &key.namespace, &key.name),
        Subject::User(_) => return None,
    };
    let uid = world.and_then(|world| match subject {
        Subject::Application(key) => world.application(key).map(|app| app.uid.to_string()),
        Subject::Secret(key) => world.managed(key).map(|secret| secret.uid.to_string()),
        Subject::User(_) => None,
    });
    Some(ObjectReference {
        api_version: Some(api_version.to_owned()),
        kind: Some(kind.to_owned()),
        namespace: Some(namespace.to_string()),
        name: Some(name.to_string()),
        uid: uid.filter(|uid| !uid.is_empty()),
        ..ObjectReference::default()
    })
}
