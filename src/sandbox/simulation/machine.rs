//! What people do to secrets, what machines do to operators, and what watches suffer; and how everything is mended.
//!
//! Decides nothing about what is right. Tells the oracle who has meddled with what.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::account::Lag;
use super::case::{Deed, What};
use super::cluster::{Key, Table, finalizers, noted};
use super::play::Play;
use super::spec::record;
use super::stage::{services, wall};
use crate::shell::kube::KubeError;
use crate::world::{Kind, names};

const SECRET: Table = Some(Kind::Secret);

impl Play {
    /// Somebody does something to a secret.
    pub(super) fn secret(&mut self, cluster: usize, (secret, app): (&Key, &Key), deed: Deed) {
        let Some(found) = self.stage.clusters.get(cluster).and_then(|of| of.get(SECRET, secret)).cloned() else {
            return;
        };
        let more = deed.more;
        let on = more.is_multiple_of(2);
        let annotate = |name: &str, value: Value| json!({"metadata": {"annotations": {name: value}}});
        let patch = match deed.what {
            What::EndSecret => {
                let wall = self.stage.wall();
                if let Some(of) = self.stage.clusters.get_mut(cluster) {
                    let _ = of.delete(SECRET, (secret, None), wall);
                }
                return self.say(cluster, (SECRET, secret), "deletes");
            }
            What::EditSecret => edit_of(&found, more),
            What::Pause if more.is_multiple_of(3) => {
                let paused = annotate(names::PAUSED, if on { json!("true") } else { Value::Null });
                return self.edit(cluster, (Some(Kind::Application), app), &paused);
            }
            What::Pause => annotate(names::PAUSED, if on { json!("true") } else { Value::Null }),
            What::Protect => annotate(names::PROTECTED, json!(if on { "true" } else { "false" })),
            What::SkipCleanup => annotate(names::SKIP_CLEANUP, json!("true")),
            What::Decorate => json!({"metadata": {
                "labels": {"team-label": format!("{more}")}, "annotations": {"team/note": "kept"},
                "ownerReferences": [{"apiVersion": "v1", "kind": "ConfigMap", "name": "x", "uid": "x"}],
            }, "data": {"TEAM_KEY": "dGVhbQ=="}}),
            What::StripFinalizer => {
                let others: Vec<&str> = finalizers(&found).into_iter().filter(|it| *it != names::FINALIZER).collect();
                json!({"metadata": {"finalizers": others}})
            }
            What::StripRecord => strip_of(&found, more),
            What::StripLabel => json!({"metadata": {"labels": {names::TYPE: null}}}),
            What::Freeze => json!({"immutable": true}),
            What::ForgeRecord => {
                let victim = self.oracle.victim(&self.stage, (cluster, &secret.0), more);
                json!({"metadata": {"annotations": record(more, victim.as_ref())}})
            }
            _ => return self.squat(cluster, secret),
        };
        if !matches!(deed.what, What::EditSecret | What::Pause | What::Protect | What::Decorate) {
            self.oracle.meddled(cluster, &found);
        }
        self.edit(cluster, (SECRET, secret), &patch);
        if deed.what == What::ForgeRecord
            && let Some(forged) = self.stage.clusters.get(cluster).and_then(|of| of.get(SECRET, secret)).cloned()
        {
            self.oracle.meddled(cluster, &forged);
        }
    }

    /// Exchanges a secret for one of somebody else.
    fn squat(&mut self, cluster: usize, secret: &Key) {
        let wall = self.stage.wall();
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        let Some(found) = of.get(SECRET, secret).cloned() else { return };
        self.oracle.meddled(cluster, &found);
        let _ = of.patch(SECRET, (secret, false), &json!({"metadata": {"finalizers": []}}));
        let _ = of.delete(SECRET, (secret, None), wall);
        let object = json!({"type": "Opaque", "metadata": {"namespace": secret.0, "name": secret.1}, "data": {"MINE": "bWluZQ=="}});
        let _ = of.create(SECRET, object, wall);
        self.say(cluster, (SECRET, secret), "exchanges, for one of their own,");
    }

    /// Something happens to the machine of an operator.
    pub(super) fn machine(&mut self, cluster: usize, deed: Deed) {
        let numbers: Vec<usize> = self.processes.keys().copied().collect();
        let number = numbers.get(usize::from(deed.name) % numbers.len().max(1)).copied();
        let (more, now) = (deed.more, self.stage.now);
        let long = Duration::from_secs(u64::from(more) % 120);
        if deed.what == What::Another {
            if self.processes.len() < 3 {
                self.start(cluster);
            }
            return;
        }
        let Some(process) = number.and_then(|number| self.processes.get_mut(&number)) else { return };
        let number = number.unwrap_or_default();
        match deed.what {
            What::Stop => {
                process.ask_to_stop();
                self.tale.say(now, || format!("operator {number} is told to stop"));
                self.leaving.push((now + Duration::from_secs(18), number));
            }
            What::Sleep => {
                process.sleep_until(now + long);
                self.tale.say(now, || format!("operator {number} stands still for {long:?}"));
            }
            What::Clock => {
                let by = SignedDuration::from_secs(i64::from(more % 1_200) - 600);
                process.set_clock(by, true);
                self.oracle.clock_is_wrong(number, by);
                self.tale.say(now, || format!("the clock of operator {number} is set by {by:#}"));
            }
            _ => {
                let goes = more.is_multiple_of(2);
                process.set_clock(SignedDuration::ZERO, goes);
                self.oracle.clock_is_wrong(number, SignedDuration::from_mins(30));
                self.tale.say(now, || {
                    format!("the clock of operator {number} {}", if goes { "goes on" } else { "stands still" })
                });
            }
        }
    }

