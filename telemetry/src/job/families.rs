//! What is recorded of a job. Progress, time left, stalls and queues are computed when asked, by [`super::collector`].

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
