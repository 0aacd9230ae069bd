telemetry::metric! {
    /// Requests.
    counter RequestsTotal();
    /// Rows.
    gauge rows__waiting_();
    /// Sizes.
    gauge größe();
    /// Dots, as OpenTelemetry has them.
    histogram http.server.duration_seconds() [0.1, 1];
    /// Colons, as recording rules have them.
    gauge job:rows();
    /// A label.
    gauge rows(tableName: &str);
}

fn main() {
    RequestsTotal().inc();
    http_server_duration_seconds().observe(1.0);
    rows("flights").inc();
}
