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
    struct bool;
    struct f64;
    struct u8;

    #[derive(::telemetry::Label)]
    pub enum Outcome {
        Some,
        None,
    }

    ::telemetry::metric! {
        /// Rows read.
        pub counter rows_read_total(table: &str);
        #[doc = ::core::concat!("Put ", "together.")]
        pub histogram read_seconds(outcome: Outcome, required: &Outcome) [FIRST, 1];
        /// Named as what checks it.
        pub histogram bounds(outcome: Outcome) [..ALL];
    }

    const FIRST: ::core::primitive::f64 = 0.5;
    const ALL: &[::core::primitive::f64] = &[0.5];

    #[::telemetry::measured]
    pub fn shadowed() -> ::std::option::Option<::core::primitive::u8> {
        ::std::option::Option::Some(1)
    }
}

#[derive(obs::Label)]
#[label(crate = obs, rename_all = "camelCase")]
enum Table {
    AllFlights,
}

obs::metric! {
    crate = obs;
    catalog = ROWS;
    /// Rows written.
    counter rows_written_total();
    /// Rows kept.
    counter rows_kept_total(table: Table);
}

fn main() {
    ::std::assert_eq!(measured_here(1, 2, 3), ::std::result::Result::Ok(6));
    shadows::rows_read_total("flights").inc();
    shadows::shadowed();
    shadows::read_seconds(shadows::Outcome::Some, &shadows::Outcome::None).observe(0.1);
    shadows::bounds(shadows::Outcome::Some).observe(0.1);
    rows_kept_total(Table::AllFlights).inc();
    ::std::assert_eq!(<Table as obs::Label>::VALUES, ["allFlights"]);
    rows_written_total().inc();
    ::std::assert_eq!(ROWS.len(), 2);
}
