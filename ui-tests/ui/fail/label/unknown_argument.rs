#[derive(telemetry::Label)]
#[label(rename_al = "kebab-case", rename = "x", rename_all = "kebap-case")]
enum Outcome {
    #[label(rname = "hit")]
    Hit,
    #[label(rename_all = "lowercase", crate = telemetry)]
    Miss,
}

fn main() {}
