trait Source {
    #[telemetry::measured]
    fn next(&mut self) -> Option<u8>;
}

fn main() {}
