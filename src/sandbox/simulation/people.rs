//! What people, tenants, workloads, Aiven and machines do: each deed, done to what is there by then.
//!
//! Decides what a deed means where what it is about is not there: nothing. Tells the oracle what it cannot know from what
//! is stored: who has meddled with what.

use std::time::Duration;

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::account::{Lag, Maker};
use super::case::{Deed, What};
use super::cluster::{Key, Table, whole};
use super::play::Play;
use super::spec::{forged, spec, workload};
use super::stage::{APPS, SECRETS, SPACES, key, services};
use crate::naming::{Prefix, suffixes};
use crate::shell::kube::KubeError;
use crate::want::ServiceType;
use crate::world::{AppKey, Kind, ServiceKey, UserKey, WorkloadKind, names};

const APP: Table = Some(Kind::Application);
const SECRET: Table = Some(Kind::Secret);

impl Play {
    /// Lets somebody do something.
    pub(super) fn happen(&mut self, deed: Deed) {
        let cluster = usize::from(deed.cluster) % self.stage.clusters.len().max(1);
        let space = pick(&SPACES, deed.space);
        let (app, secret) = (key(space, pick(&APPS, deed.name)), key(space, pick(&SECRETS, deed.name)));
        let more = deed.more;
        match deed.what {
            What::App => self.app(cluster, &app, more),
            What::EndApp => self.end(cluster, (APP, &app)),
            What::RemakeApp => self.remake(cluster, &app, more),
            What::Deploy | What::Resync | What::HoldApp => self.touch(cluster, &app, deed),
            What::Expire => self.expire(cluster, &app, more),
            What::Work => self.work(cluster, deed),
            What::EndWork => {
                let work = key(space, &format!("w{}", more % 3));
                self.end(cluster, (Some(Kind::Workload(kind_of(deed.name))), &work));
            }
            What::EndNamespace => self.end_namespace(cluster, space),
            What::Claim => self.claim(cluster, deed),
            What::Instance | What::EndInstance => self.instance(cluster, deed),
            What::EndSecret
            | What::EditSecret
            | What::Pause
            | What::Protect
            | What::SkipCleanup
            | What::Decorate
            | What::StripFinalizer
            | What::StripRecord
            | What::StripLabel
            | What::Squat
            | What::Freeze
            | What::ForgeRecord => self.secret(cluster, (&secret, &app), deed),
            What::Forge => self.forge(cluster, &secret, more),
            What::Power
            | What::EndService
            | What::Stranger
            | What::EndUser
            | What::ForeignAcl
            | What::Rotate
            | What::Age
            | What::Limit
            | What::Token
            | What::Lag => self.aiven(cluster, deed),
            What::Crash | What::Hold | What::Late | What::Lose | What::LoseAiven | What::Refuse | What::RefuseAiven => {
                self.armed.push_back(deed);
            }
            What::Stop | What::Another | What::Sleep | What::Clock | What::Stand => self.machine(cluster, deed),
            What::Deaf | What::Outdated | What::Twice | What::Swizzle => self.watch(deed),
            What::Wait => self.wait(Duration::from_millis(u64::from(more) % 20_000)),
        }
    }

    fn remake(&mut self, cluster: usize, app: &Key, more: u32) {
        self.end(cluster, (APP, app));
        self.app(cluster, app, more);
    }

    /// Does something to an application that leaves its spec as it is.
    fn touch(&mut self, cluster: usize, app: &Key, deed: Deed) {
        let metadata = match deed.what {
            What::Resync => return self.resync(cluster, app),
            What::HoldApp => json!({"finalizers": ["team/finalizer"]}),
            _ => json!({"annotations": {names::CORRELATION_ID: deed.more.to_string()}}),
        };
        self.edit(cluster, (APP, app), &json!({"metadata": metadata}));
    }

    fn expire(&mut self, cluster: usize, app: &Key, more: u32) {
        let left = SignedDuration::from_secs(i64::from(more % 7_200));
        let at = self.stage.wall().checked_add(left).unwrap_or_default();
        let end = if more.is_multiple_of(4) { Value::Null } else { json!(whole(at)) };
        self.edit(cluster, (APP, app), &json!({"spec": {"expiresAt": end}}));
    }

    /// Makes an instance of a service of another namespace.
    fn claim(&mut self, cluster: usize, deed: Deed) {
        let (space, other) = (pick(&SPACES, deed.space), pick(&SPACES, deed.space.wrapping_add(1)));
        let name = format!("valkey-{other}-c");
        self.tale.say(self.stage.now, || format!("somebody in {space} makes a Valkey {name}"));
        self.stage.put_instance(cluster, (space, ServiceType::Valkey, &name), "RUNNING");
    }

