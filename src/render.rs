//! A plan for people: grouped by object, with what is done, why, and what happens later.
//!
//! Takes as given a plan, and for an explanation the world that it was made for. Pure: returns text, with ANSI colour if
//! that is wanted, and never prints, reads a clock or looks at a terminal.

mod action;
mod explain;
mod page;
mod paint;
mod summary;
mod time;
mod write;

use std::collections::BTreeSet;

use self::page::Page;
use self::paint::Symbol;
use crate::action::{Action, Operation};
use crate::plan::{Decision, Part, Plan, Planned, Step, Verdict};
use crate::reason::Reason;
use crate::world::{Name, RolloutState, Subject, Timestamp};

pub use self::action::words as action_line;
pub use self::explain::{explain_application, explain_secret};

/// How a text is made.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// ANSI colour.
    pub colour: bool,
    /// How many characters fit on a line; where nothing is known of that, sentences are not broken.
    pub width: Option<usize>,
    /// Also what stays because it is asked for or up to date, which is most of a plan; else it is counted.
    pub all_kept: bool,
}

/// A plan as text, each line ended.
pub fn plan(plan: &Plan, options: Options) -> String {
    let Plan { now, decisions, reads, wake_at } = plan;
    let mut page = Page::new(*now, options);
    for decision in decisions.iter().filter(|decision| !is_quiet(decision)) {
        page.gap();
        object(&mut page, decision);
    }
    kept(&mut page, plan, options);
    if !reads.is_empty() {
        page.gap();
        page.line(0, "Not observed, and needed to decide more:");
        for read in reads {
            page.item(2, Symbol::Wait, &read.to_string());
        }
    }
    wakes(&mut page, plan, *wake_at);
    if !page.is_empty() {
        page.gap();
        page.legend();
        page.gap();
    }
    let line = page.paint.bold(&summary::line(plan));
    page.sentence(0, &line);
    page.into_text()
}

/// When time alone changes the plan. What the plan itself does brings moments of its own, so of those nothing is said.
fn wakes(page: &mut Page, plan: &Plan, wake_at: Option<Timestamp>) {
    let Some(moment) = wake_at else { return };
    let moment = time::at(moment, plan.now);
    page.gap();
    if plan.changes() {
        page.sentence(0, &format!("If nothing of this is done, the plan changes by itself at {moment}."));
    } else {
        page.sentence(0, &format!("Nothing changes by itself before {moment}."));
    }
}

/// Whether there is no more to say than that it stays.
fn is_quiet(decision: &Decision) -> bool {
    decision.verdict == Verdict::Keep && summary::is_idle(decision)
}

/// Whether it stays because somebody asks for it, or because everything is right.
fn is_plain(decision: &Decision) -> bool {
    match &decision.reason {
        Reason::UpToDate => true,
        Reason::InUse { by } => by.iter().any(|consumer| consumer.kind == crate::world::ConsumerKind::AivenApplication),
        _ => false,
    }
}

/// What stays, one line each.
fn kept(page: &mut Page, plan: &Plan, options: Options) {
    let quiet = plan.decisions.iter().filter(|decision| is_quiet(decision));
    let (shown, unsaid): (Vec<_>, Vec<_>) = quiet.partition(|decision| options.all_kept || !is_plain(decision));
    page.gap();
    for decision in shown {
        header(page, Symbol::Keep, decision);
        parts(decision).iter().filter(|part| *part.reason != decision.reason).for_each(|part| part.show(page));
    }
    let written = summary::written(plan);
    let hidden = unsaid.iter().filter(|decision| !written.contains(&decision.subject)).count();
    if hidden > 0 && hidden < plan.decisions.len() {
        let objects = if hidden == 1 { "1 more object stays as it is" } else { "more objects stay as they are" };
        let number = if hidden == 1 { String::new() } else { summary::grouped(hidden) + " " };
        let text = page.paint.dim(&format!("{number}{objects} (--show-kept lists them)"));
        page.item(0, Symbol::Keep, &text);
    }
}

/// One object: why, and what is done.
fn object(page: &mut Page, decision: &Decision) {
    let said = parts(decision);
    // What is said of each of several parts is not said before as well.
    if said.iter().any(|part| *part.reason == decision.reason && part.verdict == decision.verdict) {
        subject(page, symbol(decision), decision, &tally(decision));
    } else {
        header(page, symbol(decision), decision);
    }
    if says_everything(decision) {
        return;
    }
    let steps: BTreeSet<&str> = decision.actions.iter().map(|planned| planned.step.as_str()).collect();
    for part in said.iter().filter(|part| !steps.contains(part.secret.as_str())) {
        part.show(page);
    }
    let mut last: Option<&Step> = None;
    for Planned { step, action } in &decision.actions {
        if last != Some(step) {
            said.iter().filter(|part| *part.secret == *step.as_str()).for_each(|part| part.show(page));
        }
        last = Some(step);
        action::action(page, 4, action);
    }
}

fn header(page: &mut Page, symbol: Symbol, decision: &Decision) {
    let reason = page.dated(&of_itself(&decision.subject, decision.reason.to_string()));
    subject(page, symbol, decision, &format!("{reason}{}", all_the_same(decision)));
}

fn subject(page: &mut Page, symbol: Symbol, decision: &Decision, text: &str) {
    let subject = page.paint.bold(&decision.subject.to_string());
    page.item(0, symbol, &format!("{subject}: {text}"));
}

