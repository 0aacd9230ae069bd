use telemetry::measure;

fn text() -> Result<u8, String> {
    Ok(measure!("converts", std::fs::read("x")?.len() as u8))
}

fn main() {
    let _ = measure!("block", {
        let x: u32 = "text";
        x
    });
    let _ = measure!("closure", |x: u32| -> u32 { return x.len() });
    let _ = measure!("future", async { "x".trim(1) });
    let _ = measure!("try", text()?);
}
