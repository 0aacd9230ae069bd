//! Figures as people read them, as the report and the command show them.
//!
//! ```
//! use telemetry::export::human;
//!
//! assert_eq!(human::seconds(0.001_234), "1.23 ms");
//! assert_eq!(human::bytes(1_536.0), "1.50 KiB");
//! assert_eq!(human::number(336_776.0), "336,776");
//! assert_eq!(human::share(0.004), "0.4 %");
//! ```

pub use super::number::{human_bytes as bytes, human_number as number, human_seconds as seconds, human_share as share};
