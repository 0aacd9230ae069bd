telemetry::metric! {
    /// Requests.
    counter requests();
}

fn main() {}
