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
const BLOCKS: [&[Descriptor]; 15] = [
    functions::CATALOG,
    jobs::recorded::CATALOG,
    jobs::computed::CATALOG,
    duckdb::statements::CATALOG,
    duckdb::databases::CATALOG,
    process::CATALOG,
    cgroup::CATALOG,
    allocator::CATALOG,
    tokio::CATALOG,
    tokio_unstable::CATALOG,
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
            /// Requests that did not go well and were not sent again, by why: attempts, deadline, not_retryable, cancelled.
            pub counter backfill_requests_given_up_total(job_name: &str, endpoint_name: &str, reason: &str);
            /// Times that something waited before a request, by why: rate_limited, backoff, limiter, paused.
            pub counter backfill_waits_total(job_name: &str, endpoint_name: &str, reason: &str);
            /// Seconds waited before requests, by why, added up over all who waited.
            pub counter backfill_wait_seconds_total(job_name: &str, endpoint_name: &str, reason: &str);
            /// Times that the source asked to wait.
            pub counter backfill_rate_limit_hits_total(job_name: &str, endpoint_name: &str);
            /// Seconds waited because the source asked to.
            pub counter backfill_rate_limit_wait_seconds_total(job_name: &str, endpoint_name: &str);
            /// Requests that may still be sent before the limit is met.
            pub gauge backfill_rate_limit_tokens(job_name: &str, endpoint_name: &str);
            /// Seconds that senders and receivers were blocked by a queue of the job, by side, added up over all of them.
            pub counter backfill_queue_blocked_seconds_total(job_name: &str, queue: &str, side: &str);
            /// Records in a batch.
            pub histogram backfill_batch_records(job_name: &str)
                [1, 10, 50, 100, 500, 1000, 5000, 10000, 50000, 100000, 1000000];
            /// Seconds that a step of the work took; a batch is the step `batch`.
            pub histogram backfill_processing_duration_seconds(job_name: &str, operation: &str)
                [0.001, 0.005, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
            /// Records that a step of the work has had; a batch is the step `batch`.
            pub counter backfill_processing_records_total(job_name: &str, operation: &str);
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
            /// Seconds that are left at least: in one run of ten it takes less.
            pub gauge backfill_eta_low_seconds(job_name: &str);
            /// Seconds that are left at most: in one run of ten it takes more.
            pub gauge backfill_eta_high_seconds(job_name: &str);
            /// Seconds since 1970-01-01 UTC at which a running job is to have ended, where it has a deadline.
            pub gauge backfill_deadline_timestamp_seconds(job_name: &str);
            /// Records that wait in a queue of the job.
            pub gauge backfill_queue_records(job_name: &str, queue: &str);
            /// Records that a queue of the job can hold.
            pub gauge backfill_queue_capacity_records(job_name: &str, queue: &str);
            /// Seconds that the oldest record has waited in a queue of the job.
            pub gauge backfill_queue_oldest_age_seconds(job_name: &str, queue: &str);
            /// Seconds since 1970-01-01 UTC at which a unit was last seen to be done with.
            pub gauge backfill_last_progress_timestamp_seconds(job_name: &str);
            /// 1 while a running job has given no sign of life for longer than it may, else 0.
            pub gauge backfill_stalled(job_name: &str);
            /// Workers of running jobs.
            pub gauge backfill_workers(job_name: &str);
            /// Workers of running jobs that have given no sign of life for longer than they may.
            pub gauge backfill_stalled_workers(job_name: &str);
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
            /// Statements that failed, by DuckDB's class of the error: binder, catalog, constraint, conversion, interrupt, out_of_memory and others.
            pub counter duckdb_query_errors_total(database: &str, statement: &str, error_type: &str);
            /// Rows that came back, or that a statement which writes has changed.
            pub counter duckdb_query_rows_returned_total(database: &str, statement: &str);
            /// Runs that DuckDB has profiled: all of some statements, of others as many as the overhead budget pays for. What is told by profiles stands for the others.
            pub counter duckdb_query_profiles_total(database: &str, statement: &str);
            /// Rows that were read from tables, by its profiles.
            pub counter duckdb_query_rows_scanned_total(database: &str, statement: &str);
            /// Bytes of results, where DuckDB tells them.
            pub counter duckdb_query_result_bytes_total(database: &str, statement: &str);
            /// The most buffer memory that a profiled run has held.
            pub gauge duckdb_query_peak_memory_bytes(database: &str, statement: &str);
            /// The most space in temporary files that a profiled run has taken.
            pub gauge duckdb_query_peak_temp_bytes(database: &str, statement: &str);
            /// Bytes that were read from files, by its profiles.
            pub counter duckdb_query_read_bytes_total(database: &str, statement: &str);
            /// Bytes that were written to files, by its profiles.
            pub counter duckdb_query_written_bytes_total(database: &str, statement: &str);
            /// Seconds of binding, optimizing and making plans, by its profiles.
            pub counter duckdb_query_planning_seconds_total(database: &str, statement: &str);
            /// Seconds that DuckDB's threads were blocked, added up over them, by its profiles.
            pub counter duckdb_query_blocked_seconds_total(database: &str, statement: &str);
            /// Seconds that operators ran, added up over DuckDB's threads, by its profiles.
            pub counter duckdb_operator_seconds_total(database: &str, operator: &str);
            /// Rows that operators gave to the next one, by its profiles.
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
            /// Blocks of the database's file.
            pub gauge duckdb_blocks(database: &str);
            /// Blocks of the database's file that hold nothing, and are used again before it grows.
            pub gauge duckdb_free_blocks(database: &str);
            /// Threads that DuckDB may use.
            pub gauge duckdb_threads(database: &str);
            /// Bytes of memory that DuckDB may use.
            pub gauge duckdb_memory_limit_bytes(database: &str);
            /// Temporary files that DuckDB has, for what does not fit into memory.
            pub gauge duckdb_temp_files(database: &str);
            /// Bytes of its temporary files.
            pub gauge duckdb_temp_bytes(database: &str);
            /// How far a running statement is, from 0 to 1, where progress is tracked and DuckDB knows it.
            pub gauge duckdb_query_progress_ratio(database: &str, statement: &str);
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
        /// CPUs that the process keeps busy, over the last sampling period; before the first has passed, since the process started. 1 is one CPU.
        pub gauge process_cpu_usage_ratio();
        /// Bytes of memory that are resident.
        pub gauge process_resident_memory_bytes();
        /// The most bytes of memory that were ever resident.
        pub gauge process_resident_memory_peak_bytes();
        /// Bytes of address space.
        pub gauge process_virtual_memory_bytes();
        /// Bytes of address space that the process may have; absent where that is not limited.
        pub gauge process_virtual_memory_max_bytes();
        /// File descriptors that are open.
        pub gauge process_open_fds();
        /// File descriptors that may be open; absent where that is not limited.
        pub gauge process_max_fds();
        /// Threads of the process.
        pub gauge process_threads();
        /// Seconds since 1970-01-01 UTC at which the process started.
        pub gauge process_start_time_seconds();
        /// Bytes that the process read from files, pipes, terminals and sockets by `read` and its like, whether or not a disk was asked.
        pub counter process_io_read_bytes_total();
        /// Bytes that the process wrote so.
        pub counter process_io_written_bytes_total();
        /// Bytes that were fetched from storage for the process.
        pub counter process_storage_read_bytes_total();
        /// Bytes that the process has sent to storage.
        pub counter process_storage_written_bytes_total();
        /// Pages that were not where they were accessed: `major` where storage was asked for them, else `minor`.
        pub counter process_page_faults_total(severity: &str);
        /// Times that a thread gave up the CPU (`voluntary`) or was made to (`involuntary`).
        pub counter process_context_switches_total(cause: &str);
    }
}

