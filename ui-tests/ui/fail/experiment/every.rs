use telemetry::experiment;

#[experiment(every = "10")]
fn without_unit() {}

#[experiment(every = "0s")]
fn zero() {}

#[experiment(every = "never")]
fn never() {}

fn main() {
    without_unit();
    zero();
    never();
}
