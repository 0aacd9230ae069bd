struct Reader;

#[telemetry::measured]
impl Reader {}

#[telemetry::measured]
impl Reader {
    const fn new() -> Reader {
        Reader
    }

    #[measured(skip)]
    fn next(&self) {}
}

#[telemetry::measured]
trait Source {
    fn next(&self);
}

#[telemetry::measured]
mod inside {
    const ANSWER: u8 = 42;
}

fn main() {}
