use telemetry::experiment;

#[experiment]
struct Classify;

trait Classifies {
    #[experiment]
    fn classify(&self);
}

fn main() {
    let _ = Classify;
}
