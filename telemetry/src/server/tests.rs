use super::connections::MAX_CONNECTIONS;
use super::*;
use crate::config::server::{Auth, Hosts, Secret};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::AtomicU64;
use std::time::{Instant, SystemTime};

pub(super) fn empty() -> Snapshot {
    let now = SystemTime::UNIX_EPOCH;
    Snapshot::of_families(now, now, Vec::new())
}

/// A snapshot whose exposition is long.
pub(super) fn long(lines: u64) -> Snapshot {
    let mut family =
        crate::snapshot::Family::declared(&crate::builtin::endpoint::telemetry_server_responses_total::DESCRIPTOR);
    family.series = (0..lines)
        .map(|line| crate::snapshot::Series {
            labels: [("code".into(), line.to_string().into())].into_iter().collect(),
            value: crate::snapshot::Value::Integer(line),
        })
        .collect();
    Snapshot { families: vec![family], ..empty() }
}

fn start_with(settings: &Settings, take: impl Fn() -> Snapshot + Send + Sync + 'static) -> Server {
    let address = "127.0.0.1:0".parse().unwrap();
    let listening = Listening::start(
        address,
        settings,
        #[cfg(feature = "tls")]
        None,
        take,
    );
    listening.unwrap().serve()
}

fn start() -> Server {
    start_with(&Settings::default(), || long(1_000))
}

fn ask(server: &Server, request: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(request).unwrap();
    let mut response = Vec::new();
    stream.read_to_end(&mut response).unwrap();
    response
}

/// Head and body; `more` are headers besides `Host: localhost`, each with its line's end.
fn get(server: &Server, method: &str, path: &str, more: &str) -> (String, Vec<u8>) {
    let response = ask(server, format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\n{more}\r\n").as_bytes());
    let end = response.windows(4).position(|window| window == b"\r\n\r\n").expect("a head");
    (String::from_utf8(response[..end + 2].to_vec()).unwrap().to_lowercase(), response[end + 4..].to_vec())
}

fn header<'a>(head: &'a str, name: &str) -> Option<&'a str> {
    head.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "))
}

fn status(response: &[u8]) -> u16 {
    let text = String::from_utf8_lossy(response);
    text.strip_prefix("HTTP/1.1 ").and_then(|rest| rest.get(..3)?.parse().ok()).unwrap_or_else(|| panic!("{text}"))
}

fn asked(server: &Server, path: &str, host: &str, more: &str) -> u16 {
    status(&ask(server, format!("GET {path} HTTP/1.1\r\n{host}{more}\r\n").as_bytes()))
}

#[test]
fn connections_beyond_the_cap_push_out_the_oldest_and_not_the_newest() {
    let server = start();
    let idle: Vec<_> = (0..2 * MAX_CONNECTIONS).map(|_| TcpStream::connect(server.address()).unwrap()).collect();
    assert_eq!(asked(&server, "/health", "Host: localhost\r\n", ""), 200);
    let mut oldest = &idle[0];
    oldest.set_read_timeout(Some(Duration::from_secs(3))).unwrap();
    assert_eq!(oldest.read(&mut [0]).unwrap(), 0, "the oldest is closed");
}

#[test]
fn a_head_without_end_is_refused() {
    let server = start();
    let long = format!("GET /health HTTP/1.1\r\nHost: localhost\r\nX: {}\r\n\r\n", "x".repeat(MAX_HEAD));
    assert_eq!(status(&ask(&server, long.as_bytes())), 431);
    let many = format!("GET /health HTTP/1.1\r\nHost: localhost\r\n{}\r\n", "A: b\r\n".repeat(2 * MAX_HEADERS));
    assert_eq!(status(&ask(&server, many.as_bytes())), 431);
}

#[test]
fn a_client_that_says_no_more_still_gets_its_answer() {
    let server = start();
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    stream.shutdown(std::net::Shutdown::Write).unwrap();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.ends_with("\r\n\r\nok\n"), "{response}");
}

#[test]
fn clients_that_are_mute_or_drip_are_ended() {
    let server = start();
    let start = Instant::now();
    let mut mute = TcpStream::connect(server.address()).unwrap();
    let mut dripping = TcpStream::connect(server.address()).unwrap();
    while start.elapsed() < HEAD_TIMEOUT + Duration::from_secs(2) && dripping.write_all(b"G").is_ok() {
        std::thread::sleep(Duration::from_millis(100));
    }
    for client in [&mut mute, &mut dripping] {
        client.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
        // Its end, with or without a refusal, or a reset: but not a wait.
        let ended = client.read_to_end(&mut Vec::new());
        assert!(!ended.is_err_and(|error| error.kind() == io::ErrorKind::WouldBlock), "still open");
    }
}

