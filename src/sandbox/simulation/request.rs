//! One request of an operator: what goes wrong with it, what it comes to, and what becomes of its answer.
//!
//! Takes what is to go wrong from the case; decides nothing about what is right.

use std::time::Duration;

use super::account::refusal;
use super::case::{Deed, What};
use super::oracle::Asker;
use super::play::Play;
use super::wire::{Answer, Pending, Request};
use crate::shell::aiven::{Operation, Problem, Raw};
use crate::shell::kube::KubeError;

/// What Kubernetes may answer that does nothing.
const REFUSALS: [KubeError; 4] = [
    KubeError::Stale,
    KubeError::Forbidden { code: 403, terminating: false },
    KubeError::NoAnswer,
    KubeError::Refused { code: 500, reason: String::new() },
];
/// What Aiven may answer that does nothing.
const STATUSES: [u16; 12] = [400, 401, 403, 408, 409, 417, 429, 500, 502, 503, 504, 404];
/// How an answer of Aiven may be lost.
const LOSSES: [Problem; 3] = [Problem::Timeout, Problem::Broken, Problem::Unavailable];

impl Request {
    /// Whether it changes something.
    pub(super) fn is_effect(&self) -> bool {
        match self {
            Request::Get(..) | Request::List(..) | Request::Secrets(_) => false,
            Request::Create(..) | Request::Patch(..) | Request::Delete(..) => true,
            Request::Aiven(operation, ..) => operation.is_write(),
        }
    }

    fn is_aiven(&self) -> bool {
        matches!(self, Request::Aiven(..))
    }

    /// In a few words.
    pub(super) fn describe(&self) -> String {
        let place = |(namespace, name): &(String, String)| format!("{namespace}/{name}");
        let kind =
            |table: &super::cluster::Table| table.map_or_else(|| "ConfigMap".to_owned(), |kind| kind.to_string());
        match self {
            Request::Get(table, key, metadata) => {
                format!("get {}{} {}", if *metadata { "metadata of " } else { "" }, kind(table), place(key))
            }
            Request::List(kind, namespace) => format!("list {kind} in {}", namespace.as_deref().unwrap_or("all")),
            Request::Secrets(_) => "list the metadata of all Secrets".to_owned(),
            Request::Create(table, body) => format!("create {} {}", kind(table), place(&super::cluster::key_of(body))),
            Request::Patch(table, key, patch, status) => {
                let of = if *status { "status of " } else { "" };
                let inner = |value: &serde_json::Value| {
                    let names: Vec<&String> = value.as_object().into_iter().flatten().map(|(name, _)| name).collect();
                    format!("{names:?}")
                };
                let members: Vec<String> = patch
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(name, value)| format!("{name} {}", inner(value)))
                    .collect();
                format!("patch {of}{} {} ({})", kind(table), place(key), members.join(", "))
            }
            Request::Delete(table, key, _) => format!("delete {} {}", kind(table), place(key)),
            Request::Aiven(operation, target, _) => format!("{operation} {target}"),
        }
    }
}

impl Play {
    /// Carries out the request of that number, if nothing goes wrong.
    pub(super) fn request(&mut self, number: u64) {
        let Some(pending) = self.wire.waiting().pending.remove(&number) else { return };
        if pending.request.is_effect() {
            self.effects += 1;
            for deed in self.deeds_at(self.effects) {
                if deed.what.is_of_requests() {
                    self.armed.push_front(deed);
                } else {
                    self.happen(deed);
                }
            }
        }
        let fits = |deed: &Deed| deed.what.fits(&pending.request);
        match self.armed.iter().position(fits).and_then(|place| self.armed.remove(place)) {
            None => {
                let answer = self.carry_out(&pending);
                let _ = pending.answer.send(answer);
            }
            Some(deed) => self.fail(number, pending, deed),
        }
    }

    fn carry_out(&mut self, pending: &Pending) -> Answer {
        // Of a process that was killed the request is still under way: whose it was is known all the same.
        let cluster =
            self.oracle.cluster_of(pending.process).or_else(|| Some(self.processes.get(&pending.process)?.cluster));
        let Some(cluster) = cluster else { return Answer::Object(Err(KubeError::NoAnswer)) };
        let asker = Asker { process: pending.process, cluster };
        self.oracle.before(&self.stage, asker, &pending.request);
        let answer = self.stage.perform(cluster, &pending.request);
        self.oracle.after(&self.stage, asker, (&pending.request, &answer));
        if pending.request.is_effect() {
            let (request, came) = (&pending.request, &answer);
            self.tale.say(self.stage.now, || {
                format!("operator {}: {}: {}", asker.process, request.describe(), came.describe())
            });
        }
        answer
    }

