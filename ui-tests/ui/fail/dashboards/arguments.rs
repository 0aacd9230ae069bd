//! What the macro takes, all mistakes at once.
const CATALOG: &[telemetry::Descriptor] = &[];

telemetry::dashboards! {
    file = "dashboards/*.json",
    rules = 7,
    rules = ["", "rules/*.yml"],
    catalogs = ["CATALOG"],
    test = "no",
}

telemetry::dashboards! {}

fn main() {}
