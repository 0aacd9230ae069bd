//! Every shape of an experiment's function, in a crate that takes no warning and no unsafe code.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, nonstandard_style, future_incompatible)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use telemetry::comet::{Experiment, LogTo};
use telemetry::{experiment, measured};

/// What a function returns.
#[derive(Debug, PartialEq)]
pub struct Outcome {
    accuracy: f64,
    by_label: BTreeMap<String, u64>,
}

impl LogTo for Outcome {
    fn log_to(&self, experiment: &Experiment) {
        (("accuracy", self.accuracy), &self.by_label).log_to(experiment);
    }
}

/// A free function with all arguments.
#[experiment(
    project = "flights",
    name = format!("classify {batch_size}"),
    workspace = workspace,
    tags = ["rust", "batch", String::from(workspace)],
    params(batch_size, threshold = cutoff * 2.0, workspace, owned = owned.len()),
    every = "30s",
    crate = telemetry,
)]
pub fn everything(
    experiment: &Experiment,
    batch_size: usize,
    cutoff: f64,
    workspace: &str,
    owned: Vec<u8>,
) -> Result<Outcome, std::num::TryFromIntError> {
    if owned.is_empty() {
        return Ok(Outcome { accuracy: cutoff, by_label: BTreeMap::new() });
    }
    experiment.log_metric("loss", f64::from(u32::try_from(batch_size)?));
    drop(owned);
    Ok(Outcome { accuracy: 1.0, by_label: BTreeMap::from([(String::from("late"), 2)]) })
}

/// Without a parameter for its experiment, and nothing that is logged of what it returns.
#[experiment(params(a, _unnamed = b), every = "off")]
pub fn pattern(mut days: Vec<u8>, _: &str, (a, b): (u64, u8)) -> impl Iterator<Item = u8> {
    days.push(1);
    days.into_iter()
}

/// An asynchronous one that owns, borrows and is generic.
#[experiment(params(size = N), name = owned)]
pub async fn generic<'a, T, const N: usize>(run: &telemetry::comet::Experiment, items: &'a mut [T; N], owned: String) -> &'a T
where
    T: Debug,
{
    run.add_tag("generic");
    drop(owned);
    std::future::ready(()).await;
    &items[0]
}

/// One that ends by a panic alone.
#[experiment]
pub fn panics(_: &Experiment) {
    panic!("on purpose");
}

/// One that does not end.
#[experiment]
pub fn never() -> ! {
    loop {
        std::hint::spin_loop();
    }
}

/// One that does not end either.
#[experiment]
pub async fn never_async() -> ! {
    loop {
        std::future::ready(()).await;
    }
}

/// Methods.
pub struct Source {
    days: Vec<u8>,
}

impl Source {
    /// Takes itself by reference.
    #[experiment(params(days = self.days.len()))]
    pub fn by_reference(&self, experiment: &Experiment) -> &[u8] {
        experiment.add_tag("by reference");
        &self.days
    }

    /// Takes itself to change it, with a measured function around and within.
    #[measured]
    #[experiment(params(day))]
    #[measured(name = "within")]
    pub async fn to_change(&mut self, day: u8, experiment: &Experiment) -> Result<(), ()> {
        self.days.push(day);
        experiment.add_tag("to change");
        Ok(())
    }

    /// Takes itself.
    #[must_use]
    #[experiment]
    pub fn by_value(self) -> Vec<u8> {
        self.days
    }
}

fn is_send<T: Send>(_: &T) {}

fn main() {
    let mut items = [1, 2];
    is_send(&generic(&mut items, String::new()));
    let mut source = Source { days: vec![1] };
    is_send(&source.to_change(2));
    let _ = (everything, panics, never, never_async, Source::by_reference, Source::by_value);
    let _ = pattern as fn(_, &'static str, _) -> _;
}
