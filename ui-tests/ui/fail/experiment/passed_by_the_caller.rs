use telemetry::comet::Experiment;
use telemetry::experiment;

#[experiment]
fn classify(experiment: &Experiment, depth: u8) {
    let _ = (experiment, depth);
}

fn main() {
    classify(&Experiment::off(), 3);
}
