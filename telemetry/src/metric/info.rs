//! Families that say something by their labels alone.

/// A handle to one series of an info family. That it exists is all that it says: its value is always 1.
///
/// ```
/// telemetry::metric! { /** The model in use. */ info model_info(version: &str); }
/// model_info("7");
/// assert_eq!(telemetry::testing::value("model_info", &[("version", "7")]), Some(1.0));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Info;
