//! The rate of a gauge.
telemetry::metric! {
    /// Records that wait.
    gauge flights_queue_records(queue: &str);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "rate_of_a_gauge.json",
    catalogs = [CATALOG],
}

fn main() {}
