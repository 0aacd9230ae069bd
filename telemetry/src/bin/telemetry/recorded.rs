//! `telemetry report` and `telemetry flame`: what a program recorded.

use crate::Failed;
use crate::ask::{Flame, Format, Weight};
use crate::files::Out;
use crate::source::Recorded;
use crate::terminal;
use telemetry::export::{flame, report};

/// Columns where standard output is no terminal.
const WIDTH: usize = 100;

pub(crate) fn report(from: &Recorded, format: Format, width: Option<u16>, out: &Out) -> Result<(), Failed> {
    let snapshot = from.read()?;
    let on_terminal = out.is_standard_output();
    let width = width.map(usize::from).or_else(|| terminal::width().filter(|_| on_terminal)).unwrap_or(WIDTH);
    let made = match format {
        Format::Text => report::text_for(&snapshot, width, on_terminal && terminal::has_color()),
        Format::Markdown => report::markdown(&snapshot),
        Format::Json => report::json(&snapshot),
    };
    if made.is_empty() { Err(String::from("the program has recorded nothing")) } else { out.write(&made) }
}

pub(crate) fn flame(from: &Recorded, format: Flame, weight: Weight, out: &Out) -> Result<(), Failed> {
    let snapshot = from.read()?;
    if snapshot.call_tree.is_empty() {
        let why = "no measured function has ended a call, or its overhead budget is 0";
        return Err(format!("the snapshot has no call tree: {why}"));
    }
    let weight = match weight {
        Weight::Time => flame::Weight::Time,
        Weight::Cpu => flame::Weight::Cpu,
        Weight::Bytes => flame::Weight::Bytes,
    };
    let made = match format {
        Flame::Speedscope => flame::speedscope(&snapshot),
        Flame::Folded => match weight.of(&snapshot.call_tree) {
            Some(_) => flame::folded(&snapshot, weight),
            None => return Err(format!("the program does not know the {} of its functions", weight.as_str())),
        },
    };
    out.write(&made)
}
