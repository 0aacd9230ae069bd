//! A variable with the values of a label that the family does not have.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "label_in_a_variable.json",
    catalogs = [CATALOG],
}

fn main() {}
