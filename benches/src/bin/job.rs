//! What counting costs a job: a million records, each parsed from one line of text or from ten, with a job around them that counts each, and without; and
//! `advance` by itself.
//!
//! `cargo run -p telemetry-benches --profile bench --bin job`, `-- --quick` for a look. The two take turns, and the medians are told.

use std::hint::black_box;
use std::time::Instant;
use telemetry::{Job, backfill_job};

const LINE: &str = "2013,1,17,1545,1540,5,1842,1836,6,B6,583,N526JB,JFK,MCO,146,944,15,40,2013-01-17T20:00:00Z";

/// A record as a backfill reads it: the fields of so many lines, numbers where they are some.
#[inline(never)]
fn record(lines: u32) -> u64 {
    let line =
        || black_box(LINE).split(',').map(|field| field.parse::<u64>().unwrap_or(field.len() as u64)).sum::<u64>();
    (0..lines).map(|_| line()).sum()
}

fn bare(records: u32, lines: u32) -> u64 {
    (0..records).map(|_| record(lines)).sum()
}

#[backfill_job(name = "counted", total = records)]
fn counted(job: &Job, records: u32, lines: u32) -> u64 {
    (0..records)
        .map(|_| {
            let read = record(lines);
            job.advance(1);
            read
        })
        .sum()
}

#[backfill_job(name = "advances")]
fn advances(job: &Job, times: u32) {
    (0..times).for_each(|_| job.advance(1));
}

fn seconds<R>(work: impl FnOnce() -> R) -> f64 {
    let start = Instant::now();
    black_box(work());
    start.elapsed().as_secs_f64()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn main() {
    let is_quick = std::env::args().any(|word| word == "--quick");
    let (rounds, records) = if is_quick { (3, 50_000) } else { (41, 1_000_000) };
    telemetry::job::progress(telemetry::job::Progress::Off);
    println!("{rounds} rounds of {records} records, medians");
    for lines in [1, 10] {
        let (mut without, mut ratios) = (Vec::new(), Vec::new());
        for round in 0..rounds {
            // Who goes first takes turns, too.
            let (bare, counted) = if round % 2 == 0 {
                let bare = seconds(|| bare(records, lines));
                (bare, seconds(|| counted(records, lines)))
            } else {
                let counted = seconds(|| counted(records, lines));
                (seconds(|| bare(records, lines)), counted)
            };
            without.push(bare);
            ratios.push(counted / bare);
        }
        let each = median(without) / f64::from(records) * 1e9;
        println!("a record of {lines:2} lines, {each:7.1} ns: with a job {:.4} of the time without", median(ratios));
    }
    let each = (0..rounds).map(|_| seconds(|| advances(records)) / f64::from(records)).collect();
    println!("advance(1) {:.1} ns", median(each) * 1e9);
}
