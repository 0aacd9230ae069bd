//! Each mistake is told, of two files at once, at the glob that brought the file.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
    /// Records that wait.
    gauge flights_queue_records(queue: &str);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = ["series_not_declared.json", "rate_of_a_gauge.json"],
    catalogs = [CATALOG],
}

fn main() {}
