telemetry::metric! {
    /// Requests.
    counter RequestsTotal();
    /// Rows.
    gauge rows__waiting_();
}

fn main() {}