    fn app(&mut self, cluster: usize, key: &Key, more: u32) {
        let wall = self.stage.wall();
        let spec = spec(key, more, wall);
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        of.begin(&key.0);
        let (now, name) = (self.stage.now, format!("{}/{}", key.0, key.1));
        if of.get(APP, key).is_some() {
            // As kubectl replace: what the new one does not say is gone.
            let mut patch = json!({"spec": {"secretName": null, "protected": null, "expiresAt": null, "kafka": null, "openSearch": null, "valkey": null}});
            for (member, value) in spec.as_object().into_iter().flatten() {
                patch["spec"][member] = value.clone();
            }
            let _ = of.patch(APP, (key, false), &patch);
            self.tale.say(now, || format!("the team changes application {name} in cluster {cluster}: {spec}"));
            return;
        }
        let object = json!({"metadata": {"namespace": key.0, "name": key.1}, "spec": spec});
        let made = of.create(APP, object, wall).is_ok();
        self.tale.say(now, || {
            format!(
                "the team makes application {name} in cluster {cluster}{}: {spec}",
                if made { "" } else { ", in vain" }
            )
        });
    }

    /// Deletes an object.
    fn end(&mut self, cluster: usize, (table, key): (Table, &Key)) {
        let wall = self.stage.wall();
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        if of.delete(table, (key, None), wall) != Err(KubeError::NotFound) {
            self.say(cluster, (table, key), "deletes");
        }
    }

    /// Edits an object.
    pub(super) fn edit(&mut self, cluster: usize, (table, key): (Table, &Key), patch: &Value) {
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        if of.patch(table, (key, false), patch).is_ok() {
            self.say(cluster, (table, key), &format!("edits ({patch})"));
        }
    }

    pub(super) fn say(&mut self, cluster: usize, (table, key): (Table, &Key), what: &str) {
        let kind = table.map_or_else(|| "ConfigMap".to_owned(), |kind| kind.to_string());
        self.tale.say(self.stage.now, || format!("somebody {what} {kind} {}/{} in cluster {cluster}", key.0, key.1));
    }

    fn resync(&mut self, cluster: usize, key: &Key) {
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        if of.get(APP, key).is_some_and(|app| app.get("status").is_some()) {
            let _ = of.patch(APP, (key, true), &json!({"status": {"synchronizationHash": null}}));
            self.say(cluster, (APP, key), "asks that everything is written again for");
        }
    }

    fn work(&mut self, cluster: usize, deed: Deed) {
        let (space, kind) = (pick(&SPACES, deed.space), kind_of(deed.name));
        let secret = pick(&SECRETS, u8::try_from(deed.more >> 8 & 255).unwrap_or_default());
        let (table, name) = (Some(Kind::Workload(kind)), format!("w{}", deed.more % 3));
        let wall = self.stage.wall();
        let object = workload((kind, space, &name), secret, (deed.more >> 16, wall));
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        if of.create(table, object, wall).is_ok() {
            self.say(cluster, (table, &key(space, &name)), &format!("lets secret {secret} be used by"));
        }
    }

    fn end_namespace(&mut self, cluster: usize, space: &str) {
        let wall = self.stage.wall();
        if let Some(of) = self.stage.clusters.get_mut(cluster) {
            of.end(space, wall);
            self.tale.say(self.stage.now, || format!("somebody deletes namespace {space} in cluster {cluster}"));
        }
    }

    fn instance(&mut self, cluster: usize, deed: Deed) {
        let all: Vec<_> = super::stage::instances().collect();
        let Some((space, of, name)) = all.get(usize::from(deed.name) % all.len().max(1)) else { return };
        let table = Some(Kind::Instance(*of));
        if deed.what == What::EndInstance && deed.more.is_multiple_of(2) {
            self.end(cluster, (table, &key(space, name)));
            return;
        }
        let state = pick(
            &["RUNNING", "REBUILDING", "REBALANCING", "POWEROFF"],
            u8::try_from(deed.more % 4).unwrap_or_default(),
        );
        self.tale.say(self.stage.now, || format!("instance {name} is {state}"));
        self.stage.put_instance(cluster, (space, *of, name), state);
    }

    fn forge(&mut self, cluster: usize, secret: &Key, more: u32) {
        let wall = self.stage.wall();
        let victim = self.oracle.victim(&self.stage, (cluster, &secret.0), more);
        let object = forged(secret, more, victim.as_ref());
        let Some(of) = self.stage.clusters.get_mut(cluster) else { return };
        if let Ok(made) = of.create(SECRET, object, wall) {
            self.oracle.meddled(cluster, &made);
            let annotations = made.pointer("/metadata/annotations").map(ToString::to_string).unwrap_or_default();
            self.say(cluster, (SECRET, secret), &format!("forges, with {annotations},"));
        }
    }

