//! The endpoint from outside, over real sockets: what it answers, to whom, and what happens where it cannot be had.

use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::OnceLock;
use std::time::{Duration, Instant};
use telemetry::{Report, Telemetry, metric};
use telemetry_tests::http::{Request, get};
use telemetry_tests::parser::parse;
use telemetry_tests::program::Program;

const PROGRAM: &str = env!("CARGO_BIN_EXE_start_and_end");

metric! {
    /// Rows that were served.
    counter endpoint_rows_total(table: &str);
}

/// The endpoint of this test's process; lives as long as it.
fn endpoint() -> SocketAddr {
    static TELEMETRY: OnceLock<Telemetry> = OnceLock::new();
    let start = || telemetry::builder().listen("127.0.0.1:0").report(Report::Off).service_name("<b>tests</b>").init();
    let telemetry = TELEMETRY.get_or_init(|| start().unwrap());
    telemetry.address().expect("an endpoint")
}

#[test]
fn metrics_are_served_as_the_text_format() {
    endpoint_rows_total("flights").add(3);
    let response = get(endpoint(), "/metrics");
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert_eq!(response.header("content-length"), Some(response.body.len().to_string().as_str()));
    let read = parse(&response.body).unwrap_or_else(|error| panic!("{error}\n{}", response.body));
    assert_eq!(read.value("endpoint_rows_total", &[("table", "flights")]), Some(3.0));
    assert_eq!(read.value("target_info", &[("service_name", "<b>tests</b>")]), Some(1.0));
    let failures = [("collector", "prometheus"), ("reason", "panic")];
    assert_eq!(read.value("telemetry_collector_failures_total", &failures), Some(0.0));
}

#[test]
fn a_scrape_shows_what_was_counted_before_it() {
    for total in 1..20 {
        endpoint_rows_total("again").inc();
        let read = parse(&get(endpoint(), "/metrics?ignored=1").body).unwrap();
        assert_eq!(read.value("endpoint_rows_total", &[("table", "again")]), Some(f64::from(total)));
    }
}

#[test]
fn head_has_the_head_of_get_and_no_body() {
    for path in ["/healthz", "/health", "/", "/metrics", "/api/snapshot", "/api/catalog"] {
        let head = Request::new("HEAD", path).send(endpoint()).unwrap();
        assert_eq!((head.status, head.body.as_str()), (200, ""), "{path}");
        assert_eq!(head.header("content-type"), get(endpoint(), path).header("content-type"));
        let length: usize = head.header("content-length").unwrap().parse().unwrap();
        assert!(length > 0, "{path}");
    }
}

#[test]
fn other_paths_are_not_found() {
    for path in ["/metric", "/metrics/", "//metrics", "/health/x", "/%6Detrics", "/../metrics", "/favicon.ico"] {
        assert_eq!(Request::new("GET", path).send(endpoint()).unwrap().status, 404, "{path}");
    }
}

#[test]
fn other_methods_are_refused_with_those_that_are_allowed() {
    for method in ["POST", "PUT", "DELETE", "OPTIONS", "TRACE", "BREW"] {
        let response = Request::new(method, "/metrics").send(endpoint()).unwrap();
        assert_eq!((response.status, response.header("allow")), (405, Some("GET, HEAD")), "{method}");
    }
}

#[test]
fn health_is_ok() {
    assert_eq!(get(endpoint(), "/healthz").body, "ok\n");
    assert_eq!(get(endpoint(), "/health").body, "ok\n");
}

#[test]
fn the_plain_report_names_the_program_and_links_to_the_metrics() {
    endpoint_rows_total("<script>alert(1)</script>").inc();
    let response = get(endpoint(), "/report");
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(response.header("content-security-policy").unwrap().starts_with("default-src 'none'"));
    let page = &response.body;
    assert!(page.contains("<h1>&lt;b&gt;tests&lt;/b&gt;</h1>"), "{page}");
    assert!(page.contains("<a href=\"/metrics\">"), "{page}");
    assert!(page.contains("endpoint_rows_total") && !page.contains("<script"), "{page}");
}

