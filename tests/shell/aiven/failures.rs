//! What can go wrong on the way, and what follows from it.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use aivenator::shell::aiven::{BuildError, Client, Options, Problem, TokenError, TokenSource};
use aivenator::world::{FailureClass, ServiceKey};
use jiff::SignedDuration;

use super::server::{Reply, Server};
use super::{client, digester, kafka, options, user};

const SERVICE: &str = r#"{"service":{"service_name":"kafka"}}"#;

#[tokio::test]
async fn after_too_many_requests_everything_waits_or_is_told_how_long() {
    let server = Server::start(|number, _| match number {
        0 => Reply::new(429, "{}").with("retry-after", "1"),
        1 => Reply::new(200, SERVICE),
        _ => Reply::new(503, "{}").with("retry-after", "86400"),
    });
    let server = server.await;
    let client = client(&server.url);
    let error = client.create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.class(), error.retry_after()), (FailureClass::TooFast, Some(SignedDuration::from_secs(1))));
    assert!(!error.is_outcome_unknown());
    let began = std::time::Instant::now();
    client.service(&kafka()).await.unwrap();
    assert!(began.elapsed() > Duration::from_millis(500), "it has waited");

    let error = client.create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.class(), error.retry_after()), (FailureClass::Unknown, Some(SignedDuration::from_mins(10))));
    assert!(error.is_outcome_unknown());
    let error = client.service(&ServiceKey::new("other", "service")).await.unwrap_err();
    assert_eq!((error.class(), error.status()), (FailureClass::TooFast, 0));
    assert!(error.retry_after().unwrap() > SignedDuration::from_mins(9));
    assert_eq!(server.lines().len(), 3, "the last was not sent");
}

#[tokio::test]
async fn a_limit_of_our_own_holds_before_aiven_has_to_say_so() {
    let server = Server::always(200, SERVICE).await;
    let mut options = options(&server.url);
    options.pace.per_second = 5.try_into().unwrap();
    options.pace.burst = 1.try_into().unwrap();
    let client = Client::new(options, digester()).unwrap();
    let began = std::time::Instant::now();
    for _ in 0..4 {
        client.clone().service(&kafka()).await.unwrap();
    }
    assert!(began.elapsed() > Duration::from_millis(500), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_refused_token_is_noted_until_something_succeeds() {
    let server = Server::start(|number, _| match number {
        0 => Reply::new(403, r#"{"message":"Not allowed"}"#),
        1 => Reply::new(401, "<html>"),
        2 => Reply::new(500, ""),
        3 => Reply::new(200, SERVICE),
        _ => Reply::new(403, r#"{"errors":[{"error_code":"authentication_failed"}]}"#),
    });
    let server = server.await;
    let client = client(&server.url);
    for refused in [false, true, true, false, true] {
        drop(client.service(&kafka()).await);
        assert_eq!(client.token_refused(), refused);
    }
}

#[tokio::test]
async fn without_an_answer_it_is_known_whether_anything_was_sent() {
    let slow = Server::start(|_, _| Reply::new(200, "{}").after(Duration::from_secs(5))).await;
    let mut short = options(&slow.url);
    short.deadlines.call = Duration::from_millis(100);
    let error = Client::new(short, digester()).unwrap().create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.problem(), error.status(), error.is_outcome_unknown()), (&Problem::Timeout, 0, true));

    let closed = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let error = client(&format!("http://{closed}")).create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.problem(), error.is_outcome_unknown()), (&Problem::Unreachable, false));
    assert_eq!(error.class(), FailureClass::Unknown);
    assert!(std::error::Error::source(&error).is_some());
}

/// Reads one request on each connection and hangs up.
fn rude() -> (String, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let count = Arc::new(AtomicUsize::new(0));
    let counted = count.clone();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    (url, count)
}

#[tokio::test]
async fn only_a_read_is_sent_again_when_the_connection_breaks() {
    let (url, count) = rude();
    let error = client(&url).create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.problem(), error.is_outcome_unknown()), (&Problem::Broken, true));
    assert_eq!(count.load(Ordering::SeqCst), 1);
    let error = client(&url).service(&kafka()).await.unwrap_err();
    assert_eq!((error.problem(), error.is_outcome_unknown()), (&Problem::Broken, false));
    assert_eq!(count.load(Ordering::SeqCst), 3);
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_no_answer() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            drop(stream.read(&mut [0; 4096]));
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 99\r\n\r\n{\"user\":").unwrap();
        }
    });
    let error = client(&url).create_user(&user(), None).await.unwrap_err();
    assert_eq!((error.problem(), error.status()), (&Problem::Broken, 200));
    assert!(error.is_outcome_unknown());
}

