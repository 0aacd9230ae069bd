//! A panel asks for a series that no declared family gives.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "series_not_declared.json",
    catalogs = [CATALOG],
}

fn main() {}
