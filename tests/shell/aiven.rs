//! The client of Aiven, against servers on loopback that answer in every way that there is.

mod acl;
mod calls;
mod failures;
mod secrecy;
mod server;
mod strangers;
mod tls;

use aivenator::shell::aiven::{Client, Options, TokenSource};
use aivenator::shell::transport::Proxies;
use aivenator::world::{Digester, ServiceKey, UserKey};

const TOKEN: &str = "planted-token";

fn digester() -> Digester {
    Digester::new(&[7; 32])
}

fn options(url: &str) -> Options {
    let mut options = Options::new(url, TokenSource::literal(TOKEN));
    options.proxies = Proxies::default();
    options
}

fn client(url: &str) -> Client {
    Client::new(options(url), digester()).unwrap()
}

fn kafka() -> ServiceKey {
    ServiceKey::new("dev", "kafka")
}

fn user() -> UserKey {
    kafka().user("team_app_1".into())
}
