enum Outcome {
    Hit,
}

telemetry::metric! {
    /// A float.
    counter a_total(share: f64);
    /// A text of its own.
    counter b_total(name: String, code: u16);
    /// A character.
    counter c_total(letter: char);
    /// Something that may be absent.
    counter d_total(code: Option<u16>);
    /// An enum that is no label yet.
    counter e_total(outcome: Outcome);
    /// Any type.
    counter f_total(any: impl ToString);
}

fn main() {
    a_total(0.5).inc();
}
