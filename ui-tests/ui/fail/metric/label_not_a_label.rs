telemetry::metric! {
    /// Requests.
    counter requests_total(share: f64);
}

fn main() {}
