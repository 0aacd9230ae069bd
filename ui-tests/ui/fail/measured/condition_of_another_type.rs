use telemetry::measured;

#[measured(ok_if = |output| output.is_ok())]
fn no_result() -> Option<u8> {
    None
}

#[measured(error_if = |output| *output)]
fn no_bool() -> u8 {
    1
}

#[measured(error_if = u8::is_power_of_two)]
async fn by_value() -> u8 {
    1
}

#[measured(error_if = 404)]
fn no_function() -> u16 {
    404
}

fn main() {}
