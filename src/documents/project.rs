//! An `AivenProject`: one project as Aiven's API lists it.
//!
//! Takes as given that enums are open and most members optional: what is absent was not seen. Gives digests of
//! credentials and never a value.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use super::content::Given;
use super::field::{Fault, Object, boolean, port, some_text, text, time};
use super::metadata::{Names, flag, plain_name};
use crate::world::{AccessControl, AclDocument, Component, Content, Digester, Name, Observed, Project, Service, User};

/// Reads a project, or why it was not seen.
pub(super) fn read(root: &Object<'_>, names: &Names, digester: &Digester) -> Result<Observed<Project>, Fault> {
    let unseen = root.opt("unseen", |value| some_text(value).map(Name::from))?;
    if let Some(why) = unseen {
        return match root.get("services") {
            None => Ok(Observed::Unseen(why)),
            Some(_) => Err(Fault::new("expected either unseen or services, found both").under("unseen")),
        };
    }
    let reader = Reader { names, digester };
    let ca = root.get("ca").map(|value| reader.ca(value).map_err(|fault| fault.under("ca"))).transpose()?;
    root.need("services", super::field::list)?;
    let mut services = im::OrdMap::new();
    root.each("services", |value| {
        let (name, service) = reader.observed(value)?;
        once(services.insert(name.clone(), service).is_none(), "service_name", &name)
    })?;
    let ca = ca.unwrap_or_else(|| Observed::Unseen("its document has no ca".into()));
    let complete = root.opt("complete", boolean)?.unwrap_or(true);
    Ok(Observed::Seen(Project { ca, complete, services }))
}

fn once(is_new: bool, key: &str, name: &Name) -> Result<(), Fault> {
    if is_new { Ok(()) } else { Err(Fault::new(format!("{name} is in the list twice")).under(key)) }
}

/// A service that was looked at, `None` if it does not exist; or why it was not.
type Seen = Observed<Option<Arc<Service>>>;

struct Reader<'r> {
    names: &'r Names,
    digester: &'r Digester,
}

impl Reader<'_> {
    fn content(&self, value: &Value) -> Result<Content, Fault> {
        Given::plain(value).map(|given| given.content(self.digester))
    }

    fn ca(&self, value: &Value) -> Result<Observed<Content>, Fault> {
        match why_unseen(value)? {
            Some(why) => Ok(Observed::Unseen(why)),
            None => self.content(value).map(Observed::Seen),
        }
    }

    /// A service as it was seen, or why it was not; a snapshot has those too of which Aiven says that they do not exist.
    fn observed(&self, value: &Value) -> Result<(Name, Seen), Fault> {
        let object = Object::of(value)?;
        let name = || object.need("service_name", |value| plain_name(value, self.names));
        if let Some(why) = why_unseen(value)? {
            return Ok((name()?, Observed::Unseen(why)));
        }
        if flag(&object, "missing")? {
            return Ok((name()?, Observed::Seen(None)));
        }
        let (name, service) = self.service(value)?;
        Ok((name, Observed::Seen(Some(Arc::new(service)))))
    }

    fn service(&self, value: &Value) -> Result<(Name, Service), Fault> {
        let object = Object::of(value)?;
        let name = object.need("service_name", |value| plain_name(value, self.names))?;
        let service_type = object.need("service_type", |value| self.names.text(value))?;
        let components = object.each("components", |value| self.component(value))?;
        let mut service = Service::new(service_type, components);
        service.state = object.need("state", |value| self.names.text(value))?;
        let listed = object.opt("users", super::field::list)?.is_some();
        service.users_complete = object.opt("users_complete", boolean)?.unwrap_or(listed);
        service.users_listed = object.opt("users_listed", boolean)?.unwrap_or(listed);
        service.gone = object.each("users_gone", |value| self.names.text(value))?.into_iter().collect();
        object.each("users", |value| {
            let (name, user) = self.user(value)?;
            once(service.users.insert(name.clone(), Arc::new(user)).is_none(), "username", &name)
        })?;
        if let Some(acl) = object.opt("opensearch_acl", |value| self.acl(value))? {
            service.acl = acl;
        }
        Ok((name, service))
    }

    fn component(&self, value: &Value) -> Result<Component, Fault> {
        let object = Object::of(value)?;
        let text = |key| object.opt(key, |value| self.names.text(value));
        let link = object.get("privatelink_connection_id");
        Ok(Component {
            component: object.need("component", |value| self.names.text(value))?,
            usage: text("usage")?.unwrap_or_default(),
            route: text("route")?.unwrap_or_default(),
            authentication: text("kafka_authentication_method")?,
            ssl_ca: text("kafka_ssl_ca")?,
            privatelink: link.is_some_and(|id| !id.is_null()),
            ssl: object.opt("ssl", boolean)?,
            path: text("path")?.filter(|path| !path.is_empty()),
            host: object.need("host", |value| plain_name(value, self.names))?,
            port: object.need("port", port)?,
        })
    }

    fn user(&self, value: &Value) -> Result<(Name, User), Fault> {
        let object = Object::of(value)?;
        let username: Name = object.need("username", |value| plain_name(value, self.names))?;
        let credential = |key: &str| {
            let given = object.get(key).map(|value| self.content(value));
            given.transpose().map_err(|fault| fault.under(key))
        };
        let user = User {
            name: self.digester.content(username.as_bytes()),
            primary: object.opt("type", text)? == Some("primary"),
            password: credential("password")?,
            certificate: credential("access_cert")?,
            private_key: credential("access_key")?,
            certificate_ends: object.opt("access_cert_not_valid_after_time", time)?,
            expiring_certificate_ends: object.opt("expiring_cert_not_valid_after_time", time)?,
            password_updated: object.opt("password_updated_time", time)?,
            changed: object.opt("credentials_changed", boolean)?.unwrap_or_default(),
            access: object.opt("access_control", |value| self.access(value))?,
        };
        Ok((username, user))
    }

    fn access(&self, value: &Value) -> Result<AccessControl, Fault> {
        let object = Object::of(value)?;
        let rules = |key| object.each(key, |value| self.names.text(value));
        Ok(AccessControl {
            categories: rules("valkey_acl_categories")?,
            commands: rules("valkey_acl_commands")?,
            keys: rules("valkey_acl_keys")?.into_iter().collect(),
            channels: rules("valkey_acl_channels")?.into_iter().collect(),
        })
    }

    fn acl(&self, value: &Value) -> Result<Observed<AclDocument>, Fault> {
        if let Some(why) = why_unseen(value)? {
            return Ok(Observed::Unseen(why));
        }
        let object = Object::of(value)?;
        let mut document = AclDocument { enabled: flag(&object, "enabled")?, rules: BTreeMap::new() };
        object.each("acls", |value| {
            let entry = Object::of(value)?;
            let user = entry.need("username", |value| self.names.text(value))?;
            let rules = entry.each("rules", |value| {
                let rule = Object::of(value)?;
                let text = |key| rule.need(key, |value| self.names.text(value));
                Ok((text("index")?, text("permission")?))
            })?;
            document.rules.entry(user).or_default().extend(rules);
            Ok(())
        })?;
        Ok(Observed::Seen(document))
    }
}

/// Why something was not seen, where a document says so in its place.
fn why_unseen(value: &Value) -> Result<Option<Name>, Fault> {
    match Object::of(value) {
        Ok(object) => object.opt("unseen", |value| some_text(value).map(Name::from)),
        Err(_) => Ok(None),
    }
}
