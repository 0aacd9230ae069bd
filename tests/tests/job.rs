//! Backfill jobs as a program sees them: results, progress, requests, retries, queues, and signals.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
use std::task::{Context, Waker};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::job::{Outcome, RetryPolicy};
use telemetry::{Job, backfill_job, measured};

fn value(name: &str, labels: &[(&str, &str)]) -> Option<f64> {
    telemetry::testing::value(name, labels)
}

fn runs(job: &str, result: &str) -> Option<f64> {
    value("backfill_runs_total", &[("job_name", job), ("result", result)])
}

fn units(job: &str, status: &str) -> Option<f64> {
    value("backfill_units_total", &[("job_name", job), ("status", status)])
}

fn records(job: &str, status: &str) -> Option<f64> {
    value("backfill_records_total", &[("job_name", job), ("status", status)])
}

fn of_job(name: &str, job: &str) -> Option<f64> {
    value(name, &[("job_name", job)])
}

/// A source's answer that is no success.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Answer {
    code: u16,
    retry_after: Option<Duration>,
}

impl Answer {
    fn new(code: u16) -> Answer {
        Answer { code, retry_after: None }
    }
}

impl Outcome for Answer {
    fn code(&self) -> Option<u16> {
        Some(self.code)
    }
    fn error_kind(&self) -> Option<&'static str> {
        Some("status")
    }
    fn retry_after(&self) -> Option<Duration> {
        self.retry_after
    }
}

fn quick(attempts: u32) -> RetryPolicy {
    RetryPolicy::new().attempts(attempts).backoff(Duration::from_millis(1), Duration::from_millis(2))
}

mod results {
    use super::*;

    #[backfill_job(name = "ends")]
    fn ends(_: &Job, how: &str) -> Result<(), &'static str> {
        match how {
            "error" => Err("on purpose"),
            "panic" => panic!("on purpose"),
            _ => Ok(()),
        }
    }

    #[test]
    fn a_run_ends_as_its_function_does() {
        ends("ok").unwrap();
        assert_eq!(runs("ends", "cancelled"), Some(0.0), "every result is there at zero");
        ends("error").unwrap_err();
        ends("error").unwrap_err();
        catch_unwind(|| ends("panic")).unwrap_err();
        let ended = ["ok", "error", "panic", "cancelled", "interrupted"].map(|result| runs("ends", result));
        assert_eq!(ended, [1.0, 2.0, 1.0, 0.0, 0.0].map(Some));
        assert_eq!(of_job("backfill_run_duration_seconds", "ends"), Some(4.0));
    }

    #[backfill_job(name = "ends_async")]
    async fn ends_async(_: &Job, how: &str) -> Result<(), &'static str> {
        tokio::task::yield_now().await;
        match how {
            "error" => Err("on purpose"),
            "panic" => panic!("on purpose"),
            "never" => std::future::pending().await,
            _ => Ok(()),
        }
    }

    #[tokio::test]
    async fn an_asynchronous_run_ends_as_its_future_does() {
        ends_async("ok").await.unwrap();
        ends_async("error").await.unwrap_err();
        tokio::spawn(ends_async("panic")).await.unwrap_err();
        tokio::time::timeout(Duration::from_millis(20), ends_async("never")).await.unwrap_err();
        drop(ends_async("ok")); // never polled: no run
        let ended = ["ok", "error", "panic", "cancelled"].map(|result| runs("ends_async", result));
        assert_eq!(ended, [1.0, 1.0, 1.0, 1.0].map(Some));
    }

    #[backfill_job(name = "succeeds_once")]
    fn succeeds_once(_: &Job, fails: bool) -> Result<(), ()> {
        if fails { Err(()) } else { Ok(()) }
    }

    #[test]
    fn a_failed_run_leaves_the_time_of_the_last_success() {
        let name = "backfill_last_success_timestamp_seconds";
        succeeds_once(true).unwrap_err();
        assert_eq!(of_job(name, "succeeds_once"), None);
        succeeds_once(false).unwrap();
        let first = of_job(name, "succeeds_once").unwrap();
        assert!(first > 1.7e9, "{first}");
        succeeds_once(true).unwrap_err();
        assert_eq!(of_job(name, "succeeds_once"), Some(first));
    }
}

