//! Split by a label that the family does not have.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "label_in_by.json",
    catalogs = [CATALOG],
}

fn main() {}
