use telemetry::experiment;

#[experiment(name = "classify", name = "again", params(depth, cutoff, depth = cutoff * 2.0))]
fn classify(depth: u8, cutoff: f64) {
    let _ = (depth, cutoff);
}

fn main() {
    classify(1, 0.5);
}
