//! Who is not Aiven gets no token: no other host, no certificate that does not hold, no clear text, no redirection.

#![expect(clippy::similar_names, reason = "a certificate has both params and a pem")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread;

use aivenator::shell::aiven::{BuildError, Client, Options, Problem};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, KeyPair, date_time_ymd};

use super::server::{Reply, Server};
use super::{TOKEN, digester, kafka, options, user};
use crate::shell::tunnel::{self, Stream, file, head};

/// What servers read of requests.
#[derive(Clone, Default)]
struct Heard(Arc<Mutex<Vec<String>>>);

impl Heard {
    fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Answers as Aiven would, and remembers who asked.
    fn answer(&self) -> impl Fn(Stream) -> std::io::Result<()> + Clone + Send + 'static + use<> {
        let heard = self.clone();
        move |mut stream| {
            let head = head(&mut stream)?;
            heard.0.lock().unwrap().push(head);
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 14\r\n\r\n{\"service\":{}}")?;
            stream.flush()
        }
    }
}

fn at(address: SocketAddr, ca: Option<&std::path::Path>) -> Options {
    let mut options = options(&format!("https://localhost:{}", address.port()));
    options.ca_file = ca.map(Into::into);
    options
}

/// Asks for something; nobody answers whom it trusts.
async fn refused(options: Options, heard: &Heard, what: &str) {
    let client = Client::new(options, digester()).unwrap();
    let error = client.service(&kafka()).await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Unreachable | Problem::Broken), "{what}: {error}");
    let error = client.create_user(&user(), None).await.unwrap_err();
    assert!(matches!(error.problem(), Problem::Unreachable | Problem::Broken), "{what}: {error}");
    assert_eq!(heard.all(), Vec::<String>::new(), "{what} was sent a request");
}

#[tokio::test]
async fn a_certificate_that_does_not_hold_gets_nothing() {
    let named = |names: &[&str]| CertificateParams::new(names.iter().map(ToString::to_string).collect::<Vec<_>>());
    let good = || named(&["localhost"]).unwrap();
    let expired = {
        let mut params = good();
        (params.not_before, params.not_after) = (date_time_ymd(2020, 1, 1), date_time_ymd(2021, 1, 1));
        params
    };
    let early = {
        let mut params = good();
        (params.not_before, params.not_after) = (date_time_ymd(2090, 1, 1), date_time_ymd(2091, 1, 1));
        params
    };
    let for_clients = {
        let mut params = good();
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        params
    };
    let elsewhere = named(&["elsewhere.test", "localhost.elsewhere.test", "*.localhost"]).unwrap();
    for (what, params) in
        [("another host", elsewhere), ("the past", expired), ("the future", early), ("a client", for_clients)]
    {
        let heard = Heard::default();
        let (pem, address) = tunnel::server_with(params, heard.answer());
        let (_folder, path) = file(&pem);
        refused(at(address, Some(&path)), &heard, what).await;
    }
    // The same way, with nothing wrong: so it was for what was wrong that nobody was asked.
    let heard = Heard::default();
    let (pem, address) = tunnel::server_with(good(), heard.answer());
    let (_folder, path) = file(&pem);
    let client = Client::new(at(address, Some(&path)), digester()).unwrap();
    client.service(&kafka()).await.unwrap();
    assert!(heard.all()[0].contains(TOKEN), "{:?}", heard.all());
    // Its authority is trusted nowhere else.
    let (heard, folder) = (Heard::default(), file(&pem));
    let (_, stranger) = tunnel::server_with(good(), heard.answer());
    refused(at(stranger, Some(&folder.1)), &heard, "another authority").await;
    refused(at(stranger, None), &heard, "an authority that nobody knows").await;
}

#[tokio::test]
async fn a_certificate_that_vouches_for_itself_gets_nothing() {
    let heard = Heard::default();
    let key = KeyPair::generate().unwrap();
    let own = CertificateParams::new(vec!["localhost".to_owned()]).unwrap().self_signed(&key).unwrap();
    let address = tunnel::serve(own.der().clone(), key.serialize_der(), heard.answer());
    refused(at(address, None), &heard, "one that vouches for itself").await;
    let (other, _) = tunnel::server(&["localhost"], |_| Ok(()));
    let (_folder, path) = file(&other);
    refused(at(address, Some(&path)), &heard, "one that vouches for itself").await;
}

/// A listener that is no TLS server: what it was sent, whatever it answers.
fn plain(answer: &'static [u8]) -> (SocketAddr, Arc<Mutex<Vec<u8>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let heard: Arc<Mutex<Vec<u8>>> = Arc::default();
    let memory = heard.clone();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut bytes = [0; 4096];
            let length = stream.read(&mut bytes).unwrap_or(0);
            memory.lock().unwrap().extend(&bytes[..length]);
            drop(stream.write_all(answer));
        }
    });
    (address, heard)
}

#[tokio::test]
async fn clear_text_is_neither_spoken_nor_understood() {
    let (address, heard) = plain(b"HTTP/1.1 200 OK\r\ncontent-length: 14\r\n\r\n{\"service\":{}}");
    refused(at(address, None), &Heard::default(), "clear text").await;
    let heard = heard.lock().unwrap().clone();
    assert!(!heard.is_empty() && !String::from_utf8_lossy(&heard).contains(TOKEN), "a greeting, and no token");
    for url in ["http://api.aiven.test", "http://192.0.2.1", "ftp://localhost", "http://localhost.elsewhere.test"] {
        let error = Client::new(options(url), digester()).unwrap_err();
        assert!(matches!(error, BuildError::Url(_)), "{url}: {error}");
    }
}

/// What is older than TLS 1.2 is not offered, so nobody can choose it.
#[tokio::test]
async fn only_two_versions_are_offered() {
    // A refusal, as TLS has it: handshake_failure.
    let (address, heard) = plain(&[21, 3, 3, 0, 2, 2, 40]);
    refused(at(address, None), &Heard::default(), "who refuses").await;
    let hello = heard.lock().unwrap().clone();
    // supported_versions (43): its length, the length of the list, and the list.
    let place = hello.windows(5).position(|part| part == [0, 43, 0, 5, 4]).expect("the versions are listed");
    assert_eq!(&hello[place + 5..place + 9], [3, 4, 3, 3], "TLS 1.3 and 1.2");
}

#[tokio::test]
async fn a_redirection_takes_the_token_nowhere() {
    for status in [301, 302, 303, 307, 308] {
        let elsewhere =
            Server::always(200, r#"{"service":{"service_name":"kafka"},"user":{"username":"team_app_1"}}"#).await;
        for to in [elsewhere.url.clone(), elsewhere.url.replace("127.0.0.1", "localhost"), "//localhost".to_owned()] {
            let location = format!("{to}/v1/elsewhere");
            let here = Server::start(move |_, _| Reply::new(status, "").with("location", location.clone())).await;
            let client = Client::new(options(&here.url), digester()).unwrap();
            client.service(&kafka()).await.unwrap_err();
            client.create_user(&user(), None).await.unwrap_err();
            client.delete_user(&user()).await.unwrap_err();
            assert!(here.asked().iter().all(|asked| asked.header("authorization").contains(TOKEN)));
            assert!(here.lines().len() >= 3);
        }
        assert!(elsewhere.asked().is_empty(), "{status}: {:?}", elsewhere.lines());
    }
}
