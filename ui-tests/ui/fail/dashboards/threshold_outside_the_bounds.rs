//! An alert that can never fire.
telemetry::metric! {
    /// Seconds from a request to its response.
    histogram flights_fetch_duration_seconds(carrier: &str) [0.05, 0.1, 0.5, 1, 5, 10];
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    rules = "threshold_outside_the_bounds.yml",
    catalogs = [CATALOG],
}

fn main() {}
