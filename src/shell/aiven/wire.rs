//! The answers of Aiven, read into what the world and the executor hold.
//!
//! Decides what an answer must have to count: the object that was asked for, and no other. Takes everything else as
//! optional and every enum as open. Never takes a credential from an answer about a whole service.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::acl::RawAcl;
use super::credentials::{Account, Credentials, Sealed};
use super::lenient::{List, Loose, Object, Scalar, Shape, Unread, object};
use crate::action::AccessRules;
use crate::value::Credential;
use crate::want::ServiceType;
use crate::world::{AccessControl, Component, Digester, Name, Service, ServiceKey, User, UserKey, Users};

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProjectsAnswer {
    projects: Loose<List<Object<ProjectWire>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ProjectWire {
    project_name: Loose<Scalar>,
}

/// The names of the projects; `None` if there is no list of them.
pub(super) fn projects(body: &[u8]) -> Option<Vec<Name>> {
    let ProjectsAnswer { projects } = object(body)?;
    let projects = projects.0.0?;
    Some(projects.into_iter().filter_map(|project| project.0?.project_name.as_name()).collect())
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct CaAnswer {
    certificate: Loose<Scalar>,
}

/// The certificates of a project; `None` if there is none.
pub(super) fn ca(body: &[u8]) -> Option<String> {
    let CaAnswer { certificate } = object(body)?;
    certificate.as_text().filter(|text| text.contains("-----BEGIN CERTIFICATE-----")).map(str::to_owned)
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceAnswer {
    service: Loose<Object<ServiceWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceWire {
    service_name: Loose<Scalar>,
    service_type: Loose<Scalar>,
    state: Loose<Scalar>,
    components: Loose<List<Object<ComponentWire>>>,
    users: Loose<List<Object<UserWire<Unread>>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ComponentWire {
    component: Loose<Scalar>,
    usage: Loose<Scalar>,
    route: Loose<Scalar>,
    kafka_authentication_method: Loose<Scalar>,
    kafka_ssl_ca: Loose<Scalar>,
    privatelink_connection_id: Loose<Scalar>,
    ssl: Loose<Scalar>,
    path: Loose<Scalar>,
    host: Loose<Scalar>,
    port: Loose<Scalar>,
}

/// A service; `None` if it is another one, or none.
pub(super) fn service(body: &[u8], key: &ServiceKey, digester: &Digester) -> Option<Service> {
    let ServiceAnswer { service } = object(body)?;
    let wire = service.0.0?;
    if wire.service_name.as_text().is_some_and(|name| name != key.service.as_str()) {
        return None;
    }
    let components = wire.components.items().iter().filter_map(|component| self::component(component.0.as_ref()?));
    let mut service = Service::new(wire.service_type.as_name().unwrap_or_default(), components.collect());
    service.state = wire.state.as_name().unwrap_or_default();
    let users: Vec<_> = wire.users.items().iter().map(|user| metadata(user.0.as_ref()?, digester)).collect();
    service.users_listed = wire.users.0.0.is_some() && users.iter().all(Option::is_some);
    service.users = users.into_iter().flatten().map(|(name, user)| (name, Arc::new(user))).collect::<Users>();
    // A list only suggests that somebody is not there: Aiven is eventually consistent, and GET user decides.
    service.users_complete = false;
    Some(service)
}

/// An address needs a name, a host and a port; what has none is no address.
fn component(wire: &ComponentWire) -> Option<Component> {
    Some(Component {
        component: wire.component.as_name()?,
        usage: wire.usage.as_name().unwrap_or_default(),
        route: wire.route.as_name().unwrap_or_default(),
        authentication: wire.kafka_authentication_method.as_name(),
        ssl_ca: wire.kafka_ssl_ca.as_name(),
        privatelink: wire.privatelink_connection_id.0 != Scalar::Other,
        ssl: wire.ssl.as_flag(),
        path: wire.path.as_name(),
        host: wire.host.as_name()?,
        port: u16::try_from(wire.port.as_number()?).ok().filter(|port| *port > 0)?,
    })
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct UserAnswer {
    user: Loose<Object<UserWire<Sealed>>>,
}

/// A user; `S` is what becomes of the credentials.
#[derive(Default, Deserialize)]
#[serde(default, bound = "S: Shape")]
struct UserWire<S> {
    username: Loose<Scalar>,
    #[serde(rename = "type")]
    kind: Loose<Scalar>,
    password: Loose<S>,
    access_cert: Loose<S>,
    access_key: Loose<S>,
    access_cert_not_valid_after_time: Loose<Scalar>,
    expiring_cert_not_valid_after_time: Loose<Scalar>,
    password_updated_time: Loose<Scalar>,
    access_control: Loose<Object<AccessWire>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AccessWire {
    #[serde(rename = "valkey_acl_categories")]
    categories: Loose<List<Scalar>>,
    #[serde(rename = "valkey_acl_commands")]
    commands: Loose<List<Scalar>>,
    #[serde(rename = "valkey_acl_keys")]
    keys: Loose<List<Scalar>>,
    #[serde(rename = "valkey_acl_channels")]
    channels: Loose<List<Scalar>>,
}

/// A user and its credentials; `None` if it is another one, or none.
pub(super) fn account(body: &[u8], key: &UserKey, digester: &Digester) -> Option<Account> {
    let UserAnswer { user } = object(body)?;
    let wire = user.0.0?;
    let (name, mut user) = metadata(&wire, digester)?;
    let UserWire { password, access_cert, access_key, .. } = wire;
    let credentials = Credentials { password: password.0, certificate: access_cert.0, private_key: access_key.0 };
    let content = |credential| Some(credentials.content(credential, digester));
    user.password = content(Credential::Password);
    user.certificate = content(Credential::Certificate);
    user.private_key = content(Credential::PrivateKey);
    (name == key.username).then_some(Account { user, credentials })
}

/// A user without its credentials: they are not observed.
fn metadata<S>(wire: &UserWire<S>, digester: &Digester) -> Option<(Name, User)> {
    let name = wire.username.as_name()?;
    let user = User {
        name: digester.content(name.as_bytes()),
        primary: wire.kind.as_text() == Some("primary"),
        password: None,
        certificate: None,
        private_key: None,
        certificate_ends: wire.access_cert_not_valid_after_time.as_time(),
        expiring_certificate_ends: wire.expiring_cert_not_valid_after_time.as_time(),
        password_updated: wire.password_updated_time.as_time(),
        changed: false,
        access: wire.access_control.0.0.as_ref().map(access),
    };
    Some((name, user))
}

fn access(wire: &AccessWire) -> AccessControl {
    let list = |list: &List<Scalar>| list.items().iter().filter_map(|rule| rule.as_text().map(Name::from)).collect();
    let set = |rules: Vec<Name>| rules.into_iter().collect::<BTreeSet<_>>();
    AccessControl {
        categories: list(&wire.categories),
        commands: list(&wire.commands),
        keys: set(list(&wire.keys)),
        channels: set(list(&wire.channels)),
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServicesAnswer {
    services: Loose<List<Object<ServiceNamed>>>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct ServiceNamed {
    service_name: Loose<Scalar>,
    service_type: Loose<Scalar>,
}

/// The names of the services of a kind that is known; `None` if there is no list of services.
pub(super) fn services(body: &[u8]) -> Option<Vec<Name>> {
    let ServicesAnswer { services } = object(body)?;
    let named = services.0.0?.into_iter().filter_map(|service| service.0);
    let known = named.filter(|service| service.service_type.as_text().and_then(ServiceType::named).is_some());
    Some(known.filter_map(|service| service.service_name.as_name()).collect())
}

/// An ACL document; `None` if there is none, or none that can be written back safely.
pub(super) fn acl(body: &[u8]) -> Option<RawAcl> {
    let answer: Value = serde_json::from_slice(body).ok()?;
    let Value::Object(mut answer) = answer else { return None };
    RawAcl::new(answer.remove("opensearch_acl_config")?)
}

#[derive(Serialize)]
struct CreateBody<'b> {
    username: &'b str,
    #[serde(skip_serializing_if = "Option::is_none")]
    access_control: Option<AccessBody<'b>>,
}

#[derive(Serialize)]
struct SetAccessBody<'b> {
    operation: &'static str,
    access_control: AccessBody<'b>,
}

/// All four lists, always: absent channels would be all channels.
#[derive(Serialize)]
struct AccessBody<'b> {
    #[serde(rename = "valkey_acl_categories")]
    categories: &'b [Name],
    #[serde(rename = "valkey_acl_commands")]
    commands: &'b [Name],
    #[serde(rename = "valkey_acl_keys")]
    keys: &'b [Name],
    #[serde(rename = "valkey_acl_channels")]
    channels: &'b [Name],
}

impl<'b> From<&'b AccessRules> for AccessBody<'b> {
    fn from(rules: &'b AccessRules) -> Self {
        let AccessRules { categories, commands, keys, channels } = rules;
        AccessBody { categories, commands, keys, channels }
    }
}

/// What makes a user.
pub(super) fn create_body(key: &UserKey, access: Option<&AccessRules>) -> Value {
    json!(CreateBody { username: &key.username, access_control: access.map(AccessBody::from) })
}

/// What replaces the rules of a user.
pub(super) fn set_access_body(access: &AccessRules) -> Value {
    json!(SetAccessBody { operation: "set-access-control", access_control: access.into() })
}
