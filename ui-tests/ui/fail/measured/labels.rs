use telemetry::measured;

#[measured(labels(carier, missing))]
fn misspelt(carrier: &str) {}

#[measured(labels(job = 1, le = 2, result = 3, function = 4, otel_metric_overflow = 5))]
fn reserved() {}

#[measured(labels(__kind = 1, airLine = "x", carrier, carrier = 7))]
fn named(carrier: &str) {}

#[measured(labels(self))]
fn receiver() {}

#[measured(labels())]
fn none() {}

#[measured(labels)]
fn bare() {}

#[measured(labels("carrier"))]
fn text(carrier: &str) {}

#[measured(labels(carrier: &str))]
fn typed(carrier: &str) {}

fn main() {}