/// How many of the services that an application asks for are as far from what is wished for as the worst.
fn tally(decision: &Decision) -> String {
    let worst = decision.parts.iter().filter(|part| part.verdict == decision.verdict).count();
    let how = match decision.verdict {
        Verdict::Keep => "stay as they are",
        Verdict::Change => "to change",
        Verdict::Wait => "waiting",
        Verdict::Refuse => "refused",
    };
    format!("{worst} of {} services {how}{}", decision.parts.len(), all_the_same(decision))
}

/// That something waits and the rollout is complete all the same: nobody misses it.
fn all_the_same(decision: &Decision) -> &'static str {
    let completes = |planned: &Planned| match &planned.action {
        Action::UpdateStatus(update) => update.state == RolloutState::Complete.as_str(),
        _ => false,
    };
    let several = decision.parts.iter().map(|part| &part.secret).collect::<BTreeSet<_>>().len() > 1;
    match decision.verdict == Verdict::Wait && decision.actions.iter().any(completes) {
        true if several => "; its secrets have all they need",
        true => "; its secret has all it needs",
        false => "",
    }
}

/// A reason after its subject, which need not be named again: `it is being deleted`.
fn of_itself(subject: &Subject, reason: String) -> String {
    let itself = match subject {
        Subject::Application(key) => format!("application {} ", key.name),
        Subject::Secret(key) => format!("secret {} ", key.name),
        Subject::User(_) => return reason,
    };
    match reason.strip_prefix(&itself) {
        Some(rest) if rest.starts_with("is ") || rest.starts_with("has ") => format!("it {rest}"),
        Some(_) | None => reason,
    }
}

/// Services that go into one secret and of which the same is said.
struct Parts<'d> {
    services: Vec<String>,
    secret: &'d Name,
    verdict: Verdict,
    reason: &'d Reason,
    /// Whether the secret is made.
    made: bool,
}

impl Parts<'_> {
    fn show(&self, page: &mut Page) {
        let Parts { services, secret, verdict, reason, made } = self;
        let symbol = match verdict {
            Verdict::Keep => Symbol::Keep,
            Verdict::Change if *made => Symbol::Create,
            Verdict::Change => Symbol::Change,
            Verdict::Wait => Symbol::Wait,
            Verdict::Refuse => Symbol::Refuse,
        };
        let reason = page.dated(&reason.to_string());
        page.item(2, symbol, &format!("{} in secret {secret}: {reason}", summary::and(services)));
    }
}

/// The services that an application asks for, unless the header has said all of it.
fn parts(decision: &Decision) -> Vec<Parts<'_>> {
    let mut all: Vec<Parts<'_>> = Vec::new();
    for Part { service, instance, secret, verdict, reason } in &decision.parts {
        let name = format!("{service} {instance}");
        let same = |other: &&mut Parts<'_>| (other.secret, other.verdict, other.reason) == (secret, *verdict, reason);
        if let Some(same) = all.iter_mut().find(same) {
            same.services.push(name);
        } else {
            let made = makes(decision, Some(secret));
            all.push(Parts { services: vec![name], secret, verdict: *verdict, reason, made });
        }
    }
    match all.as_slice() {
        [only] if only.verdict == decision.verdict && *only.reason == decision.reason => vec![],
        _ => all,
    }
}

/// Whether the header says what is done, so that the only action need not be shown.
fn says_everything(decision: &Decision) -> bool {
    let repeats = |action: &Action| match &decision.subject {
        Subject::Application(_) => matches!(action, Action::DeleteApplication { .. }),
        Subject::Secret(_) => {
            let stays = matches!(action, Action::KeepSecret { .. } | Action::SkipProtected { .. });
            matches!(action, Action::DeleteSecret { .. }) || (stays && decision.verdict == Verdict::Keep)
        }
        Subject::User(_) => matches!(action, Action::DeleteUser { .. }),
    };
    matches!(decision.actions.as_slice(), [Planned { step: _, action }] if repeats(action))
}

/// Whether a secret is made, or that one.
fn makes(decision: &Decision, secret: Option<&Name>) -> bool {
    decision.actions.iter().any(|planned| match &planned.action {
        Action::WriteKeys(write) => {
            write.operation == Operation::Create && secret.is_none_or(|secret| *secret == write.name)
        }
        _ => false,
    })
}

/// The symbol of an object: what happens to it.
fn symbol(decision: &Decision) -> Symbol {
    match decision.verdict {
        Verdict::Wait => return Symbol::Wait,
        Verdict::Refuse => return Symbol::Refuse,
        Verdict::Keep if summary::is_idle(decision) => return Symbol::Keep,
        Verdict::Keep | Verdict::Change => {}
    }
    let ends = |planned: &Planned| match &decision.subject {
        Subject::Application(_) => matches!(planned.action, Action::DeleteApplication { .. }),
        Subject::Secret(_) => matches!(planned.action, Action::DeleteSecret { .. } | Action::ReleaseSecret { .. }),
        Subject::User(_) => matches!(planned.action, Action::DeleteUser { .. }),
    };
    match (decision.actions.iter().any(ends), makes(decision, None)) {
        (true, _) => Symbol::Delete,
        (false, true) => Symbol::Create,
        (false, false) => Symbol::Change,
    }
}
