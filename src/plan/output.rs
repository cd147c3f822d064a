//! A plan as JSON or YAML: the format that machines read.
//!
//! `format_version` grows by the usual rules: minor for additions, major for anything that breaks a reader.

use std::collections::BTreeMap;

use serde::{Serialize, Serializer};

use super::{Decision, Part, Plan, Planned, Step, Verdict};
use crate::action::Action;
use crate::read::Read;
use crate::reason::Reason;
use crate::want::ServiceType;
use crate::world::{Name, Subject, rfc3339};

/// The version of the format.
pub const FORMAT_VERSION: &str = "1.0";

/// The plan as it is written.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Plan"))]
pub(crate) struct PlanView<'p> {
    /// The version of this format: major.minor; a reader ignores members that it does not know.
    format_version: &'static str,
    /// The moment that the plan was made for: RFC 3339, UTC, whole seconds.
    now: String,
    /// One decision per subject, sorted by kind, namespace and name.
    decisions: Vec<DecisionView<'p>>,
    /// What the planner would need to see to decide more.
    reads: Vec<&'p Read>,
    /// The first moment at which time alone changes the plan.
    wake_at: Option<String>,
    /// How often each action occurs.
    summary: BTreeMap<&'static str, usize>,
}

/// What is decided about one subject.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Decision"))]
struct DecisionView<'p> {
    /// What it is about.
    subject: SubjectView<'p>,
    /// How far what is wished for is from what is: the worst of the parts.
    verdict: VerdictView,
    /// Why.
    reason: &'p Reason,
    /// The services that an application asks for.
    parts: Vec<PartView<'p>>,
    /// What to do, in order within each step.
    actions: Vec<PlannedView<'p>>,
}

/// What a decision is about.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Subject"))]
#[serde(tag = "kind")]
enum SubjectView<'p> {
    /// An application.
    AivenApplication {
        /// Its namespace.
        namespace: &'p Name,
        /// Its name.
        name: &'p Name,
    },
    /// A managed Secret.
    Secret {
        /// Its namespace.
        namespace: &'p Name,
        /// Its name.
        name: &'p Name,
    },
    /// A service user that the journal speaks of.
    ServiceUser {
        /// The Aiven project.
        project: &'p Name,
        /// The service.
        service: &'p Name,
        /// The username.
        name: &'p Name,
    },
}

/// How far what is wished for is from what is.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Verdict"))]
#[serde(rename_all = "lowercase")]
enum VerdictView {
    /// All is well, or stays on purpose.
    Keep,
    /// Something is done.
    Change,
    /// Something that is named has to happen first.
    Wait,
    /// What is asked for cannot be met.
    Refuse,
}

/// What is decided about one service that an application asks for.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Part"))]
struct PartView<'p> {
    /// The kind of service.
    service: ServiceType,
    /// The pool or instance, as the spec names it.
    instance: &'p Name,
    /// The secret that it goes into.
    secret: &'p Name,
    /// How far it is from what is wished for.
    verdict: VerdictView,
    /// Why.
    reason: &'p Reason,
}

/// An action, and the step that it belongs to.
#[derive(Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "PlannedAction"))]
struct PlannedView<'p> {
    /// The secret that it serves, or `status`.
    step: &'p str,
    #[serde(flatten)]
    action: &'p Action,
}

impl Serialize for Plan {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        PlanView::of(self).serialize(serializer)
    }
}

impl<'p> PlanView<'p> {
    fn of(plan: &'p Plan) -> Self {
        let Plan { now, decisions, reads, wake_at } = plan;
        let mut summary = BTreeMap::new();
        for action in plan.actions() {
            *summary.entry(action.name()).or_default() += 1;
        }
        PlanView {
            format_version: FORMAT_VERSION,
            now: rfc3339(*now),
            decisions: decisions.iter().map(DecisionView::of).collect(),
            reads: reads.iter().collect(),
            wake_at: wake_at.map(rfc3339),
            summary,
        }
    }
}

impl<'p> DecisionView<'p> {
    fn of(decision: &'p Decision) -> Self {
        let Decision { subject, verdict, reason, parts, actions } = decision;
        DecisionView {
            subject: SubjectView::of(subject),
            verdict: (*verdict).into(),
            reason,
            parts: parts.iter().map(PartView::of).collect(),
            actions: actions
                .iter()
                .map(|Planned { step, action }| PlannedView { step: step.as_str(), action })
                .collect(),
        }
    }
}

impl<'p> SubjectView<'p> {
    fn of(subject: &'p Subject) -> Self {
        match subject {
            Subject::Application(key) => SubjectView::AivenApplication { namespace: &key.namespace, name: &key.name },
            Subject::Secret(key) => SubjectView::Secret { namespace: &key.namespace, name: &key.name },
            Subject::User(key) => {
                SubjectView::ServiceUser { project: &key.project, service: &key.service, name: &key.username }
            }
        }
    }
}

impl<'p> PartView<'p> {
    fn of(part: &'p Part) -> Self {
        let Part { service, instance, secret, verdict, reason } = part;
        PartView { service: *service, instance, secret, verdict: (*verdict).into(), reason }
    }
}

impl From<Verdict> for VerdictView {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Keep => VerdictView::Keep,
            Verdict::Change => VerdictView::Change,
            Verdict::Wait => VerdictView::Wait,
            Verdict::Refuse => VerdictView::Refuse,
        }
    }
}

impl Step {
    /// As it stands in the JSON.
    pub fn as_str(&self) -> &str {
        match self {
            Step::Secret(name) => name,
            Step::Status => "status",
        }
    }
}

/// The JSON Schema of a plan.
#[cfg(feature = "schema")]
pub fn schema() -> serde_json::Value {
    let settings = schemars::generate::SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<PlanView<'static>>().to_value()
}
