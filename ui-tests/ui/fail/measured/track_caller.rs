#[telemetry::measured]
#[track_caller]
fn line() -> u32 {
    std::panic::Location::caller().line()
}

fn main() {
    line();
}
