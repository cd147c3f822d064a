//! The client of Aiven's API: one method for each call that this program makes.
//!
//! Decides what an answer means for the thing that was asked for. Takes as given that whoever calls knows what may be
//! done now, and records what failed. Never retries, never caches, and never passes on a text of Aiven.

mod acl;
mod answer;
mod call;
mod credentials;
#[cfg(feature = "fuzz")]
pub mod door;
mod error;
mod flight;
#[cfg(test)]
mod hidden;
mod lenient;
mod options;
mod pace;
mod path;
mod road;
mod said;
mod token;
mod wire;

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::FutureExt as _;

pub use self::acl::{MAX_ENTRIES, RawAcl};
pub(crate) use self::call::Call;
use self::call::{Answer, Line};
pub use self::credentials::{Account, Credentials, NotReady};
use self::error::Circumstances;
pub use self::error::{Error, Missing, Operation, Problem, Target};
use self::flight::Flights;
pub use self::options::{BuildError, Deadlines, Options};
pub use self::pace::Pace;
#[cfg(feature = "sandbox")]
pub(crate) use self::road::Raw;
pub(crate) use self::road::Road;
pub use self::token::{TokenError, TokenSource};
use crate::action::AccessRules;
use crate::shell::metrics::Metrics;
use crate::world::{Content, Digester, Name, Service, ServiceKey, UserKey};

/// Calls Aiven with one token; a clone is the same client.
#[derive(Clone)]
pub struct Client(Arc<Inner>);

struct Inner {
    line: Arc<Line>,
    flights: Flights,
    digester: Digester,
}

/// The CA certificates of a project; public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ca {
    /// What enters the world.
    pub content: Content,
    /// One or several PEM blocks, byte for byte as Aiven gave them.
    pub pem: Arc<str>,
}

impl Client {
    /// Sets a client up; contacts nothing.
    ///
    /// The digester is that of the world that the answers go into.
    pub fn new(options: Options, digester: Digester) -> Result<Self, BuildError> {
        let base = options.base()?;
        let client = options.http()?;
        options.token.header().map_err(BuildError::Token)?;
        let Options { url: _, token, ca_file: _, pace, proxies: _, deadlines, metrics } = options;
        let road = road::Http { client, base, token, deadlines };
        Ok(Client::over(Box::new(road), (pace, deadlines, metrics), digester))
    }

    /// A client whose requests go that way.
    pub(crate) fn over(
        road: Box<dyn Road>,
        (pace, deadlines, metrics): (Pace, Deadlines, Option<Metrics>),
        digester: Digester,
    ) -> Self {
        let gate = pace::Gate::new(pace, deadlines.turn);
        let line = Arc::new(Line { road, gate, metrics, refused: AtomicBool::new(false) });
        Client(Arc::new(Inner { line, flights: Flights::default(), digester }))
    }

    /// Whether Aiven has refused the token itself, and has accepted nothing since.
    pub fn token_refused(&self) -> bool {
        self.0.line.refused.load(Ordering::Relaxed)
    }

    /// The projects that the token sees.
    pub async fn projects(&self) -> Result<Vec<Name>, Error> {
        let path = Some("/project".to_owned());
        let (call, answer) = self.get((Operation::ListProjects, Target::Account), path).await?;
        wire::projects(&answer.body).ok_or_else(|| call.not_understood(&answer))
    }

    /// The CA certificates of a project.
    pub async fn ca(&self, project: &Name) -> Result<Ca, Error> {
        let path = path::project(project).map(|path| path + "/kms/ca");
        let (call, answer) = self.get((Operation::GetCa, Target::Project(project.clone())), path).await?;
        let pem = wire::ca(&answer.body).ok_or_else(|| call.not_understood(&answer))?;
        Ok(Ca { content: self.0.digester.content(pem.as_bytes()), pem: pem.into() })
    }

    /// The services of a project that users of ours can be on.
    pub async fn services(&self, project: &Name) -> Result<Vec<ServiceKey>, Error> {
        let path = path::project(project).map(|path| path + "/service");
        let (call, answer) = self.get((Operation::ListServices, Target::Project(project.clone())), path).await?;
        let names = wire::services(&answer.body).ok_or_else(|| call.not_understood(&answer))?;
        Ok(names.into_iter().map(|name| ServiceKey::new(project.clone(), name)).collect())
    }

