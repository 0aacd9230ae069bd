telemetry::metric! {
    counter rows_total();
    ///
    counter empty_total();
    /** */
    counter blank_total();
    #[doc(hidden)]
    counter hidden_total();
    #[doc = concat!("", " \n")]
    counter computed_total();
}

fn main() {}
