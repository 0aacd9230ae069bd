#[telemetry::measured]
struct Reader;

#[telemetry::measured]
enum Kind {}

#[telemetry::measured]
impl Reader {}

#[telemetry::measured]
trait Source {}

fn main() {}