pub(crate) mod cgroup {
    //! What the control group, hence the container or the service, allows. Linux alone.
    crate::metric! {
        crate = crate;
        registered = feature = "system";
        /// CPUs that the control group may keep busy; absent where that is not limited.
        pub gauge cgroup_cpu_limit_cpus();
        /// Seconds that threads of the control group waited because it had used up its CPU time.
        pub counter cgroup_cpu_throttled_seconds_total();
        /// Scheduling periods in which the control group used up its CPU time.
        pub counter cgroup_cpu_throttled_periods_total();
        /// Bytes of memory that the control group may have; absent where that is not limited.
        pub gauge cgroup_memory_limit_bytes();
        /// Bytes of memory that the control group has, files in memory included.
        pub gauge cgroup_memory_usage_bytes();
    }
}

pub(crate) mod allocator {
    //! What the tracking allocator counts, in the whole program; absent without it.
    crate::metric! {
        crate = crate;
        /// Bytes that were allocated, the library's own left out.
        pub counter allocator_allocated_bytes_total();
        /// Allocations, the library's own left out.
        pub counter allocator_allocations_total();
        /// Bytes that are allocated and not yet freed, the library's own left out.
        pub gauge allocator_live_bytes();
    }
}

pub(crate) mod tokio {
    //! Runtimes of tokio that the library was told of.
    crate::metric! {
        crate = crate;
        registered = feature = "tokio";
        /// Worker threads of a runtime.
        pub gauge tokio_workers(runtime: &str);
        /// Tasks that were spawned and have not ended.
        pub gauge tokio_alive_tasks(runtime: &str);
        /// Tasks that wait in the queue that all workers share.
        pub gauge tokio_global_queue_tasks(runtime: &str);
        /// Seconds that workers were not parked.
        pub counter tokio_worker_busy_seconds_total(runtime: &str, worker: usize);
        /// Times that a worker parked, having nothing to do.
        pub counter tokio_worker_parks_total(runtime: &str, worker: usize);
    }
}

