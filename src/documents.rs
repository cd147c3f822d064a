//! Documents, as people and `kubectl` write them, become a [`World`]; a world becomes documents.
//!
//! Decides what a document means and says in one line what is wrong with one that cannot be read. Takes as given that
//! somebody else has read the files; never reads a file or a clock, and never shows or keeps the value of a secret:
//! what enters the world is a digest, and errors about documents that may hold secrets show no values at all.

mod application;
mod certificate;
mod content;
mod error;
mod field;
pub mod journal;
mod kind;
mod metadata;
mod observation;
mod project;
mod recall;
mod secret;
mod sighting;
mod snapshot;
mod syntax;
mod workload;

use std::collections::BTreeMap;

use serde_json::Value;

pub use self::error::{DocumentError, Place};
use self::field::{Fault, Object};
use self::journal::FoundJournal;
use self::kind::Known;
use self::metadata::{Metadata, Names};
pub use self::sighting::{Seen, Sight, Sighting};
pub use self::snapshot::snapshot;
pub use self::workload::matters as matters_of_workload;
use crate::world::{Name, Observed, World, names};

/// Whether Kubernetes takes a text for a time.
#[cfg(feature = "sandbox")]
pub(crate) fn is_time(text: &str) -> bool {
    field::parse_time(text).is_some()
}

/// A text to read documents from.
pub struct Source {
    /// The name of the file as the user gave it, or `<stdin>`; stands in errors.
    pub name: String,
    /// YAML of any number of documents, or JSON.
    pub text: String,
}

/// Adds everything that the documents say to a world in which nothing has been found yet.
///
/// Every Kubernetes kind then counts as completely listed. With `operator_namespace`, a journal in any other
/// namespace is somebody else's; without it, two journals are an error.
pub fn read(sources: &[Source], world: World, operator_namespace: Option<&str>) -> Result<World, DocumentError> {
    let mut reader = Reader::new(world, operator_namespace);
    for source in sources {
        let file = Name::from(source.name.as_str());
        for document in syntax::documents(&source.text) {
            let place = Place::new(file.clone(), document.number);
            match document.value {
                Ok(Value::Null) => {}
                Ok(value) => reader.document(&place, &value, None)?,
                Err(mistake) => return Err(DocumentError::syntax(place, mistake)),
            }
        }
    }
    reader.finish()
}

/// Every document as it stands, with the members of lists one by one; for whoever hands them to an API.
pub fn values(sources: &[Source]) -> Result<Vec<Value>, DocumentError> {
    let mut found = Vec::new();
    for source in sources {
        let file = Name::from(source.name.as_str());
        for document in syntax::documents(&source.text) {
            let place = Place::new(file.clone(), document.number);
            let value = document.value.map_err(|mistake| DocumentError::syntax(place, mistake))?;
            let members = value
                .get("items")
                .and_then(Value::as_array)
                .filter(|_| value.get("kind").and_then(Value::as_str).is_some_and(|kind| kind.ends_with("List")));
            match members {
                Some(members) => found.extend(members.iter().cloned()),
                None => found.extend(Some(value).filter(|value| !value.is_null())),
            }
        }
    }
    Ok(found)
}

/// What of a list holds for the members that do not say it themselves.
#[derive(Clone, Copy)]
struct Inherited<'a> {
    api_version: &'a str,
    kind: &'a str,
}

struct Reader<'a> {
    world: World,
    names: Names,
    operator_namespace: Option<&'a str>,
    seen: BTreeMap<(&'static str, Name, Name), Place>,
    journal: Option<(Name, Place, FoundJournal)>,
    observations: BTreeMap<Name, (Place, Value)>,
}

impl<'a> Reader<'a> {
    fn new(world: World, operator_namespace: Option<&'a str>) -> Self {
        let (seen, observations) = (BTreeMap::new(), BTreeMap::new());
        Reader { world, names: Names::default(), operator_namespace, seen, journal: None, observations }
    }

