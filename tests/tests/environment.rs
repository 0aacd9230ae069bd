//! What the environment says, to programs of their own: each process starts once.

use telemetry_tests::http::get;
use telemetry_tests::parser::{Exposition, parse};
use telemetry_tests::program::{Ended, Program};

const PROGRAM: &str = env!("CARGO_BIN_EXE_start_and_end");

fn run(argument: &str, variables: &[(&str, &str)]) -> Ended {
    Program::start(PROGRAM, &[argument], variables).end()
}

fn scrape(argument: &str, variables: &[(&str, &str)]) -> Exposition {
    let mut program = Program::start(PROGRAM, &[argument], variables);
    let body = get(program.address(), "/metrics").body;
    assert!(program.end().status.success());
    parse(&body).unwrap_or_else(|error| panic!("{error}\n{body}"))
}

#[test]
fn what_cannot_be_read_names_the_variable_the_value_and_what_it_takes() {
    for (variable, value, takes) in [
        ("TELEMETRY_LISTEN", "8000x", r#"an address such as "127.0.0.1:8000", a port such as "9100", or "off""#),
        ("TELEMETRY_REPORT", "verbose", r#""auto", "text", "json", "markdown" or "off""#),
        ("TELEMETRY_OVERHEAD_BUDGET", "2 percent", r#"a share such as "2%" or "0.02""#),
        ("TELEMETRY_MAX_SERIES", "-1", r#"a whole number from 1, such as "2000""#),
        (
            "OTEL_RESOURCE_ATTRIBUTES",
            "service.version",
            r#"pairs such as "service.version=1.2,host.name=a", with "%2C" for a comma and "%25" for a percent sign in a value"#,
        ),
    ] {
        let ended = run("", &[(variable, value)]);
        assert_eq!(ended.status.code(), Some(2), "{ended:?}");
        assert_eq!(ended.error, format!("{variable} is {value:?}; it takes {takes}\n"));
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_budget_of_nothing_switches_the_probes_off_and_without_a_word_they_are_on() {
    let probed = ["function_cpu_seconds_total", "function_io_read_bytes_total", "function_probe_sampling_ratio"];
    let read = scrape("record", &[]);
    for family in probed {
        assert!(read.family(family).is_some(), "{family}");
    }
    assert_eq!(read.value("telemetry_overhead_budget_ratio", &[]), Some(0.01));
    let read = scrape("record", &[("TELEMETRY_OVERHEAD_BUDGET", "0")]);
    for family in probed {
        assert!(read.family(family).is_none(), "{family}");
    }
    assert_eq!(read.value("telemetry_overhead_budget_ratio", &[]), Some(0.0));
    assert!(read.value("telemetry_overhead_seconds_total", &[("probe", "timing")]).is_some(), "the floor is shown");
}

#[test]
fn off_serves_nothing() {
    let mut program = Program::start(PROGRAM, &[], &[("TELEMETRY_LISTEN", "off")]);
    assert_eq!(program.line().as_deref(), Some("not serving"));
    assert_eq!(program.end().error, "");
}

#[test]
fn a_second_start_is_an_error_while_and_after_the_first() {
    let ended = run("init-again", &[]);
    let lines: Vec<_> = ended.output.lines().collect();
    let message = "telemetry was initialised before in this process; call `init` once, at the start of `main`, and keep what it returns";
    assert_eq!(lines, [message, message]);
}

#[test]
fn the_resource_becomes_target_info() {
    let read = scrape(
        "",
        &[
            ("OTEL_SERVICE_NAME", "flights \"2013\""),
            ("OTEL_RESOURCE_ATTRIBUTES", "service.name=other,deployment.environment.name=test%2C1,3d=x"),
        ],
    );
    let labels = [("service_name", "flights \"2013\""), ("deployment_environment_name", "test,1"), ("key_3d", "x")];
    assert_eq!(read.value("target_info", &labels), Some(1.0), "{:?}", read.family("target_info"));
}

#[test]
fn a_service_without_a_name_is_unknown_by_its_program() {
    let read = scrape("", &[("OTEL_SERVICE_NAME", "")]);
    assert_eq!(read.value("target_info", &[("service_name", "unknown_service:start_and_end")]), Some(1.0));
}

#[test]
fn more_series_than_allowed_go_to_the_overflow_series_and_are_counted() {
    let read = scrape("record", &[("TELEMETRY_MAX_SERIES", "2")]);
    let rows = read.family("child_rows_total").unwrap();
    assert_eq!(rows.samples.len(), 3, "{rows:?}");
    assert_eq!(read.value("child_rows_total", &[("table", "t1")]), Some(1.0));
    assert_eq!(read.value("child_rows_total", &[("otel_metric_overflow", "true")]), Some(2.0 + 3.0 + 4.0));
    let capped = [("metric", "child_rows_total")];
    assert_eq!(read.value("telemetry_capped_lookups_total", &capped), Some(3.0));
}

#[test]
fn the_report_goes_to_standard_error_in_plain_text() {
    for report in ["", "auto", "text"] {
        let ended = run("record", &[("TELEMETRY_REPORT", report)]);
        let error = &ended.error;
        assert!(error.starts_with("start_and_end ran "), "{error}");
        assert!(error.lines().any(|line| line.starts_with("fail ") && line.contains(" 1 ")), "{error}");
        assert!(error.contains("child_rows_total{table=\"t4\"}"), "{error}");
        assert!(!error.contains('\u{1b}'), "no colour where there is no terminal: {error}");
        assert!(!ended.output.contains("Functions"), "{ended:?}");
    }
}

#[test]
fn the_report_as_json_is_one_line_that_parses() {
    let ended = run("record", &[("TELEMETRY_REPORT", "json"), ("OTEL_SERVICE_NAME", "a \"b\"")]);
    assert_eq!(ended.error.lines().count(), 1, "{}", ended.error);
    let report: serde_json::Value = serde_json::from_str(&ended.error).unwrap();
    assert_eq!(report["service"], "a \"b\"");
    let functions = report["functions"].as_array().unwrap();
    let succeed = functions.iter().find(|function| function["function"] == "succeed").unwrap();
    assert_eq!((&succeed["calls"], &succeed["errors"]), (&3.into(), &0.into()));
    let metrics = report["metrics"].as_array().unwrap();
    assert!(
        metrics.iter().any(|metric| metric["metric"] == "child_wait_seconds" && metric["sum"] == 0.75),
        "{metrics:?}"
    );
}

#[test]
fn the_report_as_markdown_has_tables() {
    let ended = run("record", &[("TELEMETRY_REPORT", "markdown")]);
    assert!(ended.error.starts_with("# start_and_end\n"), "{}", ended.error);
    assert!(ended.error.contains("\n| function | calls | errors |"), "{}", ended.error);
}

#[test]
fn without_a_record_or_a_wish_there_is_no_report() {
    for (argument, report) in [("", "auto"), ("", "json"), ("", "text"), ("record", "off")] {
        let ended = run(argument, &[("TELEMETRY_REPORT", report)]);
        assert_eq!(ended.error, "", "{argument} {report}");
        assert!(ended.status.success());
    }
}
