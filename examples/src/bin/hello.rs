//! The shortest program: one measured function, one metric, the endpoint while it runs, the report when it ends.

use telemetry::{measured, metric};

metric! {
    /// Words that were counted.
    pub counter words_counted_total();
}

#[measured]
fn count(text: &str) -> usize {
    let words = text.split_whitespace().count();
    words_counted_total().add(words as u64);
    words
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let _telemetry = telemetry::init()?; // serves http://127.0.0.1:8000/metrics, and reports when dropped
    for _ in 0..1000 {
        count("to see the world in a grain of sand");
    }
    println!("{} words", words_counted_total().get());
    Ok(())
}