    fn document(&mut self, place: &Place, value: &Value, list: Option<Inherited<'_>>) -> Result<(), DocumentError> {
        let no_object = |_| Fault::mismatch("an object of Kubernetes (a mapping with apiVersion and kind)", value);
        let root = Object::of(value).map_err(no_object);
        let root = root.map_err(|fault| DocumentError::fault(place.clone(), &fault, false))?;
        let place = &place.naming(list.map(|list| list.kind), &root);
        let at = |fault: Fault| DocumentError::fault(place.clone(), &fault, false);
        let own = |key| match list {
            Some(_) => root.opt(key, field::text),
            None => root.need(key, field::text).map(Some),
        };
        let api_version = own("apiVersion").map_err(at)?.or(list.map(|list| list.api_version)).unwrap_or_default();
        let kind = own("kind").map_err(at)?.or(list.map(|list| list.kind)).unwrap_or_default();
        if let Some(members) = kind::list_of(api_version, kind) {
            return self.list(place, &root, (!members.is_empty()).then_some(Inherited { api_version, kind: members }));
        }
        let known = Known::of(api_version, kind);
        let at = |fault: Fault| {
            let public = known.as_ref().is_ok_and(|known| known.is_some_and(Known::is_public));
            DocumentError::fault(place.clone(), &fault, public)
        };
        match &known {
            Err(fault) => Err(DocumentError::fault(place.clone(), fault, true)),
            Ok(None) => Ok(()),
            Ok(Some(Known::ConfigMap)) if metadata::name_of(&root) != Some(names::JOURNAL) => Ok(()),
            Ok(Some(known)) => {
                let meta = Metadata::of(&root, known.is_namespaced(), &self.names).map_err(at)?;
                self.first_time(*known, &meta, place)?;
                match known {
                    Known::ConfigMap => self.journal(&root, &meta, place.clone()),
                    Known::Observation => {
                        self.observations.insert(meta.name, (place.clone(), value.clone()));
                        Ok(())
                    }
                    known => self.object(*known, &root, &meta).map_err(at),
                }
            }
        }
    }

    fn list(&mut self, place: &Place, root: &Object<'_>, of: Option<Inherited<'_>>) -> Result<(), DocumentError> {
        let at = |fault: Fault| DocumentError::fault(place.clone(), &fault, false);
        let part = root.opt("metadata", |value| Object::of(value)?.opt("continue", field::text)).map_err(at)?;
        if part.flatten().is_some_and(|token| !token.is_empty()) {
            let fault = Fault::new("expected a whole list, found a page of one: what is missing would count as gone");
            return Err(at(fault.under("continue").under("metadata")));
        }
        let items = root.need("items", field::list).map_err(at)?;
        for (index, item) in items.iter().enumerate() {
            self.document(&place.item(index + 1), item, of)?;
        }
        Ok(())
    }

    /// Refuses an object that was read before.
    fn first_time(&mut self, kind: Known, meta: &Metadata<'_>, place: &Place) -> Result<(), DocumentError> {
        let identity = (kind.as_str(), meta.namespace.clone(), meta.name.clone());
        match self.seen.insert(identity, place.clone()) {
            None => Ok(()),
            Some(first) => Err(DocumentError::Twice { first, second: place.clone() }),
        }
    }

    fn object(&mut self, kind: Known, root: &Object<'_>, meta: &Metadata<'_>) -> Result<(), Fault> {
        match kind {
            Known::Project => match project::read(root, &self.names, self.world.digester())? {
                Observed::Seen(project) => self.world.put_project(meta.name.clone(), project),
                Observed::Unseen(why) => self.world.put_unseen_project(meta.name.clone(), why),
            },
            kind => {
                if let Some(sighting) = sighting::reduce((kind, root, meta), &self.names, self.world.digester())? {
                    self.world.see(sighting);
                }
            }
        }
        Ok(())
    }

    fn journal(&mut self, root: &Object<'_>, meta: &Metadata<'_>, place: Place) -> Result<(), DocumentError> {
        if self.operator_namespace.is_some_and(|ours| *meta.namespace != *ours) {
            return Ok(());
        }
        if let Some((_, first, _)) = &self.journal {
            return Err(DocumentError::Journals { first: first.clone(), second: place });
        }
        let found = journal::read(root, &self.names);
        let found = found.map_err(|fault| DocumentError::fault(place.clone(), &fault, false))?;
        self.journal = Some((meta.namespace.clone(), place, found));
        Ok(())
    }

    /// Adds what rests on the other documents, so that their order does not matter.
    fn finish(self) -> Result<World, DocumentError> {
        let Reader { mut world, names, journal, observations, .. } = self;
        let mut cluster = None;
        if let Some((_, _, found)) = journal {
            world.journal = Observed::Seen(found.journal);
            cluster = found.cluster;
        }
        for (place, value) in observations.into_values() {
            let applied = observation::apply(&value, &mut world, cluster.as_ref(), &names);
            applied.map_err(|fault| DocumentError::fault(place, &fault, true))?;
        }
        Ok(world)
    }
}
