struct Reader;

#[telemetry::measured(name = "reader")]
impl Reader {
    fn next(&self) {}
}

#[telemetry::measured(nmae = "reader")]
impl Reader {
    fn first(&self) {}
    fn last(&self) {}
}

fn main() {}
