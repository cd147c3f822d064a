//! Labels, annotations and the finalizer of a secret that an application asks for: what differs, and what of that is a
//! reason to write.
//!
//! Takes as given which users the secret records afterwards. What changes with every deploy is never a reason, only
//! refreshed; metadata of ours that no longer apply are removed, others are never touched.

use std::collections::{BTreeMap, BTreeSet};

use super::account::claim_for;
use super::part::PartPlan;
use super::write::{Leftovers, Site, expect};
use crate::action::{Operation, WriteKeys};
use crate::reason::Drift;
use crate::value::Value;
use crate::want::Want;
use crate::world::{Application, Claim, Labels, Name, Notes, Retired, Secret, Timestamp, UserKey, names, rfc3339};

/// The labels and annotations to write, and which of them are a reason to.
#[derive(Default)]
pub(super) struct Metadata {
    labels: BTreeMap<Name, Option<Name>>,
    /// Annotations to set, or to remove.
    pub(super) annotations: BTreeMap<Name, Option<Value>>,
    finalizer: bool,
    /// What is missing or wrong on a secret that exists.
    wrong: BTreeSet<Name>,
    /// Annotations that no longer apply.
    superfluous: BTreeSet<Name>,
    /// Users that were listed as replaced and are gone.
    retired_gone: Vec<Name>,
}