    fn aiven(&mut self, cluster: usize, deed: Deed) {
        let all = services();
        let Some((service, _)) = all.get(usize::from(deed.name) % all.len().max(1)).cloned() else { return };
        let (more, now, wall) = (deed.more, self.stage.now, self.stage.wall());
        match deed.what {
            What::Stranger => {
                let user = likely(
                    cluster,
                    &service,
                    deed,
                    self.stage.settings.get(cluster).and_then(|it| it.cluster_name.as_deref()),
                );
                if self.stage.account.user(&user).is_none() && self.stage.account.service(&service).is_some() {
                    self.stage.account.make(&user, Maker::Stranger, (now, wall));
                    self.oracle.stranger(&self.stage, &user);
                    self.tale.say(now, || format!("a stranger makes user {user}"));
                }
            }
            What::EndUser | What::Rotate | What::Age => self.user(deed),
            What::Lag => {
                let secs = |shift: u32, most: u32| Duration::from_secs(u64::from((more >> shift) % (most + 1)));
                let lag = Lag { create: secs(0, 30), delete: secs(5, 30), password: secs(10, 15), acl: secs(15, 10) };
                self.stage.account.lag = if more % 5 == 0 { Lag::default() } else { lag };
                self.tale.say(now, || format!("from now on changes show late at Aiven: {lag:?}"));
            }
            What::Token => {
                self.stage.account.token_refused = more % 3 == 0;
                let word = if more % 3 == 0 { "refuses" } else { "takes" };
                self.tale.say(now, || format!("Aiven {word} the token"));
            }
            _ => self.service(&service, deed),
        }
    }

    fn user(&mut self, deed: Deed) {
        let (now, wall) = (self.stage.now, self.stage.wall());
        let there = self.stage.account.services.iter().filter(|(_, it)| !it.is_gone);
        let users: Vec<UserKey> = there
            .flat_map(|(key, it)| it.users.iter().map(move |(name, user)| (key, name, user)))
            .filter(|(_, _, user)| !user.primary)
            .map(|(key, name, _)| key.user(name.as_str().into()))
            .collect();
        let place = usize::try_from(deed.more).unwrap_or_default() % users.len().max(1);
        let Some(user) = users.get(place) else { return };
        let what = match deed.what {
            What::Rotate => {
                self.stage.account.rotate(user, wall);
                "somebody resets the password of user"
            }
            What::Age => {
                self.stage.account.age(user, wall);
                "the certificate ends in nine days of user"
            }
            _ => {
                self.stage.account.remove(user, now);
                "somebody deletes at Aiven user"
            }
        };
        self.tale.say(now, || format!("{what} {user}"));
    }

    fn service(&mut self, key: &ServiceKey, deed: Deed) {
        let (more, now) = (deed.more, self.stage.now);
        let Some(service) = self.stage.account.services.get_mut(key) else { return };
        match deed.what {
            What::Power => {
                let states = ["RUNNING", "POWEROFF", "REBUILDING"];
                pick(&states, u8::try_from(more % 3).unwrap_or_default()).clone_into(&mut service.state);
                let state = service.state.clone();
                self.tale.say(now, || format!("service {key} is {state}"));
            }
            What::EndService => {
                service.is_gone = more % 2 == 0;
                let word = if service.is_gone {
                    service.users.clear();
                    "goes"
                } else {
                    "is there"
                };
                self.tale.say(now, || format!("service {key} {word}"));
            }
            What::Limit => {
                service.limit = if more % 2 == 0 { 3 } else { 100 };
                let limit = service.limit;
                self.tale.say(now, || format!("service {key} takes {limit} users"));
            }
            What::ForeignAcl if service.kind == "opensearch" => {
                let mut acls = service.acl.get("acls").and_then(Value::as_array).cloned().unwrap_or_default();
                match more % 3 {
                    0 => acls.push(json!({"username": format!("stranger{}", more % 7), "rules": [{"index": "logs", "permission": "read"}]})),
                    1 => drop(acls.pop()),
                    _ => acls.retain(|entry| entry.get("username").and_then(Value::as_str).is_some_and(|name| name.starts_with("stranger"))),
                }
                service.acl.insert("acls".to_owned(), json!(acls));
                self.tale.say(now, || format!("somebody writes the ACL document of {key}: {}", json!(acls)));
            }
            _ => {}
        }
    }
}

/// A user that an application would be given.
fn likely(_: usize, service: &ServiceKey, deed: Deed, cluster: Option<&str>) -> UserKey {
    let app = AppKey::new(pick(&SPACES, deed.space), pick(&APPS, deed.name));
    let generation = i64::from(deed.more % 3) + 1;
    let suffix = suffixes(generation, &app.name, cluster).next().unwrap_or_default();
    let name = match service.service.split('-').next() {
        Some("kafka") => Prefix::kafka(&app).username(&suffix),
        Some("opensearch") => Prefix::with_access(&app.namespace, crate::world::Access::Read).username(&suffix),
        _ => Prefix::with_access(&app.name, crate::world::Access::Read).username(&suffix),
    };
    service.user(name.into())
}

fn kind_of(place: u8) -> WorkloadKind {
    WorkloadKind::ALL.get(usize::from(place) % WorkloadKind::ALL.len()).copied().unwrap_or(WorkloadKind::Pod)
}

/// One of these.
pub(super) fn pick<T: Copy + Default>(all: &[T], place: u8) -> T {
    all.get(usize::from(place) % all.len().max(1)).copied().unwrap_or_default()
}
