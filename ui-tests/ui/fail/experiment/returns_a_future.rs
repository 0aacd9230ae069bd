use std::future::Future;
use telemetry::experiment;

#[experiment]
fn classify() -> impl Future<Output = u8> {
    async { 1 }
}

fn main() {
    let _ = classify();
}
