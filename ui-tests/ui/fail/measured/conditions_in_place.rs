//! What cannot be asked of a function whose body stays in place.
use telemetry::measured;

#[measured(error_if = |output| output.is_err(), error_type = |_| "number")]
#[track_caller]
fn sum(left: &str, right: &str) -> Result<u32, std::num::ParseIntError> {
    let left: u32 = left.parse()?;
    let parse = || -> Result<u32, std::num::ParseIntError> { Ok(right.parse()?) };
    Ok(left + parse()?)
}

#[measured(ok_if = |_| true)]
fn closure() -> impl Fn(&str) -> usize {
    |text| text.len()
}

#[measured(count, count = true, skip = true)]
fn words() {}

fn main() {
    let _ = (sum("1", "2"), closure()("ab"), words());
}
