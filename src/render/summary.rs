//! The last line: how much is to be done, and how much stays.
//!
//! Takes as given the plan alone; never counts what it does not name.

use std::collections::BTreeSet;

use crate::action::Action;
use crate::plan::{Decision, Plan, Verdict};
use crate::reason::Reason;
use crate::world::{SecretKey, Subject};

/// The last line of a plan.
pub(super) fn line(plan: &Plan) -> String {
    let standing = Standing::of(plan);
    if plan.changes() { changes(plan, &standing) } else { nothing(plan, &standing) }
}

/// How many decisions leave things as they are, and why.
#[derive(Debug, Default)]
struct Standing {
    kept: usize,
    paused: usize,
    needing: usize,
    /// Whether all that is kept is as it has to be.
    well: bool,
    waiting: usize,
    refused: usize,
}

impl Standing {
    fn of(plan: &Plan) -> Self {
        let mut standing = Standing { well: true, ..Standing::default() };
        let written = written(plan);
        for decision in &plan.decisions {
            match decision.verdict {
                Verdict::Keep if is_idle(decision) && !written.contains(&decision.subject) => standing.keep(decision),
                Verdict::Keep | Verdict::Change => {}
                Verdict::Wait if is_user(decision) && written.contains(&decision.subject) => {}
                Verdict::Wait => standing.waiting += 1,
                Verdict::Refuse => standing.refused += 1,
            }
        }
        standing
    }

    fn keep(&mut self, decision: &Decision) {
        self.kept += 1;
        let unsure = matches!(decision.reason, Reason::Protected { unreadable: true, until: _ });
        let well = matches!(decision.reason, Reason::UpToDate | Reason::InUse { .. } | Reason::Protected { .. });
        self.well &= well && !unsure;
        self.paused += usize::from(matches!(decision.reason, Reason::Paused { .. }));
        let needs = unsure || decision.reason.is_warning() || matches!(decision.reason, Reason::NotOurs { .. });
        self.needing += usize::from(needs);
    }

    /// In words, without those that there are none of.
    fn in_words(&self) -> Vec<String> {
        let Standing { kept, paused, needing, well: _, waiting, refused } = self;
        let counts = [(*refused, "refused"), (*waiting, "waiting"), (*kept, "kept")];
        let some = counts.into_iter().filter(|(count, _)| *count > 0);
        let mut words: Vec<String> = some.map(|(count, word)| format!("{} {word}", grouped(count))).collect();
        let of_them = |count: usize, word: &str| match (count, *kept) {
            (1, 1) => word.to_owned(),
            (count, kept) if count == kept => format!("all of them {word}"),
            (count, _) => format!("{} of them {word}", grouped(count)),
        };
        words.extend((*paused > 0).then(|| of_them(*paused, "paused")));
        let need = if *needing == 1 { "needs a person" } else { "need a person" };
        words.extend((*needing > 0).then(|| of_them(*needing, need)));
        words
    }
}

/// The secrets that are written and the users that are replaced or deleted: as subjects they may well be kept, or wait.
pub(super) fn written(plan: &Plan) -> BTreeSet<Subject> {
    let written = plan.actions().filter_map(|action| match action {
        Action::WriteKeys(write) => Some(Subject::Secret(SecretKey::new(write.namespace.clone(), write.name.clone()))),
        Action::DeleteUser { user } | Action::RetireUser { user, .. } => Some(Subject::User(user.clone())),
        _ => None,
    });
    written.collect()
}

fn is_user(decision: &Decision) -> bool {
    matches!(decision.subject, Subject::User(_))
}

/// Whether nothing is done.
pub(super) fn is_idle(decision: &Decision) -> bool {
    !decision.actions.iter().any(|planned| planned.action.is_change())
}

