//! The Aiven side: one Kafka per pool for everybody, one OpenSearch and one Valkey per namespace.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aivenator::naming::{self, Prefix};
use aivenator::world::{
    Access, AccessControl, AclDocument, AppKey, Component, Content, Digester, Name, Observed, Project, Service, User,
    Users,
};

use super::{IN_A_YEAR, MAIN_PROJECT, MONTH_AGO, Member, POOLS, Space, text};

/// An application, with users of its own that no other member of the namespace has.
pub(super) fn member(space: &Space, name: String) -> Member {
    let key = AppKey::new(text(&space.name), text(&name));
    let first = |prefix: &Prefix, taken: &dyn Fn(&str) -> bool| {
        let mut names = naming::suffixes(1, &name, None).map(|suffix| prefix.username(&suffix));
        names.find(|username| !taken(username)).unwrap_or_default()
    };
    let in_namespace = |username: &str| space.members.iter().any(|other| other.opensearch_user == username);
    Member {
        kafka_user: first(&Prefix::kafka(&key), &|_| false),
        opensearch_user: first(&Prefix::with_access(&space.name, Access::Read), &in_namespace),
        valkey_user: first(&Prefix::with_access(&name, Access::Read), &|_| false),
        name,
    }
}

/// Every project, with every service and user.
pub(super) fn projects(spaces: &[Space], digester: &Digester) -> Vec<(Name, Project)> {
    let pools = POOLS.into_iter().map(|pool| {
        let members = spaces.iter().filter(|space| space.pool == pool).flat_map(|space| &space.members);
        let users = members.map(|member| (member.kafka_user.as_str(), kafka_user(&member.kafka_user, digester)));
        (text(pool), project(pool, [(text("kafka"), service("kafka", pool, users))], digester))
    });
    let services = spaces.iter().flat_map(|space| {
        [(text(&space.opensearch()), opensearch(space, digester)), (text(&space.valkey()), valkey(space, digester))]
    });
    let main = (text(MAIN_PROJECT), project(MAIN_PROJECT, services, digester));
    pools.chain([main]).collect()
}

fn project(name: &str, services: impl IntoIterator<Item = (Name, Service)>, digester: &Digester) -> Project {
    let seen = |(name, service)| (name, Observed::Seen(Some(Arc::new(service))));
    let ca = Observed::Seen(digester.content(format!("CA of {name}").as_bytes()));
    Project { ca, complete: true, services: services.into_iter().map(seen).collect() }
}

fn service<'u>(service_type: &str, host: &str, users: impl Iterator<Item = (&'u str, User)>) -> Service {
    let names: &[&str] = match service_type {
        "kafka" => &["kafka", "schema_registry"],
        "opensearch" => &["opensearch", "opensearch_dashboards"],
        _ => &["valkey"],
    };
    let component = |name: &&str| Component {
        component: text(name),
        usage: text("primary"),
        route: text("dynamic"),
        host: text(&format!("{name}-{host}.aivencloud.com")),
        port: 26_484,
        ..Component::default()
    };
    let users: Users = users.map(|(name, user)| (text(name), Arc::new(user))).collect();
    let mut service = Service::new(text(service_type), names.iter().map(component).collect());
    service.users = users;
    service
}

fn opensearch(space: &Space, digester: &Digester) -> Service {
    let names = || space.members.iter().map(|member| member.opensearch_user.as_str());
    let rules = ["_*", "*"].map(|index| (text(index), text("read")));
    let rules: BTreeMap<Name, BTreeSet<(Name, Name)>> =
        names().map(|name| (text(name), rules.iter().cloned().collect())).collect();
    let users = names().map(|name| (name, user(name, digester)));
    let mut service = service("opensearch", &space.name, users);
    service.acl = Observed::Seen(AclDocument { enabled: true, rules });
    service
}

fn valkey(space: &Space, digester: &Digester) -> Service {
    let with_access = |member: &'_ Member| User { access: Some(access()), ..user(&member.valkey_user, digester) };
    let users = space.members.iter().map(|member| (member.valkey_user.as_str(), with_access(member)));
    service("valkey", &space.name, users)
}

fn access() -> AccessControl {
    let categories = ["-@all", "+@connection", "+@scripting", "+@pubsub", "+@transaction", "+@read"];
    AccessControl {
        categories: categories.map(text).to_vec(),
        commands: ["+info", "+cluster|slots"].map(text).to_vec(),
        keys: BTreeSet::from([text("*")]),
        channels: BTreeSet::from([text("*")]),
    }
}

fn user(name: &str, digester: &Digester) -> User {
    User {
        name: digester.content(name.as_bytes()),
        primary: false,
        password: Some(credential("password", name, digester)),
        certificate: None,
        private_key: None,
        certificate_ends: None,
        expiring_certificate_ends: None,
        password_updated: Some(MONTH_AGO),
        changed: false,
        access: None,
    }
}

fn kafka_user(name: &str, digester: &Digester) -> User {
    User {
        certificate: Some(credential("certificate", name, digester)),
        private_key: Some(credential("key", name, digester)),
        certificate_ends: Some(IN_A_YEAR),
        ..user(name, digester)
    }
}

fn credential(kind: &str, name: &str, digester: &Digester) -> Content {
    digester.content(format!("{kind} of {name}").as_bytes())
}
