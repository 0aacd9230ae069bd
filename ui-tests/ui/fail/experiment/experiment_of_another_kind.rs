use telemetry::comet::Experiment;
use telemetry::experiment;

#[experiment]
fn by_value(experiment: Experiment) {
    let _ = experiment;
}

#[experiment]
fn to_change(experiment: &mut Experiment) {
    let _ = experiment;
}

#[experiment]
fn with_a_lifetime<'a>(experiment: &'a Experiment, text: &'a str) {
    let _ = (experiment, text);
}

#[experiment]
fn two(experiment: &Experiment, other: &Experiment) {
    let _ = (experiment, other);
}

#[experiment(experiment = run)]
fn of_another_name(experiment: &Experiment) {
    let _ = experiment;
}

fn main() {
    by_value();
    to_change();
    with_a_lifetime("");
    let _ = (two, of_another_name);
}
