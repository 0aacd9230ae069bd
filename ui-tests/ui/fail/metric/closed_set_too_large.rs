#[derive(telemetry::Label)]
enum Digit {
    One,
    Two,
    Three,
    Four,
    Five,
    Six,
    Seven,
    Eight,
    Nine,
    Ten,
}

telemetry::metric! {
    /// A thousand.
    counter a_thousand_total(a: Digit, b: Digit, c: &Digit);
    /// Too many.
    counter two_thousand_total(a: Digit, b: Digit, c: &Digit, d: bool);
    /// Open.
    counter endless_total(a: Digit, b: Digit, c: &Digit, d: Digit, e: &str);
}

fn main() {}
