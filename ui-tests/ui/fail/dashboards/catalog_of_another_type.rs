//! A catalog lists descriptors.
const NAMES: &[&str] = &["flights_pages_total"];

telemetry::dashboards! {
    root = "../../../tmp/ui/fail/dashboards",
    files = "series_not_declared.json",
    catalogs = [NAMES],
}

fn main() {}
