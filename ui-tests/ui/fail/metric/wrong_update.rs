telemetry::metric! {
    /// Rows.
    counter rows_read_total();
    /// Waiting.
    gauge waiting_records();
    /// Time.
    counter waited_seconds_total();
}

fn main() {
    rows_read_total().set(3.0);
    rows_read_total().add(0.5);
    waiting_records().observe(1.0);
    waited_seconds_total().add(3);
}
