//! A counter asked for without its ending.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "total_left_out.json",
    catalogs = [CATALOG],
}

fn main() {}
