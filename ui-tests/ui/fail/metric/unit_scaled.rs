telemetry::metric! {
    /// How long it took.
    histogram request_duration_ms() [1, 10];
    /// Memory.
    gauge cache_kb();
    /// Memory, by pool.
    gauge pool_mib(pool: &str);
    /// Share.
    gauge disk_used_percent();
    /// Waiting.
    counter waited_minutes_total();
    /// Of a thing that is built.
    info build_days_info();
}

fn main() {}
