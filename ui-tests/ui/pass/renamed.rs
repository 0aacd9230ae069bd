//! Behind another path, and where the prelude's and our names mean something else.
#![no_implicit_prelude]
#![allow(dead_code, non_camel_case_types)]

mod obs {
    pub use ::telemetry::*;
}

#[obs::measured(crate = obs)]
fn measured_here(guard: u8, __guard: u8, output: u8) -> ::std::result::Result<u8, ()> {
    ::std::result::Result::Ok(guard + __guard + output)
}

mod shadows {
    struct Option;
    struct Result;
    struct Ok;
    struct core;

    ::telemetry::metric! {
        /// Rows read.
        pub counter rows_read_total(table: &str);
    }

    #[::telemetry::measured]
    pub fn shadowed() -> ::std::option::Option<u8> {
        ::std::option::Option::Some(1)
    }
}

obs::metric! {
    crate = obs;
    catalog = ROWS;
    /// Rows written.
    counter rows_written_total();
}

fn main() {
    ::std::assert_eq!(measured_here(1, 2, 3), ::std::result::Result::Ok(6));
    shadows::rows_read_total("flights").inc();
    shadows::shadowed();
    rows_written_total().inc();
    ::std::assert_eq!(ROWS.len(), 1);
}
