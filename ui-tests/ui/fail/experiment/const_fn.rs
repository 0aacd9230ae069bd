use telemetry::experiment;

#[experiment]
const fn classify() {}

fn main() {
    classify();
}
