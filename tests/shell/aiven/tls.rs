//! Private certificates and proxies, with a server and a proxy of their own.

use std::io::{self, Write};
use std::net::SocketAddr;

use aivenator::shell::aiven::{BuildError, Client, Problem};
use aivenator::shell::transport::{Proxies, Roots, TransportError};
use aivenator::world::FailureClass;

use super::{digester, kafka, options};
use crate::shell::tunnel::{self, Stream, file, head, proxy};

const HOST: &str = "aiven.test";

fn server() -> (String, SocketAddr) {
    tunnel::server(&[HOST, "localhost"], answer)
}

fn answer(mut stream: Stream) -> io::Result<()> {
    head(&mut stream)?;
    let body = r#"{"service":{"service_name":"kafka"}}"#;
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")?;
    stream.flush()
}

fn proxies(variables: &[(&str, String)]) -> Proxies {
    Proxies::from_lookup(|name| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into()))
}

#[tokio::test]
async fn a_private_authority_is_trusted_if_its_file_is_given_and_else_not() {
    let (pem, address) = server();
    let (_folder, path) = file(&pem);
    let mut with = options(&format!("https://localhost:{}", address.port()));
    let error = Client::new(with.clone(), digester()).unwrap().service(&kafka()).await.unwrap_err();
    assert_eq!((error.problem(), error.class()), (&Problem::Unreachable, FailureClass::Unknown));
    with.ca_file = Some(path);
    assert!(Client::new(with, digester()).unwrap().service(&kafka()).await.unwrap().is_some());
}

#[tokio::test]
async fn a_proxy_carries_what_is_not_exempt() {
    let (pem, address) = server();
    let (proxy, heads) = proxy(address);
    let (_folder, path) = file(&pem);
    let mut options = options(&format!("https://{HOST}:{}", address.port()));
    options.ca_file = Some(path);
    for variable in ["HTTPS_PROXY", "https_proxy"] {
        options.proxies = proxies(&[(variable, format!("http://me:word@{proxy}")), ("NO_PROXY", "10.0.0.0/8".into())]);
        assert!(Client::new(options.clone(), digester()).unwrap().service(&kafka()).await.unwrap().is_some());
    }
    let seen = heads.lock().unwrap().clone();
    assert_eq!(seen.len(), 2);
    assert!(seen[0].starts_with(&format!("CONNECT {HOST}:{}", address.port())), "{}", seen[0]);
    assert!(seen[0].to_lowercase().contains("proxy-authorization: basic"), "{}", seen[0]);
    assert!(!seen[0].contains(super::TOKEN), "the token is for Aiven only");

    options.proxies = proxies(&[("https_proxy", format!("http://{proxy}")), ("no_proxy", ".test".into())]);
    let error = Client::new(options.clone(), digester()).unwrap().service(&kafka()).await.unwrap_err();
    assert_eq!(error.problem(), &Problem::Unreachable, "it went straight to a name that there is not");

    options.url = "https://192.0.2.1:9".into();
    options.deadlines.connect = std::time::Duration::from_millis(200);
    for (exempt, carried) in [("192.0.2.0/24", 0), ("192.0.3.0/24,x", 1)] {
        let before = heads.lock().unwrap().len();
        options.proxies = proxies(&[("HTTPS_PROXY", format!("http://{proxy}")), ("NO_PROXY", exempt.into())]);
        Client::new(options.clone(), digester()).unwrap().service(&kafka()).await.unwrap_err();
        assert_eq!(heads.lock().unwrap().len() - before, carried, "{exempt}");
    }
}

#[tokio::test]
async fn loopback_is_never_reached_through_a_proxy() {
    let (pem, address) = server();
    let (proxy, heads) = proxy(address);
    let (_folder, path) = file(&pem);
    let mut options = options(&format!("https://localhost:{}", address.port()));
    options.ca_file = Some(path);
    options.proxies = proxies(&[("HTTPS_PROXY", format!("http://{proxy}")), ("HTTP_PROXY", format!("http://{proxy}"))]);
    assert!(Client::new(options, digester()).unwrap().service(&kafka()).await.unwrap().is_some());
    assert!(heads.lock().unwrap().is_empty());
}

#[test]
fn what_is_no_certificate_or_no_proxy_is_said_at_once() {
    let (folder, path) = file("not a certificate");
    assert_eq!(Roots::load(Some(&path)).unwrap_err(), TransportError::NotCertificates { path: path.clone() });
    let broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
    std::fs::write(&path, broken).unwrap();
    assert_eq!(Roots::load(Some(&path)).unwrap_err(), TransportError::NotCertificates { path });
    let missing = Roots::load(Some(&folder.path().join("none"))).unwrap_err();
    assert!(missing.to_string().contains("none"), "{missing}");
    let mut options = options("https://aiven.test");
    options.proxies = proxies(&[("HTTPS_PROXY", "http://:x:".into())]);
    let error = Client::new(options, digester()).unwrap_err();
    assert_eq!(error, BuildError::Transport(TransportError::BadProxy("HTTPS_PROXY")));
}
