use telemetry::experiment;

#[experiment(projet = "flights", parameters(depth), project = "flights")]
fn classify(depth: u8) {
    let _ = depth;
}

fn main() {
    classify(1);
}
