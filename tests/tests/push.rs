//! Pushes to a Pushgateway, a real one and one that misbehaves: the last state of a batch job arrives, and no receiver keeps a program from ending.

use std::net::SocketAddr;
use std::time::{Duration, Instant};
use telemetry_tests::program::{Ended, Program};
use telemetry_tests::pushgateway::Pushgateway;
use telemetry_tests::receiver::{Answer, Receiver};

/// A program that pushes nowhere but where these variables say, and serves nothing.
fn start(variables: &[(&str, &str)]) -> Program {
    let quiet = [("TELEMETRY_LISTEN", "off"), ("TELEMETRY_REPORT", "off")];
    let all: Vec<_> = quiet.into_iter().chain(variables.iter().copied()).collect();
    let mut program = Program::start(env!("CARGO_BIN_EXE_pushes"), &[], &all);
    assert_eq!(program.line().as_deref(), Some("serving nothing"));
    program
}

fn url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// How many milliseconds the end of the program took, as it says itself.
fn took(ended: &Ended) -> u64 {
    let milliseconds = ended.output.lines().last().and_then(|line| line.strip_prefix("ended ")?.parse().ok());
    milliseconds.unwrap_or_else(|| panic!("no end in {ended:?}"))
}

#[test]
fn a_real_pushgateway_has_the_last_state_of_a_batch_job() {
    let Some(gateway) = Pushgateway::start() else { return };
    let url = url(gateway.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSHGATEWAY_JOB", "night/ly"),
        ("TELEMETRY_PUSHGATEWAY_GROUPING", "shard=3,note="),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    program.ask("add flights 2");
    program.ask("step 1");
    assert!(!gateway.metrics().contains("pushed_rows_total"), "nothing is pushed before somebody asks");
    assert!(program.ask("flush 5000").starts_with("true "));
    let group = r#"instance="",job="night/ly""#;
    let rows = |total: u32| {
        format!(r#"pushed_rows_total{{exported_shard="own",{group},note="",shard="3",table="flights"}} {total}"#)
    };
    let shown = gateway.metrics();
    let has_rows = |text: &str, total: u32| {
        // Labels without a value may be left out.
        text.contains(&rows(total)) || text.contains(&rows(total).replace("note=\"\",", ""))
    };
    assert!(has_rows(&shown, 2), "{shown}");
    program.ask("add flights 3");
    program.ask("observe 0.7");
    let ended = program.end();
    assert!(ended.status.success() && ended.error.is_empty(), "{ended:?}");
    let shown = gateway.metrics();
    assert!(has_rows(&shown, 5), "{shown}");
    for family in
        ["function_calls_total{", "pushed_step_seconds_bucket{", "target_info{", "telemetry_push_requests_total{"]
    {
        assert!(shown.lines().any(|line| line.starts_with(family) && line.contains("night/ly")), "{family}: {shown}");
    }
    // The gateway says of itself when the group was last pushed to and whether that failed.
    let failed = shown.lines().find(|line| line.starts_with("push_failure_time_seconds{")).unwrap();
    assert!(failed.ends_with(" 0"), "{failed}");
}

#[test]
fn a_run_that_fails_leaves_the_last_success_of_an_earlier_one() {
    let Some(gateway) = Pushgateway::start() else { return };
    let url = url(gateway.address());
    let run = |how: &str| {
        let mut program = start(&[
            ("TELEMETRY_PUSHGATEWAY", &url),
            ("TELEMETRY_PUSHGATEWAY_JOB", "nightly"),
            ("TELEMETRY_PUSH_PERIOD", "off"),
        ]);
        program.ask(&format!("job {how}"));
        let ended = program.end();
        assert!(ended.status.success(), "{ended:?}");
        gateway.metrics()
    };
    let value = |text: &str, start: &str| -> Option<f64> {
        let line = text.lines().find(|line| line.starts_with(start))?;
        line.rsplit_once(' ')?.1.parse().ok()
    };
    let (success, failures) = (
        r#"backfill_last_success_timestamp_seconds{instance="",job="nightly",job_name="nightly"}"#,
        r#"backfill_runs_total{instance="",job="nightly",job_name="nightly",result="error"}"#,
    );
    let shown = run("error");
    assert_eq!((value(&shown, success), value(&shown, failures)), (None, Some(1.0)), "{shown}");
    let shown = run("ok");
    let at = value(&shown, success);
    assert!(at.is_some_and(|at| at > 1.7e9), "{shown}");
    assert_eq!(value(&shown, failures), Some(0.0), "a run that succeeds replaces the group");
    let shown = run("error");
    assert_eq!((value(&shown, success), value(&shown, failures)), (at, Some(1.0)), "{shown}");
}

#[test]
fn a_group_is_deleted_at_the_end_where_that_is_asked_for() {
    let Some(gateway) = Pushgateway::start() else { return };
    let url = url(gateway.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSHGATEWAY_JOB", "passing"),
        ("TELEMETRY_PUSHGATEWAY_AT_EXIT", "delete"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    assert!(program.ask("flush 5000").starts_with("true "));
    assert!(gateway.metrics().contains(r#"job="passing""#));
    let ended = program.end();
    assert!(ended.error.is_empty(), "{ended:?}");
    assert!(!gateway.metrics().contains(r#"job="passing""#));
}

#[test]
fn what_the_settings_say_is_in_every_request_and_no_secret_in_a_message() {
    let receiver = Receiver::start(Answer::Status(401, "", "who are you? dXNlcjpwYXNzQHdvcmQ=, a,b"));
    let url = format!("http://user:pass%40word@{}/prefix", receiver.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSHGATEWAY_JOB", "j"),
        ("TELEMETRY_PUSHGATEWAY_METHOD", "post"),
        ("TELEMETRY_PUSHGATEWAY_HEADERS", "X-Scope-OrgID=a%2Cb"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    assert!(program.ask("flush 5000").starts_with("false "));
    let ended = program.end();
    let received = &receiver.received()[0];
    assert_eq!((received.method.as_str(), received.path.as_str()), ("POST", "/prefix/metrics/job/j"));
    // `user:pass@word` in Base64.
    assert_eq!(received.header("authorization"), Some("Basic dXNlcjpwYXNzQHdvcmQ="));
    assert_eq!(received.header("x-scope-orgid"), Some("a,b"));
    assert_eq!(received.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    assert!(String::from_utf8_lossy(&received.body).contains("\npushed_visible_ratio 0.5\n"));
    assert!(ended.error.contains("answered 401") && ended.error.contains("who are you?"), "{}", ended.error);
    for secret in ["pass", "dXNl", "a,b"] {
        assert!(!ended.error.contains(secret), "{}", ended.error);
    }
}

#[test]
fn a_proxy_of_the_environment_is_used_but_not_for_this_machine() {
    let proxy = Receiver::start(Answer::Status(502, "", "no way"));
    let proxy_url = url(proxy.address());
    let receiver = Receiver::start(Answer::TAKEN);
    let near = url(receiver.address());
    let flush = |url: &str, variables: &[(&str, &str)]| {
        let own = [("TELEMETRY_PUSHGATEWAY", url), ("TELEMETRY_PUSH_PERIOD", "off"), ("TELEMETRY_PUSH_DEADLINE", "0s")];
        let all: Vec<_> = own.into_iter().chain(variables.iter().copied()).collect();
        start(&all).ask("flush 1500")
    };
    assert!(flush(&near, &[("HTTP_PROXY", &proxy_url), ("NO_PROXY", "")]).starts_with("true "));
    assert_eq!(proxy.received().len(), 0);
    let far = "http://gateway.invalid:9091";
    assert!(flush(far, &[("HTTP_PROXY", &proxy_url), ("NO_PROXY", "")]).starts_with("false "));
    let asked = &proxy.received()[0];
    assert!(asked.path.contains("gateway.invalid:9091"), "{asked:?}");
    let before = proxy.received().len();
    let other = Receiver::start(Answer::Status(502, "", "no way"));
    let other_url = url(other.address());
    flush(far, &[("HTTP_PROXY", &proxy_url), ("HTTPS_PROXY", &other_url), ("ALL_PROXY", &other_url), ("NO_PROXY", "")]);
    assert_eq!((proxy.received().len() > before, other.received().len()), (true, 0), "the scheme's own comes first");
    let before = proxy.received().len();
    flush(
        far,
        &[("HTTPS_PROXY", &proxy_url), ("HTTP_PROXY", ""), ("http_proxy", ""), ("ALL_PROXY", ""), ("all_proxy", "")],
    );
    assert_eq!(proxy.received().len(), before, "that one is for https");
}

#[test]
fn what_the_queue_has_no_room_for_is_told_and_not_called_sent() {
    let receiver = Receiver::start(Answer::TAKEN);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSH_QUEUE_SAMPLES", "1"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    assert!(program.ask("flush 5000").starts_with("false "));
    let ended = program.end();
    assert_eq!(receiver.received().len(), 0);
    assert_eq!(
        ended.error.matches("_total counts what follows; TELEMETRY_PUSH_QUEUE_SAMPLES").count(),
        1,
        "{}",
        ended.error
    );
    assert!(ended.error.contains("samples of the program's end were dropped"), "{}", ended.error);
}

#[test]
fn a_refusal_is_shown_once_however_often_it_comes_and_counted_each_time() {
    let receiver = Receiver::start(Answer::Status(400, "", "pushed metrics are invalid or inconsistent: 7"));
    let url = url(receiver.address());
    let mut program = start(&[("TELEMETRY_PUSHGATEWAY", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "20ms")]);
    let received = receiver.wait_for("five pushes", |received| received.len() >= 5);
    let refused: f64 = program.ask("value telemetry_push_requests_total result refused").parse().unwrap();
    assert!(refused >= 4.0, "{refused} of {}", received.len());
    let dropped: f64 = program.ask("value telemetry_push_dropped_samples_total reason refused").parse().unwrap();
    assert!(dropped > 100.0, "{dropped}");
    let ended = program.end();
    assert_eq!(ended.error.matches("pushed metrics are invalid").count(), 1, "{}", ended.error);
}

#[test]
fn only_the_newest_state_waits_for_a_gateway_that_is_away() {
    let receiver = Receiver::start(Answer::Status(503, "", ""));
    let url = url(receiver.address());
    let mut program = start(&[("TELEMETRY_PUSHGATEWAY", url.as_str()), ("TELEMETRY_PUSH_PERIOD", "20ms")]);
    program.ask("add flights 1");
    receiver.wait_for("three attempts", |received| received.len() >= 3);
    let superseded: f64 = program.ask("value telemetry_push_dropped_samples_total reason superseded").parse().unwrap();
    assert!(superseded > 0.0);
    program.ask("add flights 41");
    receiver.answer(Answer::TAKEN);
    let rows = "pushed_rows_total{table=\"flights\",shard=\"own\"} 42\n";
    let received = receiver.wait_for("the newest state", |received| {
        received.iter().any(|received| received.taken && String::from_utf8_lossy(&received.body).contains(rows))
    });
    // What it had first is never sent once a later state is known.
    let bodies = received.iter().map(|received| received.body.clone());
    let last_old = bodies.clone().rposition(|body| !String::from_utf8_lossy(&body).contains(rows));
    let first_new = bodies.clone().position(|body| String::from_utf8_lossy(&body).contains(rows));
    assert!(last_old < first_new);
    let ended = program.end();
    assert!(ended.error.contains("answered 503"), "{}", ended.error);
}

/// Ends a program whose receiver does this, and returns how long that took.
fn end_against(receiver: &str, deadline: &str, ask: &[&str]) -> (Ended, Duration) {
    let both = [
        ("TELEMETRY_PUSHGATEWAY", receiver),
        ("TELEMETRY_REMOTE_WRITE", receiver),
        ("TELEMETRY_PUSH_PERIOD", "50ms"),
        ("TELEMETRY_PUSH_DEADLINE", deadline),
    ];
    let mut program = start(&both);
    program.ask("add flights 1");
    for line in ask {
        program.ask(line);
    }
    let start = Instant::now();
    let ended = program.end();
    (ended, start.elapsed())
}

#[test]
fn a_program_ends_within_the_deadline_whatever_its_receivers_do() {
    let answers = [
        Answer::Hang,
        Answer::Drip,
        Answer::CutOff,
        Answer::Status(503, "", ""),
        Answer::Status(429, "Retry-After: 3600\r\n", ""),
        Answer::Status(302, "Location: /elsewhere\r\n", ""),
    ];
    for answer in answers {
        let receiver = Receiver::start(answer.clone());
        let (ended, whole) = end_against(&url(receiver.address()), "1s", &[]);
        assert!(ended.status.success(), "{answer:?}: {ended:?}");
        // Half a second for a machine that is busy.
        assert!(took(&ended) < 1_500 && whole < Duration::from_secs(5), "{answer:?}: {} ms, {whole:?}", took(&ended));
        let shown = receiver.address().to_string();
        assert!(ended.error.contains(&shown), "{answer:?}: somebody is told: {}", ended.error);
        // A request that hangs is left behind, and told as well as what is lost for sure.
        assert!(!ended.error.contains("was not finished"), "{answer:?}: {}", ended.error);
        let hangs = matches!(answer, Answer::Hang | Answer::Drip);
        assert_eq!(ended.error.contains("which were under way, nobody knows"), hangs, "{answer:?}: {}", ended.error);
        let paths: Vec<_> = receiver.received().into_iter().map(|received| received.path).collect();
        assert!(!paths.iter().any(|path| path == "/elsewhere"), "no redirect is followed: {paths:?}");
    }
}

#[test]
fn a_program_ends_within_the_deadline_where_nobody_listens_and_where_a_collector_hangs() {
    let gone = Receiver::start(Answer::TAKEN).address();
    let (ended, _) = end_against(&url(gone), "500ms", &[]);
    assert!(took(&ended) < 1_000 && ended.error.contains("cannot be reached"), "{ended:?}");
    assert!(ended.error.contains("before the program ended"), "what is lost is told: {ended:?}");

    let receiver = Receiver::start(Answer::TAKEN);
    let (ended, _) = end_against(&url(receiver.address()), "500ms", &["hang"]);
    assert!(took(&ended) < 1_000 && ended.error.contains("was not finished within 500ms"), "{ended:?}");
}

#[test]
fn a_flush_waits_no_longer_than_it_is_told_and_says_whether_all_was_taken() {
    let receiver = Receiver::start(Answer::Hang);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSH_PERIOD", "off"),
        ("TELEMETRY_PUSH_DEADLINE", "300ms"),
    ];
    let mut program = start(&variables);
    let flush = |program: &mut Program, milliseconds: u64| {
        let answer = program.ask(&format!("flush {milliseconds}"));
        let (taken, took) = answer.split_once(' ').unwrap();
        (taken == "true", took.parse::<u64>().unwrap())
    };
    let (taken, took) = flush(&mut program, 400);
    assert!(!taken && (350..900).contains(&took), "{took} ms");
    receiver.answer(Answer::TAKEN);
    let (taken, took) = flush(&mut program, 10_000);
    assert!(taken && took < 9_000, "{took} ms");
}

#[test]
fn a_forked_child_pushes_nothing_and_waits_for_nobody() {
    let receiver = Receiver::start(Answer::TAKEN);
    let url = url(receiver.address());
    let variables = [
        ("TELEMETRY_PUSHGATEWAY", url.as_str()),
        ("TELEMETRY_PUSHGATEWAY_AT_EXIT", "delete"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
    ];
    let mut program = start(&variables);
    assert_eq!(program.ask("fork"), "child 7");
    assert_eq!(receiver.received().len(), 0);
    assert!(program.ask("flush 5000").starts_with("true "), "the parent goes on");
    drop(program.end());
    let methods: Vec<_> = receiver.received().into_iter().map(|received| received.method).collect();
    assert_eq!(methods, ["PUT", "DELETE"]);
}
