telemetry::metric! {
    /// Rows.
    counter rows_total();
}

telemetry::metric! {
    /// Requests.
    counter requests_total();
}

fn main() {}
