#[telemetry::measured]
struct Reader;

#[telemetry::measured]
enum Kind {}

#[telemetry::measured]
use std::fmt;

#[telemetry::measured]
static ANSWER: u8 = 42;

fn main() {}
