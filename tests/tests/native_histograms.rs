//! With `TELEMETRY_NATIVE_HISTOGRAMS` on, what the shipped dashboards ask about measured functions answers whether or not the server takes native
//! histograms: one program, scraped by two servers.

use serde_json::Value;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use telemetry::{Report, measured};
use telemetry_tests::prometheus::Prometheus;

#[measured]
fn rest() {
    std::thread::sleep(Duration::from_millis(5));
}

/// The queries of all dashboards that name the family, with the variables that Grafana would put in.
fn shipped_queries() -> Vec<String> {
    let mut queries = Vec::new();
    for file in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards")).unwrap() {
        let path = file.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let dashboard: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
            collect(&dashboard, &mut queries);
        }
    }
    queries.retain(|query| query.contains("function_calls_duration_seconds"));
    for query in &mut queries {
        *query = query
            .replace("$__rate_interval", "10s")
            .replace("$job", ".*")
            .replace("$instance", ".*")
            .replace("$function", "rest")
            .replace("$module", ".*");
        assert!(!query.contains('$'), "{query}");
    }
    queries
}

fn collect(value: &Value, queries: &mut Vec<String>) {
    match value {
        Value::Object(fields) => fields.iter().for_each(|(name, value)| match value.as_str() {
            Some(query) if name == "expr" => queries.push(query.to_owned()),
            _ => collect(value, queries),
        }),
        Value::Array(values) => values.iter().for_each(|value| collect(value, queries)),
        _ => {}
    }
}

#[test]
fn shipped_queries_answer_with_and_without_native_histograms() {
    let telemetry = telemetry::builder().listen(0).report(Report::Off).native_histograms(true).init().unwrap();
    let address = telemetry.address().unwrap();
    let ended = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !ended.load(Ordering::Relaxed) {
                rest();
            }
        });
        // Ends the thread, also where an assertion fails.
        let _end = Ends(&ended);
        for (features, classic) in [("", true), ("native-histograms", false)] {
            let Some(prometheus) = Prometheus::with_features(address, features) else { return };
            let buckets = prometheus.value(r#"count(function_calls_duration_seconds_bucket{function="rest"}) > 0"#);
            assert_eq!(buckets.is_some(), classic, "{features}");
            let queries = shipped_queries();
            assert!(!queries.is_empty());
            for query in queries {
                let seconds = prometheus.wait_for_number(&query);
                assert!((0.002..2.0).contains(&seconds), "{features}: {query}: {seconds}");
            }
        }
    });
}

struct Ends<'a>(&'a AtomicBool);

impl Drop for Ends<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}
