struct Reader;

#[telemetry::measured]
impl Reader {
    #[telemetry::measured]
    const fn new() -> Reader {
        Reader
    }

    fn next(&self) {}
}

fn main() {}
