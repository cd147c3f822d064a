//! Everything that is stored, and what happened to it.
//!
//! Decides versions, and what is kept of the past. Takes as given that what is put may be stored; never judges it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use im::OrdMap;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::sync::{broadcast, watch};

use super::object::{Document, Key, Object};
use super::resource::{EVENTS_GROUP, Resource};

/// Group and plural.
pub(super) type TableKey = (String, String);

/// The objects of a moment, in order.
pub(super) type Objects = OrdMap<Key, Arc<Object>>;

/// How many first pages of lists are remembered for those that follow.
const SNAPSHOTS: usize = 32;

/// All tables.
pub(super) struct Store {
    /// The version of the last change.
    pub(super) version: u64,
    pub(super) tables: BTreeMap<TableKey, Table>,
    /// Refusals of rights: verb and resource.
    pub(super) denied: Vec<(String, String)>,
    pub(super) create_namespaces: bool,
    pub(super) clock: super::Clock,
    /// How many events each table keeps.
    history: usize,
    changes: broadcast::Sender<Change>,
    snapshots: VecDeque<(TableKey, u64, Objects)>,
}

/// The objects of one resource, and its last events.
pub(super) struct Table {
    pub(super) resource: Arc<Resource>,
    pub(super) objects: Objects,
    /// The version after which every event is still kept.
    pub(super) floor: u64,
    pub(super) events: VecDeque<Arc<Event>>,
    news: watch::Sender<u64>,
}

/// One change of one object.
#[derive(Debug)]
pub(super) struct Event {
    pub(super) version: u64,
    pub(super) old: Option<Arc<Object>>,
    /// The object after the change, or the last state of one that is gone.
    pub(super) new: Arc<Object>,
    pub(super) gone: bool,
}

/// A change of an object, as told to whoever listens.
#[derive(Debug, Clone)]
pub struct Change {
    /// `ADDED`, `MODIFIED` or `DELETED`.
    pub kind: &'static str,
    resource: Arc<Resource>,
    object: Arc<Object>,
}

impl Change {
    /// The plural name of the resource.
    pub fn resource(&self) -> &str {
        &self.resource.plural
    }

    /// The namespace, empty for objects of the whole cluster.
    pub fn namespace(&self) -> &str {
        &self.object.key.0
    }

    /// The name of the object.
    pub fn name(&self) -> &str {
        &self.object.key.1
    }

    /// The object, in the version that is stored; after a delete, its last state.
    pub fn object(&self) -> Value {
        self.object.value(&self.resource.stored_api_version(), &self.resource.kind)
    }
}

impl Store {
    pub(super) fn new(options: &super::Options, changes: broadcast::Sender<Change>) -> Self {
        Self {
            version: 1,
            tables: BTreeMap::new(),
            denied: vec![],
            create_namespaces: options.create_namespaces,
            clock: Arc::clone(&options.clock),
            history: options.history,
            changes,
            snapshots: VecDeque::new(),
        }
    }

    /// Serves a resource from now on; objects stay if it was served before.
    pub(super) fn serve(&mut self, resource: Resource) {
        let key = (resource.group.clone(), resource.plural.clone());
        let resource = Arc::new(resource);
        match self.tables.get_mut(&key) {
            Some(table) => table.resource = resource,
            None => drop(self.tables.insert(key, Table::new(resource, self.version))),
        }
    }

    /// The table of a resource; events are the same in both of their groups.
    pub(super) fn table(&self, group: &str, plural: &str) -> Option<&Table> {
        let group = if group == EVENTS_GROUP && plural == "events" { "" } else { group };
        self.tables.get(&(group.to_owned(), plural.to_owned()))
    }

    /// The resource that a person means.
    pub(super) fn called(&self, word: &str) -> Option<Arc<Resource>> {
        let mut resources = self.tables.values().map(|table| &table.resource);
        resources.find(|resource| resource.is_called(word)).cloned()
    }

