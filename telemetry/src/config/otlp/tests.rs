//! What is read, what is refused, what is only said, and that no secret is.

use super::*;
use crate::config::{Config, builder};
use std::path::PathBuf;

const GENERAL: (&str, &str) = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://h:4318");

fn from(builder: Builder, variables: &[(&str, &str)]) -> Result<Config, String> {
    let value = |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| value.into());
    builder.config(value).map_err(|error| error.to_string())
}

fn config(variables: &[(&str, &str)]) -> Config {
    from(builder(), variables).unwrap()
}

/// The settings where an endpoint for both is named.
fn with(variables: &[(&str, &str)]) -> Settings {
    config(&[&[GENERAL], variables].concat()).otlp
}

fn refusal(variables: &[(&str, &str)]) -> String {
    from(builder(), &[&[GENERAL], variables].concat()).unwrap_err()
}

fn both(settings: &Settings) -> [&Signal; 2] {
    [&settings.metrics.as_ref().unwrap().signal, &settings.traces.as_ref().unwrap().signal]
}

fn headers(signal: &Signal) -> Vec<(&str, &str)> {
    signal.endpoint.headers.iter().map(|(name, Secret(value))| (name.as_str(), value.as_str())).collect()
}

/// A folder that goes away with the test.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("telemetry-otlp-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    fn file(&self, name: &str, text: &str) -> String {
        let path = self.0.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[test]
fn what_holds_spaces_alone_is_not_set() {
    let read = config(&[GENERAL, ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "  "), ("OTEL_TRACES_SAMPLER_ARG", "\t")]);
    assert_eq!(both(&read.otlp)[0].endpoint.url, "http://h:4318/v1/metrics");
    assert_eq!(config(&[("OTEL_EXPORTER_OTLP_ENDPOINT", " ")]).otlp, Settings::default());
}

#[test]
fn what_does_nothing_for_both_signals_is_said_once() {
    let read = config(&[GENERAL, ("OTEL_EXPORTER_OTLP_PROTOCOL", "smoke"), ("OTEL_EXPORTER_OTLP_COMPRESSION", "zip")]);
    assert_eq!(read.notes.len(), 2, "{:?}", read.notes);
}

#[cfg(unix)]
#[test]
fn certificates_are_read_from_files_alone() {
    let refused = refusal(&[("OTEL_EXPORTER_OTLP_CERTIFICATE", "/dev/zero")]);
    assert!(refused.contains("/dev/zero") && refused.contains("no regular file"), "{refused}");
}

#[test]
fn nothing_is_sent_unless_an_endpoint_is_named() {
    let read = config(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=b"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nonsense"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", ""),
    ]);
    assert_eq!((read.otlp, read.notes), (Settings::default(), Vec::new()));
    let read = config(&[("OTEL_METRICS_EXPORTER", "otlp")]);
    assert_eq!((read.otlp.metrics, read.notes.len()), (None, 1));
    assert!(read.notes[0].starts_with("OTEL_METRICS_EXPORTER asks for OTLP, and nothing is sent"), "{:?}", read.notes);
    let read = config(&[("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://h")]).otlp;
    assert!(read.metrics.is_none() && read.traces.is_some());
}

#[test]
fn the_defaults_are_those_of_the_specification() {
    let settings = with(&[]);
    for (signal, path) in both(&settings).into_iter().zip(["metrics", "traces"]) {
        assert_eq!(signal.endpoint.url, format!("http://h:4318/v1/{path}"));
        assert_eq!((signal.protocol, signal.is_compressed), (Protocol::HttpProtobuf, false));
        assert_eq!((signal.timeout, &signal.authorities, &signal.identity), (Duration::from_secs(10), &None, &None));
        assert_eq!((headers(signal), &signal.endpoint.authorization), (Vec::new(), &None));
    }
    let (metrics, traces) = (settings.metrics.unwrap(), settings.traces.unwrap());
    assert_eq!((metrics.period, metrics.timeout), (Duration::from_secs(60), Duration::from_secs(30)));
    assert_eq!(metrics.style, Style { temporality: Temporality::Cumulative, durations: Durations::Explicit });
    assert_eq!((traces.schedule_delay, traces.export_timeout), (Duration::from_secs(5), Duration::from_secs(30)));
    assert_eq!((traces.max_queue, traces.max_batch), (2_048, 512));
    assert_eq!(settings.sampler, Sampler { is_parent_based: true, share: 1.0 });
    assert!(!settings.is_disabled && !settings.without_exemplars);
}

