//! The built-in families, declared with the same macro as a user's.
//!
//! [`CATALOG`] has those of all features, so that a dashboard can be checked against it whatever a program is built with. A program
//! registers, and shows, those alone that it can record: `registered = …;` in a block names the feature.

use crate::metric::Descriptor;

/// Every family that this library can show, of all its features, by name.
///
/// What a program really has is [`telemetry::catalog()`](fn@crate::catalog). The same as a table: `docs/metrics.md`.
///
/// ```
/// let calls = telemetry::builtin::CATALOG.iter().find(|family| family.name == "function_calls_total").unwrap();
/// assert_eq!(calls.labels, ["function", "module", "result"]);
/// // Also those of features that are off.
/// assert!(telemetry::builtin::CATALOG.iter().any(|family| family.name == "duckdb_queries_total"));
/// ```
///
/// Two of them have labels that only the program knows: `target_info` those of the resource, and `function_calls_total` and
/// `function_calls_duration_seconds` those that functions are measured with.
pub const CATALOG: &[Descriptor] = &sorted::<{ count() }>();

/// Block by block.
const BLOCKS: [&[Descriptor]; 11] = [
    functions::CATALOG,
    jobs::recorded::CATALOG,
    jobs::computed::CATALOG,
    duckdb::statements::CATALOG,
    duckdb::databases::CATALOG,
    process::CATALOG,
    own::CATALOG,
    push::CATALOG,
    discovery::CATALOG,
    endpoint::CATALOG,
    target::CATALOG,
];

const fn count() -> usize {
    let (mut count, mut block) = (0, 0);
    while block < BLOCKS.len() {
        count += BLOCKS[block].len();
        block += 1;
    }
    count
}

/// Puts each family in its place among those before it.
const fn sorted<const N: usize>() -> [Descriptor; N] {
    let mut sorted = [BLOCKS[0][0]; N];
    let (mut len, mut block) = (0, 0);
    while block < BLOCKS.len() {
        let mut index = 0;
        while index < BLOCKS[block].len() {
            let family = BLOCKS[block][index];
            let mut place = len;
            while place > 0 && precedes(family.name, sorted[place - 1].name) {
                sorted[place] = sorted[place - 1];
                place -= 1;
            }
            sorted[place] = family;
            len += 1;
            index += 1;
        }
        block += 1;
    }
    sorted
}

/// `a < b`, which a constant cannot say yet.
const fn precedes(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut index = 0;
    while index < a.len() && index < b.len() {
        if a[index] != b[index] {
            return a[index] < b[index];
        }
        index += 1;
    }
    a.len() < b.len()
}

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
        /// CPU seconds that calls used, callees included; estimated from the calls and polls whose CPU clock was read.
        pub counter function_cpu_seconds_total(function: &str, module: &str);
        /// Bytes that calls read from files, pipes and terminals, callees included; estimated from the calls and polls that were read.
        pub counter function_io_read_bytes_total(function: &str, module: &str);
        /// Bytes that calls wrote to files, pipes and terminals, callees included; estimated from the calls and polls that were read.
        pub counter function_io_written_bytes_total(function: &str, module: &str);
        /// The share of calls and polls that a probe read: 1 where its sums are exact.
        pub gauge function_probe_sampling_ratio(function: &str, module: &str, probe: &str);
        /// The standard error of what a probe estimated, as a share of the estimate: in 19 of 20 cases the truth is within twice that.
        pub gauge function_probe_standard_error_ratio(function: &str, module: &str, probe: &str);
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

pub(crate) mod jobs {
    //! What is recorded of a job, and what is computed of it when asked.

