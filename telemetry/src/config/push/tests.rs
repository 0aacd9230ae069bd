//! What is read, and what is refused, without a secret in the refusal.

use super::*;
use crate::config::{Config, builder};

fn from(builder: Builder, variables: &[(&str, &str)]) -> Result<Config, String> {
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    builder.config(value).map_err(|error| error.to_string())
}

fn settings(variables: &[(&str, &str)]) -> Settings {
    from(builder(), variables).unwrap().push
}

#[test]
fn nothing_is_pushed_unless_a_receiver_is_named() {
    let settings = settings(&[("TELEMETRY_PUSHGATEWAY_JOB", "j"), ("TELEMETRY_REMOTE_WRITE_TOKEN", "t")]);
    assert_eq!((&settings.gateway, &settings.remote), (&None, &None));
    assert_eq!(settings.pace.period, Some(Duration::from_secs(15)));
    assert_eq!((settings.pace.queue_bytes, settings.pace.queue_samples), (16 << 20, 1_000_000));
}

#[test]
fn every_variable_is_read() {
    let settings = settings(&[
        ("TELEMETRY_PUSHGATEWAY", "http://u:p%40w@h:9091"),
        ("TELEMETRY_PUSHGATEWAY_GROUPING", "shard=3,path=%2Fa%2Cb"),
        ("TELEMETRY_PUSHGATEWAY_METHOD", "post"),
        ("TELEMETRY_PUSHGATEWAY_AT_EXIT", "delete"),
        ("TELEMETRY_PUSHGATEWAY_HEADERS", "X-A=b%2Cc"),
        ("TELEMETRY_REMOTE_WRITE", "https://h/api/v1/write"),
        ("TELEMETRY_REMOTE_WRITE_VERSION", "2"),
        ("TELEMETRY_REMOTE_WRITE_LABELS", "region=eu,instance="),
        ("TELEMETRY_REMOTE_WRITE_BATCH", "7"),
        ("TELEMETRY_REMOTE_WRITE_TOKEN", "secret"),
        ("TELEMETRY_REMOTE_WRITE_AT_EXIT", "keep"),
        ("TELEMETRY_NATIVE_HISTOGRAMS", "on"),
        ("TELEMETRY_PUSH_PERIOD", "off"),
        ("TELEMETRY_PUSH_TIMEOUT", "2s"),
        ("TELEMETRY_PUSH_DEADLINE", "500ms"),
        ("TELEMETRY_PUSH_QUEUE_BYTES", "1000"),
        ("TELEMETRY_PUSH_QUEUE_SAMPLES", "10"),
        ("OTEL_SERVICE_NAME", "nightly"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop"),
    ]);
    let gateway = settings.gateway.clone().unwrap();
    assert_eq!((gateway.endpoint.url.as_str(), gateway.job.as_str()), ("http://h:9091/", "shop/nightly"));
    // `u:p@w` in Base64.
    assert_eq!(gateway.endpoint.authorization.as_ref().unwrap().0, "Basic dTpwQHc=");
    assert_eq!(gateway.endpoint.headers[0].1.0, "b,c");
    assert_eq!((gateway.grouping["shard"].as_str(), gateway.grouping["path"].as_str()), ("3", "/a,b"));
    assert!(!gateway.replaces && gateway.delete_at_exit);
    let remote = settings.remote.clone().unwrap();
    assert_eq!((remote.version, remote.batch, remote.stale_at_exit), (Version::Two, 7, false));
    assert_eq!((remote.labels["region"].as_str(), remote.labels["instance"].as_str()), ("eu", ""));
    assert_eq!(remote.endpoint.authorization.as_ref().unwrap().0, "Bearer secret");
    assert!(remote.native_histograms);
    let pace = settings.pace;
    assert_eq!((pace.period, pace.timeout), (None, Duration::from_secs(2)));
    assert_eq!((pace.deadline, pace.queue_bytes, pace.queue_samples), (Duration::from_millis(500), 1_000, 10));
    let shown = format!("{settings:?}");
    assert!(!shown.contains("secret") && !shown.contains("p@w") && !shown.contains("dTpw"), "{shown}");
}

#[test]
fn code_wins_over_the_environment() {
    let gateway = Pushgateway::new("http://code:1").job("code").grouping("shard", "code").basic_auth("u", "p");
    let remote = RemoteWrite::new("http://code:2").version(1).label("region", "code").bearer_token("code");
    let builder = builder().pushgateway(gateway).remote_write(remote).push_period(Duration::from_secs(3));
    let environment = [
        ("TELEMETRY_PUSHGATEWAY", "nonsense"),
        ("TELEMETRY_PUSHGATEWAY_JOB", "environment"),
        ("TELEMETRY_PUSHGATEWAY_GROUPING", "shard=environment,other=kept"),
        ("TELEMETRY_PUSHGATEWAY_TOKEN", "environment"),
        ("TELEMETRY_REMOTE_WRITE_VERSION", "2"),
        ("TELEMETRY_REMOTE_WRITE_TOKEN", "environment"),
        ("TELEMETRY_PUSH_PERIOD", "9s"),
    ];
    let settings = from(builder, &environment).unwrap().push;
    let gateway = settings.gateway.unwrap();
    assert_eq!((gateway.endpoint.url.as_str(), gateway.job.as_str()), ("http://code:1/", "code"));
    assert_eq!((gateway.grouping["shard"].as_str(), gateway.grouping["other"].as_str()), ("code", "kept"));
    assert!(gateway.endpoint.authorization.unwrap().0.starts_with("Basic "));
    let remote = settings.remote.unwrap();
    assert_eq!((remote.version, remote.endpoint.authorization.unwrap().0), (Version::One, "Bearer code".to_owned()));
    assert_eq!(settings.pace.period, Some(Duration::from_secs(3)));
}

#[test]
fn what_cannot_be_read_is_named_with_what_it_takes_and_without_secrets() {
    let url = r#"it takes a URL such as "http://127.0.0.1:9091" or "https://user:password@host/path""#;
    for (variables, message) in [
        (&[("TELEMETRY_PUSHGATEWAY", "h:9091")][..], format!(r#"TELEMETRY_PUSHGATEWAY is "h:9091"; {url}"#)),
        (&[("TELEMETRY_REMOTE_WRITE", "ftp://u:word@h/x?k=word")], format!(r#"TELEMETRY_REMOTE_WRITE is "ftp://…@h/x?…"; {url}"#)),
        (
            &[("TELEMETRY_PUSHGATEWAY", "http://h"), ("TELEMETRY_PUSHGATEWAY_GROUPING", "job=a")],
            r#"TELEMETRY_PUSHGATEWAY_GROUPING is "job=a"; it takes pairs such as "shard=3,region=eu", of labels other than `job`, `le` and `quantile`, with "%2C" for a comma in a value"#.to_owned(),
        ),
        (
            &[("TELEMETRY_REMOTE_WRITE", "http://h"), ("TELEMETRY_REMOTE_WRITE_HEADERS", "Content-Type=word")],
            r#"TELEMETRY_REMOTE_WRITE_HEADERS is "…"; it takes pairs such as "X-Scope-OrgID=7,X-A=b%2Cc", of headers that are not the protocol's own"#.to_owned(),
        ),
        (
            &[("TELEMETRY_REMOTE_WRITE", "http://u:p@h"), ("TELEMETRY_REMOTE_WRITE_TOKEN", "word")],
            r#"TELEMETRY_REMOTE_WRITE_TOKEN is "…"; it takes a token of visible ASCII characters, and no user and password besides"#.to_owned(),
        ),
        (
            &[("TELEMETRY_PUSH_PERIOD", "15")],
            r#"TELEMETRY_PUSH_PERIOD is "15"; it takes a duration from 10 ms, such as "15s", "500ms" or "2m", or "off""#.to_owned(),
        ),
        (
            &[("TELEMETRY_PUSH_CA_FILE", "/nowhere.pem")],
            r#"TELEMETRY_PUSH_CA_FILE is "/nowhere.pem"; it takes a readable PEM file with at least one certificate"#.to_owned(),
        ),
    ] {
        assert_eq!(from(builder(), variables).unwrap_err(), message);
    }
    let header = RemoteWrite::new("http://h").header("X A", "word");
    let message = from(builder().remote_write(header), &[]).unwrap_err();
    assert!(
        message.starts_with(r#"Builder::remote_write is "X A"; it takes a name and a value of a header"#),
        "{message}"
    );
    let message = from(builder().remote_write(RemoteWrite::new("http://h").label("le", "1")), &[]).unwrap_err();
    assert!(message.starts_with(r#"RemoteWrite::label is "le"; it takes a label name"#), "{message}");
    let message = from(builder().push_period(Duration::from_nanos(5)), &[]).unwrap_err();
    assert!(message.starts_with(r#"Builder::push_period is "5ns"; it takes a duration from 10 ms"#), "{message}");
}

#[test]
fn durations_have_a_unit() {
    for (text, milliseconds) in
        [("15s", Some(15_000)), ("500ms", Some(500)), ("2 m", Some(120_000)), ("1h", Some(3_600_000))]
    {
        assert_eq!(duration(text), milliseconds.map(Duration::from_millis), "{text}");
    }
    for text in ["", "s", "-1s", "1.5s", "15", "1d", "99999999999999999999s", "9999999999999999999h"] {
        assert_eq!(duration(text), None, "{text}");
    }
}
