//! A job in one line of text.

use crate::export::number::thousands;
use crate::job::run::{Run, Standing};
use crate::sync::Relaxed;
use std::fmt::Write;
use std::time::Duration;

/// A running job: `flights: 120 of 365 days (33 %), 3.6/s, 1m 08s left, 2 retries`.
pub(super) fn line(run: &Run, standing: &Standing) -> String {
    let stalled = if standing.stalled { ", stalled" } else { "" };
    format!("{}: {}{stalled}", title(run), message(run, standing, true))
}

/// The job's name, with the number of its run where another one of that name runs or ran at the same time: `flights #2`.
pub(super) fn title(run: &Run) -> String {
    let name: String = run.name.chars().map(|c| if c.is_control() { '?' } else { c }).collect();
    if run.has_twin.load(Relaxed) { format!("{name} #{}", run.id) } else { name }
}

/// A running job without its name; with the range of the time left, where that is wide, or without it.
pub(super) fn message(run: &Run, standing: &Standing, with_range: bool) -> String {
    let mut text = done(&run.unit, standing);
    if let Some(progress) = standing.progress {
        // Rounded down: 100 % is all.
        let _ = write!(text, " ({:.0} %)", (progress * 100.0).floor());
    } else {
        let _ = write!(text, " in {}", duration(standing.elapsed));
    }
    if let Some(lately) = standing.lately {
        let _ = write!(text, ", {}", rate(lately));
    }
    if let Some(eta) = standing.eta.filter(|eta| eta.seconds > 0.0) {
        let _ = write!(text, ", {} left", seconds(eta.seconds));
        // Where it is narrow nobody would do anything else for knowing it.
        if with_range && eta.high > WIDE * eta.seconds {
            let _ = write!(text, " ({} to {})", seconds(eta.low), seconds(eta.high));
        }
    }
    if let Some(share) = run.query() {
        let _ = write!(text, ", query {:.0} %", (share * 100.0).floor());
    }
    let over = |deadline: Duration| {
        standing.elapsed.as_secs_f64() + standing.eta.map_or(0.0, |eta| eta.seconds) - deadline.as_secs_f64()
    };
    if let Some(over) = run.deadline().map(over).filter(|over| *over >= 1.0) {
        let _ = write!(text, ", {} over its deadline", seconds(over));
    }
    trouble(&mut text, run, standing);
    text
}

/// Above this many times the estimate, how far it may be off is told.
const WIDE: f64 = 1.25;

fn seconds(seconds: f64) -> String {
    duration(Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
}

/// An ended job: `flights: 365 of 365 days in 1m 40s (3.6/s), 336,776 records, 2 retries, ok`.
pub(super) fn last_line(run: &Run, standing: &Standing) -> String {
    let mut text = format!("{}: {} in {}", title(run), done(&run.unit, standing), duration(standing.elapsed));
    if let Some(overall) = standing.overall {
        let _ = write!(text, " ({})", rate(overall));
    }
    let records = standing.records.sum();
    if records > 0 && standing.records != standing.units {
        let _ = write!(text, ", {} records", thousands(records));
    }
    trouble(&mut text, run, standing);
    if let Some(result) = standing.result {
        let _ = write!(text, ", {}", result.as_str());
    }
    text
}

/// `120 of 365 days`.
fn done(unit: &str, standing: &Standing) -> String {
    let done = thousands(standing.units.sum());
    match standing.total {
        Some(total) => format!("{done} of {} {unit}", thousands(total)),
        None => format!("{done} {unit}"),
    }
}

/// What did not go well, where anything did not.
fn trouble(text: &mut String, run: &Run, standing: &Standing) {
    let units = &standing.units;
    let retries = run.retries.load(Relaxed);
    let counts = [
        (units.failed, "failed", "failed"),
        (units.skipped, "skipped", "skipped"),
        (units.dead_lettered, "dead-lettered", "dead-lettered"),
        (retries, "retry", "retries"),
    ];
    for (count, one, more) in counts {
        if count > 0 {
            let _ = write!(text, ", {} {}", thousands(count), if count == 1 { one } else { more });
        }
    }
    let waited = Duration::from_nanos(run.rate_limit_nanos.load(Relaxed));
    if waited >= Duration::from_secs(1) {
        let _ = write!(text, ", {} rate limited", duration(waited));
    }
}

/// `1,204/s`, `3.6/s`, `2.4/min`, `1.5/h`: with the time that makes it a number one can read.
fn rate(per_second: f64) -> String {
    let (value, unit) = match per_second {
        rate if rate >= 0.5 => (rate, "s"),
        rate if rate * 60.0 >= 0.5 => (rate * 60.0, "min"),
        rate => (rate * 3600.0, "h"),
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a rate is positive, and cut off above 2^64"
    )]
    let whole = value.round() as u64;
    if value >= 100.0 { format!("{}/{unit}", thousands(whole)) } else { format!("{value:.1}/{unit}") }
}

