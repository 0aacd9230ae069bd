//! Which variables OpenTelemetry has, and what becomes of them here. `docs/opentelemetry.md` has the same as tables.

/// Those that do what the specification says.
pub(crate) const HONOURED: &[&str] = &[
    "OTEL_SDK_DISABLED",
    "OTEL_SERVICE_NAME",
    "OTEL_RESOURCE_ATTRIBUTES",
    "OTEL_PROPAGATORS",
    "OTEL_METRICS_EXPORTER",
    "OTEL_TRACES_EXPORTER",
    "OTEL_EXPORTER_OTLP_ENDPOINT",
    "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT",
    "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT",
    "OTEL_EXPORTER_OTLP_PROTOCOL",
    "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL",
    "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL",
    "OTEL_EXPORTER_OTLP_HEADERS",
    "OTEL_EXPORTER_OTLP_METRICS_HEADERS",
    "OTEL_EXPORTER_OTLP_TRACES_HEADERS",
    "OTEL_EXPORTER_OTLP_TIMEOUT",
    "OTEL_EXPORTER_OTLP_METRICS_TIMEOUT",
    "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT",
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_KEY",
    "OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_METRICS_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_TRACES_CLIENT_CERTIFICATE",
    "OTEL_EXPORTER_OTLP_INSECURE",
    "OTEL_EXPORTER_OTLP_METRICS_INSECURE",
    "OTEL_EXPORTER_OTLP_TRACES_INSECURE",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_EXPORTER_OTLP_METRICS_DEFAULT_HISTOGRAM_AGGREGATION",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_METRIC_EXPORT_TIMEOUT",
    "OTEL_METRICS_EXEMPLAR_FILTER",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_TRACES_SAMPLER",
    "OTEL_TRACES_SAMPLER_ARG",
    "OTEL_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
    "OTEL_EVENT_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_LINK_ATTRIBUTE_COUNT_LIMIT",
];

/// Those that do nothing, and what does instead.
pub(crate) const NOT_SUPPORTED: &[(&str, &str)] = &[
    ("OTEL_LOG_LEVEL", ""),
    ("OTEL_CONFIG_FILE", ""),
    ("OTEL_EXPERIMENTAL_CONFIG_FILE", ""),
    ("OTEL_ENTITIES", "OTEL_RESOURCE_ATTRIBUTES"),
    ("OTEL_ATTRIBUTE_VALUE_LENGTH_LIMIT", ""),
    ("OTEL_SPAN_ATTRIBUTE_VALUE_LENGTH_LIMIT", ""),
    ("OTEL_BSP_MAX_CONCURRENT_EXPORTS", ""),
    ("OTEL_EXPORTER_OTLP_SPAN_INSECURE", "OTEL_EXPORTER_OTLP_TRACES_INSECURE"),
    ("OTEL_EXPORTER_OTLP_METRIC_INSECURE", "OTEL_EXPORTER_OTLP_METRICS_INSECURE"),
    ("OTEL_EXPORTER_PROMETHEUS_HOST", "TELEMETRY_LISTEN"),
    ("OTEL_EXPORTER_PROMETHEUS_PORT", "TELEMETRY_LISTEN"),
    ("OTEL_EXPORTER_ZIPKIN_ENDPOINT", ""),
    ("OTEL_EXPORTER_ZIPKIN_PROTOCOL", ""),
    ("OTEL_EXPORTER_ZIPKIN_TIMEOUT", ""),
    ("OTEL_EXPORTER_JAEGER_AGENT_HOST", ""),
    ("OTEL_EXPORTER_JAEGER_AGENT_PORT", ""),
    ("OTEL_EXPORTER_JAEGER_ENDPOINT", ""),
    ("OTEL_EXPORTER_JAEGER_PASSWORD", ""),
    ("OTEL_EXPORTER_JAEGER_PROTOCOL", ""),
    ("OTEL_EXPORTER_JAEGER_TIMEOUT", ""),
    ("OTEL_EXPORTER_JAEGER_USER", ""),
];

/// Beginnings of those that are for somebody else: other signals, other languages, and what OpenTelemetry's operator for Kubernetes sets for its own use.
const OF_OTHERS: &[&str] = &[
    "OTEL_BLRP_",
    "OTEL_LOGRECORD_",
    "OTEL_LOGS_",
    "OTEL_PROFILES_",
    "OTEL_EXPORTER_OTLP_LOGS_",
    "OTEL_EXPORTER_OTLP_PROFILES_",
    "OTEL_RESOURCE_ATTRIBUTES_",
    "OTEL_INSTRUMENTATION_",
    "OTEL_SEMCONV_",
    "OTEL_DOTNET_",
    "OTEL_ERLANG_",
    "OTEL_GO_",
    "OTEL_JAVA",
    "OTEL_NODE_",
    "OTEL_PHP_",
    "OTEL_PYTHON_",
    "OTEL_RUBY_",
    "OTEL_SWIFT_",
];