#[test]
fn the_page_has_nothing_of_the_program_in_it_and_its_policy_lets_nothing_else_in() {
    let response = get(endpoint(), "/");
    assert_eq!(response.header("content-type"), Some("text/html; charset=utf-8"));
    let policy = response.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; script-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
    assert!(response.body.contains("<title>telemetry</title>") && !response.body.contains("endpoint_rows_total"));
    let live = get(endpoint(), "/api/live");
    assert_eq!(live.header("content-type"), Some("application/json"));
    assert!(live.body.contains(r#""service":"<b>tests</b>""#), "{}", live.body);
}

#[test]
fn the_page_and_its_json_answer_only_to_this_machines_names_and_metrics_to_any() {
    let status = |path: &str, hosts: &[&str]| Request::new("GET", path).hosts(hosts).send(endpoint()).unwrap().status;
    for path in ["/", "/report", "/api/live", "/api/snapshot", "/api/catalog", "/api/speedscope", "/api/folded/time"] {
        for host in ["localhost", "localhost:8000", "127.0.0.1:9", "[::1]:80", "LOCALHOST"] {
            assert_eq!(status(path, &[host]), 200, "{path} as {host}");
        }
        for host in ["evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.nip.io", "192.168.1.5"] {
            assert_eq!(status(path, &[host]), 403, "{path} as {host}");
        }
    }
    assert_eq!(status("/metrics", &["evil.example"]), 200);
    for path in ["/", "/metrics"] {
        assert_eq!(status(path, &[]), 400);
        assert_eq!(status(path, &["localhost", "localhost"]), 400);
        assert_eq!(status(path, &["a b"]), 400);
    }
    let absolute = Request::new("GET", "http://evil.example/").send(endpoint()).unwrap();
    assert_eq!(absolute.status, 403);
}

#[test]
fn the_snapshot_as_json_says_what_the_exposition_says() {
    endpoint_rows_total("json").add(9_007_199_254_740_993);
    let document: serde_json::Value = serde_json::from_str(&get(endpoint(), "/api/snapshot").body).unwrap();
    assert_eq!(document["version"], 1);
    let read = parse(&get(endpoint(), "/metrics").body).unwrap();
    let mut compared = 0;
    for family in document["families"].as_array().unwrap() {
        let name = family["name"].as_str().unwrap();
        for series in family["series"].as_array().unwrap() {
            let labels: Vec<_> = series["labels"]
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str().unwrap()))
                .collect();
            let (count, shown) = match (&series["histogram"], &series["exponential"]) {
                (serde_json::Value::Null, serde_json::Value::Null) => (&series["value"], name.to_owned()),
                (serde_json::Value::Null, value) | (value, _) => (&value["count"], format!("{name}_count")),
            };
            // What others of these tests change meanwhile is there all the same.
            let there = read.value(&shown, &labels).unwrap_or_else(|| panic!("{shown} {labels:?}"));
            assert!(
                count.as_f64().is_some_and(|count| count <= there || !shown.ends_with("_total")),
                "{shown} {labels:?}: {count} and {there}"
            );
            compared += 1;
        }
    }
    assert!(compared > 10, "{compared}");
    let exact = format!(
        "{}",
        document["families"].as_array().unwrap().iter().find(|family| family["name"] == "endpoint_rows_total").unwrap()
    );
    assert!(exact.contains("9007199254740993"), "{exact}");
}

#[test]
fn the_catalogue_has_what_is_declared() {
    let catalogue: serde_json::Value = serde_json::from_str(&get(endpoint(), "/api/catalog").body).unwrap();
    let ours =
        catalogue["metrics"].as_array().unwrap().iter().find(|family| family["name"] == "endpoint_rows_total").unwrap();
    assert_eq!((ours["type"].as_str(), ours["labels"][0].as_str()), (Some("counter"), Some("table")));
}

#[test]
fn idle_and_dripping_clients_do_not_keep_a_scraper_out() {
    let address = endpoint();
    let mut clients: Vec<_> = (0..200).map(|_| TcpStream::connect(address).unwrap()).collect();
    for client in &mut clients {
        // Some have been closed already in favour of later ones.
        let _ = client.write_all(b"GET /metrics HTTP/1.1\r\nHost: local");
    }
    let start = Instant::now();
    get(address, "/metrics");
    assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
}

#[test]
fn port_taken_is_said_and_the_program_goes_on() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut program = Program::start(PROGRAM, &[], &[("TELEMETRY_LISTEN", &address)]);
    assert_eq!(program.line().as_deref(), Some("not serving"));
    let ended = program.end();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(
        ended.error,
        format!(
            "telemetry: no endpoint: cannot listen on {address} (the port is in use); the program goes on without. \
             Set TELEMETRY_LISTEN to another address or port, such as \"9100\", or to \"off\".\n"
        )
    );
}

#[test]
fn an_endpoint_that_others_reach_says_so_unless_it_asks_for_a_token() {
    for (variables, is_said) in [
        (&[("TELEMETRY_LISTEN", "0.0.0.0:0")][..], true),
        (&[("TELEMETRY_LISTEN", "0.0.0.0:0"), ("TELEMETRY_TOKEN", "secret")], false),
        (&[("TELEMETRY_LISTEN", "0.0.0.0:0"), ("TELEMETRY_BASIC_AUTH", "a:secret")], false),
        (&[("TELEMETRY_LISTEN", "127.0.0.1:0")], false),
    ] {
        let ended = Program::start(PROGRAM, &[], variables).end();
        assert!(ended.status.success(), "{ended:?}");
        let lines = ended
            .error
            .lines()
            .filter(|line| line.contains("needs no token; TELEMETRY_TOKEN or TELEMETRY_BASIC_AUTH asks for one"));
        assert_eq!(lines.count(), usize::from(is_said), "{variables:?}: {}", ended.error);
    }
}

#[test]
fn dropping_the_guard_ends_the_endpoint() {
    let mut program = Program::start(PROGRAM, &[], &[]);
    let address = program.address();
    get(address, "/metrics");
    let ended = program.end();
    assert!(ended.status.success() && ended.output.contains("past the end"), "{ended:?}");
    assert!(TcpStream::connect(address).is_err());
}

#[test]
fn a_collector_that_hangs_does_not_keep_the_program_from_ending() {
    let program = Program::start(PROGRAM, &["hang"], &[]);
    let start = Instant::now();
    let ended = program.end();
    assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
    assert!(ended.status.success() && ended.output.contains("past the end"), "{ended:?}");
    let told = "the collector `start_and_end::Hangs` did not answer within 2s; its families are left out";
    assert!(ended.error.contains(told), "{ended:?}");
}
