#[telemetry::measured]
fn local<'a>() -> &'a str {
    let text = String::from("x");
    &text
}

#[telemetry::measured]
async fn local_later<'a>() -> &'a str {
    let text = String::from("x");
    &text
}

#[telemetry::measured]
fn moved_twice(text: String) -> (String, String) {
    (text, text)
}

#[telemetry::measured]
fn not_mutable(values: Vec<u8>) {
    values.push(1);
}

#[telemetry::measured]
fn wrong_lifetime<'a>(a: &'a str, b: &str) -> &'a str {
    b
}

fn main() {}
