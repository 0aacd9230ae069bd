telemetry::metric! {
    /// Requests.
    counter requests_total(code);
}

fn main() {}
