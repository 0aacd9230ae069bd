#[derive(telemetry::Label)]
enum Outcome {
    Hit,
    Miss,
}

telemetry::metric! {
    /// Lookups.
    counter lookups_total(outcome: Outcome);
}

fn main() {
    lookups_total(Outcome::Mist).inc();
    lookups_total("hit").inc();
}
