//! The endpoint in programs with and without an async runtime of their own, and how it starts where it is told to be strict.

use std::net::TcpListener;
use std::time::{Duration, Instant};
use telemetry::{Report, Telemetry, metric};
use telemetry_tests::http::get;
use telemetry_tests::program::Program;

metric! {
    /// Rows of the program with a runtime.
    counter runtime_rows_total();
}

/// Says where it serves, and waits, blocking whatever thread it is on, until it is told to go on.
fn serve(telemetry: &Telemetry) {
    runtime_rows_total().add(7);
    println!("\nserving {}", telemetry.address().expect("an endpoint"));
    std::io::stdin().read_line(&mut String::new()).unwrap();
}

fn init() -> Telemetry {
    telemetry::builder().report(Report::Off).init().expect("a start")
}

/// Its one thread is blocked all the while.
#[tokio::main(flavor = "current_thread")]
async fn current_thread() {
    let telemetry = init();
    serve(&telemetry);
    drop(telemetry);
}

/// Not a test, but what the tests start.
#[test]
#[ignore = "the programs that the other tests start"]
fn child() {
    let Ok(kind) = std::env::var("RUNTIME") else { return };
    match kind.as_str() {
        "none" => serve(&init()),
        "current_thread" => current_thread(),
        // A runtime without timers and without I/O.
        "bare" => {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let telemetry = init();
                serve(&telemetry);
                runtime_rows_total().inc();
                telemetry.shutdown();
            });
        }
        // Ends on another thread of the runtime than the one that began.
        "task" => {
            let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            let telemetry = runtime.block_on(async { tokio::spawn(async { init() }).await.unwrap() });
            serve(&telemetry);
            runtime.block_on(async { tokio::spawn(async move { drop(telemetry) }).await.unwrap() });
        }
        "refused" => {
            let taken = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = taken.local_addr().unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            // Within a runtime, where what ends on the way may not block.
            let error = runtime
                .block_on(async { telemetry::builder().listen(address).strict(true).init().map(drop).unwrap_err() });
            println!("\nrefused {error}");
            drop(taken);
            // Mended, and tried again.
            serve(&telemetry::builder().listen(address).strict(true).report(Report::Off).init().unwrap());
        }
        other => panic!("{other}"),
    }
    println!("past the end");
}

fn start(kind: &str) -> Program {
    let exe = std::env::current_exe().unwrap();
    Program::start(exe.to_str().unwrap(), &["--exact", "child", "--ignored", "--nocapture"], &[("RUNTIME", kind)])
}

#[test]
fn it_serves_with_and_without_a_runtime_and_ends_within_one() {
    for kind in ["none", "current_thread", "bare", "task"] {
        let mut program = start(kind);
        let address = program.answer("serving ").parse().unwrap();
        let body = get(address, "/metrics").body;
        assert!(body.contains("\nruntime_rows_total 7\n"), "{kind}: {body}");
        let start = Instant::now();
        let ended = program.end();
        assert!(ended.status.success() && ended.output.contains("past the end"), "{kind}: {ended:?}");
        assert!(!ended.error.contains("panicked"), "{kind}: {ended:?}");
        assert!(start.elapsed() < Duration::from_secs(2), "{kind}: {:?}", start.elapsed());
    }
}

#[test]
fn strict_makes_a_taken_port_an_error_that_can_be_mended() {
    let mut program = start("refused");
    let error = program.answer("refused ");
    let address = error.strip_prefix("cannot listen on ").and_then(|rest| rest.split(' ').next()).unwrap().to_owned();
    assert_eq!(
        error,
        format!(
            "cannot listen on {address} (the port is in use); set TELEMETRY_LISTEN to another address or port, such as \"9100\", or to \
             \"off\", or TELEMETRY_STRICT to \"off\" to go on without"
        )
    );
    assert_eq!(program.answer("serving "), address);
    get(address.parse().unwrap(), "/metrics");
    let ended = program.end();
    assert!(ended.status.success(), "{ended:?}");
    assert!(!ended.error.contains("telemetry:"), "said by the error, and not besides: {ended:?}");
}
