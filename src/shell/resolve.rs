//! Values put in at the last moment: what an action names by its source, as bytes.
//!
//! Takes as given that the plan says what goes where; never chooses, and keeps a credential no longer than one step.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use secrecy::zeroize::Zeroizing;

use super::aiven::{Account, Client};
use super::keystore::{Encryption, Material, Stores};
use super::trouble::Trouble;
use super::{clock, fact::Fact};
#[cfg(feature = "defects")]
use crate::sandbox::simulation::{Defect, sabotage};
use crate::value::{Credential, Value};
use crate::world::{Name, UserKey, rfc3339};

/// Bytes that may be secret.
pub(crate) type Bytes = Zeroizing<Vec<u8>>;

/// The CA certificates of projects as they were read last, which is what the world says of them; not secret.
#[derive(Clone, Default)]
pub(crate) struct Cas(Arc<Mutex<BTreeMap<Name, Arc<str>>>>);

impl Cas {
    /// Keeps what was read.
    pub(crate) fn keep(&self, project: &Name, pem: Arc<str>) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(project.clone(), pem);
    }

    /// Whether one was read.
    pub(crate) fn knows(&self, project: &Name) -> bool {
        self.get(project).is_some()
    }

    fn get(&self, project: &Name) -> Option<Arc<str>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(project).cloned()
    }
}

/// What one step has learned about users: credentials from the answer that made one, or read once.
pub(crate) struct Purse<'a> {
    client: &'a Client,
    cas: &'a Cas,
    encryption: Encryption,
    accounts: BTreeMap<UserKey, Account>,
}

/// The values of one write.
pub(crate) struct Resolved {
    /// The bytes of each key.
    pub(crate) data: BTreeMap<Name, Bytes>,
    /// The digests of both stores, where this write makes them.
    pub(crate) store_digests: Option<String>,
}

impl<'a> Purse<'a> {
    /// Nothing was learned yet.
    pub(crate) fn new(client: &'a Client, cas: &'a Cas, encryption: Encryption) -> Self {
        Purse { client, cas, encryption, accounts: BTreeMap::new() }
    }

    /// Keeps what the answer that made a user has brought.
    pub(crate) fn keep(&mut self, user: &UserKey, account: Account) {
        self.accounts.insert(user.clone(), account);
    }

    /// The bytes of every value; facts are what was learned on the way.
    pub(crate) async fn resolve(
        &mut self,
        set: &BTreeMap<Name, Value>,
        facts: &mut Vec<Fact>,
    ) -> Result<Resolved, Trouble> {
        let now = rfc3339(clock::now());
        let stores = self.stores(set, facts).await?;
        let stores = stores.as_ref();
        let both =
            || stores.ok_or(Trouble::Stores("make keystores: one is never written without the other".to_owned()));
        let mut data = BTreeMap::new();
        for (key, value) in set {
            let bytes = match value {
                Value::Text { text } => Bytes::new(text.as_bytes().to_vec()),
                Value::Clock => Bytes::new(now.clone().into_bytes()),
                Value::Ca { project } => Bytes::new(self.ca(project).await?.as_bytes().to_vec()),
                Value::User { field, user } => self.credential(user, *field, facts).await?,
                Value::Keystore { user: _ } => both()?.keystore.clone(),
                Value::Truststore { project: _ } => Bytes::new(both()?.truststore.clone()),
                Value::StoreDigests => continue,
            };
            data.insert(key.clone(), bytes);
        }
        Ok(Resolved { data, store_digests: stores.map(Stores::digests) })
    }

    /// Both stores, if any is to be written.
    async fn stores(&mut self, set: &BTreeMap<Name, Value>, facts: &mut Vec<Fact>) -> Result<Option<Stores>, Trouble> {
        let user = set.values().find_map(|value| if let Value::Keystore { user } = value { Some(user) } else { None });
        let project =
            set.values().find_map(|value| if let Value::Truststore { project } = value { Some(project) } else { None });
        let (Some(user), Some(project)) = (user, project) else { return Ok(None) };
        let ca = self.ca(project).await?.to_string();
        let certificate = self.text(user, Credential::Certificate, facts).await?;
        let key = self.text(user, Credential::PrivateKey, facts).await?.into();
        let made = Stores::make(Material { key, certificate, ca }, self.encryption).await;
        made.map(Some).map_err(|error| Trouble::Stores(error.to_string()))
    }

    async fn text(&mut self, user: &UserKey, field: Credential, facts: &mut Vec<Fact>) -> Result<String, Trouble> {
        let bytes = self.credential(user, field, facts).await?;
        let text = std::str::from_utf8(&bytes).map(str::to_owned);
        text.map_err(|_| Trouble::Stores("make keystores: what Aiven gave is no text".to_owned()))
    }

    async fn ca(&self, project: &Name) -> Result<Arc<str>, Trouble> {
        let pem = if let Some(pem) = self.cas.get(project) {
            pem
        } else {
            let ca = self.client.ca(project).await.map_err(Trouble::Aiven)?;
            self.cas.keep(project, ca.pem.clone());
            ca.pem
        };
        #[cfg(feature = "defects")]
        let pem = sabotage::first_block(pem);
        Ok(pem)
    }

    async fn credential(&mut self, user: &UserKey, field: Credential, facts: &mut Vec<Fact>) -> Result<Bytes, Trouble> {
        let account = self.account(user, facts).await?;
        let bytes = account.credentials.expose(field);
        #[cfg(feature = "defects")]
        let bytes = bytes.or_else(|why| if sabotage::has(Defect::G39) { Ok(&b""[..]) } else { Err(why) });
        let bytes = bytes.map_err(|why| Trouble::NotReady { service: user.service_key(), why })?;
        Ok(Bytes::new(bytes.to_vec()))
    }

    async fn account(&mut self, user: &UserKey, facts: &mut Vec<Fact>) -> Result<&Account, Trouble> {
        if !self.accounts.contains_key(user) {
            let asked = clock::now();
            match self.client.user(user).await.map_err(Trouble::Aiven)? {
                Some(account) => {
                    facts.push(Fact::User(user.clone(), Box::new(account.user.clone())));
                    self.accounts.insert(user.clone(), account);
                }
                None => facts.push(Fact::UserMissing(user.clone(), asked)),
            }
        }
        self.accounts.get(user).ok_or(Trouble::Stale { operation: "GetUser" })
    }
}
