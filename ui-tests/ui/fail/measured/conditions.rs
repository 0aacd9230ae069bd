use telemetry::measured;

#[measured(ok_if = |output| output.is_some(), error_if = |output| output.is_none())]
fn both() -> Option<u8> {
    None
}

#[measured(ok_if)]
fn no_value() -> Option<u8> {
    None
}

#[measured(error_type = "timeout", error_if(true))]
fn in_parentheses() -> Option<u8> {
    None
}

fn main() {}