#[test]
fn every_variable_is_read() {
    let settings = with(&[
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "HTTP/JSON"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "2500"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "15000"),
        ("OTEL_METRIC_EXPORT_TIMEOUT", "7000"),
        ("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "Delta"),
        ("OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION", "BASE2_EXPONENTIAL_BUCKET_HISTOGRAM"),
        ("OTEL_METRICS_EXEMPLAR_FILTER", "always_off"),
        ("OTEL_BSP_SCHEDULE_DELAY", "1000"),
        ("OTEL_BSP_EXPORT_TIMEOUT", "0"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "50"),
        ("OTEL_TRACES_SAMPLER", "TraceIdRatio"),
        ("OTEL_TRACES_SAMPLER_ARG", "0.25"),
        ("OTEL_ATTRIBUTE_COUNT_LIMIT", "10"),
        ("OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT", "11"),
        ("OTEL_SPAN_EVENT_COUNT_LIMIT", "12"),
        ("OTEL_SPAN_LINK_COUNT_LIMIT", "0"),
        ("OTEL_LINK_ATTRIBUTE_COUNT_LIMIT", "14"),
    ]);
    for signal in both(&settings) {
        assert_eq!((signal.protocol, signal.is_compressed), (Protocol::HttpJson, true));
        assert_eq!(signal.timeout, Duration::from_millis(2_500));
    }
    assert!(settings.without_exemplars);
    let (metrics, traces) = (settings.metrics.unwrap(), settings.traces.unwrap());
    assert_eq!((metrics.period, metrics.timeout), (Duration::from_secs(15), Duration::from_secs(7)));
    assert_eq!(metrics.style, Style { temporality: Temporality::Delta, durations: Durations::Exponential });
    assert_eq!(traces.schedule_delay, Duration::from_secs(1));
    assert!(traces.export_timeout > Duration::from_secs(86_400), "0 means without limit");
    assert_eq!((traces.max_queue, traces.max_batch), (100, 50));
    assert_eq!(settings.sampler, Sampler { is_parent_based: false, share: 0.25 });
    let limits = Limits { attributes: 11, events: 12, links: 0, attributes_of_event: 10, attributes_of_link: 14 };
    assert_eq!(settings.limits, limits);
}

