//! Every shape of a job, in a crate that takes no warning and no unsafe code.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, nonstandard_style, future_incompatible)]

use std::fmt::Debug;
use telemetry::{Job, backfill_job, measured};

/// A free function with all arguments.
#[backfill_job(
    name = "everything",
    total = days.len(),
    unit = "days",
    stalled_after = "5m",
    deadline = "6h",
    objective(success = "99%", of = "records", window = "28d"),
    crate = telemetry,
)]
pub fn everything(job: &Job, days: &[u8]) -> Result<usize, std::num::TryFromIntError> {
    if days.is_empty() {
        return Ok(0);
    }
    for day in days {
        job.advance(u8::try_from(u32::from(*day))?);
    }
    Ok(days.len())
}

/// A path to the type, a pattern, and a parameter that changes.
#[backfill_job(total = total)]
pub fn pattern(mut days: Vec<u8>, _: &telemetry::Job, (total, _): (u64, u8)) -> impl Iterator<Item = u8> {
    days.push(1);
    let _ = total;
    days.into_iter()
}

/// An asynchronous one that owns, borrows and is generic.
#[backfill_job(total = Some(items.len()), objective(success = "99.9%"))]
pub async fn generic<'a, T, const N: usize>(job: &Job, items: &'a mut [T; N], owned: String) -> &'a T
where
    T: Debug,
{
    job.advance(N);
    drop(owned);
    std::future::ready(()).await;
    &items[0]
}

/// One that ends by a panic alone.
#[backfill_job]
pub fn panics(_: &Job) {
    panic!("on purpose");
}

/// One that does not end.
#[backfill_job]
pub fn never(job: &Job) -> ! {
    loop {
        job.advance(1);
    }
}

/// One that does not end either.
#[backfill_job]
pub async fn never_async(job: &Job) -> ! {
    loop {
        job.cancelled().await;
    }
}

/// Methods.
pub struct Source {
    days: Vec<u8>,
}

impl Source {
    /// Takes itself by reference.
    #[backfill_job(total = self.days.len())]
    pub fn by_reference(&self, job: &Job) -> &[u8] {
        job.advance(self.days.len());
        &self.days
    }

    /// Takes itself to change it, with a measured function around and within.
    #[measured]
    #[backfill_job(total = self.days.len())]
    #[measured(name = "within")]
    pub async fn to_change(&mut self, job: &Job) -> Result<(), ()> {
        self.days.push(1);
        job.advance(1);
        Ok(())
    }

    /// Takes itself.
    #[must_use]
    #[backfill_job]
    pub fn by_value(self, work: &Job) -> Vec<u8> {
        work.advance(self.days.len());
        self.days
    }
}

fn is_send<T: Send>(_: &T) {}

fn main() {
    assert_eq!(everything(&[1, 2]), Ok(2));
    assert_eq!(pattern(vec![3], (1, 2)).collect::<Vec<_>>(), [3, 1]);
    let mut items = [1, 2];
    is_send(&generic(&mut items, String::new()));
    let mut source = Source { days: vec![1] };
    is_send(&source.to_change());
    assert_eq!(source.by_reference(), [1]);
    assert_eq!(source.by_value(), [1]);
    let _ = (panics, never, never_async);
}
