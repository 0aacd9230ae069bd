//! A series of another exporter, whose beginning was not allowed.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "series_of_another_exporter.json",
    catalogs = [CATALOG],
}

fn main() {}
