//! What was learned from the flights, for people.

use crate::model::{self, Arrivals, LATE_MINUTES, Status};
use crate::store::{Error, Warehouse};
use std::collections::BTreeMap;
use std::fmt::{self, Write};
use telemetry::{Label, measured};

/// Carriers with fewer arrivals are left out of the comparison.
const LEAST_ARRIVALS: u32 = 1_000;
/// So many carriers are named at either end.
const ENDS: usize = 3;

/// All flights of the database, by status, carrier and how well lateness could be foretold.
#[measured]
pub fn summary(warehouse: &Warehouse) -> Result<String, Error> {
    let statuses: BTreeMap<_, _> = warehouse.statuses()?.into_iter().collect();
    let arrivals = warehouse.arrivals()?;
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = counts(&mut text, &statuses);
    let _ = carriers(&mut text, &arrivals);
    let _ = prediction(&mut text, &arrivals);
    Ok(text)
}

fn counts(text: &mut String, statuses: &BTreeMap<String, u64>) -> fmt::Result {
    let all: u64 = statuses.values().sum();
    writeln!(text, "{} flights", grouped(all))?;
    for status in Status::ALL {
        let flights = statuses.get(status.as_str()).copied().unwrap_or(0);
        let (name, meaning) = match status {
            Status::OnTime => ("on time", format!("arrived less than {LATE_MINUTES} minutes after the schedule")),
            Status::Late => ("late", format!("arrived {LATE_MINUTES} minutes or more after it")),
            Status::Cancelled => ("cancelled", "never departed".into()),
            Status::Diverted => ("diverted", "departed, and no arrival at the destination is known".into()),
        };
        writeln!(text, "  {name:<9} {:>9}  {:>6}  {meaning}", grouped(flights), percent(flights, all))?;
    }
    Ok(())
}

fn carriers(text: &mut String, arrivals: &[Arrivals]) -> fmt::Result {
    let mut carriers = BTreeMap::<&str, (u32, u32)>::new();
    for arrivals in arrivals {
        let (arrived, late) = carriers.entry(&arrivals.carrier).or_default();
        *arrived += arrivals.arrived;
        *late += arrivals.late;
    }
    let mut shares: Vec<_> = carriers
        .into_iter()
        .filter(|(_, (arrived, _))| *arrived >= LEAST_ARRIVALS)
        .map(|(carrier, (arrived, late))| (f64::from(late) / f64::from(arrived), carrier))
        .collect();
    shares.sort_by(|a, b| a.0.total_cmp(&b.0));
    if shares.len() < 2 * ENDS {
        return Ok(());
    }
    let named = |shares: &[(f64, &str)]| {
        shares.iter().map(|(share, carrier)| format!("{carrier} {:.1} %", 100.0 * share)).collect::<Vec<_>>().join(", ")
    };
    let (best, worst) = (&shares[..ENDS], &shares[shares.len() - ENDS..]);
    writeln!(text, "late least often: {}; most often: {}", named(best), named(worst))
}

fn prediction(text: &mut String, arrivals: &[Arrivals]) -> fmt::Result {
    let Some(scores) = model::evaluate(arrivals) else { return Ok(()) };
    writeln!(
        text,
        "lateness foretold from carrier and hour alone, each day from the days before it:\n  \
         Brier score {:.4} (0 is perfect), where the rate of all flights so far gets {:.4}\n  \
         right about {:.1} % of the flights, where \"never late\" is right about {:.1} %",
        scores.by_carrier_and_hour.brier(),
        scores.overall_rate.brier(),
        100.0 * scores.by_carrier_and_hour.accuracy(),
        100.0 * scores.never_late.accuracy(),
    )
}

/// With a comma between thousands.
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn percent(part: u64, all: u64) -> String {
    if all == 0 { "–".into() } else { format!("{:.1} %", 100.0 * part as f64 / all as f64) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_grouped() {
        let texts = [0, 12, 999, 1_000, 336_776, 1_000_000].map(grouped);
        assert_eq!(texts, ["0", "12", "999", "1,000", "336,776", "1,000,000"]);
    }

    #[test]
    fn shares_are_of_all_flights() {
        let mut text = String::new();
        counts(&mut text, &BTreeMap::from([("on_time".into(), 3), ("late".into(), 1)])).unwrap();
        assert!(text.starts_with("4 flights\n  on time           3  75.0 %  arrived less"), "{text}");
        assert!(text.contains("  cancelled         0   0.0 %  never departed"), "{text}");
    }
}
