telemetry::metric! {
    /// How long it took.
    histogram request_duration_ms() [1, 10];
    /// Memory.
    gauge cache_kb();
    /// Share.
    gauge disk_used_percent();
    /// Waiting.
    counter waited_minutes_total();
}

fn main() {}