mod functions {
    use super::*;

    struct Source {
        days: Vec<u32>,
    }

    impl Source {
        #[backfill_job(name = "method", total = self.days.len(), unit = "days")]
        fn method<'a, T: Into<u32> + Copy>(&'a mut self, job: &Job, first: T, (a, b): (u32, u32)) -> &'a [u32] {
            assert_eq!(job.total(), Some(2));
            self.days.push(first.into() + a + b);
            &self.days
        }
    }

    #[test]
    fn a_generic_method_with_lifetimes_can_be_a_job() {
        let mut source = Source { days: vec![1, 2] };
        assert_eq!(source.method(3u8, (4, 5)), [1, 2, 12]);
        assert_eq!(runs("method", "ok"), Some(1.0));
    }

    #[backfill_job(total = pages.iter().map(Vec::len).sum::<usize>(), job = work)]
    async fn owns_its_arguments(pages: Vec<Vec<u8>>, work: &Job, other: Option<&Job>) -> usize {
        assert!(other.is_none());
        work.advance(pages.len());
        pages.len()
    }

    #[tokio::test]
    async fn the_name_is_the_functions_and_the_unit_is_records() {
        let task = tokio::spawn(owns_its_arguments(vec![vec![1, 2], vec![3]], None));
        assert_eq!(task.await.unwrap(), 2);
        assert_eq!(records("owns_its_arguments", "processed"), Some(2.0), "records follow the units");
        let labels = [("job_name", "owns_its_arguments"), ("unit", "records")];
        assert_eq!(value("backfill_expected_units", &labels), Some(3.0));
    }

    #[backfill_job(total = destructured.0)]
    fn takes_a_pattern(job: &telemetry::Job, destructured @ (total, _): (u8, u8)) -> impl Iterator<Item = u8> {
        job.skip(total);
        [total, destructured.1].into_iter()
    }

    #[test]
    fn patterns_and_opaque_types_are_as_without_the_attribute() {
        assert_eq!(takes_a_pattern((2, 7)).collect::<Vec<_>>(), [2, 7]);
        assert_eq!(units("takes_a_pattern", "skipped"), Some(2.0));
    }

    #[backfill_job(total = Some(3u64).filter(|_| known))]
    fn may_know_its_total(job: &Job, known: bool) -> Option<u64> {
        job.total()
    }

    #[test]
    fn a_total_may_be_unknown() {
        assert_eq!((may_know_its_total(false), may_know_its_total(true)), (None, Some(3)));
    }

    #[measured(name = "measured_above")]
    #[backfill_job(name = "measured_above")]
    fn above(job: &Job) -> Result<(), ()> {
        job.advance(1);
        Err(())
    }

    #[backfill_job(name = "measured_below")]
    #[measured(name = "measured_below")]
    async fn below(job: &Job) -> Result<(), ()> {
        job.advance(1);
        Ok(())
    }

    #[tokio::test]
    async fn a_job_can_be_measured_from_above_and_below() {
        above().unwrap_err();
        below().await.unwrap();
        for (name, result) in [("measured_above", "error"), ("measured_below", "ok")] {
            assert_eq!(runs(name, result), Some(1.0));
            assert_eq!(value("function_calls_total", &[("function", name), ("result", result)]), Some(1.0));
            assert_eq!(units(name, "processed"), Some(1.0));
        }
    }
}

mod progress {
    use super::*;

