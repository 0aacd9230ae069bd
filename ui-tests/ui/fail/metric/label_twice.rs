telemetry::metric! {
    /// Requests.
    counter requests_total(code: u16, code: u16);
}

fn main() {}
