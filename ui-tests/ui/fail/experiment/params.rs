use telemetry::comet::Experiment;
use telemetry::experiment;

#[experiment(params(batchsize, 7))]
fn misspelt(batch_size: usize, cutoff: f64) {
    let _ = (batch_size, cutoff);
}

#[experiment(params(batchsize, experiment, self))]
fn unknown(batch_size: usize, experiment: &Experiment, cutoff: f64) {
    let _ = (batch_size, experiment, cutoff);
}

#[experiment(params(depth))]
fn none() {}

#[experiment(params())]
fn empty() {}

#[experiment(params = depth)]
fn without_parentheses(depth: u8) {
    let _ = depth;
}

fn main() {
    misspelt(1, 0.5);
    unknown(1, 0.5);
    none();
    empty();
    without_parentheses(1);
}
