fn main() {
    #[telemetry::measured]
    let x = 1;

    #[telemetry::measured]
    {
        drop(x);
    }
}