fn changes(plan: &Plan, standing: &Standing) -> String {
    let count = |name: &str| plan.actions().filter(|action| action.name() == name).count();
    let create = count("create_user");
    let write = count("write_keys");
    let mut parts =
        vec![format!("{} to create", counted(create, "user")), format!("{} to write", counted(write, "secret"))];
    let deletions = [
        (count("delete_application"), "application"),
        (count("delete_secret") + count("release_secret"), "secret"),
        (count("delete_user"), "user"),
    ];
    let deleted: Vec<String> =
        deletions.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what)).collect();
    parts.push(if deleted.is_empty() { "0 to delete".to_owned() } else { format!("{} to delete", and(&deleted)) });
    match changed_access(plan) {
        0 => {}
        users => parts.push(format!("access of {} to change", counted(users, "user"))),
    }
    match count("enable_acl") {
        0 => {}
        services => parts.push(format!("access control of {} to turn on", counted(services, "service"))),
    }
    match left_behind(plan) {
        0 => {}
        users => parts.push(format!("{} left behind", counted(users, "user"))),
    }
    match count("clear_intent") {
        0 => {}
        1 => parts.push("1 journal entry to remove".to_owned()),
        entries => parts.push(format!("{} journal entries to remove", grouped(entries))),
    }
    match count("update_status") {
        0 => {}
        statuses => parts.push(format!("{} to set", counted(statuses, "status"))),
    }
    let standing = standing.in_words();
    let standing = if standing.is_empty() { String::new() } else { format!("; {}", standing.join(", ")) };
    format!("Plan: {}{standing}.", parts.join(", "))
}

/// How many users stay at Aiven when their secrets go, or what the journal says of them.
fn left_behind(plan: &Plan) -> usize {
    let left = plan.actions().map(|action| match action {
        Action::ReleaseSecret { left_behind, .. } => left_behind.len(),
        Action::ClearIntent { left_behind, .. } => usize::from(*left_behind),
        _ => 0,
    });
    left.sum()
}

/// How many users that exist and stay may do something else afterwards.
fn changed_access(plan: &Plan) -> usize {
    let mut changed = BTreeSet::new();
    for action in plan.actions() {
        if let Action::SetAccess { user, .. } | Action::GrantAcl { user, .. } | Action::RevokeAcl { user } = action {
            changed.insert(user);
        }
    }
    for action in plan.actions() {
        if let Action::CreateUser { user, .. } | Action::DeleteUser { user } = action {
            changed.remove(user);
        }
    }
    changed.len()
}

/// A list as people write it: `a, b and c`.
pub(super) fn and(items: &[String]) -> String {
    match items {
        [] => String::new(),
        [one] => one.clone(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

fn nothing(plan: &Plan, standing: &Standing) -> String {
    let (mut applications, mut secrets, mut users) = (0, 0, 0);
    for decision in &plan.decisions {
        match decision.subject {
            Subject::Application(_) => applications += 1,
            Subject::Secret(_) => secrets += 1,
            Subject::User(_) => users += 1,
        }
    }
    let all = [(applications, "application"), (secrets, "secret"), (users, "service user")];
    let seen: Vec<String> =
        all.into_iter().filter(|(count, _)| *count > 0).map(|(count, what)| counted(count, what)).collect();
    if seen.is_empty() {
        return "No changes. There is no AivenApplication and no managed Secret.".to_owned();
    }
    if standing.waiting + standing.refused == 0 && standing.well {
        let missing = match plan.reads.len() {
            0 => "everything is as it has to be".to_owned(),
            1 => "nothing wrong was seen, and 1 read is missing".to_owned(),
            reads => format!("nothing wrong was seen, and {} reads are missing", grouped(reads)),
        };
        return format!("No changes. {}: {missing}.", seen.join(", "));
    }
    format!("No changes. {}: {}.", seen.join(", "), standing.in_words().join(", "))
}

/// A number and what it counts.
fn counted(count: usize, what: &str) -> String {
    let plural = match (count, what) {
        (1, _) => "",
        (_, "status") => "es",
        _ => "s",
    };
    format!("{} {what}{plural}", grouped(count))
}

/// A number with a comma between thousands.
pub(super) fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
