telemetry::metric! {
    counter rows_total();
}

fn main() {}