    /// Families whose series are handles' cells.
    pub(crate) mod recorded {
        crate::metric! {
            crate = crate;
            /// Units of the job that are done with, by what became of them.
            pub counter backfill_units_total(job_name: &str, unit: &str, status: &str);
            /// Records that are done with, by what became of them.
            pub counter backfill_records_total(job_name: &str, status: &str);
            /// Requests that ended, by response code, or by the kind of error where there was no response.
            pub counter backfill_requests_total(job_name: &str, endpoint_name: &str, code: &str);
            /// Seconds from a request to its end.
            pub histogram backfill_request_duration_seconds(job_name: &str, endpoint_name: &str)
                [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
            /// Requests that are on their way.
            pub gauge backfill_requests_in_flight(job_name: &str, endpoint_name: &str);
            /// Requests that were sent again, by why.
            pub counter backfill_retries_total(job_name: &str, endpoint_name: &str, reason: &str);
            /// Times that the source asked to wait.
            pub counter backfill_rate_limit_hits_total(job_name: &str, endpoint_name: &str);
            /// Seconds waited because the source asked to.
            pub counter backfill_rate_limit_wait_seconds_total(job_name: &str, endpoint_name: &str);
            /// Requests that may still be sent before the limit is met.
            pub gauge backfill_rate_limit_tokens(job_name: &str, endpoint_name: &str);
            /// Records in a batch.
            pub histogram backfill_batch_records(job_name: &str)
                [1, 10, 50, 100, 500, 1000, 5000, 10000, 50000, 100000, 1000000];
            /// Seconds that a step of the work took; a batch is the step `batch`.
            pub histogram backfill_processing_duration_seconds(job_name: &str, operation: &str)
                [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
            /// Runs that ended, by result.
            pub counter backfill_runs_total(job_name: &str, result: &str);
            /// Seconds from the start of a run to its end.
            pub histogram backfill_run_duration_seconds(job_name: &str)
                [1, 5, 15, 60, 300, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800];
            /// Seconds since 1970-01-01 UTC at which a run last ended as `ok`.
            pub gauge backfill_last_success_timestamp_seconds(job_name: &str);
        }
    }

    /// Families that the collector gives.
    pub(crate) mod computed {
        crate::metric! {
            crate = crate;
            /// Units that the job expects, where that is known.
            pub gauge backfill_expected_units(job_name: &str, unit: &str);
            /// The share of the expected units that is done with, 0 to 1; absent while it cannot be told.
            pub gauge backfill_progress_ratio(job_name: &str);
            /// Seconds that are probably left; absent while that cannot be told.
            pub gauge backfill_eta_seconds(job_name: &str);
            /// Records that wait in a queue of the job.
            pub gauge backfill_queue_records(job_name: &str, queue: &str);
            /// Records that a queue of the job can hold.
            pub gauge backfill_queue_capacity_records(job_name: &str, queue: &str);
            /// Seconds that the oldest record has waited in a queue of the job.
            pub gauge backfill_queue_oldest_age_seconds(job_name: &str, queue: &str);
            /// Seconds since 1970-01-01 UTC at which a unit was last seen to be done with.
            pub gauge backfill_last_progress_timestamp_seconds(job_name: &str);
            /// 1 while a running job has made no progress for longer than it may, else 0.
            pub gauge backfill_stalled(job_name: &str);
        }
    }
}

pub(crate) mod duckdb {
    //! What is recorded of DuckDB's statements, and what the databases are asked for.

    /// What a run of a statement adds to.
    pub(crate) mod statements {
        crate::metric! {
            crate = crate;
            registered = feature = "duckdb";
            /// Statements that ran, by result: ok, error, or cancelled (interrupted, or a stream that was dropped before its end).
            pub counter duckdb_queries_total(database: &str, statement: &str, result: &str);
            /// Seconds that DuckDB had a statement, planning included where it was planned for this run.
            pub histogram duckdb_query_duration_seconds(database: &str, statement: &str)
                [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
            /// Rows that came back, or that a statement which writes has changed.
            pub counter duckdb_query_rows_returned_total(database: &str, statement: &str);
            /// Rows that were read from tables, where the statement was profiled.
            pub counter duckdb_query_rows_scanned_total(database: &str, statement: &str);
            /// Bytes of results, where DuckDB tells them.
            pub counter duckdb_query_result_bytes_total(database: &str, statement: &str);
            /// The most buffer memory that a profiled run has held.
            pub gauge duckdb_query_peak_memory_bytes(database: &str, statement: &str);
            /// The most space in temporary files that a profiled run has taken.
            pub gauge duckdb_query_peak_temp_bytes(database: &str, statement: &str);
            /// Seconds that operators ran, added up over DuckDB's threads, where statements were profiled.
            pub counter duckdb_operator_seconds_total(database: &str, operator: &str);
            /// Rows that operators gave to the next one, where statements were profiled.
            pub counter duckdb_operator_rows_total(database: &str, operator: &str);
            /// Statements whose figures in the report made room for others; their metrics stay.
            pub counter duckdb_statements_evicted_total();
        }
    }

