//! A legend that shows a label which the result does not have.
telemetry::metric! {
    /// Pages read.
    counter flights_pages_total(carrier: &str, code: u16);
}

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "label_in_a_legend.json",
    catalogs = [CATALOG],
}

fn main() {}
