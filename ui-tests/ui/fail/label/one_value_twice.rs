#[derive(telemetry::Label)]
enum Outcome {
    NotFound,
    #[label(rename = "not_found")]
    Missing,
    Ok,
    OK,
}

#[derive(telemetry::Label)]
#[label(rename_all = "lowercase")]
enum Answer {
    Yes,
    YES,
}

fn main() {}
