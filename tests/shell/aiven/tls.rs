//! Private certificates and proxies, with a server and a proxy of their own.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use aivenator::shell::aiven::{BuildError, Client, Problem};
use aivenator::shell::transport::{Proxies, Roots, TransportError};
use aivenator::world::FailureClass;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::{digester, kafka, options};

const HOST: &str = "aiven.test";

/// The PEM text of an authority, and a server that it vouches for as `aiven.test` and `localhost`.
fn server() -> (String, SocketAddr) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let names = vec![HOST.to_owned(), "localhost".to_owned()];
    let certificate = CertificateParams::new(names).unwrap().signed_by(&own, &issuer).unwrap();
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(own.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate.der().clone()], secret)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(config.clone()).unwrap();
            drop(answer(StreamOwned::new(session, stream.unwrap())));
        }
    });
    (authority.pem(), address)
}

fn answer(mut stream: impl Read + Write) -> io::Result<()> {
    head(&mut stream)?;
    let body = r#"{"service":{"service_name":"kafka"}}"#;
    let length = body.len();
    write!(stream, "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")?;
    stream.flush()
}

/// The head of a request, up to the empty line.
fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A proxy that takes every CONNECT to one place, and remembers the heads.
fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let memory = heads.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut near = stream.unwrap();
            memory.lock().unwrap().push(head(&mut near).unwrap());
            near.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").unwrap();
            let far = TcpStream::connect(to).unwrap();
            carry(near.try_clone().unwrap(), far.try_clone().unwrap());
            carry(far, near);
        }
    });
    (address, heads)
}

fn carry(mut from: TcpStream, mut to: TcpStream) {
    thread::spawn(move || {
        drop(io::copy(&mut from, &mut to));
        drop(to.shutdown(Shutdown::Write));
    });
}

fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("ca.pem");
    std::fs::write(&path, text).unwrap();
    (folder, path)
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
