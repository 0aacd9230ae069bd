//! How fast a budget may burn before somebody is told.
//!
//! The pairs are those of the SRE workbook, table 5-8 (<https://sre.google/workbook/alerting-on-slos/#recommended_parameters_for_an_slo_based_alerting_configuration>):
//! an alert when a share of the budget is gone within a long window, and still going in a window of a twelfth of that, which ends it soon after the
//! cause has gone. The workbook has the share, and the factor for 30 days. It follows from the share:
//!
//! ```text
//! factor = share of the budget * window of the objective / long window          2 % * 30 d / 1 h = 14.4
//! ```
//!
//! so that for 7 days 2 % of the budget are gone in an hour at a factor of 3.36, and for 90 days at one of 43.2. At a factor of 1 the budget is gone
//! when the window ends, and below it is never: no factor is less than that.

/// One condition of an alert.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Pair {
    pub(super) long: &'static str,
    pub(super) short: &'static str,
    /// How many times faster than the window lasts the budget burns.
    pub(super) factor: f64,
}

struct Recommended {
    long: &'static str,
    hours: f64,
    short: &'static str,
    /// Of the budget, gone within the long window.
    share: f64,
}

const PAGE: [Recommended; 2] = [
    Recommended { long: "1h", hours: 1.0, short: "5m", share: 0.02 },
    Recommended { long: "6h", hours: 6.0, short: "30m", share: 0.05 },
];
const TICKET: [Recommended; 2] = [
    Recommended { long: "1d", hours: 24.0, short: "2h", share: 0.1 },
    Recommended { long: "3d", hours: 72.0, short: "6h", share: 0.1 },
];

/// The pairs of the alert that wakes somebody, for a window of so many days and a budget as a share of all.
pub(super) fn page(days: u32, budget: f64) -> Vec<Pair> {
    pairs(&PAGE, days, budget)
}

/// Those of the other one.
pub(super) fn ticket(days: u32, budget: f64) -> Vec<Pair> {
    pairs(&TICKET, days, budget)
}

/// Without those that nothing can meet: of a budget of a tenth, not even a total outage burns 14.4 times as fast.
fn pairs(recommended: &[Recommended], days: u32, budget: f64) -> Vec<Pair> {
    let window = f64::from(days) * 24.0;
    let pairs = recommended.iter().map(|pair| Pair {
        long: pair.long,
        short: pair.short,
        factor: (pair.share * window / pair.hours).max(1.0),
    });
    pairs.filter(|pair| pair.factor * budget < 1.0).collect()
}

#[cfg(test)]
mod tests {
    use super::super::write::number;
    use super::*;

    fn factors(pairs: &[Pair]) -> Vec<String> {
        pairs.iter().map(|pair| number(pair.factor)).collect()
    }

    #[test]
    fn thirty_days_have_the_workbooks_factors() {
        assert_eq!(factors(&page(30, 0.001)), ["14.4", "6"]);
        assert_eq!(factors(&ticket(30, 0.001)), ["3", "1"]);
    }

    #[test]
    fn other_windows_spend_the_same_share_of_their_budget() {
        assert_eq!(
            (factors(&page(7, 0.001)), factors(&ticket(7, 0.001))),
            (["3.36", "1.4"].map(String::from).into(), ["1", "1"].map(String::from).into())
        );
        assert_eq!(
            (factors(&page(90, 0.001)), factors(&ticket(90, 0.001))),
            (["43.2", "18"].map(String::from).into(), ["9", "3"].map(String::from).into())
        );
    }

    #[test]
    fn what_not_even_an_outage_meets_is_left_out() {
        assert_eq!(factors(&page(30, 0.1)), ["6"]);
        assert_eq!(factors(&page(30, 0.5)), [""; 0]);
        assert_eq!(factors(&ticket(30, 0.5)), ["1"]);
    }
}
