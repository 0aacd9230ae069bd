telemetry::metric! {
    /// A gauge.
    gauge sessions_open(user: &str) expires = "10m";
    /// An info.
    info session_info(user: &str) expires = "10m";
    /// Nothing to expire.
    counter logins_total() expires = "10m";
    /// No unit.
    counter clicks_total(user: &str) expires = "10";
    /// Too short.
    counter moves_total(user: &str) expires = "10ms";
    /// Not in quotes.
    counter drags_total(user: &str) expires = 10m;
    /// No equals sign.
    counter drops_total(user: &str) expires "10m";
    /// No value.
    counter scrolls_total(user: &str) expires;
    /// Misspelt.
    counter keys_total(user: &str) expire = "10m";
    /// Before the bounds.
    histogram pause_seconds(user: &str) expires = "10m" [0.1, 1];
    /// As it should be.
    histogram nap_seconds(user: &str) [0.1, 1] expires = "1.5h";
}

fn main() {
    nap_seconds("a").observe(1.0);
}
