//! OpenSearch: a user with rules in the ACL document of its service.
//!
//! Takes as given that the document has one writer; never touches the rules of users that are not named here.

use std::collections::{BTreeMap, BTreeSet};

use super::instance::{self, choose, full_name};
use super::{Grant, IfAbsent, KeyWant, Provider, Request, Resolved, Source, Want};
use crate::action::{AccessRules, Action};
use crate::naming::Prefix;
use crate::read::Read;
use crate::reason::Reason;
use crate::value::Credential;
use crate::want::ServiceType;
use crate::world::{
    Access, AclDocument, AppKey, BrokenRecord, Claim, Here, Name, Observed, Service, ServiceKey, Settings, Spec,
    Spelling, UserKey, World,
};

const USER: &str = "opensearch.aiven.nais.io/serviceUser";
const SERVICE: &str = "opensearch.aiven.nais.io/serviceName";
const PROJECT: &str = "opensearch.aiven.nais.io/project";

/// The most users that an ACL document can have rules for.
pub(crate) const MAX_ACLS: usize = 512;

/// OpenSearch.
pub(super) struct OpenSearch;

impl Provider for OpenSearch {
    fn instance_kind(&self) -> Option<&'static str> {
        Some("OpenSearch")
    }

    fn has_certificates(&self) -> bool {
        false
    }

    fn requests(&self, app: &AppKey, spec: &Spec) -> Vec<Request> {
        let request = spec.open_search.as_ref().map(|asked| Request {
            want: Want {
                service_type: ServiceType::OpenSearch,
                slot: Name::default(),
                instance: asked.instance.clone(),
                access: asked.access.unwrap_or(Access::Read),
                services: vec![
                    full_name(ServiceType::OpenSearch, &app.namespace, &asked.instance),
                    asked.instance.clone(),
                ],
                prefix: self.prefix(app, asked.access.unwrap_or(Access::Read)),
                group: self.prefix(app, asked.access.unwrap_or(Access::Read)).group(ServiceType::OpenSearch.as_str()),
            },
            secret_name: asked.secret_name.clone(),
        });
        request.into_iter().collect()
    }

    fn claims(&self, annotations: &BTreeMap<Name, Name>) -> (Vec<Claim>, Vec<BrokenRecord>) {
        let text = |key: &str| annotations.get(key).filter(|text| !text.is_empty());
        let claim = |username: &Name, project: Option<&Name>, services| Claim {
            service_type: ServiceType::OpenSearch,
            slot: Name::default(),
            project: project.cloned().unwrap_or_default(),
            services,
            username: username.clone(),
        };
        match (text(USER), text(SERVICE), text(PROJECT)) {
            (Some(username), Some(service), Some(project)) => {
                (vec![claim(username, Some(project), vec![service.clone()])], vec![])
            }
            (Some(username), None, project) => (vec![claim(username, project, vec![])], vec![]),
            (None, None, _) => (vec![], vec![]),
            (Some(username), Some(service), None) => {
                let fault = BrokenRecord::Lacks { has: SERVICE.into(), lacks: PROJECT.into() };
                (vec![claim(username, None, vec![service.clone()])], vec![fault])
            }
            (None, Some(_), _) => (vec![], vec![BrokenRecord::Lacks { has: SERVICE.into(), lacks: USER.into() }]),
        }
    }

    fn addresses(&self, service: &Service, settings: &Settings) -> Vec<(&'static str, Option<Spelling>)> {
        let named = |name: &'static str| {
            let primary = service.components.iter().filter(move |c| c.component == name && c.usage == "primary");
            choose(&primary, settings).map(|c| {
                let bare = format!("https://{}:{}", c.host, c.port);
                let uri = match &c.path {
                    Some(path) => Spelling { text: format!("{bare}{path}"), also: vec![bare] },
                    None => Spelling { text: bare, also: vec![] },
                };
                let part = |text: String| Spelling { text, also: vec![] };
                (uri, part(c.host.to_string()), part(c.port.to_string()))
            })
        };
        let parts = |found: Option<(Spelling, Spelling, Spelling)>| match found {
            Some((uri, host, port)) => [Some(uri), Some(host), Some(port)],
            None => [None, None, None],
        };
        let [uri, host, port] = parts(named("opensearch"));
        let [dashboard_uri, dashboard_host, dashboard_port] = parts(named("opensearch_dashboards"));
        vec![
            ("OPEN_SEARCH_URI", uri),
            ("OPEN_SEARCH_HOST", host),
            ("OPEN_SEARCH_PORT", port),
            ("OPEN_SEARCH_DASHBOARD_URI", dashboard_uri),
            ("OPEN_SEARCH_DASHBOARD_HOST", dashboard_host),
            ("OPEN_SEARCH_DASHBOARD_PORT", dashboard_port),
        ]
    }

    fn resolve<'w>(&self, here: Here<'w>, want: &Want) -> Result<Resolved<'w>, Reason> {
        instance::resolve(here, want)
    }

    fn why_not_usable(&self, world: &World, namespace: &Name, service: &ServiceKey) -> Option<Reason> {
        instance::why_not_usable(world, ServiceType::OpenSearch, namespace, service)
    }

    fn could_mean(&self, want: &Want, claim: &Claim) -> bool {
        instance::could_mean(want, claim)
    }

    fn prefix(&self, app: &AppKey, access: Access) -> Prefix {
        Prefix::with_access(&app.namespace, access)
    }

    fn record(&self, _slot: &str, user: &UserKey) -> Vec<(Name, Name)> {
        let UserKey { project, service, username } = user;
        vec![(USER.into(), username.clone()), (SERVICE.into(), service.clone()), (PROJECT.into(), project.clone())]
    }

    fn keys(&self) -> &'static [KeyWant] {
        &KEYS
    }

    fn key(&self, _slot: &str, stem: &'static str) -> Name {
        stem.into()
    }

    fn access_rules(&self, _access: Access) -> Option<AccessRules> {
        None
    }

    fn grant(&self, grant: &Grant<'_>) -> Result<Vec<Action>, Reason> {
        let Grant { service, user, observed: _, access } = *grant;
        let document = observed_document(service, user)?;
        let current = document.rules.get(&user.username);
        if current.is_some_and(|rules| is_as(rules, access)) {
            return Ok(vec![]);
        }
        if current.is_none() && document.rules.len() >= MAX_ACLS {
            return Err(Reason::AclFull { service: user.service_key() });
        }
        let UserKey { project, service, .. } = user;
        let enable = Action::EnableAcl { project: project.clone(), service: service.clone() };
        let enable = (!document.enabled).then_some(enable);
        let permission = access.as_str().into();
        Ok(enable.into_iter().chain([Action::GrantAcl { user: grant.user.clone(), permission }]).collect())
    }

    fn held_access(&self, grant: &Grant<'_>) -> Option<Access> {
        let document = grant.service.acl.seen()?;
        let rules = document.rules.get(&grant.user.username)?;
        Access::ALL.into_iter().find(|access| is_as(rules, *access))
    }

    fn revoke(&self, service: &Service, user: &UserKey) -> Result<Vec<Action>, Reason> {
        let document = observed_document(service, user)?;
        let has_rules = document.rules.contains_key(&user.username);
        Ok(if has_rules { vec![Action::RevokeAcl { user: user.clone() }] } else { vec![] })
    }
}