    /// What the collector asks the databases for.
    pub(crate) mod databases {
        crate::metric! {
            crate = crate;
            registered = feature = "duckdb";
            /// Bytes of the database's file, free blocks included.
            pub gauge duckdb_database_size_bytes(database: &str);
            /// Bytes of the write-ahead log.
            pub gauge duckdb_wal_size_bytes(database: &str);
            /// Bytes of memory that DuckDB holds, by what for.
            pub gauge duckdb_memory_bytes(database: &str, tag: &str);
            /// Rows of a table, as DuckDB knows them without a scan.
            pub gauge duckdb_table_rows(database: &str, table: &str);
        }
    }
}

pub(crate) mod process {
    //! The process as the system sees it, under the names that Prometheus client libraries use.
    crate::metric! {
        crate = crate;
        registered = feature = "system";
        /// CPU seconds that the process has used, in the kernel and outside.
        pub counter process_cpu_seconds_total();
        /// Bytes of memory that are resident.
        pub gauge process_resident_memory_bytes();
        /// Bytes of address space.
        pub gauge process_virtual_memory_bytes();
        /// Seconds since 1970-01-01 UTC at which the process started.
        pub gauge process_start_time_seconds();
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
        /// Lookups with a label value that was cut, being longer than 1,024 bytes.
        pub counter telemetry_cut_lookups_total(metric: &str);
        /// Times that a collector failed and its families were left out.
        pub counter telemetry_collector_failures_total();
        /// Seconds spent on measuring: `timing` of every call and poll, estimated, and what each probe's readings took.
        pub counter telemetry_overhead_seconds_total(probe: &str);
        /// The same as a share of the time that measured functions were executing, each for itself.
        pub gauge telemetry_overhead_spent_ratio(probe: &str);
        /// The share of that time that all probes together may spend.
        pub gauge telemetry_overhead_budget_ratio();
        /// Calls and polls that a probe should have read and could not, and that its sums therefore miss; estimated as those are.
        pub counter telemetry_unread_calls_total(probe: &str);
        /// Times that a clock was behind what it had told before.
        pub counter telemetry_clock_steps_total();
        /// Bytes that threads allocated while they ran no measured function.
        pub counter telemetry_unattributed_allocated_bytes_total();
        /// The clock that calls are timed with.
        pub info telemetry_clock_info(source: &str);
        /// The library's version.
        pub info telemetry_build_info(version: &str);
    }
}

pub(crate) mod push {
    //! What became of pushes, by receiver: `pushgateway` or `remote_write`.
    crate::metric! {
        crate = crate;
        registered = feature = "push";
        /// Requests, by what became of them: ok, refused for good, or to be tried again (throttled, unavailable, timeout, unreachable).
        pub counter telemetry_push_requests_total(receiver: &str, result: &str);
        /// Samples that the receiver has taken.
        pub counter telemetry_push_samples_total(receiver: &str);
        /// Samples that were not pushed, by why: queue_full, refused, deadline, too_large, or superseded by a newer state.
        pub counter telemetry_push_dropped_samples_total(receiver: &str, reason: &str);
        /// Bytes of requests that the receiver has taken, as they were sent.
        pub counter telemetry_push_sent_bytes_total(receiver: &str);
        /// Samples that wait to be pushed.
        pub gauge telemetry_push_queue_samples(receiver: &str);
        /// Bytes that wait to be pushed.
        pub gauge telemetry_push_queue_bytes(receiver: &str);
        /// Seconds since 1970-01-01 UTC at which the receiver last took something.
        pub gauge telemetry_push_last_success_timestamp_seconds(receiver: &str);
    }
}

pub(crate) mod discovery {
    //! How publishing the endpoint goes.
    crate::metric! {
        crate = crate;
        registered = feature = "prometheus";
        /// Times that the endpoint could not be published for discovery, or its entry not be looked after.
        pub counter telemetry_discovery_failures_total();
        /// Entries of processes that had died, which this one has removed.
        pub counter telemetry_discovery_removed_entries_total();
    }
}

pub(crate) mod endpoint {
    //! What the endpoint says of itself.
    crate::metric! {
        crate = crate;
        registered = feature = "prometheus";
        /// Seconds from the start of a scrape's snapshot until its exposition is ready to be sent, in each format that was asked for.
        pub histogram telemetry_scrape_duration_seconds() [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
        /// Answers of the endpoint, by status.
        pub counter telemetry_server_responses_total(code: &str);
        /// Connections that the endpoint cut off: `full` in favour of a newer one, `memory` because old answers that were not read took too much.
        pub counter telemetry_cut_connections_total(reason: &str);
    }
}

pub(crate) mod target {
    //! What the program is.
    crate::metric! {
        crate = crate;
        /// What this program is.
        // The attributes of the resource, of which this one is always there.
        pub info target_info(service_name: &str);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalogue_is_sorted_and_has_no_name_twice() {
        for pair in CATALOG.windows(2) {
            assert!(pair[0].name < pair[1].name, "{} and {}", pair[0].name, pair[1].name);
        }
        assert_eq!(CATALOG.len(), BLOCKS.iter().map(|block| block.len()).sum::<usize>());
    }

    #[cfg_attr(telemetry_off, ignore = "nothing is registered")]
    #[test]
    fn a_program_registers_what_its_features_record() {
        let registered = |name: &str| crate::metric::catalog().iter().any(|family| family.name == name);
        assert!(registered("function_calls_total") && registered("backfill_runs_total") && registered("target_info"));
        assert_eq!(registered("process_cpu_seconds_total"), cfg!(feature = "system"));
        assert_eq!(registered("duckdb_queries_total"), cfg!(feature = "duckdb"));
    }
}
