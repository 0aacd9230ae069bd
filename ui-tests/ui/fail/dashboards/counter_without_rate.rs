//! A counter shown as it is.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "counter_without_rate.json",
    catalogs = [CATALOG],
}

fn main() {}
