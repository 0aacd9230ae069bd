//! The endpoint's pages on a program's own axum server.

use std::net::SocketAddr;
use std::sync::OnceLock;
use telemetry::{Report, metric};
use telemetry_tests::http::{Request, get};

metric! {
    /// Rows that a program with its own server counted.
    counter own_server_rows_total();
}

/// A server with our router below a path, and beside the program's own routes.
fn server() -> SocketAddr {
    static ADDRESS: OnceLock<SocketAddr> = OnceLock::new();
    *ADDRESS.get_or_init(|| {
        let telemetry =
            telemetry::builder().listen("off").report(Report::Off).allowed_hosts(["app.example"]).init().unwrap();
        let (tell, told) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let _telemetry = telemetry;
            // Without timers: ours needs none of it.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build().unwrap();
            runtime.block_on(async {
                let own = axum::Router::new().route("/", axum::routing::get(|| async { "the program's own" }));
                let app = own.nest("/telemetry", telemetry::axum::router());
                let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
                tell.send(listener.local_addr().unwrap()).unwrap();
                axum::serve(listener, app).await.unwrap();
            });
        });
        told.recv().unwrap()
    })
}

#[test]
fn the_pages_are_below_the_path_and_the_program_keeps_its_own() {
    own_server_rows_total().add(3);
    assert_eq!(get(server(), "/").body, "the program's own");
    let metrics = get(server(), "/telemetry/metrics");
    assert_eq!(metrics.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(metrics.body.contains("\nown_server_rows_total 3\n"), "{}", metrics.body);
    assert_eq!(get(server(), "/telemetry/healthz").body, "ok\n");
    assert!(get(server(), "/telemetry/api/snapshot").body.starts_with("{\"version\":1,"));
    assert!(get(server(), "/telemetry/api/catalog").body.contains("\"own_server_rows_total\""));
    assert_eq!(Request::new("GET", "/telemetry/nothing").send(server()).unwrap().status, 404);
    assert_eq!(Request::new("GET", "/metrics").send(server()).unwrap().status, 404);
}

#[test]
fn links_of_the_page_lead_to_where_it_is() {
    // A browser resolves it against `/telemetry`.
    let page = get(server(), "/telemetry").body;
    assert!(page.contains("<meta name=\"base\" content=\"telemetry/\">"), "{page}");
    // The plain report stands beside what it links to.
    let report = get(server(), "/telemetry/report").body;
    assert!(report.contains("<a href=\"metrics\">") && report.contains("<a href=\"api/snapshot\">"), "{report}");
}

#[test]
fn head_and_other_methods_are_as_at_the_endpoint() {
    let head = Request::new("HEAD", "/telemetry/metrics").send(server()).unwrap();
    assert_eq!((head.status, head.body.as_str()), (200, ""));
    assert!(head.header("content-length").unwrap().parse::<usize>().unwrap() > 0);
    let post = Request::new("POST", "/telemetry/metrics").send(server()).unwrap();
    assert_eq!((post.status, post.header("allow")), (405, Some("GET, HEAD")));
}

#[test]
fn what_init_was_told_holds_here_too() {
    let status = |path: &str, host: &str| Request::new("GET", path).hosts(&[host]).send(server()).unwrap().status;
    for (host, page) in [("localhost", 200), ("app.example:8443", 200), ("evil.example", 403), ("192.168.1.5", 403)] {
        assert_eq!((status("/telemetry", host), status("/telemetry/metrics", host)), (page, 200), "{host}");
    }
}
