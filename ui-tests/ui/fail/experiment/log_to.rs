use telemetry::comet::{Experiment, LogTo};

struct Outcome {
    accuracy: f64,
}

fn main() {
    let experiment = Experiment::off();
    let outcome = Outcome { accuracy: 0.5 };
    ("accuracy", outcome.accuracy).log_to(&experiment);
    log(&outcome, &experiment);
    log(&("accuracy", "high"), &experiment);
}

fn log(value: &impl LogTo, experiment: &Experiment) {
    value.log_to(experiment);
}