#[test]
fn the_end_does_not_wait_for_a_snapshot_that_hangs() {
    let hang = || {
        std::thread::sleep(Duration::from_secs(60));
        empty()
    };
    let server = start_with(&Settings::default(), hang);
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    assert_eq!(asked(&server, "/healthz", "Host: localhost\r\n", ""), 200);
    let start = Instant::now();
    drop(server);
    assert!(start.elapsed() < Duration::from_secs(3), "{:?}", start.elapsed());
}

#[test]
fn the_port_is_free_again_after_the_end() {
    let server = start();
    let address = server.address();
    get(&server, "GET", "/metrics", "");
    drop(server);
    assert!(TcpStream::connect(address).is_err());
    let again = Listening::start(
        address,
        &Settings::default(),
        #[cfg(feature = "tls")]
        None,
        empty,
    );
    drop(again.unwrap().serve());
}

#[test]
fn what_listens_and_is_dropped_before_it_serves_ends() {
    let address = "127.0.0.1:0".parse().unwrap();
    let listening = Listening::start(
        address,
        &Settings::default(),
        #[cfg(feature = "tls")]
        None,
        empty,
    )
    .unwrap();
    let address = listening.server.address();
    let start = Instant::now();
    drop(listening);
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn head_has_every_header_of_get_and_no_body() {
    let server = start();
    for path in ["/", "/metrics", "/healthz", "/health", "/api/snapshot", "/api/catalog", "/nothing"] {
        for more in ["", "Accept-Encoding: gzip\r\n"] {
            let (head, body) = get(&server, "HEAD", path, more);
            let without_date = |head: &str| {
                head.lines().filter(|line| !line.starts_with("date")).map(str::to_owned).collect::<Vec<_>>()
            };
            let (full, sent) = get(&server, "GET", path, more);
            assert_eq!(without_date(&head), without_date(&full), "{path} {more}");
            assert!(body.is_empty(), "{path}");
            assert_eq!(header(&full, "content-length"), Some(sent.len().to_string().as_str()), "{path} {more}");
        }
    }
}

#[test]
fn bodies_are_compressed_as_the_client_asks() {
    let server = start();
    let (head, plain) = get(&server, "GET", "/metrics", "");
    assert_eq!((header(&head, "content-encoding"), header(&head, "vary")), (None, Some("accept, accept-encoding")));
    let (head, coded) = get(&server, "GET", "/metrics", "Accept-Encoding: br\r\nAccept-Encoding: gzip;q=0.5\r\n");
    assert_eq!(
        (header(&head, "content-encoding"), header(&head, "vary")),
        (Some("gzip"), Some("accept, accept-encoding"))
    );
    let mut read = Vec::new();
    flate2::read::GzDecoder::new(&coded[..]).read_to_end(&mut read).unwrap();
    assert!(read == plain && coded.len() * 4 < plain.len(), "{} of {}", coded.len(), plain.len());
    let (head, body) = get(&server, "GET", "/metrics", "Accept-Encoding: br, identity;q=0\r\n");
    let expected = if cfg!(feature = "zstd") { "identity, gzip, zstd" } else { "identity, gzip" };
    assert!(head.starts_with("http/1.1 406"), "{head}");
    assert_eq!(String::from_utf8(body).unwrap(), format!("not acceptable; Accept-Encoding may allow {expected}\n"));
    assert_eq!(header(&head, "vary"), Some("accept, accept-encoding"));
    let small = start_with(&Settings::default(), || long(1));
    let (head, _) = get(&small, "GET", "/metrics", "Accept-Encoding: gzip\r\n");
    assert_eq!(header(&head, "content-encoding"), None, "too small");
}

#[test]
fn the_page_and_its_json_are_for_known_names_and_metrics_for_all() {
    let settings = Settings { hosts: Hosts::Named(vec!["metrics.example".into()]), ..Settings::default() };
    let server = start_with(&settings, empty);
    for host in ["localhost", "127.0.0.1:9", "[::1]", "metrics.example:443", "Metrics.Example."] {
        for path in ["/", "/report", "/api/live", "/api/snapshot", "/api/catalog", "/metrics"] {
            assert_eq!(asked(&server, path, &format!("Host: {host}\r\n"), ""), 200, "{path} as {host}");
        }
    }
    for host in ["evil.example", "localhost.evil.example", "192.168.1.5", "metrics.example.evil.example"] {
        for (path, expected) in
            [("/", 403), ("/api/snapshot", 403), ("/api/catalog", 403), ("/metrics", 200), ("/healthz", 200)]
        {
            assert_eq!(asked(&server, path, &format!("Host: {host}\r\n"), ""), expected, "{path} as {host}");
        }
    }
    for host in [
        "",
        "Host:\r\n",
        "Host: a b\r\n",
        "Host: user@localhost\r\n",
        "Host: localhost:x\r\n",
        "Host: a\r\nHost: a\r\n",
        "Host: \u{e9}\r\n",
    ] {
        for path in ["/", "/metrics", "/healthz"] {
            assert_eq!(asked(&server, path, host, ""), 400, "{path} as {host:?}");
        }
    }
    // Where the target has a name of its own, both count.
    assert_eq!(asked(&server, "http://evil.example/", "Host: localhost\r\n", ""), 403);
    assert_eq!(asked(&server, "http://localhost/", "Host: evil.example\r\n", ""), 403);
    assert_eq!(asked(&server, "http://localhost/", "Host: localhost\r\n", ""), 200);
    // HTTP/1.0 needs no name, and then has none that is known.
    assert_eq!(&ask(&server, b"GET /metrics HTTP/1.0\r\n\r\n")[..12], b"HTTP/1.0 200");
    assert_eq!(&ask(&server, b"GET / HTTP/1.0\r\n\r\n")[..12], b"HTTP/1.0 403");
}

#[test]
fn without_the_token_there_is_the_probe_for_life_and_a_page_that_asks_for_it() {
    let token = Some(Secret("s3cret".into()));
    let server = start_with(&Settings { auth: Auth { token, basic: None }, ..Settings::default() }, empty);
    let (head, body) = get(&server, "GET", "/", "");
    assert!(head.starts_with("http/1.1 200"), "{head}");
    assert!(!String::from_utf8(body).unwrap().contains("s3cret"));
    for path in ["/report", "/api/live", "/metrics", "/api/snapshot", "/nothing"] {
        let (head, body) = get(&server, "GET", path, "");
        assert!(head.starts_with("http/1.1 401"), "{path}: {head}");
        assert_eq!(header(&head, "www-authenticate"), Some("bearer realm=\"telemetry\""));
        assert_eq!(body, b"credentials are needed\n");
        let (head, _) = get(&server, "GET", path, "Authorization: Bearer s3cre\r\n");
        assert!(head.starts_with("http/1.1 401"), "{path}: {head}");
        let (head, _) = get(&server, "GET", path, "Authorization: Bearer s3cret\r\n");
        assert_eq!(head.starts_with("http/1.1 200"), path != "/nothing", "{path}: {head}");
    }
    for path in ["/healthz", "/health"] {
        assert_eq!(get(&server, "GET", path, "").1, b"ok\n");
    }
    // A browser is not made to ask for secrets in another name.
    assert_eq!(asked(&server, "/", "Host: evil.example\r\n", ""), 403);
}

#[test]
fn snapshot_and_catalogue_are_json() {
    let server = start();
    for (path, begins) in [("/api/snapshot", "{\"version\":1,"), ("/api/catalog", "{\"version\":1,\"service\":")] {
        let (head, body) = get(&server, "GET", path, "");
        assert_eq!(header(&head, "content-type"), Some("application/json"));
        assert!(String::from_utf8_lossy(&body).starts_with(begins), "{path}");
    }
}

#[test]
fn who_asks_while_a_snapshot_is_taken_shares_the_next_one() {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let slow = || {
        TAKEN.fetch_add(1, Relaxed);
        std::thread::sleep(Duration::from_millis(300));
        empty()
    };
    let server = start_with(&Settings::default(), slow);
    std::thread::scope(|scope| {
        for client in 0..20 {
            let server = &server;
            scope.spawn(move || {
                std::thread::sleep(Duration::from_millis(client * 10));
                assert_eq!(asked(server, "/metrics", "Host: localhost\r\n", ""), 200);
            });
        }
    });
    let taken = TAKEN.load(Relaxed);
    // One for the first, one for those who came meanwhile; on a busy machine a straggler has its own.
    assert!((2..=6).contains(&taken), "{taken} snapshots for 20 clients");
}

#[test]
fn a_snapshot_that_hangs_once_delays_the_next_scrape_by_a_second() {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let hang = || {
        if TAKEN.fetch_add(1, Relaxed) == 0 {
            std::thread::sleep(Duration::from_secs(60));
        }
        empty()
    };
    let server = start_with(&Settings::default(), hang);
    let start = Instant::now();
    std::thread::scope(|scope| {
        let hangs = scope.spawn(|| asked(&server, "/metrics", "Host: localhost\r\n", ""));
        while TAKEN.load(Relaxed) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(asked(&server, "/metrics", "Host: localhost\r\n", ""), 200);
        assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
        assert_eq!(hangs.join().unwrap(), 503);
        assert!(start.elapsed() < Duration::from_secs(14), "{:?}", start.elapsed());
    });
}

#[test]
fn a_snapshot_that_panics_costs_its_own_scrape() {
    static TAKEN: AtomicU64 = AtomicU64::new(0);
    let server = start_with(&Settings::default(), || {
        assert!(TAKEN.fetch_add(1, Relaxed) > 0, "on purpose");
        empty()
    });
    assert_eq!(asked(&server, "/metrics", "Host: localhost\r\n", ""), 503);
    assert_eq!(asked(&server, "/metrics", "Host: localhost\r\n", ""), 200);
}

#[test]
fn whatever_a_client_sends_the_endpoint_answers_the_next_one() {
    fuzz::run();
}

mod fuzz;
