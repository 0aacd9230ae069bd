//! The program around a command.

use std::process::{Command, Output};

/// Sends a request by hand, as a shell can.
const SEND: &str = r#"
address=${OTEL_EXPORTER_OTLP_ENDPOINT#http://}
send() {
    exec 3<>"/dev/tcp/${address%:*}/${address#*:}"
    printf 'POST %s HTTP/1.1\r\nHost: sink\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s' "$1" "${#2}" "$2" >&3
    cat <&3 >/dev/null
}
resource='"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"demo"}}]}'
"#;

fn sink(arguments: &[&str], script: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telemetry-sink"));
    for name in ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_METRIC_EXPORT_INTERVAL"] {
        command.env_remove(name);
    }
    command.args(arguments).args(["bash", "-c", &format!("{SEND}{script}")]).output().expect("the program and bash")
}

fn shown(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn metrics_come_as_a_table_and_traces_as_trees() {
    let spans = |parent: &str, from: u32, to: u32| {
        let span = |id: u32| {
            let error = if id == 5 { r#","status":{"code":2,"message":"no such row"}"# } else { "" };
            format!(
                r#"{{"traceId":"5b8efff798038103d269b633813fc60c","spanId":"{id:016}","parentSpanId":"{parent}","name":"call {}","kind":1,"startTimeUnixNano":"1000000","endTimeUnixNano":"3000000"{error}}}"#,
                parent.len()
            )
        };
        (from..to).map(span).collect::<Vec<_>>().join(",")
    };
    let all = format!("{},{}", spans("", 1, 2), spans("0000000000000001", 2, 7));
    let script = format!(
        r#"
point() {{ echo '{{"startTimeUnixNano":"1","timeUnixNano":"'$1'","asInt":"'$2'","attributes":[{{"key":"table","value":{{"stringValue":"flights"}}}}]}}'; }}
metrics() {{ echo '{{"resourceMetrics":[{{'"$resource"',"scopeMetrics":[{{"metrics":[{{"name":"rows","unit":"{{row}}","sum":{{"isMonotonic":true,"aggregationTemporality":2,"dataPoints":['$(point $1 $2)']}}}}]}}]}}]}}'; }}
send /v1/metrics "$(metrics 2 1234)"
send /v1/metrics "$(metrics 3 2345)"
send /v1/traces '{{"resourceSpans":[{{'"$resource"',"scopeSpans":[{{"spans":[{all}]}}]}}]}}'
send /v1/logs '{{}}'
echo the command\'s own; exit 3"#
    );
    let output = sink(&[], &script);
    let text = shown(&output);
    assert_eq!(
        (output.status.code(), output.stdout.as_slice()),
        (Some(3), b"the command's own\n".as_slice()),
        "{text}"
    );
    for part in [
        "metrics  http/json     plain     361 B   1 point\n",
        "traces   http/json     plain ",
        "refused  /v1/logs: no such path: /v1/logs; there are /v1/metrics and /v1/traces\n",
        "\nMetrics of demo: 1 metric with 1 series\n  rows  counter  table=flights  2,345 rows\n",
        "\nTraces: 1, 6 spans, 1 with an error\n  trace 5b8efff798038103d269b633813fc60c: 6 spans in 2.00 ms\n",
        "  call 0                2.00 ms\n   ├─ call 16           2.00 ms\n   ├─ call 16           2.00 ms  error: no such row\n   └─ … 3 more call 16  6.00 ms in all\n",
        "\nmetrics: 1 series, 2 points in 2 requests; on average 361 B a request (361 B before compression), 361.0 bytes a point\n",
        "\n1 request could not be read\n",
        "\nthe command ended with exit status: 3\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

#[test]
fn the_command_is_told_where_and_how_to_send() {
    let tell = "echo $OTEL_EXPORTER_OTLP_PROTOCOL $OTEL_METRIC_EXPORT_INTERVAL $OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE";
    let told = |arguments: &[&str]| String::from_utf8_lossy(&sink(arguments, tell).stdout).trim().to_owned();
    assert_eq!(told(&[]), "http/protobuf 1000");
    assert_eq!(told(&["--grpc"]), "grpc 1000");
    assert_eq!(told(&["--json", "--delta"]), "http/json 1000 delta");
    assert!(shown(&sink(&[], "true")).ends_with("\nnothing came\n"));
}

#[test]
fn what_cannot_be_run_is_named() {
    let run = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_telemetry-sink")).args(arguments).output().expect("the program")
    };
    let output = run(&["no-such-command"]);
    assert_eq!(
        (output.status.code(), shown(&output).as_str()),
        (Some(127), "telemetry-sink: there is no command `no-such-command`\n")
    );
    let output = run(&["/"]);
    assert_eq!(output.status.code(), Some(126), "{}", shown(&output));
    // Whoever has the port: this test or another program.
    let _taken = std::net::TcpListener::bind("127.0.0.1:4318");
    let output = run(&[]);
    let text = shown(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    assert!(text.starts_with("telemetry-sink: cannot listen on 127.0.0.1:431"), "{text}");
    assert!(text.ends_with("; a collector may be running here already\n"), "{text}");
}