/// `0.4s`, `12s`, `1m 40s`, `2h 05m`, `3d 04h`: two parts are enough.
pub(super) fn duration(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0..10 => format!("{:.1}s", duration.as_secs_f64()),
        10..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {:02}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {:02}m", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{}d {:02}h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::estimate::Estimate;
    use crate::job::run::{RunResult, Status};
    use crate::snapshot::Tally;

    fn standing() -> Standing {
        Standing {
            elapsed: Duration::from_secs(100),
            total: Some(365),
            units: Tally { processed: 365, ..Tally::default() },
            records: Tally { processed: 336_776, ..Tally::default() },
            progress: Some(1.0),
            lately: Some(3.6),
            overall: Some(3.65),
            eta: None,
            stalled: false,
            last_progress: None,
            result: Some(RunResult::Ok),
        }
    }

    fn run() -> Run {
        let run = Run::new(0, "flights", "days", Some(365), None);
        run.retries.store(2, Relaxed);
        run
    }

    #[cfg(feature = "duckdb")]
    #[test]
    fn how_far_a_statement_is_is_told_where_it_is_known() {
        let run = Run::new(0, "flights", "days", Some(10), None);
        let standing = run.standing(std::time::Instant::now());
        run.shows_query(Box::new(|| None));
        assert!(!message(&run, &standing, true).contains("query"));
        run.shows_query(Box::new(|| Some(0.439)));
        assert!(message(&run, &standing, true).ends_with(", query 43 %"), "{}", message(&run, &standing, true));
    }

    #[test]
    fn an_ended_job_is_told_in_one_line() {
        assert_eq!(
            last_line(&run(), &standing()),
            "flights: 365 of 365 days in 1m 40s (3.6/s), 336,776 records, 2 retries, ok"
        );
    }

    #[test]
    fn a_running_job_is_told_in_one_line() {
        let (run, standing) = (run(), standing());
        run.rate_limit_nanos.store(61_000_000_000, Relaxed);
        run.count_units(Status::Failed, 1);
        let standing = Standing {
            units: Tally { processed: 119, failed: 1, ..Tally::default() },
            progress: Some(120.0 / 365.0),
            eta: Some(Estimate { seconds: 68.4, low: 55.0, high: 100.0 }),
            stalled: true,
            result: None,
            ..standing
        };
        assert_eq!(
            line(&run, &standing),
            "flights: 120 of 365 days (32 %), 3.6/s, 1m 08s left (55s to 1m 40s), 1 failed, 2 retries, 1m 01s rate limited, stalled"
        );
    }

    #[test]
    fn by_how_much_a_deadline_will_be_missed_is_told() {
        let run = run();
        run.set_deadline(Some(Duration::from_secs(150)));
        let units = Tally { processed: 120, ..Tally::default() };
        let told = |seconds| {
            let eta = Some(Estimate { seconds, low: seconds, high: seconds });
            line(&run, &Standing { units, progress: Some(0.5), eta, result: None, ..standing() })
        };
        assert!(told(50.0).ends_with("50s left, 2 retries"), "{}", told(50.0));
        assert!(told(170.0).ends_with("2m 50s left, 2m 00s over its deadline, 2 retries"), "{}", told(170.0));
    }

    #[test]
    fn numbers_are_told_as_people_read_them() {
        assert_eq!(
            [0, 7, 999, 1_000, 336_776, 1_234_567].map(thousands),
            ["0", "7", "999", "1,000", "336,776", "1,234,567"]
        );
        assert_eq!([1204.4, 99.96, 3.649, 0.04, 0.0004].map(rate), ["1,204/s", "100.0/s", "3.6/s", "2.4/min", "1.4/h"]);
        let seconds = [0.4, 12.0, 100.0, 7500.0, 273_600.0].map(Duration::from_secs_f64);
        assert_eq!(seconds.map(duration), ["0.4s", "12s", "1m 40s", "2h 05m", "3d 04h"]);
    }
}
