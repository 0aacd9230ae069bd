#[measured(name = "load", crate = crate::telemetry)]
fn f() {}
