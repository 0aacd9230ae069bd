use telemetry::measured;

#[measured(error_type = |error| error.to_string())]
fn owned() -> std::io::Result<()> {
    Ok(())
}

#[measured(error_type = "timeout")]
fn no_function() -> std::io::Result<()> {
    Ok(())
}

#[measured(error_type = |error| error.as_str())]
fn borrowed() -> Result<(), String> {
    Ok(())
}

fn main() {}
