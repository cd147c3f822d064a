//! Servers with certificates of a private authority, and a proxy that takes what it is asked for to one place.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::thread;

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// A connection as a server sees it.
pub type Stream = StreamOwned<ServerConnection, TcpStream>;

/// The PEM text of an authority, and a server that it vouches for under these names.
pub fn server(
    names: &[&str],
    answer: impl Fn(Stream) -> io::Result<()> + Clone + Send + 'static,
) -> (String, SocketAddr) {
    let names: Vec<String> = names.iter().map(ToString::to_string).collect();
    server_with(CertificateParams::new(names).unwrap(), answer)
}

/// The same, of a server whose certificate says this.
#[expect(clippy::needless_pass_by_value, reason = "nobody needs it any longer")]
pub fn server_with(
    certificate: CertificateParams,
    answer: impl Fn(Stream) -> io::Result<()> + Clone + Send + 'static,
) -> (String, SocketAddr) {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = params.self_signed(&key).unwrap();
    let issuer = Issuer::new(params, key);
    let own = KeyPair::generate().unwrap();
    let certificate = certificate.signed_by(&own, &issuer).unwrap();
    (authority.pem(), serve(certificate.der().clone(), own.serialize_der(), answer))
}

/// A server with this certificate and its key.
pub fn serve(
    certificate: CertificateDer<'static>,
    key: Vec<u8>,
    answer: impl Fn(Stream) -> io::Result<()> + Clone + Send + 'static,
) -> SocketAddr {
    let secret = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key));
    let config = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], secret)
        .unwrap();
    let config = Arc::new(config);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let session = ServerConnection::new(config.clone()).unwrap();
            let (stream, answer) = (StreamOwned::new(session, stream.unwrap()), answer.clone());
            thread::spawn(move || drop(answer(stream)));
        }
    });
    address
}

/// Takes one request to a server without TLS, and its answer back.
pub fn forward(mut near: Stream, to: SocketAddr) -> io::Result<()> {
    let request = head(&mut near)?;
    let (line, fields) = request.split_once("\r\n").unwrap_or_default();
    let fields: Vec<&str> = fields.trim_end().lines().collect();
    let of = |name: &str, field: &str| field.to_ascii_lowercase().starts_with(&format!("{name}:"));
    let length = fields.iter().find(|field| of("content-length", field)).and_then(|field| field.split_once(": "));
    let mut body = vec![0; length.and_then(|(_, length)| length.parse().ok()).unwrap_or(0)];
    near.read_exact(&mut body)?;
    let mut far = TcpStream::connect(to)?;
    write!(far, "{line}\r\nconnection: close\r\n")?;
    for field in fields.into_iter().filter(|field| !of("connection", field)) {
        write!(far, "{field}\r\n")?;
    }
    far.write_all(b"\r\n")?;
    far.write_all(&body)?;
    io::copy(&mut far, &mut near)?;
    near.conn.send_close_notify();
    near.flush()
}

/// The head of a request, up to the empty line.
pub fn head(stream: &mut impl Read) -> io::Result<String> {
    let mut head = vec![];
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// A proxy that takes every CONNECT to one place, and remembers the heads.
pub fn proxy(to: SocketAddr) -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let memory = heads.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut near = stream.unwrap();
            // Who is told to stop may close a connection before it has asked for anything.
            let Ok(head) = head(&mut near) else { continue };
            memory.lock().unwrap().push(head);
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

/// A file that holds this text, for as long as its directory is not dropped.
pub fn file(text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("file");
    std::fs::write(&path, text).unwrap();
    (folder, path)
}
