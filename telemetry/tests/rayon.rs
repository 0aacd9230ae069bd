//! Jobs whose work is done by the threads of a rayon pool.
#![cfg(not(telemetry_off))]

use rayon::prelude::*;
use std::collections::BTreeSet;
use std::sync::Mutex;
use std::thread;
use telemetry::{Job, backfill_job, measured};

#[measured(name = "rayon_double")]
fn double(number: u64) -> u64 {
    let job = Job::current().expect("a job is current where it is handed over");
    assert_eq!(job.name(), "rayon_doubles");
    job.advance(1);
    number * 2
}

#[backfill_job(name = "rayon_doubles", unit = "numbers")]
fn double_all(job: &Job, numbers: &[u64], threads: &Mutex<BTreeSet<String>>) -> u64 {
    job.set_total(numbers.len() as u64);
    numbers
        .par_iter()
        .map(|number| {
            job.scope(|| {
                threads.lock().unwrap().insert(format!("{:?}", thread::current().id()));
                double(*number)
            })
        })
        .sum()
}

#[test]
fn work_in_a_pool_counts_for_the_job_that_hands_it_over() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(4).build().unwrap();
    let numbers: Vec<u64> = (0..100_000).collect();
    let threads = Mutex::new(BTreeSet::new());
    assert_eq!(pool.install(|| double_all(&numbers, &threads)), 9_999_900_000);
    assert!(threads.lock().unwrap().len() > 1, "one thread did it all: {threads:?}");

    let snapshot = telemetry::snapshot();
    let run = snapshot.jobs.iter().find(|run| &*run.name == "rayon_doubles").unwrap();
    assert_eq!((run.units.processed, run.total), (100_000, Some(100_000)));
    let calls = |series: &&telemetry::snapshot::Series| {
        series.labels.iter().any(|(name, value)| name == "function" && **value == *"rayon_double")
    };
    let family = snapshot.families.iter().find(|family| family.name == "function_calls_total").unwrap();
    let counted: f64 = family.series.iter().filter(calls).map(|series| series.value.as_f64()).sum();
    assert_eq!(counted, 100_000.0);
    assert!(pool.install(Job::current).is_none(), "a thread of the pool is no longer within the job");
}