    #[backfill_job(name = "counts", total = 10, unit = "days")]
    fn counts(job: &Job) {
        job.advance(3);
        job.fail(1);
        job.skip(2usize);
        job.dead_letter(1u8);
        job.records(100);
        job.records_failed(2);
        job.records_skipped(3);
        job.records_dead_lettered(4);
        let snapshot = telemetry::snapshot();
        let run = snapshot.jobs.iter().find(|run| &*run.name == "counts").unwrap();
        assert_eq!((run.total, run.units.sum(), run.progress, run.result), (Some(10), 7, Some(0.7), None));
        assert_eq!(snapshot.sum("backfill_progress_ratio", &[("job_name", "counts")]), 0.7);
        assert_eq!(snapshot.sum("backfill_expected_units", &[("job_name", "counts"), ("unit", "days")]), 10.0);
    }

    #[test]
    fn what_became_of_units_and_records_is_counted() {
        counts();
        let statuses = ["processed", "failed", "skipped", "dead_lettered"];
        assert_eq!(statuses.map(|status| units("counts", status)), [3.0, 1.0, 2.0, 1.0].map(Some));
        assert_eq!(statuses.map(|status| records("counts", status)), [100.0, 2.0, 3.0, 4.0].map(Some));
        let jobs = telemetry::snapshot().jobs;
        let run = jobs.iter().find(|run| &*run.name == "counts").unwrap();
        assert_eq!((run.records.sum(), run.result, run.eta_seconds), (109, Some("ok"), None));
        assert_eq!(of_job("backfill_eta_seconds", "counts"), None, "an ended job has no time left to tell");
        assert!(of_job("backfill_last_progress_timestamp_seconds", "counts") > Some(1.7e9));
    }

    #[backfill_job(name = "estimates", total = 40)]
    fn estimates(job: &Job) {
        assert_eq!(of_job("backfill_eta_seconds", "estimates"), None, "unknown before the first unit");
        for _ in 0..20 {
            thread::sleep(Duration::from_millis(20));
            job.advance(1);
        }
        let eta = of_job("backfill_eta_seconds", "estimates").unwrap();
        assert!((0.2..2.0).contains(&eta), "{eta} s for 0.4 s");
        assert_eq!(of_job("backfill_stalled", "estimates"), Some(0.0));
        job.set_total(30);
        assert_eq!(of_job("backfill_progress_ratio", "estimates"), Some(20.0 / 30.0));
        job.advance(20);
        assert_eq!(of_job("backfill_progress_ratio", "estimates"), None, "more is done than was expected");
        assert_eq!(of_job("backfill_eta_seconds", "estimates"), None);
    }

    #[test]
    fn the_time_left_is_absent_while_it_cannot_be_told() {
        estimates();
    }

    #[backfill_job(name = "stalls", stalled_after = "150ms")]
    fn stalls(job: &Job) {
        let stalled = || of_job("backfill_stalled", "stalls");
        job.advance(1);
        assert_eq!(stalled(), Some(0.0));
        thread::sleep(Duration::from_millis(300));
        assert_eq!(stalled(), Some(1.0));
        job.advance(1);
        assert_eq!(stalled(), Some(0.0));
        thread::sleep(Duration::from_millis(300));
    }

    #[test]
    fn a_job_without_progress_is_stalled_until_it_moves_or_ends() {
        stalls();
        assert_eq!(of_job("backfill_stalled", "stalls"), Some(0.0));
    }
}

mod current {
    use super::*;

    fn name() -> Option<String> {
        Job::current().map(|job| job.name().to_owned())
    }

    #[backfill_job(name = "inner")]
    fn inner(_: &Job) -> Option<String> {
        name()
    }

    #[backfill_job(name = "outer")]
    fn outer(_: &Job) -> [Option<String>; 3] {
        [name(), inner(), name()]
    }

    #[test]
    fn callees_find_the_innermost_job() {
        assert_eq!(name(), None);
        assert_eq!(outer(), ["outer", "inner", "outer"].map(|name| Some(name.to_owned())));
        assert_eq!(name(), None);
        catch_unwind(unwinds).unwrap_err();
        assert_eq!(name(), None);
    }

