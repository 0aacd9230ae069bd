//! A glob that no file matches.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "flight-*.json",
    catalogs = [CATALOG],
}

fn main() {}
