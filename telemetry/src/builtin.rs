//! The built-in families, declared with the same macro as a user's.

pub(crate) mod functions {
    //! What `#[measured]` records. The series come from the call sites' cells, not from handles.
    crate::metric! {
        crate = crate;
        /// Calls that ended, by result.
        pub counter function_calls_total(function: &str, module: &str, result: &str);
        /// Seconds from the start of a call to its end, waiting included, by result.
        // The powers of two from 2^-24 to 2^17: those of the exponential buckets' bounds that are exact, see `record::exponential`.
        pub histogram function_calls_duration_seconds(function: &str, module: &str, result: &str) [
            0.000000059604644775390625, 0.00000011920928955078125, 0.0000002384185791015625, 0.000000476837158203125,
            0.00000095367431640625, 0.0000019073486328125, 0.000003814697265625, 0.00000762939453125,
            0.0000152587890625, 0.000030517578125, 0.00006103515625, 0.0001220703125, 0.000244140625, 0.00048828125,
            0.0009765625, 0.001953125, 0.00390625, 0.0078125, 0.015625, 0.03125, 0.0625, 0.125, 0.25, 0.5, 1, 2, 4,
            8, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 8192, 16384, 32768, 65536, 131072,
        ];
        /// Calls that began.
        pub counter function_calls_started_total(function: &str, module: &str);
        /// Calls that ended as `ok` no later than the threshold, which is in seconds.
        pub counter function_calls_within_total(function: &str, module: &str, threshold: &str);
        /// Calls that ended as `error`, by the type of the error, where the function tells it.
        pub counter function_errors_total(function: &str, module: &str, error_type: &str);
        /// Times that the future of an asynchronous call was polled.
        pub counter function_polls_total(function: &str, module: &str);
        /// Calls that are running.
        pub gauge function_calls_concurrent(function: &str, module: &str);
        /// Seconds that the oldest running call has run, waiting included; 0 where none runs.
        pub gauge function_oldest_call_age_seconds(function: &str, module: &str);
        /// Seconds that calls were executing, callees included, waiting at `.await` excluded.
        pub counter function_busy_seconds_total(function: &str, module: &str);
        /// Seconds that calls were executing, measured callees excluded.
        pub counter function_self_seconds_total(function: &str, module: &str);
        /// Bytes that calls allocated, callees included.
        pub counter function_allocated_bytes_total(function: &str, module: &str);
        /// Allocations that calls made, callees included.
        pub counter function_allocations_total(function: &str, module: &str);
        /// Bytes that calls allocated, measured callees excluded.
        pub counter function_self_allocated_bytes_total(function: &str, module: &str);
        /// The most bytes that one call had allocated and not yet freed.
        pub gauge function_peak_allocated_bytes(function: &str, module: &str);
    }
}

pub(crate) mod own {
    //! What the library says of itself.
    crate::metric! {
        crate = crate;
        /// Series that a snapshot holds, the library's own included.
        pub gauge telemetry_series();
        /// Values that were not recorded, being NaN or infinite or not fit for their family.
        pub counter telemetry_dropped_observations_total();
        /// Lookups that went to the overflow series because the family was full.
        pub counter telemetry_capped_lookups_total(metric: &str);
        /// Times that a collector failed and its families were left out.
        pub counter telemetry_collector_failures_total();
        /// The clock that calls are timed with.
        pub info telemetry_clock_info(source: &str);
        /// The library's version.
        pub info telemetry_build_info(version: &str);
    }
}