    #[backfill_job(name = "unwinds")]
    fn unwinds(_: &Job) {
        panic!("on purpose");
    }

    #[backfill_job(name = "alternates")]
    async fn alternates(_: &Job, me: u64) {
        for _ in 0..10 {
            job_is_mine(me).await;
        }
    }

    async fn job_is_mine(me: u64) {
        let job = Job::current().unwrap();
        if job.total().is_none() {
            job.set_total(me);
        }
        tokio::task::yield_now().await;
        assert_eq!(Job::current().unwrap().total(), Some(me));
    }

    #[tokio::test]
    async fn futures_on_one_thread_each_find_their_own_job() {
        tokio::join!(alternates(1), alternates(2), alternates(3));
        assert_eq!(runs("alternates", "ok"), Some(3.0));
        assert_eq!(name(), None);
    }

    #[backfill_job(name = "at_once", total = 50, unit = "days")]
    async fn at_once(job: &Job) {
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let job = job.clone();
                tokio::spawn(async move { (0..10).for_each(|_| job.advance(1)) })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
    async fn runs_of_one_name_add_up_and_stay_apart_in_the_snapshot() {
        let runs_at_once: Vec<_> = (0..8).map(|_| tokio::spawn(at_once())).collect();
        for run in runs_at_once {
            run.await.unwrap();
        }
        assert_eq!(units("at_once", "processed"), Some(400.0));
        let jobs = telemetry::snapshot().jobs;
        let done: Vec<_> = jobs.iter().filter(|run| &*run.name == "at_once").map(|run| run.units.processed).collect();
        assert_eq!(done, [50; 8]);
    }
}

mod requests {
    use super::*;

    fn requests(job: &str, code: &str) -> Option<f64> {
        value("backfill_requests_total", &[("job_name", job), ("endpoint_name", "flights"), ("code", code)])
    }

    fn in_flight(job: &str) -> Option<f64> {
        value("backfill_requests_in_flight", &[("job_name", job), ("endpoint_name", "flights")])
    }