fn observed_document<'w>(service: &'w Service, user: &UserKey) -> Result<&'w AclDocument, Reason> {
    match &service.acl {
        Observed::Seen(document) => Ok(document),
        Observed::Unseen(why) => Err(Reason::NotObserved { what: Read::Acl(user.service_key()), why: why.clone() }),
    }
}

const INDEXES: [&str; 2] = ["_*", "*"];

/// Whether a user has exactly the rules of such access.
fn is_as(current: &BTreeSet<(Name, Name)>, access: Access) -> bool {
    let known = |(index, permission): &(Name, Name)| INDEXES.contains(&&**index) && *permission == *access.as_str();
    current.len() == INDEXES.len() && current.iter().all(known)
}

/// The rules of a user with that permission: (index pattern, permission).
pub(crate) fn rules(permission: &Name) -> [(Name, Name); 2] {
    INDEXES.map(|index| (index.into(), permission.clone()))
}

const fn address(stem: &'static str, absent: IfAbsent) -> KeyWant {
    KeyWant::optional(stem, Source::Address(stem, absent))
}

static KEYS: [KeyWant; 8] = [
    KeyWant::required("OPEN_SEARCH_USERNAME", Source::Username),
    KeyWant::required("OPEN_SEARCH_PASSWORD", Source::Credential(Credential::Password)),
    KeyWant::required("OPEN_SEARCH_URI", Source::Address("OPEN_SEARCH_URI", IfAbsent::Wait)),
    address("OPEN_SEARCH_HOST", IfAbsent::Wait),
    address("OPEN_SEARCH_PORT", IfAbsent::Wait),
    address("OPEN_SEARCH_DASHBOARD_URI", IfAbsent::Text("")),
    address("OPEN_SEARCH_DASHBOARD_HOST", IfAbsent::Text("")),
    address("OPEN_SEARCH_DASHBOARD_PORT", IfAbsent::Text("0")),
];
