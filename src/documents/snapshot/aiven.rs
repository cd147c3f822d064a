//! A project at Aiven, as an `AivenProject`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Members, content, observed, some};
use crate::world::{AccessControl, AclDocument, Component, Name, Observed, Project, Service, User};

/// The document of a project.
pub(super) fn project(name: &Name, project: &Observed<Arc<Project>>) -> Value {
    let members = Members::default()
        .with("apiVersion", json!("aivenator.aiven.nais.io/v1"))
        .with("kind", json!("AivenProject"))
        .with("metadata", json!({"name": name}));
    let project = match project {
        Observed::Seen(project) => project,
        Observed::Unseen(why) => return members.with("unseen", json!(some(why))).into(),
    };
    let Project { ca, complete, services } = &**project;
    let services = services.iter().map(|(name, found)| entry(name, found)).collect();
    members
        .with("ca", observed(ca, |ca| content(*ca)))
        .maybe("complete", (!complete).then_some(json!(false)))
        .with("services", Value::Array(services))
        .into()
}

fn entry(name: &Name, found: &Observed<Option<Arc<Service>>>) -> Value {
    let members = Members::default().with("service_name", json!(name));
    match found {
        Observed::Seen(Some(found)) => service(members, found).into(),
        Observed::Seen(None) => members.flag("missing", true).into(),
        Observed::Unseen(why) => members.with("unseen", json!(some(why))).into(),
    }
}

fn service(members: Members, service: &Service) -> Members {
    let users = service.users_in_order().into_iter().map(|(name, found)| user(name, found)).collect();
    members
        .with("service_type", json!(service.service_type))
        .with("state", json!(service.state))
        .with("components", Value::Array(service.components.iter().map(component).collect()))
        .with("users", Value::Array(users))
        .maybe("users_complete", (!service.users_complete).then_some(json!(false)))
        .maybe("users_listed", (!service.users_listed).then_some(json!(false)))
        .list("users_gone", service.gone.iter().map(|name| json!(name)).collect())
        .with("opensearch_acl", observed(&service.acl, acl))
}

fn component(component: &Component) -> Value {
    let Component { component, usage, route, authentication, ssl_ca, privatelink, ssl, path, host, port } = component;
    let text = |text: &Option<Name>| text.as_ref().map(|text| json!(text));
    Members::default()
        .with("component", json!(component))
        .text("usage", usage)
        .text("route", route)
        .maybe("kafka_authentication_method", text(authentication))
        .maybe("kafka_ssl_ca", text(ssl_ca))
        .maybe("privatelink_connection_id", privatelink.then_some(json!("present")))
        .maybe("ssl", ssl.map(|ssl| json!(ssl)))
        .maybe("path", text(path))
        .with("host", json!(host))
        .with("port", json!(port))
        .into()
}

fn user(name: &Name, user: &User) -> Value {
    let User {
        name: _,
        primary,
        password,
        certificate,
        private_key,
        certificate_ends,
        expiring_certificate_ends,
        password_updated,
        changed,
        access,
    } = user;
    Members::default()
        .with("username", json!(name))
        .maybe("type", primary.then_some(json!("primary")))
        .maybe("password", password.map(content))
        .maybe("access_cert", certificate.map(content))
        .maybe("access_key", private_key.map(content))
        .time("access_cert_not_valid_after_time", *certificate_ends)
        .time("expiring_cert_not_valid_after_time", *expiring_certificate_ends)
        .time("password_updated_time", *password_updated)
        .maybe("credentials_changed", changed.then_some(json!(true)))
        .maybe("access_control", access.as_ref().map(access_control))
        .into()
}

fn access_control(access: &AccessControl) -> Value {
    let AccessControl { categories, commands, keys, channels } = access;
    json!({
        "valkey_acl_categories": categories, "valkey_acl_commands": commands,
        "valkey_acl_keys": keys, "valkey_acl_channels": channels,
    })
}

fn acl(document: &AclDocument) -> Value {
    let AclDocument { enabled, rules } = document;
    let entries = rules.iter().map(|(user, rules)| {
        let rules: Vec<Value> =
            rules.iter().map(|(index, permission)| json!({"index": index, "permission": permission})).collect();
        json!({"username": user, "rules": rules})
    });
    json!({"enabled": enabled, "acls": entries.collect::<Vec<_>>()})
}