    #[backfill_job(name = "requests")]
    async fn sends(job: &Job) {
        let ok: Result<u8, Answer> = job.request("flights", async { Ok(7) }).await;
        assert_eq!(ok, Ok(7));
        let busy: Result<u8, Answer> = job.request("flights", async { Err(Answer::new(503)) }).await;
        assert_eq!(busy, Err(Answer::new(503)));
        let refused: io::Result<()> = job.request_blocking("flights", || Err(io::ErrorKind::ConnectionRefused.into()));
        assert!(refused.is_err());
        let unsent = job.request("flights", async { io::Result::Ok(()) });
        assert_eq!(in_flight("requests"), Some(0.0));
        drop(unsent);

        let mut slow = Box::pin(job.request("flights", std::future::pending::<io::Result<()>>()));
        assert!(slow.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        assert_eq!(in_flight("requests"), Some(1.0));
        drop(slow);
        assert_eq!(in_flight("requests"), Some(0.0));

        let unwinds =
            AssertUnwindSafe(|| job.request_blocking("flights", || -> io::Result<()> { panic!("on purpose") }));
        catch_unwind(unwinds).unwrap_err();
    }

    #[tokio::test]
    async fn requests_are_counted_by_code_or_kind_of_error() {
        sends().await;
        let codes = ["200", "503", "connect", "cancelled", "panic"];
        assert_eq!(codes.map(|code| requests("requests", code)), [1.0; 5].map(Some));
        assert_eq!(in_flight("requests"), Some(0.0));
        let labels = [("job_name", "requests"), ("endpoint_name", "flights")];
        assert_eq!(value("backfill_request_duration_seconds", &labels), Some(5.0));
    }

    #[backfill_job(name = "panics_in_poll")]
    async fn panics_in_poll(job: &Job) {
        let request = job.request("flights", async {
            tokio::task::yield_now().await;
            if true {
                panic!("on purpose");
            }
            io::Result::Ok(())
        });
        let mut request = Box::pin(request);
        let mut poll = || request.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending();
        assert!(poll());
        catch_unwind(AssertUnwindSafe(poll)).unwrap_err();
        assert_eq!(in_flight("panics_in_poll"), Some(0.0), "also before the future is dropped");
    }

    #[tokio::test]
    async fn a_request_that_panics_is_no_longer_in_flight() {
        panics_in_poll().await;
        assert_eq!(requests("panics_in_poll", "panic"), Some(1.0));
        assert_eq!(requests("panics_in_poll", "cancelled"), None);
    }

    #[backfill_job(name = "retries")]
    async fn retries(job: &Job, policy: &RetryPolicy, answers: &[Result<u8, Answer>]) -> Result<u8, Answer> {
        let next = AtomicU32::new(0);
        let answer = || answers[next.fetch_add(1, SeqCst) as usize];
        job.retry(policy, "flights", || async { answer() }).await
    }

    fn retried(job: &str, reason: &str) -> Option<f64> {
        value("backfill_retries_total", &[("job_name", job), ("endpoint_name", "flights"), ("reason", reason)])
    }

    #[tokio::test]
    async fn a_request_is_tried_again_as_often_as_the_policy_says() {
        let busy = Err(Answer::new(503));
        assert_eq!(retries(&quick(4), &[busy, busy, busy, Ok(1)]).await, Ok(1));
        assert_eq!(retries(&quick(2), &[busy, busy, Ok(1)]).await, busy);
        assert_eq!(retries(&quick(4), &[Err(Answer::new(404)), Ok(1)]).await, Err(Answer::new(404)));
        assert_eq!(retried("retries", "503"), Some(4.0));
        assert_eq!(retried("retries", "404"), None);
        assert_eq!(["200", "503", "404"].map(|code| requests("retries", code)), [1.0, 5.0, 1.0].map(Some));
    }

    #[backfill_job(name = "limited")]
    fn limited(job: &Job) -> Result<u8, Answer> {
        let mut asked = 0;
        job.retry_blocking(&quick(5), "flights", || {
            asked += 1;
            if asked > 1 { Ok(9) } else { Err(Answer { code: 429, retry_after: Some(Duration::from_millis(200)) }) }
        })
    }

    #[test]
    fn what_the_source_asks_to_wait_is_waited_and_counted() {
        let start = Instant::now();
        assert_eq!(limited(), Ok(9));
        assert!(start.elapsed() >= Duration::from_millis(200), "{:?}", start.elapsed());
        let of = |name| value(name, &[("job_name", "limited"), ("endpoint_name", "flights")]);
        assert_eq!(of("backfill_rate_limit_hits_total"), Some(1.0));
        let waited = of("backfill_rate_limit_wait_seconds_total").unwrap();
        assert!((0.2..0.3).contains(&waited), "{waited}");
        assert_eq!(retried("limited", "429"), Some(1.0));
    }

    #[backfill_job(name = "tells_its_limits")]
    fn tells_its_limits(job: &Job) {
        job.tokens("flights", 42);
        job.rate_limited("flights", Duration::from_millis(1500));
        job.rate_limited("flights", Duration::from_millis(500));
    }

    #[test]
    fn a_job_with_a_limiter_of_its_own_can_tell_what_it_sees() {
        tells_its_limits();
        let of = |name| value(name, &[("job_name", "tells_its_limits"), ("endpoint_name", "flights")]);
        assert_eq!(of("backfill_rate_limit_tokens"), Some(42.0));
        assert_eq!(of("backfill_rate_limit_hits_total"), Some(2.0));
        assert_eq!(of("backfill_rate_limit_wait_seconds_total"), Some(2.0));
    }
}

mod steps {
    use super::*;

