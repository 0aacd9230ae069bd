telemetry::metric! {
    /// No type.
    counter a_total(table, code:, on: bool);
    /// No semicolon.
    counter b_total(table: &str)
    /// No parentheses.
    gauge c;
    /// No name.
    gauge
    /// No kind.
    d_total();
    /// No end of the labels.
    gauge e(table: &str; gauge f(););
    /// Something behind.
    gauge g() -> Gauge;
    catalog;
    #[cfg(unix)]
    /// Right.
    gauge h();
    /// Nothing.
}

fn main() {
    a_total("flights", 3, true).inc();
    b_total("flights").inc();
    c().inc();
    e("flights").inc();
    f().inc();
    g().inc();
    h().inc();
}
