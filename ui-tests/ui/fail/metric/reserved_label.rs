telemetry::metric! {
    /// Requests.
    counter requests_total(job: &str, instance: &str, le: &str, quantile: &str, __name: &str);
}

fn main() {}