    fn processing(job: &str, operation: &str) -> Option<f64> {
        value("backfill_processing_duration_seconds", &[("job_name", job), ("operation", operation)])
    }

    #[backfill_job(name = "batches", unit = "days")]
    fn batches(job: &Job) {
        drop(job.batch(10usize));
        job.batch(20).run(|| Ok::<_, ()>(())).unwrap();
        job.batch(30).run(|| Err::<(), _>("on purpose")).unwrap_err();
        job.batch(40).discard();
        catch_unwind(AssertUnwindSafe(|| {
            let _batch = job.batch(50);
            panic!("on purpose");
        }))
        .unwrap_err();
        let operation = job.operation("classify");
        thread::sleep(Duration::from_millis(5));
        drop(operation);
    }

    #[test]
    fn a_batch_counts_its_records_as_they_ended() {
        batches();
        assert_eq!((records("batches", "processed"), records("batches", "failed")), (Some(30.0), Some(30.0)));
        assert_eq!(of_job("backfill_batch_records", "batches"), Some(5.0));
        assert_eq!((processing("batches", "batch"), processing("batches", "classify")), (Some(5.0), Some(1.0)));
        assert_eq!(units("batches", "processed"), Some(0.0));
    }

    #[backfill_job(name = "cut_off", unit = "days")]
    async fn cut_off(job: &Job) {
        let _batch = job.batch(10);
        std::future::pending().await
    }

    #[test]
    fn a_batch_that_was_cut_off_is_not_counted_as_processed() {
        let mut future = Box::pin(cut_off());
        assert!(pin!(&mut future).poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(future);
        assert_eq!(records("cut_off", "processed"), Some(0.0));
        assert_eq!(runs("cut_off", "cancelled"), Some(1.0));
    }

    fn of_queue(name: &str) -> Option<f64> {
        value(name, &[("job_name", "queues"), ("queue", "write")])
    }

    #[backfill_job(name = "queues")]
    fn queues(job: &Job) {
        let queue = job.queue("write").capacity(100);
        queue.pushed(3);
        thread::sleep(Duration::from_millis(60));
        job.queue("write").pushed(2);
        assert_eq!(of_queue("backfill_queue_records"), Some(5.0));
        assert_eq!(of_queue("backfill_queue_capacity_records"), Some(100.0));
        let age = of_queue("backfill_queue_oldest_age_seconds").unwrap();
        assert!((0.06..5.0).contains(&age), "{age}");
        queue.popped(3);
        let younger = of_queue("backfill_queue_oldest_age_seconds").unwrap();
        assert!(younger < age - 0.05, "{younger} after {age}");
        queue.popped(2);
        assert_eq!(of_queue("backfill_queue_oldest_age_seconds"), Some(0.0));
    }

    #[test]
    fn a_queue_tells_its_size_and_the_age_of_its_oldest_record() {
        queues();
        assert_eq!(of_queue("backfill_queue_records"), None, "an ended job has no queue");
    }
}

#[cfg(unix)]
mod signals {
    use super::*;
    use std::io::{BufRead, BufReader, Lines, Read};
    use std::os::unix::process::{CommandExt, ExitStatusExt};
    use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

    const SIGINT: i32 = 2;
    const SIGTERM: i32 = 15;

    struct Program {
        process: Child,
        lines: Lines<BufReader<ChildStdout>>,
    }

    impl Program {
        /// Starts the program and waits until its job runs.
        fn start(how: &str) -> Program {
            let mut command = Command::new(env!("CARGO_BIN_EXE_job_and_signals"));
            command.arg(how).stdout(Stdio::piped()).stderr(Stdio::piped());
            // Whoever runs the tests may ignore signals, as a shell has its background jobs do; the program is to have them as ever.
            let as_ever = || {
                for signal in [SIGINT, SIGTERM] {
                    // SAFETY: async-signal-safe, and no handler is given.
                    unsafe { libc::signal(signal, libc::SIG_DFL) };
                }
                Ok(())
            };
            // SAFETY: `as_ever` calls async-signal-safe functions only.
            let mut process = unsafe { command.pre_exec(as_ever) }.spawn().unwrap();
            let lines = BufReader::new(process.stdout.take().unwrap()).lines();
            let mut program = Program { process, lines };
            assert_eq!(program.line(), "started");
            program
        }