pub(crate) fn is_honoured(variable: &str) -> bool {
    HONOURED.contains(&variable)
}

/// What is to be said about variables that are set: one line about those that do nothing, and one for each that looks misspelt.
pub(crate) fn notes<'a>(set: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    let mut set: Vec<&str> = set.into_iter().filter(|name| name.starts_with("OTEL_")).collect();
    set.sort_unstable();
    let mut without_effect = Vec::new();
    let mut notes = Vec::new();
    for name in set {
        if is_honoured(name) {
            continue;
        }
        if let Some((_, instead)) = NOT_SUPPORTED.iter().find(|(known, _)| *known == name) {
            let instead = if instead.is_empty() { String::new() } else { format!(" (instead: {instead})") };
            without_effect.push(format!("{name}{instead}"));
        } else if !OF_OTHERS.iter().any(|beginning| name.starts_with(beginning)) {
            if let Some(near) = nearest(name) {
                notes.push(format!("{name} is not a variable of OpenTelemetry's; did you mean {near}?"));
            }
        }
    }
    if !without_effect.is_empty() {
        let are = if without_effect.len() == 1 { "is" } else { "are" };
        notes.insert(0, format!("{} {are} set, not supported, and without effect", without_effect.join(", ")));
    }
    notes
}

/// The variable that is at most two letters away: more would be another one.
fn nearest(name: &str) -> Option<&'static str> {
    let near = HONOURED.iter().map(|known| (distance(name, known), *known)).min()?;
    (near.0 <= 2).then_some(near.1)
}

/// How many letters have to be added, taken away or replaced.
fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut above: Vec<usize> = (0..=b.len()).collect();
    for (row, x) in a.iter().enumerate() {
        let mut left = row + 1;
        let mut diagonal = std::mem::replace(&mut above[0], left);
        for (column, y) in b.iter().enumerate() {
            let here = (diagonal + usize::from(x != y)).min(left + 1).min(above[column + 1] + 1);
            (diagonal, left) = (std::mem::replace(&mut above[column + 1], here), here);
        }
    }
    above[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_nothing_is_named_in_one_line() {
        let set = [
            "PATH",
            "OTEL_SERVICE_NAME",
            "OTEL_LOG_LEVEL",
            "OTEL_EXPORTER_PROMETHEUS_PORT",
            "OTEL_PYTHON_DISABLED_INSTRUMENTATIONS",
            "OTEL_LOGS_EXPORTER",
            "OTEL_RESOURCE_ATTRIBUTES_POD_NAME",
            "OTEL_OF_SOMEBODY_ELSE",
        ];
        let expected = "OTEL_EXPORTER_PROMETHEUS_PORT (instead: TELEMETRY_LISTEN), OTEL_LOG_LEVEL are set, not supported, and without effect";
        assert_eq!(notes(set), [expected]);
        assert_eq!(notes(["OTEL_CONFIG_FILE"]), ["OTEL_CONFIG_FILE is set, not supported, and without effect"]);
        assert!(notes(HONOURED.iter().copied()).is_empty());
    }

    #[test]
    fn a_misspelt_name_is_told_from_a_foreign_one() {
        for (name, near) in [
            ("OTEL_EXPORTER_OLTP_ENDPOINT", Some("OTEL_EXPORTER_OTLP_ENDPOINT")),
            ("OTEL_METRICS_EXPORT_INTERVAL", Some("OTEL_METRIC_EXPORT_INTERVAL")),
            ("OTEL_EXPORTER_OTLP_HEADER", Some("OTEL_EXPORTER_OTLP_HEADERS")),
            ("OTEL_TRACE_SAMPLER", Some("OTEL_TRACES_SAMPLER")),
            ("OTEL_SERVICE_VERSION", None),
            ("OTEL_", None),
        ] {
            assert_eq!(nearest(name), near, "{name}");
        }
        let expected = "OTEL_TRACE_SAMPLER is not a variable of OpenTelemetry's; did you mean OTEL_TRACES_SAMPLER?";
        assert_eq!(notes(["OTEL_TRACE_SAMPLER"]), [expected]);
    }

    #[test]
    fn the_documentation_has_them_all() {
        let page = include_str!("../../../../docs/opentelemetry.md");
        let section = page.split_once("\n## Environment variables\n").expect("the section").1;
        let section = section.split("\n## ").next().unwrap_or_default();
        let (honoured, others) = section.split_once("\n### Not supported\n").expect("the second table");
        for name in HONOURED {
            assert!(honoured.contains(&format!("`{name}`")), "{name}");
        }
        for (name, _) in NOT_SUPPORTED {
            assert!(others.contains(&format!("`{name}`")), "{name}");
        }
    }
}