#[tokio::test]
async fn an_answer_beyond_all_measure_is_not_read_to_its_end() {
    let server = Server::always(200, vec![b' '; 9 << 20]).await;
    let error = client(&server.url).user(&user()).await.unwrap_err();
    assert_eq!((error.problem(), error.class()), (&Problem::TooLarge, FailureClass::Unknown));
}

#[tokio::test]
async fn a_redirection_is_not_followed() {
    let elsewhere = Server::always(200, SERVICE).await;
    let to = format!("{}/v1/project/dev/service/kafka", elsewhere.url);
    let server = Server::start(move |_, _| Reply::new(302, "").with("location", to.clone())).await;
    let error = client(&server.url).service(&kafka()).await.unwrap_err();
    assert_eq!((error.problem(), error.status()), (&Problem::NotUnderstood, 302));
    assert!(elsewhere.lines().is_empty());
}

#[tokio::test]
async fn a_packed_answer_is_unpacked() {
    let mut packed = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255, 1];
    let length = u16::try_from(SERVICE.len()).unwrap();
    packed.extend(length.to_le_bytes());
    packed.extend((!length).to_le_bytes());
    packed.extend(SERVICE.as_bytes());
    packed.extend(crc32fast::hash(SERVICE.as_bytes()).to_le_bytes());
    packed.extend(u32::from(length).to_le_bytes());
    let server = Server::start(move |_, _| Reply::new(200, packed.clone()).with("content-encoding", "gzip")).await;
    assert!(client(&server.url).service(&kafka()).await.unwrap().is_some());
    assert!(server.asked()[0].header("accept-encoding").contains("gzip"));
}

#[tokio::test]
async fn names_that_make_no_path_are_not_sent() {
    let server = Server::always(200, SERVICE).await;
    for name in ["", ".", ".."] {
        let error = client(&server.url).service(&ServiceKey::new("dev", name)).await.unwrap_err();
        assert_eq!((error.problem(), error.class()), (&Problem::BadName, FailureClass::Refused));
    }
    assert!(server.lines().is_empty());
}

#[tokio::test]
async fn a_token_file_is_read_again() {
    let server = Server::always(200, SERVICE).await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("token");
    let from_file = || Options { token: TokenSource::File(path.clone()), ..options(&server.url) };
    let unusable = Client::new(from_file(), digester()).unwrap_err();
    assert!(unusable.to_string().contains(path.to_str().unwrap()), "{unusable}");
    for text in ["", " \n"] {
        std::fs::write(&path, text).unwrap();
        let empty = TokenError::Empty { path: Some(path.clone()) };
        assert_eq!(Client::new(from_file(), digester()).unwrap_err(), BuildError::Token(empty));
    }
    std::fs::write(&path, "one\n").unwrap();
    let client = Client::new(from_file(), digester()).unwrap();
    client.service(&kafka()).await.unwrap();
    std::fs::write(&path, "two\n").unwrap();
    client.service(&kafka()).await.unwrap();
    let sent: Vec<_> = server.asked().iter().map(|asked| asked.header("authorization").to_owned()).collect();
    assert_eq!(sent, ["aivenv1 one", "aivenv1 two"]);
    std::fs::remove_file(&path).unwrap();
    let error = client.service(&kafka()).await.unwrap_err();
    assert_eq!(error.class(), FailureClass::Unauthorized);
    assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
}

#[test]
fn addresses_and_tokens_that_cannot_be_used_are_said_at_once() {
    for url in ["", "api.aiven.io", "ftp://x", "http://api.aiven.io", "https://u:p@x", "https://x?y", "https://x/#z"] {
        let error = Client::new(options(url), digester()).unwrap_err();
        assert!(matches!(error, BuildError::Url(_)), "{url}: {error}");
    }
    for url in ["http://localhost:1", "http://127.0.0.2", "http://[::1]:1/", "https://api.aiven.io/"] {
        Client::new(options(url), digester()).unwrap();
    }
    for token in ["", " ", "a b", "a\nb", "å"] {
        let options = Options { token: TokenSource::literal(token), ..options("http://localhost:1") };
        assert!(matches!(Client::new(options, digester()), Err(BuildError::Token(_))), "{token:?}");
    }
}
