telemetry::metric! {
    /// Requests.
    counter requests();
    /// Rows.
    counter rows_count();
    /// All of them.
    counter total();
    /// Builds.
    info build();
}

fn main() {
    // What is wrong is there all the same.
    requests().inc();
    let _ = requests::DESCRIPTOR;
}
