use telemetry::experiment;

struct Experiment;

#[experiment]
fn classify(experiment: &Experiment) {
    let _ = experiment;
}

fn main() {
    classify();
    let _ = Experiment;
}
