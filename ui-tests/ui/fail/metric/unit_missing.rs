telemetry::metric! {
    /// How long it took.
    histogram request_latency() [0.1, 1];
}

fn main() {}
