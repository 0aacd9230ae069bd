telemetry::metric! {
    /// Requests.
    counter requests_total(statusCode: u16, größe: &str, _own: &str, __own: &str);
}

fn main() {}
