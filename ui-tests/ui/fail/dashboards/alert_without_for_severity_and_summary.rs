//! An alert that says neither how long, how bad nor what.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    rules = "alert_without_for_severity_and_summary.yml",
    catalogs = [CATALOG],
}

fn main() {}