    fn fail(&mut self, number: u64, pending: Pending, deed: Deed) {
        let asked = pending.request.describe();
        let who = pending.process;
        let more = usize::try_from(deed.more).unwrap_or_default();
        let span = Duration::from_secs(u64::from(deed.more >> 8) % 40 + 1);
        match deed.what {
            What::Crash => self.crash(pending, deed.more),
            What::Hold => {
                self.tale.say(self.stage.now, || format!("operator {who}: {asked}: it is on its way for {span:?}"));
                let held_until = self.stage.now + span;
                self.wire.waiting().pending.insert(number, Pending { held_until, ..pending });
            }
            What::Late => {
                let answer = self.carry_out(&pending);
                self.tale.say(self.stage.now, || format!("the answer takes {span:?}"));
                self.late.push((self.stage.now + span, pending.answer, answer));
            }
            What::Lose | What::LoseAiven => {
                let done = deed.more.is_multiple_of(2);
                let word = if done { "is done" } else { "is not done" };
                self.tale.say(self.stage.now, || format!("operator {who}: {asked}: it {word}, and the answer is lost"));
                if done {
                    self.carry_out(&pending);
                }
                let problem = LOSSES.get(more / 2 % LOSSES.len()).cloned().unwrap_or(Problem::Timeout);
                let _ = pending.answer.send(lost(&pending.request, problem));
            }
            _ => {
                let answer = refused(&pending.request, more);
                self.tale
                    .say(self.stage.now, || format!("operator {who}: {asked}: it is not done: {}", answer.describe()));
                let _ = pending.answer.send(answer);
            }
        }
    }

    /// Kills the operator that has asked: before it is done, after it, or after it has heard of it.
    fn crash(&mut self, pending: Pending, more: u32) {
        let (who, under_way) = (pending.process, (more >> 4).is_multiple_of(4));
        let back = Duration::from_secs(u64::from(more >> 8) % 60);
        let asked = pending.request.describe();
        match more % 3 {
            0 => self.tale.say(self.stage.now, || format!("operator {who}: {asked}: is killed before that")),
            1 => {
                self.carry_out(&pending);
                self.tale.say(self.stage.now, || format!("operator {who}: {asked}: is killed before it hears of it"));
            }
            _ => {
                let answer = self.carry_out(&pending);
                let _ = pending.answer.send(answer);
                self.settle();
                self.tale.say(self.stage.now, || format!("operator {who}: {asked}: is killed right after that"));
            }
        }
        self.kill(who, (under_way, back));
    }
}

impl What {
    /// Whether it goes wrong with a request.
    pub(super) fn is_of_requests(self) -> bool {
        matches!(
            self,
            What::Crash | What::Hold | What::Late | What::Lose | What::LoseAiven | What::Refuse | What::RefuseAiven
        )
    }

    fn fits(self, request: &Request) -> bool {
        match self {
            What::Crash => request.is_effect(),
            What::Hold | What::Late => true,
            What::Lose | What::Refuse => !request.is_aiven(),
            What::LoseAiven | What::RefuseAiven => request.is_aiven(),
            _ => false,
        }
    }
}

/// What is heard where an answer is lost.
fn lost(request: &Request, problem: Problem) -> Answer {
    match request {
        Request::List(..) | Request::Secrets(_) => Answer::Objects(Err(KubeError::NoAnswer)),
        Request::Aiven(..) if problem == Problem::Unavailable => gateway(502, "Bad gateway"),
        Request::Aiven(..) => Answer::Aiven(Err(problem)),
        _ => Answer::Object(Err(KubeError::NoAnswer)),
    }
}

fn refused(request: &Request, more: usize) -> Answer {
    match request {
        Request::Aiven(operation, ..) => {
            let status = STATUSES.get(more % STATUSES.len()).copied().unwrap_or(500);
            // A 409 to a creation would say that the name is taken, and that is no lie that Aiven tells.
            let status = if *operation == Operation::CreateUser && status == 409 { 403 } else { status };
            gateway(status, "No")
        }
        Request::List(..) | Request::Secrets(_) => Answer::Objects(Err(refusal_of(more))),
        // No conflict where no version was named, and none that is not there.
        Request::Get(..) => Answer::Object(Err(refusal_of(more | 1))),
        _ => Answer::Object(Err(refusal_of(more))),
    }
}

fn refusal_of(more: usize) -> KubeError {
    REFUSALS.get(more % REFUSALS.len()).cloned().unwrap_or(KubeError::NoAnswer)
}

fn gateway(status: u16, message: &str) -> Answer {
    let (status, body) = refusal(status, "", message);
    let retry_after = (status == 429).then(|| Duration::from_secs(7));
    Answer::Aiven(Ok(Raw { status, retry_after, body: Ok(body.into()) }))
}

impl Answer {
    /// In a few words.
    pub(super) fn describe(&self) -> String {
        let failed = |error: Option<&KubeError>| error.map_or_else(|| "done".to_owned(), ToString::to_string);
        match self {
            Answer::Object(answer) => failed(answer.as_ref().err()),
            Answer::Objects(answer) => failed(answer.as_ref().err()),
            Answer::Aiven(Ok(raw)) if raw.status < 300 => "done".to_owned(),
            Answer::Aiven(Ok(raw)) => format!("Aiven answers {}", raw.status),
            Answer::Aiven(Err(problem)) => problem.to_string(),
        }
    }
}