impl Metadata {
    /// Compares all metadata of ours.
    pub(super) fn of(site: Site<'_>, parts: &[PartPlan<'_>], (leftovers, retired): (&Leftovers, &[Retired])) -> Self {
        let Site { app, key: _, secret, all: _, contended: _ } = site;
        let mut metadata = Metadata { finalizer: secret.is_none_or(|secret| !secret.finalizer), ..Metadata::default() };
        metadata.labels(app, secret);
        metadata.annotations(app, secret);
        metadata.records(secret, parts, leftovers);
        metadata.retired(secret, parts, retired);
        if secret.is_none() {
            metadata.wrong.clear();
            metadata.superfluous.clear();
        } else if metadata.finalizer {
            metadata.wrong.insert("the finalizer".into());
        }
        metadata
    }

    /// What is missing, wrong or superfluous, if anything is.
    pub(super) fn drifts(&self) -> impl Iterator<Item = Drift> {
        let all = |names: &BTreeSet<Name>| (!names.is_empty()).then(|| names.iter().cloned().collect());
        let gone = (!self.retired_gone.is_empty()).then(|| Drift::RetiredGone(self.retired_gone.clone()));
        let drifts = [all(&self.wrong).map(Drift::Metadata), all(&self.superfluous).map(Drift::Superfluous), gone];
        drifts.into_iter().flatten()
    }

    /// The write of these metadata and keys.
    pub(super) fn into_write(self, site: Site<'_>, set: BTreeMap<Name, Value>, remove: Vec<Name>) -> WriteKeys {
        let Metadata { labels, annotations, finalizer, wrong: _, superfluous: _, retired_gone: _ } = self;
        WriteKeys {
            namespace: site.key.namespace.clone(),
            name: site.key.name.clone(),
            operation: if site.secret.is_none() { Operation::Create } else { Operation::Patch },
            expect: site.secret.map(expect),
            set,
            remove,
            labels,
            annotations,
            finalizers: if finalizer { vec![names::FINALIZER.into()] } else { vec![] },
            why: None,
        }
    }

    fn labels(&mut self, app: &Application, secret: Option<&Secret>) {
        let protected = if app.spec.protected { "true" } else { "false" };
        let none = Labels::default();
        let current = secret.map_or(&none, |secret| &secret.labels);
        let wanted = [
            (names::APP, &*app.key.name, &current.app),
            (names::TEAM, &*app.key.namespace, &current.team),
            (names::TYPE, names::TYPE_VALUE, &current.kind),
            (names::PROTECTED, protected, &current.protected),
        ];
        for (label, value, current) in wanted {
            if current.as_deref() == Some(value) {
                continue;
            }
            // Secrets of before that have no such label are not protected.
            let means_the_same = label == names::PROTECTED && current.is_none() && value == "false";
            if !means_the_same {
                self.wrong.insert(format!("label {label}").into());
            }
            self.labels.insert(label.into(), Some(value.into()));
        }
        if current.secret_generation.as_ref().and_then(|text| text.parse().ok()) != Some(app.secret_generation) {
            self.labels.insert(names::SECRET_GENERATION.into(), Some(app.secret_generation.to_string().into()));
        }
    }

    fn annotations(&mut self, app: &Application, secret: Option<&Secret>) {
        let limit = app.spec.expires_at.filter(|_| app.spec.protected);
        let protected = if app.spec.protected { "true" } else { "false" };
        let none = Notes::default();
        let current = secret.map_or(&none, Secret::notes);
        self.annotation(current.protected.as_deref(), (names::PROTECTED, Some(protected)), |current| {
            current.unwrap_or("false") == protected
        });
        let limited = limit.map(|_| "true");
        self.annotation(current.time_limit.as_deref(), (names::TIME_LIMIT, limited), |current| {
            current.filter(|value| *value == "true") == limited
        });
        let end = limit.map(rfc3339);
        self.annotation(current.expires_at.as_deref(), (names::EXPIRES_AT, end.as_deref()), |current| {
            let moment = current.and_then(|text| text.parse::<Timestamp>().ok());
            moment.map(Timestamp::as_second) == limit.map(Timestamp::as_second) && current.is_some() == limit.is_some()
        });
        self.annotation(current.correlation_id.as_deref(), (names::CORRELATION_ID, Some(&app.correlation_id)), |_| {
            true
        });
    }

    /// Sets or removes one annotation; it is a reason to write unless what stands there is `right`.
    fn annotation(
        &mut self,
        current: Option<&str>,
        (name, wanted): (&str, Option<&str>),
        right: impl Fn(Option<&str>) -> bool,
    ) {
        if current == wanted {
            return;
        }
        match wanted {
            _ if right(current) => {}
            Some(_) => drop(self.wrong.insert(format!("annotation {name}").into())),
            None => drop(self.superfluous.insert(name.into())),
        }
        self.annotations.insert(name.into(), wanted.map(Value::text));
    }

    fn records(&mut self, secret: Option<&Secret>, parts: &[PartPlan<'_>], leftovers: &Leftovers) {
        let known = parts.iter().filter_map(|part| Some((part.want, part.user.as_ref()?)));
        let known = known.filter(|(want, user)| !secret.is_some_and(|secret| is_recorded(secret, want, user)));
        let mut wanted: BTreeMap<Name, Name> = BTreeMap::new();
        for (want, user) in known {
            wanted.extend(want.service_type.record(&want.slot, user));
        }
        for (name, value) in &wanted {
            self.annotation(annotation(secret, name), (name, Some(value)), |_| false);
        }
        if leftovers.claims.is_empty() {
            return;
        }
        let has_stores = |claim: &Claim| claim.service_type.has_certificates();
        if leftovers.claims.iter().any(has_stores)
            && !parts.iter().any(|part| part.want.service_type.has_certificates())
        {
            self.gone_with_service(secret, names::KEYSTORES);
        }
        let kept: BTreeSet<Name> = secret.map(|secret| names_of_records(secret, leftovers)).unwrap_or_default();
        for claim in &leftovers.claims {
            for (name, _) in claim.service_type.record(&claim.slot, &nobody()) {
                if !wanted.contains_key(&name) && !kept.contains(&name) {
                    self.gone_with_service(secret, &name);
                }
            }
        }
    }

    /// Removes an annotation of a service that is no longer asked for, of which more is said than that.
    fn gone_with_service(&mut self, secret: Option<&Secret>, name: &str) {
        if annotation(secret, name).is_some() {
            self.annotations.insert(name.into(), None);
        }
    }

    fn retired(&mut self, secret: Option<&Secret>, parts: &[PartPlan<'_>], list: &[Retired]) {
        if secret.is_some_and(Secret::hides_retired) {
            return;
        }
        let text = (!list.is_empty()).then(|| Retired::format(list));
        let before = secret.map(Secret::retired).unwrap_or_default();
        let in_use = |entry: &&Retired| parts.iter().any(|part| part.user.as_ref() == Some(&entry.account()));
        let off = || before.iter().filter(|entry| !list.contains(entry));
        self.retired_gone = off().filter(|entry| !in_use(entry)).map(|entry| entry.username.clone()).collect();
        // Who is listed by this write is said where that user is replaced.
        let said = !off().any(|entry| in_use(&entry));
        let current = secret.and_then(|secret| secret.notes().retired.as_deref());
        self.annotation(current, (names::RETIRED, text.as_deref()), |_| said);
    }
}

fn annotation<'s>(secret: Option<&'s Secret>, name: &str) -> Option<&'s str> {
    secret.and_then(|secret| secret.annotations().get(name)).map(|text| &**text)
}

/// Whether the secret records exactly this user for what is wanted.
fn is_recorded(secret: &Secret, want: &Want, user: &UserKey) -> bool {
    claim_for(secret, want).is_some_and(|claim| {
        claim.username == user.username && claim.project == user.project && claim.services.contains(&user.service)
    })
}

/// The annotations of records that stay.
fn names_of_records(secret: &Secret, leftovers: &Leftovers) -> BTreeSet<Name> {
    let stays = |claim: &&Claim| !leftovers.claims.contains(claim);
    let records = |claim: &Claim| claim.service_type.record(&claim.slot, &nobody());
    secret.claims().iter().filter(stays).flat_map(records).map(|(name, _)| name).collect()
}

/// A user to ask for the names of annotations with.
fn nobody() -> UserKey {
    UserKey { project: Name::default(), service: Name::default(), username: Name::default() }
}