    /// A service, without the credentials of its users and without its ACL; `None` if Aiven says that it does not exist.
    pub async fn service(&self, key: &ServiceKey) -> Result<Option<Service>, Error> {
        match self.service_seen(key).await {
            Ok(service) => Ok(Some(service)),
            Err(error) if *error.problem() == Problem::Missing(Missing::Service) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn service_seen(&self, key: &ServiceKey) -> Result<Service, Error> {
        let (call, answer) =
            self.get((Operation::GetService, Target::Service(key.clone())), path::service(key)).await?;
        wire::service(&answer.body, key, &self.0.digester).ok_or_else(|| call.not_understood(&answer))
    }

    /// A service user with its credentials; `None` if Aiven says that it does not exist.
    ///
    /// That its service or project does not exist is an error, which says so.
    pub async fn user(&self, key: &UserKey) -> Result<Option<Account>, Error> {
        let path = path::user(key).map(|path| path + "?include_secrets=true");
        match self.get((Operation::GetUser, Target::User(key.clone())), path).await {
            Ok((call, answer)) => {
                let account = wire::account(&answer.body, key, &self.0.digester);
                account.map(Some).ok_or_else(|| call.not_understood(&answer))
            }
            Err(error) if self.is_user_gone(key, &error).await => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Makes a service user; its credentials are in the answer and in no other answer to a write.
    ///
    /// [`Problem::Exists`] says that there is one of that name already.
    pub async fn create_user(&self, key: &UserKey, access: Option<&AccessRules>) -> Result<Account, Error> {
        let body = wire::create_body(key, access);
        let path = path::service(&key.service_key()).map(|path| path + "/user");
        let about = (Operation::CreateUser, Target::User(key.clone()));
        let (call, answer) = self.write(about, path, Some(body)).await?;
        wire::account(&answer.body, key, &self.0.digester).ok_or_else(|| call.not_understood(&answer))
    }

    /// Replaces what a Valkey user may do.
    pub async fn set_access(&self, key: &UserKey, access: &AccessRules) -> Result<(), Error> {
        let about = (Operation::SetAccess, Target::User(key.clone()));
        self.write(about, path::user(key), Some(wire::set_access_body(access))).await.map(drop)
    }

    /// Deletes a service user; one that is gone, with or without its service, counts as deleted.
    pub async fn delete_user(&self, key: &UserKey) -> Result<(), Error> {
        match self.write((Operation::DeleteUser, Target::User(key.clone())), path::user(key), None).await {
            Ok(_) => Ok(()),
            Err(error) if *error.problem() == Problem::Missing(Missing::Service) => Ok(()),
            Err(error) if self.is_user_gone(key, &error).await => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// The whole ACL document of an OpenSearch service.
    pub async fn acl(&self, key: &ServiceKey) -> Result<RawAcl, Error> {
        let path = path::service(key).map(|path| path + "/opensearch/acl");
        let (call, answer) = self.get((Operation::GetAcl, Target::Service(key.clone())), path).await?;
        wire::acl(&answer.body).ok_or_else(|| call.not_understood(&answer))
    }

    /// Replaces the whole ACL document of an OpenSearch service; one that is too long is not sent.
    pub async fn put_acl(&self, key: &ServiceKey, acl: &RawAcl) -> Result<(), Error> {
        let about = (Operation::PutAcl, Target::Service(key.clone()));
        if acl.entries() > MAX_ENTRIES {
            return Err(Error::new((about.0, &about.1), Problem::AclFull, Circumstances::default()));
        }
        let path = path::service(key).map(|path| path + "/opensearch/acl");
        self.write(about, path, Some(acl.body())).await.map(drop)
    }

    /// Whether an error says that the user does not exist.
    ///
    /// Nobody knows how Aiven words that for each service type. So a 404 that cannot be read in one way is held against
    /// the list of the service's users: only if that was read, and the user is not in it, the user is gone.
    async fn is_user_gone(&self, key: &UserKey, error: &Error) -> bool {
        if *error.problem() != Problem::NotUnderstood || error.status() != 404 {
            return *error.problem() == Problem::Missing(Missing::User);
        }
        let seen = self.service_seen(&key.service_key()).await;
        seen.is_ok_and(|service| service.users_listed && !service.users.contains_key(&key.username))
    }

    async fn get(
        &self,
        (operation, target): (Operation, Target),
        path: Option<String>,
    ) -> Result<(Call, Arc<Answer>), Error> {
        let call = Call::new((operation, target), path, None)?;
        let flight = self.0.flights.join(&call.path, || {
            let (line, call) = (self.0.line.clone(), call.clone());
            async move { line.exchange(&call).await.map(Arc::new) }.boxed()
        });
        Ok((call, flight.await?))
    }

    async fn write(
        &self,
        (operation, target): (Operation, Target),
        path: Option<String>,
        body: Option<serde_json::Value>,
    ) -> Result<(Call, Answer), Error> {
        let call = Call::new((operation, target), path, body.map(|body| body.to_string().into_bytes()))?;
        let _writing = self.0.flights.writing();
        let answer = self.0.line.exchange(&call).await?;
        Ok((call, answer))
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}
