//! The listener, asked over HTTP.

use std::net::SocketAddr;
use std::time::Duration;

use aivenator::shell::http::{Health, Listen, Pages, Readiness, Server};
use aivenator::shell::metrics::Metrics;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

fn pages() -> Pages {
    Pages { metrics: Metrics::new([]), health: Health::default(), readiness: Readiness::default() }
}

async fn server(pages: &Pages) -> Server {
    let listen: Listen = "127.0.0.1:0".parse().unwrap();
    Server::start(&listen, pages.clone()).await.unwrap().unwrap()
}

/// Status line, headers in lower case, and body of an answer.
async fn ask(address: SocketAddr, request: &str) -> (String, String, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let text =
        format!("{request} HTTP/1.1\r\nHost: a\r\nAccept: application/openmetrics-text\r\nConnection: close\r\n\r\n");
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    let (status, headers) = head.split_once("\r\n").unwrap();
    (status.to_owned(), headers.to_lowercase(), body.to_owned())
}

#[tokio::test]
async fn metrics_are_there_from_the_first_second_in_the_old_format() {
    let server = server(&pages()).await;
    let (status, headers, body) = ask(server.address(), "GET /metrics").await;
    assert_eq!(status, "HTTP/1.1 200 OK");
    assert!(headers.contains("content-type: text/plain; version=0.0.4; charset=utf-8"), "{headers}");
    assert!(body.contains("aivenator_is_leader 0\n"), "{body}");
    let (status, headers, body) = ask(server.address(), "HEAD /metrics").await;
    assert_eq!((status.as_str(), body.as_str()), ("HTTP/1.1 200 OK", ""));
    assert!(headers.contains("version=0.0.4"), "{headers}");
    for path in ["/", "/metrics/", "/metricsx"] {
        assert_eq!(ask(server.address(), &format!("GET {path}")).await.0, "HTTP/1.1 404 Not Found");
    }
    server.stop().await;
}

#[tokio::test]
async fn it_is_ready_once_everything_is_met() {
    let pages = pages();
    let server = server(&pages).await;
    let asked = async || {
        let (status, _, body) = ask(server.address(), "GET /readyz").await;
        (status, body)
    };
    let not = "HTTP/1.1 503 Service Unavailable".to_owned();
    assert_eq!(asked().await, (not.clone(), "starting\n".to_owned()));
    let rights = pages.readiness.condition("rights");
    let caches = pages.readiness.condition("caches");
    assert_eq!(asked().await, (not.clone(), "caches\nrights\n".to_owned()));
    rights.set(true);
    assert_eq!(asked().await, (not, "caches\n".to_owned()));
    caches.set(true);
    assert_eq!(asked().await, ("HTTP/1.1 200 OK".to_owned(), "ok\n".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_part_that_makes_no_progress_is_named() {
    let health = Health::default();
    assert!(health.why_not().is_empty());
    let planner = health.heartbeat("planner", Duration::from_mins(1));
    let watch = health.heartbeat("watch", Duration::from_mins(10));
    tokio::time::advance(Duration::from_secs(61)).await;
    assert_eq!(health.why_not(), ["planner: no progress for 61s, limit 60s"]);
    planner.beat();
    assert!(health.why_not().is_empty());
    drop(watch);
    tokio::time::advance(Duration::from_secs(601)).await;
    assert_eq!(health.why_not().len(), 2, "a part that is gone has not ended well");
    planner.end();
    assert_eq!(health.why_not(), ["watch: no progress for 662s, limit 600s"]);
}

#[tokio::test]
async fn an_address_in_use_is_one_clear_line() {
    let first = server(&pages()).await;
    let listen: Listen = first.address().to_string().parse().unwrap();
    let Err(failure) = Server::start(&listen, pages()).await else { panic!("both listen") };
    assert_eq!(
        failure.to_string(),
        format!("listen on {} (--metrics-address): the address is already in use", first.address())
    );
    first.stop().await;
    assert!(Server::start(&listen, pages()).await.is_ok(), "it is free again");
}

#[tokio::test]
async fn whoever_takes_too_long_is_cut_off() {
    let server = server(&pages()).await;
    let mut slow = TcpStream::connect(server.address()).await.unwrap();
    slow.write_all(b"GET /metrics HTTP/1.1\r\nHost:").await.unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(5), server.stop()).await;
    assert!(stopped.is_ok(), "it stops in spite of an open request");
}

#[tokio::test]
async fn every_address_and_none() {
    let server = Server::start(&Listen::Everywhere(0), pages()).await.unwrap().unwrap();
    let local = SocketAddr::from(([127, 0, 0, 1], server.address().port()));
    assert_eq!(ask(local, "GET /healthz").await.0, "HTTP/1.1 200 OK");
    assert!(Server::start(&Listen::Off, pages()).await.unwrap().is_none());
}

#[test]
fn addresses_are_read_as_go_reads_them() {
    let at = |host: &str, port| Ok(Listen::At(host.to_owned(), port));
    assert_eq!("127.0.0.1:8080".parse(), Ok(Listen::default()));
    assert_eq!(":8080".parse(), Ok(Listen::Everywhere(8080)));
    assert_eq!("0".parse(), Ok(Listen::Off));
    assert_eq!("[::1]:80".parse(), at("::1", 80));
    assert_eq!("localhost:1".parse(), at("localhost", 1));
    for text in ["", "8080", "a:", "::1:80", "a b:1", "[::1:80", "[]:1", "a:99999", "1"] {
        let wrong = text.parse::<Listen>().unwrap_err();
        assert!(wrong.starts_with(&format!("'{text}' is not an address")), "{wrong}");
    }
    for text in ["0", ":8080", "127.0.0.1:8080", "[::1]:80"] {
        assert_eq!(text.parse::<Listen>().unwrap().to_string(), text);
    }
}