        fn line(&mut self) -> String {
            self.lines.next().expect("a line").unwrap()
        }

        fn signal(&self, signal: i32) {
            // Two signals within 50 ms are taken for one.
            thread::sleep(Duration::from_millis(100));
            let pid = self.process.id().to_string();
            assert!(Command::new("kill").args([&format!("-{signal}"), &pid]).status().unwrap().success());
        }

        /// How it ended, and what it wrote to standard error.
        fn end(mut self) -> (ExitStatus, String) {
            let mut errors = String::new();
            self.process.stderr.take().unwrap().read_to_string(&mut errors).unwrap();
            (self.process.wait().unwrap(), errors)
        }
    }

    impl Drop for Program {
        fn drop(&mut self) {
            let _ = self.process.kill();
            let _ = self.process.wait();
        }
    }

    #[test]
    fn a_job_that_is_asked_to_stop_ends_as_interrupted_and_the_program_goes_on() {
        for (how, signal) in [("listens", SIGINT), ("listens", SIGTERM), ("awaits", SIGINT), ("awaits", SIGTERM)] {
            let mut program = Program::start(how);
            program.signal(signal);
            assert_eq!(program.line(), "interrupted", "{how}");
            let (status, errors) = program.end();
            assert!(status.success(), "{how}: {status} {errors}");
            let name = if signal == SIGINT { "SIGINT" } else { "SIGTERM" };
            assert!(errors.lines().any(|line| line.starts_with(how) && line.ends_with("interrupted")), "{errors}");
            assert!(how == "listens" || errors.contains(&format!("{name}: asked {how} to stop")), "{errors}");
        }
    }

    #[test]
    fn a_job_that_does_all_its_units_all_the_same_is_ok() {
        let mut program = Program::start("finishes");
        program.signal(SIGINT);
        assert_eq!(program.line(), "ok");
    }

    #[test]
    fn a_second_signal_ends_a_job_that_does_not_listen() {
        let program = Program::start("is-deaf");
        program.signal(SIGTERM);
        program.signal(SIGINT);
        let (status, errors) = program.end();
        assert_eq!(status.signal(), Some(SIGINT), "{status} {errors}");
        assert!(errors.contains("asked is_deaf to stop; a second signal ends the program at once"), "{errors}");
    }

    #[test]
    fn after_the_last_job_a_signal_ends_the_program_as_ever() {
        for signal in [SIGINT, SIGTERM] {
            let program = Program::start("ends-at-once");
            program.signal(signal);
            assert_eq!(program.end().0.signal(), Some(signal));
        }
    }

    #[test]
    fn a_handler_that_was_there_before_is_called_too_and_stays() {
        let mut program = Program::start("handled-before");
        program.signal(SIGINT);
        assert_eq!(program.line(), "seen 1");
        program.signal(SIGINT);
        assert_eq!((program.line(), program.line()), ("seen 2".into(), "interrupted".into()));
        assert!(program.end().0.success());
    }

    #[test]
    fn a_handler_that_came_while_the_job_ran_stays_and_the_next_job_is_asked_too() {
        let mut program = Program::start("handled-meanwhile");
        program.signal(SIGINT);
        assert_eq!(program.line(), "seen 1");
        program.signal(SIGINT);
        assert_eq!((program.line(), program.line()), ("seen 2".into(), "started".into()));
        program.signal(SIGINT);
        assert_eq!(program.line(), "interrupted");
        assert!(program.end().0.success());
    }
}
