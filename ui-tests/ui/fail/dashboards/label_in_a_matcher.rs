//! A matcher of a label that the family does not have.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "label_in_a_matcher.json",
    catalogs = [CATALOG],
}

fn main() {}
