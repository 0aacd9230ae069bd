#[derive(telemetry::Label)]
#[label(rename_all = kebab)]
enum Outcome {
    #[label(rename = "")]
    Hit,
    #[label(rename = 5)]
    Miss,
    #[label(rename)]
    Gone,
    #[label]
    Stale,
    #[label = "renewed"]
    Renewed,
}

fn main() {}