/// What tokio tells with `--cfg tokio_unstable` alone.
pub(crate) mod tokio_unstable {
    crate::metric! {
        crate = crate;
        registered = all(feature = "tokio", tokio_unstable);
        /// Threads for blocking work.
        pub gauge tokio_blocking_threads(runtime: &str);
        /// Those of them that have nothing to do.
        pub gauge tokio_idle_blocking_threads(runtime: &str);
        /// Blocking tasks that wait for a thread.
        pub gauge tokio_blocking_queue_tasks(runtime: &str);
        /// Tasks that were spawned.
        pub counter tokio_spawned_tasks_total(runtime: &str);
        /// Times that a task was made to yield, having used up its budget.
        pub counter tokio_budget_forced_yields_total(runtime: &str);
        /// Tasks that were made ready from outside of the runtime.
        pub counter tokio_remote_schedules_total(runtime: &str);
        /// Tasks that wait in a worker's own queue.
        pub gauge tokio_worker_local_queue_tasks(runtime: &str, worker: usize);
        /// Times that a worker polled a task.
        pub counter tokio_worker_polls_total(runtime: &str, worker: usize);
        /// Tasks that a worker took from another one.
        pub counter tokio_worker_steals_total(runtime: &str, worker: usize);
        /// Tasks that a worker had no room for in its own queue.
        pub counter tokio_worker_overflows_total(runtime: &str, worker: usize);
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
        /// Times that a collector's families were left out, by why: `panic`, `timeout` (no answer in time), `hung` (not asked, since it had not come back).
        pub counter telemetry_collector_failures_total(collector: &str, reason: &str);
        /// Values that a collector gave and that were left out, and families of another registry whose name somebody has already, by why.
        pub counter telemetry_collector_dropped_total(collector: &str, reason: &str);
        /// Seconds that a collector took for its last answer.
        pub gauge telemetry_collector_duration_seconds(collector: &str);
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
        /// The library's version, and with what it and the program were compiled.
        pub info telemetry_build_info(version: &str, rustc: &str, profile: &str, target: &str);
    }
}

pub(crate) mod push {
    //! What became of pushes, by receiver: `pushgateway`, `remote_write`, `otlp_metrics`, `otlp_traces`, `grafana` or `comet`. Samples are data points with OTLP's metrics,
    //! spans with its traces, and starts and ends of annotated runs with Grafana.
    crate::metric! {
        crate = crate;
        registered = feature = "__send";
        /// Requests, by what became of them: ok, partial, refused for good, or to be tried again (throttled, unavailable, timeout, unreachable).
        pub counter telemetry_push_requests_total(receiver: &str, result: &str);
        /// Samples that the receiver has taken; data points and spans with OTLP.
        pub counter telemetry_push_samples_total(receiver: &str);
        /// Samples that were not pushed, by why: queue_full, refused, rejected out of a request that was taken, deadline, too_large, panic, superseded by a newer state; and of Comet's metrics thinned to its rates, names beyond what it takes, archive that could not be written.
        pub counter telemetry_push_dropped_samples_total(receiver: &str, reason: &str);
        /// Bytes of requests that the receiver has taken, as they were sent.
        pub counter telemetry_push_sent_bytes_total(receiver: &str);
        /// Times that what was to be pushed could not be made, since something panicked.
        pub counter telemetry_push_panics_total(receiver: &str);
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
        /// The program's package, its version, and the commit that it was built from; empty where that is not known.
        pub info program_build_info(package: &str, version: &str, revision: &str);
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
