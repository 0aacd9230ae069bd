#[derive(telemetry::Label)]
#[label(rename_all = "lowercase", rename_all = "UPPERCASE")]
enum Outcome {
    #[label(rename = "hit")]
    #[label(rename = "found")]
    Hit,
}

fn main() {}
