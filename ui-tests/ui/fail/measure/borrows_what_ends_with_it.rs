use telemetry::measure;

fn main() {
    let trimmed = measure!("trim", String::from(" a ").trim());
    drop(trimmed);
}
