//! A dashboard that is no JSON.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "not_json.json",
    catalogs = [CATALOG],
}

fn main() {}