    /// Something happens to a watch.
    pub(super) fn watch(&mut self, deed: Deed) {
        let numbers: Vec<usize> = self.processes.keys().copied().collect();
        let Some(number) = numbers.get(usize::from(deed.cluster) % numbers.len().max(1)).copied() else { return };
        let Some(process) = self.processes.get_mut(&number) else { return };
        let index = usize::from(deed.name) % process.watches.len().max(1);
        let (more, now) = (deed.more, self.stage.now);
        let until = now + Duration::from_secs(u64::from(more) % 300);
        let kind = process.watches.get(index).map(|watch| watch.scope.kind.to_string()).unwrap_or_default();
        match deed.what {
            What::Deaf => {
                if let Some(watch) = process.watches.get_mut(index) {
                    watch.frozen_until = until;
                }
                self.tale.say(now, || {
                    format!(
                        "the watch of operator {number} for {kind} says nothing for {:?}",
                        until.saturating_sub(now)
                    )
                });
            }
            What::Swizzle => {
                for (place, watch) in process.watches.iter_mut().enumerate() {
                    if more >> (place % 16) & 1 == 1 {
                        watch.frozen_until = now + Duration::from_secs(u64::from(more >> place) % 300);
                    }
                }
                self.tale.say(now, || format!("several watches of operator {number} say nothing for a while"));
            }
            What::Outdated => {
                process.lose(index, KubeError::Stale);
                self.tale.say(now, || format!("the watch of operator {number} for {kind} is outdated, and lists anew"));
            }
            _ => {
                if let Some(cluster) = self.stage.clusters.get(process.cluster) {
                    process.hear_again(index, cluster);
                }
            }
        }
    }

    /// Nothing goes wrong any more: services run, watches speak, clocks are right, every cluster has an operator.
    pub(super) fn mend(&mut self) {
        self.quiet = true;
        self.armed.clear();
        let now = self.stage.now;
        self.tale.say(now, || "from here on nothing goes wrong any more".to_owned());
        self.stage.account.lag = Lag::default();
        self.stage.account.token_refused = false;
        for (key, _) in services() {
            if let Some(service) = self.stage.account.services.get_mut(&key) {
                (service.state, service.limit) = ("RUNNING".to_owned(), 100);
            }
        }
        for process in self.processes.values_mut() {
            process.sleep_until(now);
            process.wake(now);
            process.set_clock_right(wall(now));
            for watch in &mut process.watches {
                watch.frozen_until = now;
            }
        }
        for pending in self.wire.waiting().pending.values_mut() {
            pending.held_until = now;
        }
        for cluster in 0..self.stage.clusters.len() {
            let all: Vec<_> = super::stage::instances().collect();
            for (space, of, name) in all {
                let key = super::stage::key(space, &name);
                if self.stage.clusters.get(cluster).is_some_and(|it| it.get(Some(Kind::Instance(of)), &key).is_some()) {
                    self.stage.put_instance(cluster, (space, of, &name), "RUNNING");
                }
            }
            let acts = |it: &super::process::Process| it.cluster == cluster && !it.is_leaving();
            if !self.processes.values().any(acts) && !self.starts.iter().any(|(_, of)| *of == cluster) {
                self.start(cluster);
            }
        }
    }
}

/// An edit of one of the values.
fn edit_of(secret: &Value, more: u32) -> Value {
    let keys: Vec<&String> =
        secret.get("data").and_then(Value::as_object).into_iter().flatten().map(|(key, _)| key).collect();
    let Some(key) = keys.get(usize::try_from(more >> 2).unwrap_or_default() % keys.len().max(1)) else {
        return json!({});
    };
    match more % 4 {
        0 => json!({"data": {*key: null}}),
        1 => json!({"data": {*key: ""}}),
        2 => json!({"data": {*key: "ZWRpdGVk"}}),
        _ => json!({"data": null}),
    }
}

/// Something of what it records is stripped.
fn strip_of(secret: &Value, more: u32) -> Value {
    let ours = |name: &&String| name.contains("aiven.nais.io/") && name.ends_with(|c: char| c.is_ascii_alphabetic());
    let annotations = secret.pointer("/metadata/annotations").and_then(Value::as_object);
    let names: Vec<&String> = annotations.into_iter().flatten().map(|(name, _)| name).filter(ours).collect();
    let Some(name) = names.get(usize::try_from(more).unwrap_or_default() % names.len().max(1)) else {
        return json!({});
    };
    debug_assert!(noted(secret, "annotations", name).is_some());
    json!({"metadata": {"annotations": {*name: null}}})
}
