//! The small examples do what their first lines say.
#![cfg(unix)] // signals

mod child;

use child::Child;
use std::net::TcpStream;
use std::time::Duration;
use telemetry_tests::http::{self, Request};

#[test]
fn hello_counts_and_reports() {
    let ended = Child::start(env!("CARGO_BIN_EXE_hello"), &std::env::temp_dir(), &[]).end();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.output, "9000 words\n");
    for word in ["count", "1,000", "words_counted_total", "9,000"] {
        assert!(ended.error.contains(word), "{word}: {}", ended.error);
    }
}

#[test]
fn web_counts_its_requests_and_ends_when_the_running_ones_are_answered() {
    let child = Child::start(env!("CARGO_BIN_EXE_web"), &std::env::temp_dir(), &["--listen", "127.0.0.1:0"]);
    let (service, metrics) = (child.address("listening on"), child.address("metrics on"));
    assert_eq!(http::get(service, "/primes/100").body, "25");
    assert_eq!(http::get(service, "/primes/1000").body, "168");
    let status = |path| Request::new("GET", path).send(service).unwrap().status;
    assert_eq!([status("/primes/100000000"), status("/primes/x"), status("/nothing")], [422, 400, 404]);

    let running = std::thread::spawn(move || http::get(service, "/nap?ms=1500").body);
    child.wait_for_metric(metrics, "web_requests_in_flight", &[("route", "/nap")], 1.0);
    let scrape = child.scrape(metrics);
    let requests = |route, code| scrape.sum("web_requests_total", &[("route", route), ("code", code)]);
    assert_eq!(requests("/primes/{below}", "200"), 2.0);
    assert_eq!((requests("/primes/{below}", "422"), requests("/primes/{below}", "400")), (1.0, 1.0));
    assert_eq!(requests("none", "404"), 1.0);
    assert_eq!(scrape.sum("web_request_duration_seconds_count", &[("route", "/primes/{below}")]), 4.0);
    assert_eq!(scrape.sum("function_calls_total", &[("function", "sieve"), ("result", "ok")]), 2.0);
    assert_eq!(scrape.sum("function_calls_total", &[("function", "primes"), ("result", "error")]), 1.0);

    child.signal("INT");
    assert_eq!(running.join().unwrap(), "awake\n");
    let ended = child.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(ended.error.contains("/primes/{below}"), "{}", ended.error);
    assert!(TcpStream::connect_timeout(&service, Duration::from_secs(1)).is_err());
}