#[test]
fn a_signal_has_its_own_before_that_of_all() {
    let settings = with(&[
        ("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "https://m/some/path?token=a"),
        ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "http/json"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=general,b=general"),
        ("OTEL_EXPORTER_OTLP_TRACES_HEADERS", "a=traces"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "1"),
        ("OTEL_EXPORTER_OTLP_METRICS_TIMEOUT", "2"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none"),
    ]);
    let [metrics, traces] = both(&settings);
    assert_eq!(metrics.endpoint.url, "https://m/some/path?token=a", "used as it is");
    assert_eq!(traces.endpoint.url, "http://h:4318/v1/traces");
    assert_eq!((metrics.protocol, traces.protocol), (Protocol::HttpProtobuf, Protocol::HttpJson));
    assert_eq!(headers(metrics), [("a", "general"), ("b", "general")]);
    assert_eq!(headers(traces), [("a", "traces")]);
    assert_eq!((metrics.timeout.as_millis(), traces.timeout.as_millis()), (2, 1));
    assert_eq!((metrics.is_compressed, traces.is_compressed), (true, false));
    let bare = config(&[("OTEL_EXPORTER_OTLP_METRICS_ENDPOINT", "http://m")]).otlp.metrics.unwrap();
    assert_eq!(bare.signal.endpoint.url, "http://m/", "without a path it is the root");
}

#[test]
fn headers_are_those_of_baggage() {
    let text = " X-A = b%2Cc%3D , api-key=a==;x ,x-a=last, Authorization=Basic%20dTpw ";
    let settings = with(&[("OTEL_EXPORTER_OTLP_HEADERS", text)]);
    let [metrics, _] = both(&settings);
    assert_eq!(headers(metrics), [("api-key", "a==;x"), ("x-a", "last")]);
    assert_eq!(metrics.endpoint.authorization, Some(Secret("Basic dTpw".to_owned())));
    // A token without a scheme is no value of that kind, and is sent as it is.
    let settings = with(&[("OTEL_EXPORTER_OTLP_HEADERS", "authorization=word")]);
    assert_eq!(headers(both(&settings)[0]), [("authorization", "word")]);
    // A user in the URL, whom a header takes the place of.
    let user = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://u:p@h");
    let settings = config(&[user]).otlp;
    assert_eq!(both(&settings)[1].endpoint.authorization, Some(Secret("Basic dTpw".to_owned())));
    assert_eq!(both(&settings)[1].endpoint.url, "http://h/v1/traces");
    let settings = config(&[user, ("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer word")]).otlp;
    assert_eq!(both(&settings)[1].endpoint.authorization, Some(Secret("Bearer word".to_owned())));
}

#[test]
fn code_wins_over_the_environment() {
    let builder = builder()
        .otlp_endpoint("http://code/base")
        .otlp_protocol("http/json")
        .otlp_header("A", "code")
        .otlp_header("authorization", "Bearer code")
        .otel("OTEL_METRIC_EXPORT_INTERVAL", "1000")
        .otel("OTEL_METRIC_EXPORT_INTERVAL", "2000")
        .otel("OTEL_EXPORTER_OTLP_PROTOCOL", "nonsense")
        .otel("OTEL_SERVICE_NAME", "code");
    let environment = [
        GENERAL,
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "nonsense"),
        ("OTEL_EXPORTER_OTLP_HEADERS", "a=environment,b=environment"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "nonsense"),
        ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "http://environment"),
        ("OTEL_SERVICE_NAME", "environment"),
    ];
    let read = from(builder, &environment).unwrap();
    let [metrics, traces] = both(&read.otlp);
    assert_eq!(metrics.endpoint.url, "http://code/base/v1/metrics");
    assert_eq!(traces.endpoint.url, "http://environment/", "another variable, which nobody overrode");
    assert_eq!(metrics.protocol, Protocol::HttpJson);
    assert_eq!(headers(metrics), [("b", "environment"), ("a", "code")]);
    assert_eq!(metrics.endpoint.authorization, Some(Secret("Bearer code".to_owned())));
    assert_eq!(read.otlp.metrics.unwrap().period, Duration::from_secs(2));
    assert_eq!((read.resource["service.name"].as_str(), read.notes.len()), ("code", 0));
}

