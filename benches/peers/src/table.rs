//! The tables, in Markdown.

use crate::allocations::Row;
use crate::contest::{Contestant, Cost, Seen, Spread};
use crate::contestants::names;
use std::collections::HashMap;
use std::fmt;

fn spread(spread: &Spread) -> String {
    format!("{:.1} ({:.1}–{:.1})", spread.median, spread.low, spread.high)
}

fn cost<'a>(costs: &'a [Cost], name: &str) -> Option<&'a Cost> {
    costs.iter().find(|cost| cost.name == name)
}

/// What each contestant costs; the bare functions' rows are what is subtracted from the others.
pub struct Costs<'a>(pub &'a [Cost]);

impl fmt::Display for Costs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = cost(self.0, names::FLOOR).map_or(f64::NAN, |cost| cost.one.median);
        writeln!(
            f,
            "| contestant | 1 thread, net ns | / {} | 2 threads, net ns | 2 / 1 | elsewhere, ns |",
            names::FLOOR
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        for cost in self.0 {
            let Cost { name, one, two, elsewhere, .. } = cost;
            if cost.is_bare {
                writeln!(f, "| *{name}, not net* | {} | | {} | | |", spread(one), spread(two))?;
                continue;
            }
            // Of two figures below a nanosecond the ratio says nothing.
            let ratio = if one.median < 1.0 { "–".to_owned() } else { format!("{:.2}", two.median / one.median) };
            let (one, two, share) = (spread(one), spread(two), one.median / floor);
            writeln!(f, "| {name} | {one} | {share:.2} | {two} | {ratio} | {elsewhere:.0} |")?;
        }
        Ok(())
    }
}

/// What the tracking allocator adds.
pub struct Allocations<'a>(pub &'a [Row]);

impl fmt::Display for Allocations<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| net ns | system's allocator | tracking allocator | added |")?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for Row { name, system, tracking, added } in self.0 {
            writeln!(f, "| {name} | {} | {} | {} |", spread(system), spread(tracking), spread(added))?;
        }
        Ok(())
    }
}

/// What was to be reached, and whether it was.
pub struct Bars<'a> {
    /// The contestants' costs.
    pub costs: &'a [Cost],
    /// The allocators'.
    pub allocations: &'a [Row],
}

impl Bars<'_> {
    /// What is asked, the most that it may be, and what it is. A bar whose figure is missing is not reached.
    fn rows(&self) -> Vec<(&'static str, f64, f64, &'static str)> {
        let one = |name| cost(self.costs, name).map_or(f64::NAN, |cost| cost.one.median);
        let two = |name| cost(self.costs, name).map_or(f64::NAN, |cost| cost.two.median);
        let added = |index: usize| self.allocations.get(index).map_or(f64::NAN, |row| row.added.median);
        vec![
            ("`#[measured]`, one thread", 2.0, one(names::MEASURED) / one(names::FLOOR), "× two reads of the counter"),
            (
                "`#[measured]` with `Result`, one thread",
                2.0,
                one(names::MEASURED_RESULT) / one(names::FLOOR),
                "× the same",
            ),
            // 1.05: medians of equal things differ by so much from run to run.
            (
                "`#[measured]`, two threads on one function",
                1.05,
                two(names::MEASURED) / one(names::MEASURED),
                "× one thread",
            ),
            ("tracking allocator, an allocation and its free", 5.0, added(0), "ns more than the system's"),
            ("the same, two threads", 5.0, added(1), "ns more than the system's"),
            ("`metric!` counter, handle kept", 3.0, one(names::COUNTER), "ns"),
            ("`metric!` counter, two `&str` labels looked up", 40.0, one(names::LABELS), "ns"),
        ]
    }
}

impl fmt::Display for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | at most | reached | |\n|---|---:|---:|---|")?;
        for (what, most, figure, unit) in self.rows() {
            let answer = if figure <= most { "yes" } else { "**no**" };
            writeln!(f, "| {what} | {most} {unit} | {figure:.2} | {answer} |")?;
        }
        Ok(())
    }
}

/// Who saw as many calls as were made.
pub struct Counts<'a> {
    /// All contestants.
    pub contestants: &'a [Contestant],
    /// Calls in hotpath's report, by function.
    pub hotpath: &'a HashMap<String, u64>,
}

impl Counts<'_> {
    fn seen(&self, contestant: &Contestant) -> Option<u64> {
        match contestant.seen {
            Seen::Nothing => None,
            Seen::Ask(ask) => Some(ask()),
            Seen::Hotpath(name) => Some(self.hotpath.get(name).copied().unwrap_or(0)),
        }
    }

    /// Those that saw more or fewer than were made.
    #[must_use]
    pub fn wrong(&self) -> Vec<&'static str> {
        let differs = |contestant: &&Contestant| self.seen(contestant).is_some_and(|seen| seen != contestant.made());
        self.contestants.iter().filter(differs).map(|contestant| contestant.name).collect()
    }
}

impl fmt::Display for Counts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| contestant | calls made | calls it saw |\n|---|---:|---:|")?;
        for contestant in self.contestants {
            if let Some(seen) = self.seen(contestant) {
                writeln!(f, "| {} | {} | {seen} |", contestant.name, contestant.made())?;
            }
        }
        Ok(())
    }
}
