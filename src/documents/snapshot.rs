//! A world as documents that read back to the same plan: what `snapshot` saves.
//!
//! Takes everything from the world, which holds no secret material: the value of a secret stands there as its digest,
//! under a key that nobody keeps. Decides nothing.

mod aiven;
mod object;
mod observation;

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::Source;
use crate::want::{IfAbsent, ServiceType, Source as From};
use crate::world::{Content, Name, Observed, Service, Settings, Timestamp, World};

/// The files of a snapshot: the name of each, with folders, and its text.
///
/// `home` is the namespace of the journal.
pub fn snapshot(world: &World, home: &str) -> Vec<Source> {
    let namespaces = world.namespaces().filter_map(|(name, space)| {
        let objects = object::of_namespace(world, (name, space));
        (!objects.is_empty()).then(|| file(format!("namespaces/{name}.yaml"), &objects))
    });
    let projects = world.projects().map(|(name, project)| {
        let document = aiven::project(name, project);
        file(format!("aiven/{name}.yaml"), &[document])
    });
    let journal = observation::journal(world, home).map(|journal| file("journal.yaml".to_owned(), &[journal]));
    let observation = file("observation.yaml".to_owned(), &[observation::of(world, &texts(world))]);
    namespaces.chain(projects).chain(journal).chain([observation]).collect()
}

fn file(name: String, documents: &[Value]) -> Source {
    let text = documents.iter().map(|document| {
        // JSON is YAML too; nothing that is written here fails to be.
        let yaml = serde_saphyr::to_string(document).unwrap_or_else(|_| format!("{document:#}"));
        yaml.trim_end().to_owned() + "\n"
    });
    Source { name, text: text.collect::<Vec<_>>().join("---\n") }
}

/// The texts, none of them secret, with which a planner may compare what Secrets hold.
fn texts(world: &World) -> BTreeSet<String> {
    let mut texts = BTreeSet::from(["0".to_owned()]);
    for want in ServiceType::ALL.into_iter().flat_map(ServiceType::keys) {
        match want.source {
            From::Constant(text) | From::Address(_, IfAbsent::Text(text)) => drop(texts.insert(text.to_owned())),
            From::Address(_, IfAbsent::Wait | IfAbsent::LeaveOut)
            | From::Username
            | From::Credential(_)
            | From::Ca
            | From::Keystore
            | From::Truststore
            | From::Clock => {}
        }
    }
    let services = world.projects().filter_map(|(_, project)| project.seen()).flat_map(|project| &project.services);
    for service in services.filter_map(|(_, service)| service.seen()?.as_ref()) {
        texts.extend(service.users_in_order().into_keys().map(ToString::to_string));
        texts.extend(addresses(service, world.settings()));
    }
    let secrets = world.namespaces().flat_map(|(_, space)| space.secrets());
    for secret in secrets {
        texts.extend(secret.claims().iter().map(|claim| claim.username.to_string()));
        texts.extend(secret.retired().iter().map(|retired| retired.username.to_string()));
    }
    texts.remove("");
    texts
}

/// The addresses that these settings hand out, and those that other routes would.
fn addresses(service: &Service, settings: &Settings) -> BTreeSet<String> {
    let Some(service_type) = ServiceType::named(&service.service_type) else { return BTreeSet::new() };
    let routes: BTreeSet<&Name> = service.components.iter().map(|component| &component.route).collect();
    let others = routes.into_iter().map(|route| Settings { routes: vec![route.clone()], ..settings.clone() });
    let all = others.chain([settings.clone()]).flat_map(|settings| service_type.addresses(service, &settings));
    let spelled = all.filter_map(|(_, spelling)| spelling);
    spelled.flat_map(|spelling| std::iter::once(spelling.text).chain(spelling.also)).collect()
}

/// A value that may be secret, as a document says it.
fn content(content: Content) -> Value {
    match content {
        Content::Empty => json!(""),
        Content::Opaque => json!("present"),
        Content::Digest(digest) | Content::Snapshot(digest) => json!(format!("digest:{digest}")),
    }
}

/// Why something was not seen, in its place.
fn unseen(why: &Name) -> Value {
    json!({"unseen": some(why)})
}

/// A reason, which a document must not leave empty.
fn some(why: &Name) -> &str {
    if why.is_empty() { "it was not observed" } else { why }
}

/// A mapping of what there is to say.
#[derive(Default)]
struct Members(Map<String, Value>);

impl Members {
    fn with(mut self, key: &str, value: Value) -> Self {
        self.0.insert(key.to_owned(), value);
        self
    }

    /// A text, unless it is empty.
    fn text(self, key: &str, text: &str) -> Self {
        if text.is_empty() { self } else { self.with(key, json!(text)) }
    }

    /// A moment, if there is one.
    fn time(self, key: &str, time: Option<Timestamp>) -> Self {
        self.maybe(key, time.map(|time| json!(time.to_string())))
    }

    fn maybe(self, key: &str, value: Option<Value>) -> Self {
        match value {
            Some(value) => self.with(key, value),
            None => self,
        }
    }

    /// `true`, if it is.
    fn flag(self, key: &str, set: bool) -> Self {
        self.maybe(key, set.then_some(json!(true)))
    }

    /// A list, unless it is empty.
    fn list(self, key: &str, entries: Vec<Value>) -> Self {
        if entries.is_empty() { self } else { self.with(key, Value::Array(entries)) }
    }

    /// A mapping, unless it is empty.
    fn map(self, key: &str, members: Members) -> Self {
        if members.0.is_empty() { self } else { self.with(key, members.into()) }
    }
}

impl std::convert::From<Members> for Value {
    fn from(members: Members) -> Self {
        Value::Object(members.0)
    }
}

/// What was seen, or why not.
fn observed<T>(observed: &Observed<T>, seen: impl FnOnce(&T) -> Value) -> Value {
    match observed {
        Observed::Seen(value) => seen(value),
        Observed::Unseen(why) => unseen(why),
    }
}