#[test]
fn what_cannot_be_read_is_named_with_what_it_takes() {
    let url = r#"it takes a URL such as "http://127.0.0.1:4318" or "https://user:password@host/path""#;
    let named = |variables: &[(&str, &str)]| from(builder(), variables).unwrap_err();
    assert_eq!(
        named(&[("OTEL_EXPORTER_OTLP_ENDPOINT", "h:4318")]),
        format!(r#"OTEL_EXPORTER_OTLP_ENDPOINT is "h:4318"; {url}"#)
    );
    let endpoint = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
    assert_eq!(named(&[(endpoint, "ftp://u:word@h/?k=word")]), format!(r#"{endpoint} is "ftp://…@h/?…"; {url}"#));
    let number = r#"it takes a whole number of milliseconds, such as "10000", or "0" for no limit"#;
    for value in ["-1", "10s", "1.5", "9999999999"] {
        let expected = format!("OTEL_EXPORTER_OTLP_TIMEOUT is {value:?}; {number}");
        assert_eq!(refusal(&[("OTEL_EXPORTER_OTLP_TIMEOUT", value)]), expected);
    }
    for variable in ["OTEL_METRIC_EXPORT_INTERVAL", "OTEL_BSP_SCHEDULE_DELAY"] {
        let expected = format!(r#"{variable} is "-1"; it takes a whole number of milliseconds, such as "5000""#);
        assert_eq!(refusal(&[(variable, "-1")]), expected);
    }
    let expected = r#"OTEL_BSP_MAX_QUEUE_SIZE is "0"; it takes a whole number from 1, such as "512""#;
    assert_eq!(refusal(&[("OTEL_BSP_MAX_QUEUE_SIZE", "0")]), expected);
    let expected = r#"OTEL_BSP_MAX_EXPORT_BATCH_SIZE is "3000"; it takes a whole number from 1 to OTEL_BSP_MAX_QUEUE_SIZE, which is 2048 by default"#;
    assert_eq!(refusal(&[("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "3000")]), expected);
    assert!(refusal(&[("OTEL_SPAN_LINK_COUNT_LIMIT", "-1")]).starts_with("OTEL_SPAN_LINK_COUNT_LIMIT is"));
    // The program itself said it.
    let message = from(builder().otlp_endpoint("h"), &[]).unwrap_err();
    assert_eq!(message, format!(r#"Builder::otlp_endpoint is "h"; {url}"#));
    let message = from(builder().otlp_endpoint("http://h").otlp_protocol("http"), &[]).unwrap_err();
    assert!(message.starts_with(r#"Builder::otlp_protocol is "http"; it takes "http/protobuf""#), "{message}");
    let message = from(builder().otel("OTEL_SDK_DISABLED", "yes"), &[]).unwrap_err();
    assert_eq!(message, r#"OTEL_SDK_DISABLED is "yes"; it takes "true" or "false""#);
    let message = from(builder().otel("OTEL_LOG_LEVEL", "debug"), &[]).unwrap_err();
    assert!(message.starts_with(r#"Builder::otel is "OTEL_LOG_LEVEL"; it takes a variable of OpenTelemetry's"#));
    // A queue that is smaller than the default batch has smaller batches.
    let traces = with(&[("OTEL_BSP_MAX_QUEUE_SIZE", "7")]).traces.unwrap();
    assert_eq!((traces.max_queue, traces.max_batch), (7, 7));
    // Times that the specification allows, and that would keep a thread busy.
    let settings = with(&[("OTEL_METRIC_EXPORT_INTERVAL", "0"), ("OTEL_BSP_SCHEDULE_DELAY", "0")]);
    assert_eq!(settings.metrics.unwrap().period, Duration::from_millis(10));
    assert_eq!(settings.traces.unwrap().schedule_delay, Duration::from_millis(1));
}

#[test]
fn a_word_that_is_not_known_counts_as_not_set_and_is_told() {
    let protocol = r#"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL is "gprc" and counts as not set; it takes "http/protobuf""#;
    for (variables, expected) in [
        (&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "gprc"), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/json")][..], protocol),
        (
            &[("OTEL_SDK_DISABLED", "1")],
            r#"OTEL_SDK_DISABLED is "1" and counts as not set; it takes "true" or "false""#,
        ),
        (&[("OTEL_EXPORTER_OTLP_METRICS_COMPRESSION", "zstd")], r#"OTEL_EXPORTER_OTLP_METRICS_COMPRESSION is "zstd""#),
        (&[("OTEL_TRACES_SAMPLER", "xray")], r#"OTEL_TRACES_SAMPLER is "xray" and counts as not set"#),
        (
            &[("OTEL_TRACES_SAMPLER", "traceidratio"), ("OTEL_TRACES_SAMPLER_ARG", "25%")],
            r#"OTEL_TRACES_SAMPLER_ARG is "25%" and counts as not set; it takes a share from 0 to 1"#,
        ),
        (
            &[("OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE", "deltas")],
            r#"OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE is "deltas" and counts"#,
        ),
        (&[("OTEL_METRICS_EXEMPLAR_FILTER", "always_on")], r#"OTEL_METRICS_EXEMPLAR_FILTER is "always_on", which is"#),
    ] {
        let read = config(&[&[GENERAL], variables].concat());
        assert_eq!(read.notes.len(), 1, "{:?}", read.notes);
        assert!(read.notes[0].starts_with(expected), "{:?}", read.notes);
        let traces = read.otlp.traces.unwrap();
        assert_eq!(traces.signal.protocol == Protocol::HttpJson, expected == protocol, "that of all is taken instead");
        assert!(!read.otlp.is_disabled && !read.otlp.without_exemplars && !traces.signal.is_compressed);
        assert_eq!(read.otlp.sampler.share, 1.0);
    }
}

#[test]
fn exporters_are_a_list() {
    for (list, sends, noted) in [
        ("otlp", true, 0),
        ("OTLP , none", true, 0),
        ("none", false, 0),
        ("console", false, 1),
        ("zipkin,otlp", true, 1),
        ("oltp", true, 1),
        ("prometheus", false, usize::from(!cfg!(feature = "prometheus"))),
    ] {
        let read = config(&[GENERAL, ("OTEL_METRICS_EXPORTER", list)]);
        assert_eq!(read.otlp.metrics.is_some(), sends, "{list}");
        assert!(read.otlp.traces.is_some(), "{list}");
        assert_eq!(read.notes.len(), noted, "{list}: {:?}", read.notes);
    }
    let read = config(&[GENERAL, ("OTEL_TRACES_EXPORTER", "prometheus")]);
    assert!(read.otlp.traces.is_none() && read.otlp.metrics.is_some());
    assert_eq!(read.notes, [r#"the exporter "prometheus" of OTEL_TRACES_EXPORTER is not supported"#]);
}

#[test]
fn what_is_disabled_is_sent_nowhere_and_the_endpoint_stays() {
    let read = config(&[GENERAL, ("OTEL_SDK_DISABLED", "TRUE"), ("OTEL_METRIC_EXPORT_INTERVAL", "nonsense")]);
    assert!(read.otlp.is_disabled && read.otlp.metrics.is_none() && read.otlp.traces.is_none());
    assert!(read.listen.is_some() && read.propagators.trace_context);
}

#[test]
fn secrets_are_in_no_message_and_in_no_debug() {
    let hidden = "hunter2";
    for text in ["a=hunter2%2", "hunter2", "=hunter2", "a b=hunter2", "content-type=hunter2", "a=hunter2\u{7f}"] {
        for variable in ["OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_TRACES_HEADERS"] {
            let message = refusal(&[(variable, text)]);
            assert!(message.starts_with(&format!(r#"{variable} is "…"; it takes pairs"#)), "{message}");
        }
    }
    let message = from(builder().otlp_endpoint("http://h").otlp_header("a b", hidden), &[]).unwrap_err();
    assert!(message.starts_with(r#"Builder::otlp_header is "a b"; it takes a name and a value"#), "{message}");
    let builder = builder().otlp_endpoint("http://u:hunter2@h/?key=hunter2").otlp_header("a", hidden);
    let builder = builder.otel("OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer hunter2");
    assert!(!format!("{builder:?}").contains(hidden), "{builder:?}");
    let settings = from(builder, &[]).unwrap().otlp;
    assert!(!format!("{settings:?}").contains(hidden), "{settings:?}");
    let said = both(&settings)[0].endpoint.without_secrets_in("hunter2 is not welcome");
    assert_eq!(said, "… is not welcome");
    let message = from(crate::builder().otlp_endpoint("//u:hunter2@h/?hunter2"), &[]).unwrap_err();
    assert!(!message.contains(hidden), "{message}");
}

#[cfg(unix)]
#[test]
fn a_secret_that_is_no_text_is_not_shown() {
    use std::os::unix::ffi::OsStringExt;
    let value = |name: &str| match name {
        "OTEL_EXPORTER_OTLP_ENDPOINT" => Some("http://h".into()),
        "OTEL_EXPORTER_OTLP_HEADERS" => Some(OsString::from_vec(b"a=hunter2\xff".to_vec())),
        _ => None,
    };
    let message = builder().config(value).unwrap_err().to_string();
    assert!(message.starts_with("OTEL_EXPORTER_OTLP_HEADERS is") && !message.contains("hunter2"), "{message}");
}

#[test]
fn certificates_and_keys_are_read_from_files() {
    // Nobody looks into either before a connection does.
    let certificate = "-----BEGIN CERTIFICATE-----\naGVsbG8=\n-----END CERTIFICATE-----\n";
    let key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    let folder = Folder::new("certificates");
    let (certificate, key) = (folder.file("c.pem", certificate), folder.file("k.pem", key));
    let settings = with(&[
        ("OTEL_EXPORTER_OTLP_CERTIFICATE", &certificate),
        ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE", &certificate),
        ("OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY", &key),
    ]);
    let [metrics, traces] = both(&settings);
    assert_eq!(metrics.authorities, Some(Authorities(vec![b"hello".to_vec()])));
    assert_eq!(metrics.authorities, traces.authorities);
    assert!(metrics.identity.as_ref().is_some_and(|identity| identity.key.starts_with(b"-----BEGIN PRIVATE")));
    assert_eq!(traces.identity, None);
    let name = "OTEL_EXPORTER_OTLP_CERTIFICATE";
    assert_eq!(refusal(&[(name, &key)]), format!("{name} names the file {key:?}, which has no certificate in PEM"));
    let message = refusal(&[(name, "/nowhere.pem")]);
    assert!(
        message.starts_with(&format!(r#"{name} names the file "/nowhere.pem", which cannot be read"#)),
        "{message}"
    );
    let name = "OTEL_EXPORTER_OTLP_CLIENT_KEY";
    let message = refusal(&[(name, &key)]);
    assert!(message.contains("while OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE names that of its certificate"), "{message}");
    let message = refusal(&[(name, &certificate), ("OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE", &certificate)]);
    assert_eq!(message, format!("{name} names the file {certificate:?}, which has no private key in PEM"));
}

#[cfg(not(feature = "otlp-grpc"))]
#[test]
fn grpc_without_its_feature_is_refused() {
    let expected = r#"OTEL_EXPORTER_OTLP_PROTOCOL is "grpc"; it takes "http/protobuf" or "http/json"; for "grpc", build with the feature `otlp-grpc` of `telemetry`"#;
    assert_eq!(refusal(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc")]), expected);
}

#[cfg(feature = "otlp-grpc")]
#[test]
fn grpc_has_a_place_and_no_path() {
    let settings = config(&[
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
        ("OTEL_EXPORTER_OTLP_TRACES_INSECURE", "true"),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"),
    ]);
    let [metrics, traces] = both(&settings.otlp);
    assert_eq!((metrics.endpoint.url.as_str(), metrics.protocol), ("https://collector:4317", Protocol::Grpc));
    assert_eq!(traces.endpoint.url, "http://collector:4317");
    let settings = with(&[("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "grpc")]);
    assert_eq!(
        both(&settings).map(|signal| signal.endpoint.url.as_str()),
        ["http://h:4318/v1/metrics", "http://h:4318"]
    );
    for name in ["grpc-timeout", "trace-bin", "te"] {
        let message =
            refusal(&[("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc"), ("OTEL_EXPORTER_OTLP_HEADERS", &format!("{name}=1"))]);
        assert!(message.contains("it takes pairs"), "{message}");
    }
}

#[test]
fn samplers_and_limits_are_the_sdks() {
    for (name, argument, expected) in [
        ("always_on", "", "AlwaysOn"),
        ("always_off", "", "AlwaysOff"),
        ("traceidratio", "0.5", "TraceIdRatioBased(0.5)"),
        ("traceidratio", "", "AlwaysOn"),
        ("parentbased_always_on", "", "ParentBased(AlwaysOn)"),
        ("parentbased_always_off", "", "ParentBased(AlwaysOff)"),
        ("PARENTBASED_TRACEIDRATIO", "0.25", "ParentBased(TraceIdRatioBased(0.25))"),
    ] {
        let sampler = with(&[("OTEL_TRACES_SAMPLER", name), ("OTEL_TRACES_SAMPLER_ARG", argument)]).sampler;
        assert_eq!(format!("{:?}", sampler.of_sdk()), expected);
    }
    assert_eq!(with(&[("OTEL_SPAN_EVENT_COUNT_LIMIT", "3")]).limits.of_sdk().max_events_per_span, 3);
}
