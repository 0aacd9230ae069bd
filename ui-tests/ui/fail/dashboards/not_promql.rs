//! A query that does not parse.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "not_promql.json",
    catalogs = [CATALOG],
}

fn main() {}
