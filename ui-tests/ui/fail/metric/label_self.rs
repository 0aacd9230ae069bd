telemetry::metric! {
    /// Requests.
    counter requests_total(self: &str);
}

fn main() {}