    pub(super) fn get(&self, resource: &Resource, key: &Key) -> Option<&Arc<Object>> {
        self.table(&resource.group, &resource.plural)?.objects.get(key)
    }

    pub(super) fn now(&self) -> String {
        let now = (self.clock)();
        Timestamp::from_second(now.as_second()).unwrap_or(now).to_string()
    }

    /// Stores an object under a new version.
    pub(super) fn put(&mut self, resource: &Resource, mut document: Document) -> Arc<Object> {
        self.version += 1;
        document.set("resourceVersion", self.version.to_string());
        let object = Arc::new(Object::new(&document));
        self.record(resource, Arc::clone(&object), false);
        object
    }

    /// Removes an object; the last state is told under a new version.
    pub(super) fn remove(&mut self, resource: &Resource, last: &Object) -> Arc<Object> {
        self.version += 1;
        let object = Arc::new(last.at(self.version));
        self.record(resource, Arc::clone(&object), true);
        object
    }

    fn record(&mut self, resource: &Resource, object: Arc<Object>, gone: bool) {
        let key = (resource.group.clone(), resource.plural.clone());
        let Some(table) = self.tables.get_mut(&key) else { return };
        let old = table.objects.get(&object.key).cloned();
        if gone {
            table.objects.remove(&object.key);
        } else {
            table.objects.insert(object.key.clone(), Arc::clone(&object));
        }
        let kind = if gone { "DELETED" } else { old.as_ref().map_or("ADDED", |_| "MODIFIED") };
        let told = Change { kind, resource: Arc::clone(&table.resource), object: Arc::clone(&object) };
        // Nobody has to listen.
        drop(self.changes.send(told));
        table.events.push_back(Arc::new(Event { version: object.version, old, new: object, gone }));
        while table.events.len() > self.history {
            table.floor = table.events.pop_front().map_or(table.floor, |event| event.version);
        }
        table.news.send_replace(self.version);
    }

    /// Forgets the past, and the pages of lists that are under way.
    pub(super) fn compact(&mut self) {
        for table in self.tables.values_mut() {
            table.events.clear();
            table.floor = self.version;
        }
        self.snapshots.clear();
    }

    /// Remembers the objects of a list of which more pages follow.
    pub(super) fn remember(&mut self, key: TableKey, version: u64, objects: Objects) {
        if self.recall(&key, version).is_none() {
            self.snapshots.push_back((key, version, objects));
        }
        if self.snapshots.len() > SNAPSHOTS {
            self.snapshots.pop_front();
        }
    }

    /// The objects of a list whose first page was given out before.
    pub(super) fn recall(&self, key: &TableKey, version: u64) -> Option<Objects> {
        let found = self.snapshots.iter().find(|(of, at, _)| of == key && *at == version);
        found.map(|(_, _, objects)| objects.clone())
    }

    /// Stops serving a resource: its objects go, and so do its watches.
    pub(super) fn unserve(&mut self, resource: &Resource) {
        let objects = self.table(&resource.group, &resource.plural).map(|table| table.objects.clone());
        for object in objects.unwrap_or_default().values() {
            self.remove(resource, object);
        }
        self.tables.remove(&(resource.group.clone(), resource.plural.clone()));
    }
}

impl Table {
    fn new(resource: Arc<Resource>, version: u64) -> Self {
        Self { resource, objects: OrdMap::new(), floor: 0, events: VecDeque::new(), news: watch::Sender::new(version) }
    }

    /// Tells of every change from now on.
    pub(super) fn news(&self) -> watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// The events after a version, none if some of them are forgotten.
    pub(super) fn events_after(&self, version: u64) -> Option<impl Iterator<Item = &Arc<Event>>> {
        let first = self.events.partition_point(|event| event.version <= version);
        (version >= self.floor).then(|| self.events.iter().skip(first))
    }
}

/// A namespace as someone creates it.
pub(super) fn namespace(name: &str) -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
}
