//! Services and users by name, as the alphabets give them.

use aivenator::naming::{Prefix, suffixes};
use aivenator::world::{Access, AppKey, ServiceKey, UserKey};

use super::build::app_key;
use super::input::*;

pub(crate) fn service_key(at: &ServicePick) -> ServiceKey {
    match at {
        ServicePick::Kafka(1) => ServiceKey::new(POOLS[1], "p2-kafka"),
        ServicePick::Kafka(pool) => ServiceKey::new(pick(&POOLS, *pool), "kafka"),
        ServicePick::OpenSearch(namespace, instance) => {
            let name = format!("opensearch-{}-{}", pick(&NAMESPACES, *namespace), pick(&INSTANCES, *instance));
            ServiceKey::new(POOLS[0], name)
        }
        ServicePick::Valkey(namespace, instance) => {
            let name = format!("valkey-{}-{}", pick(&NAMESPACES, *namespace), pick(&INSTANCES, *instance));
            ServiceKey::new(POOLS[0], name)
        }
    }
}

pub(crate) fn user_key(account: &Account) -> UserKey {
    let username = match &account.name {
        NameInput::Own { namespace, app, access, candidate } => {
            let app = app_key(*namespace, *app);
            let suffix = suffixes(1, &app.name, None).nth(*candidate).unwrap();
            prefix(&account.service, &app, *access).username(&suffix)
        }
        NameInput::Digits { namespace, app } => {
            prefix(&account.service, &app_key(*namespace, *app), Access::Read).username("12345")
        }
        NameInput::Primary => "avnadmin".to_owned(),
        NameInput::Somebody => "somebody".to_owned(),
    };
    service_key(&account.service).user(username.into())
}

fn prefix(at: &ServicePick, app: &AppKey, access: Access) -> Prefix {
    match at {
        ServicePick::Kafka(_) => Prefix::kafka(app),
        ServicePick::OpenSearch(..) => Prefix::with_access(&app.namespace, access),
        ServicePick::Valkey(..) => Prefix::with_access(&app.name, access),
    }
}
