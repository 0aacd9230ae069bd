telemetry::metric! {
    /// A type.
    gauge str();
    /// A type.
    gauge r#u64();
    /// A keyword.
    gauge type();
    /// A keyword from edition 2024 on.
    gauge gen();
    /// Not even a raw name.
    gauge self();
    /// These are right.
    gauge r#match(r#type: &str, gen: u8);
}

fn main() {
    let text: &str = "the type is still there";
    r#type().inc();
    r#match(text, 1).inc();
}
