#[derive(telemetry::Label)]
enum Outcome {
    Hit,
    Status(u16),
    Failed { reason: String },
}

telemetry::metric! {
    /// Requests.
    counter requests_total(outcome: &Outcome);
}

fn main() {
    requests_total(&Outcome::Hit).inc();
}
