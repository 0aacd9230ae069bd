//! The tables, in Markdown.

use crate::allocations::Row;
use crate::contest::{Cost, Spread};
use crate::contestant::{Contestant, Seen};
use crate::contestants::names;
use crate::crowd;
use std::collections::HashMap;
use std::fmt;

fn spread(spread: &Spread) -> String {
    format!("{:.1} ({:.1}–{:.1})", spread.median, spread.low, spread.high)
}

/// The cost of a contestant that wraps the function, or, of the instruments, `EMPTY`.
fn cost<'a>(costs: &'a [Cost], name: &str) -> Option<&'a Cost> {
    costs.iter().find(|cost| cost.name == name && cost.bare != names::EMPTY)
}

fn alone<'a>(costs: &'a [Cost], name: &str) -> Option<&'a Cost> {
    costs.iter().find(|cost| cost.name == name && cost.bare == names::EMPTY)
}

/// One figure as a multiple of another, where both can be seen: of two below a nanosecond the ratio says nothing.
fn ratio(figure: f64, to: f64) -> String {
    if to < 1.0 { "–".to_owned() } else { format!("{:.2}", figure / to) }
}

/// What each contestant costs; the bare functions' rows are what is subtracted from the others.
pub struct Costs<'a>(pub &'a [Cost]);

impl fmt::Display for Costs<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let floor = cost(self.0, names::FLOOR).map_or(f64::NAN, |cost| cost.one.median);
        writeln!(
            f,
            "| contestant | 1 thread, net ns | elsewhere, ns | both / {} | 2 threads, net ns | 2 / 1 |",
            names::FLOOR
        )?;
        writeln!(f, "|---|---:|---:|---:|---:|---:|")?;
        for cost in self.0.iter().filter(|cost| cost.bare != names::EMPTY) {
            let Cost { name, one, two, elsewhere, .. } = cost;
            if cost.is_bare() {
                writeln!(f, "| *{name}, not net* | {} | | | {} | |", spread(one), spread(two))?;
                continue;
            }
            let (more, share) = (ratio(two.median, one.median), cost.in_all() / floor);
            let (one, two) = (spread(one), spread(two));
            writeln!(f, "| {name} | {one} | {elsewhere:.0} | {share:.2} | {two} | {more} |")?;
        }
        Ok(())
    }
}

/// What instruments cost with nothing to hide behind.
pub struct Instruments<'a>(pub &'a [Cost]);

impl fmt::Display for Instruments<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| contestant | 1 thread, net ns | 2 threads, net ns | 2 / 1 |")?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for cost in self.0.iter().filter(|cost| cost.bare == names::EMPTY) {
            let Cost { name, one, two, .. } = cost;
            if cost.is_bare() {
                writeln!(f, "| *{name}, not net* | {} | {} | |", spread(one), spread(two))?;
                continue;
            }
            let more = ratio(two.median, one.median);
            writeln!(f, "| {name} | {} | {} | {more} |", spread(one), spread(two))?;
        }
        Ok(())
    }
}

/// What each costs in CPU time, wherever it is spent, on one thread and on many.
pub struct Crowded<'a>(pub &'a [crowd::Cost]);

impl fmt::Display for Crowded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let many = crowd::THREADS;
        writeln!(f, "| contestant | 1 thread, net CPU ns | {many} threads, net CPU ns | {many} / 1 |")?;
        writeln!(f, "|---|---:|---:|---:|")?;
        for crowd::Cost { name, is_bare, one, many } in self.0 {
            let more = ratio(many.median, one.median);
            let (one, many) = (spread(one), spread(many));
            if *is_bare {
                writeln!(f, "| *{name}, not net* | {one} | {many} | |")?;
            } else {
                writeln!(f, "| {name} | {one} | {many} | {more} |")?;
            }
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
    /// The same in a crowd.
    pub crowded: &'a [crowd::Cost],
    /// The allocators'.
    pub allocations: &'a [Row],
}

/// What is asked, the most that it may be, what is aimed at, and what it is.
struct Bar {
    what: &'static str,
    most: f64,
    aim: Option<f64>,
    figure: f64,
    unit: &'static str,
}

impl Bars<'_> {
    /// A bar whose figure is missing is not reached.
    fn rows(&self) -> Vec<Bar> {
        let find = |name| cost(self.costs, name);
        let floor = find(names::FLOOR).map_or(f64::NAN, |cost| cost.one.median);
        let in_floors = |name| find(name).map_or(f64::NAN, Cost::in_all) / floor;
        let two_to_one = |name| find(name).map_or(f64::NAN, |cost| cost.two.median / cost.one.median);
        let many_to_one = |name| {
            let cost = self.crowded.iter().find(|cost| cost.name == name);
            cost.map_or(f64::NAN, |cost| cost.many.median / cost.one.median)
        };
        let alone = |name| alone(self.costs, name).map_or(f64::NAN, |cost| cost.one.median);
        let added = |index: usize| self.allocations.get(index).map_or(f64::NAN, |row| row.added.median);
        let bar = |what, most, aim, figure, unit| Bar { what, most, aim, figure, unit };
        let (floors, one) = ("× two reads of the counter", "× one thread");
        // 1.05: medians of equal things differ by so much from run to run.
        vec![
            bar("`#[measured]`, all CPU, one thread", 1.5, Some(1.15), in_floors(names::MEASURED), floors),
            bar("the same with `Result`", 1.5, Some(1.15), in_floors(names::MEASURED_RESULT), floors),
            bar("the same, two threads on one function", 1.05, None, two_to_one(names::MEASURED), one),
            bar("the same, 64 threads on two processors", 1.05, None, many_to_one(names::MEASURED), one),
            bar("`async fn`, one poll", 1.5, None, in_floors(names::ASYNC), floors),
            bar("`async fn`, two polls", 3.0, None, in_floors(names::PENDING), floors),
            bar("`#[measured(count)]`", 3.0, Some(1.0), alone(names::COUNTED), "ns"),
            bar("`metric!` counter, handle kept", 1.5, Some(0.6), alone(names::COUNTER), "ns"),
            bar("the same, two enum labels", 4.0, Some(2.0), alone(names::CLOSED), "ns"),
            bar("the same, two `&str` labels already seen", 25.0, Some(12.0), alone(names::LABELS), "ns"),
            bar("`metric!` histogram, 12 bounds, handle kept", 4.0, Some(2.0), alone(names::HISTOGRAM), "ns"),
            bar("tracking allocator, an allocation and its free", 5.0, None, added(0), "ns more than the system's"),
            bar("the same, two threads", 5.0, None, added(1), "ns more than the system's"),
        ]
    }
}

impl fmt::Display for Bars<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | at most | aim | reached | |\n|---|---:|---:|---:|---|")?;
        for Bar { what, most, aim, figure, unit } in self.rows() {
            let reached = if aim.is_some_and(|aim| figure <= aim) { "yes, the aim" } else { "yes" };
            let answer = if figure <= most { reached } else { "**no**" };
            let aim = aim.map_or(String::new(), |aim| aim.to_string());
            writeln!(f, "| {what} | {most} {unit} | {aim} | {figure:.2} | {answer} |")?;
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
        for (index, contestant) in self.contestants.iter().enumerate() {
            // Twins count as one.
            if index > 0 && contestant.counts_with(&self.contestants[index - 1]) {
                continue;
            }
            if let Some(seen) = self.seen(contestant) {
                writeln!(f, "| {} | {} | {seen} |", contestant.name, contestant.made())?;
            }
        }
        Ok(())
    }
}
