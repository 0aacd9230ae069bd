//! What is said of a flight: what became of it, and how likely it was to be late by what the days before had shown.
//!
//! Both are small on purpose. The classes are those of the US Department of Transportation; the prediction knows a flight's
//! carrier and hour and nothing else, no weather and no airport, and is scored on days that it had not seen.

use std::collections::HashMap;
use telemetry::{Label, measured};
use telemetry_examples::source::Flight;

/// Minutes after its schedule from which on an arrival counts as late, as the US Department of Transportation has it.
pub const LATE_MINUTES: i32 = 15;

/// What became of a flight: in the table and in the label as its variants are called, in snake_case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Label)]
pub enum Status {
    /// It arrived less than [`LATE_MINUTES`] after its schedule, or before it.
    OnTime,
    /// It arrived later than that.
    Late,
    /// It never departed.
    Cancelled,
    /// It departed, and no delay at its destination is known: it went elsewhere, or came back.
    Diverted,
}

impl Status {
    /// All, in the order in which they are told.
    pub const ALL: [Status; 4] = [Status::OnTime, Status::Late, Status::Cancelled, Status::Diverted];

    fn of(flight: &Flight) -> Status {
        match (flight.dep_time, flight.arr_delay) {
            (None, _) => Status::Cancelled,
            (Some(_), None) => Status::Diverted,
            (Some(_), Some(minutes)) if minutes >= LATE_MINUTES => Status::Late,
            (Some(_), Some(_)) => Status::OnTime,
        }
    }
}

/// What became of each of these flights.
#[measured]
pub fn classify(flights: &[Flight]) -> Vec<Status> {
    flights.iter().map(Status::of).collect()
}

/// The arrivals of one carrier in one scheduled hour of one day.
#[derive(Clone, Debug)]
pub struct Arrivals {
    /// Days from 1970-01-01.
    pub day: i32,
    /// The carrier's code.
    pub carrier: String,
    /// The scheduled hour of the departure.
    pub hour: i32,
    /// Flights that arrived.
    pub arrived: u32,
    /// Those of them that were late.
    pub late: u32,
}

/// How often something was late so far.
#[derive(Clone, Copy, Debug, Default)]
struct Rate {
    arrived: u32,
    late: u32,
}

impl Rate {
    /// Laplace's rule of succession: one late and one timely arrival are assumed before any was seen.
    fn smoothed(self) -> f64 {
        (f64::from(self.late) + 1.0) / (f64::from(self.arrived) + 2.0)
    }

    fn learn(&mut self, arrivals: &Arrivals) {
        self.arrived += arrivals.arrived;
        self.late += arrivals.late;
    }
}

/// How good guesses were.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Score {
    squares: f64,
    right: u32,
    arrived: u32,
}

impl Score {
    fn add(&mut self, chance: f64, arrivals: &Arrivals) {
        let timely = arrivals.arrived - arrivals.late;
        self.squares += f64::from(arrivals.late) * (1.0 - chance).powi(2) + f64::from(timely) * chance.powi(2);
        self.right += if chance > 0.5 { arrivals.late } else { timely };
        self.arrived += arrivals.arrived;
    }

    /// The mean squared distance of the chance from what came (Brier's score): 0 is perfect, 0.25 is what 50 % always gets.
    pub fn brier(&self) -> f64 {
        self.squares / f64::from(self.arrived)
    }

    /// The share of the flights of which "late" or "not late" was rightly said.
    pub fn accuracy(&self) -> f64 {
        f64::from(self.right) / f64::from(self.arrived)
    }
}

/// The prediction beside two that know less; one that is not better than these has learned nothing.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Scores {
    /// By carrier and hour.
    pub by_carrier_and_hour: Score,
    /// The rate of all flights so far.
    pub overall_rate: Score,
    /// "No flight is late."
    pub never_late: Score,
}

/// What was foretold of a carrier's flights of an hour of a day, before anything of the day was known.
#[derive(Clone, Copy, Debug)]
pub struct Foretold<'a> {
    /// What came.
    pub arrivals: &'a Arrivals,
    /// The chance that one is late, by carrier and hour.
    pub chance: f64,
    /// The rate of all flights so far.
    pub overall: f64,
}

/// Goes through the days in their order, and tells what is foretold of each from those before it; then the day is learned. The arrivals are in the order of their
/// days.
pub fn foretell<'a>(arrivals: &'a [Arrivals], mut tell: impl FnMut(Foretold<'a>)) {
    let mut rates = HashMap::<(&str, i32), Rate>::new();
    let mut overall = Rate::default();
    for day in arrivals.chunk_by(|a, b| a.day == b.day) {
        for arrivals in day {
            let rate = rates.get(&(arrivals.carrier.as_str(), arrivals.hour)).copied().unwrap_or_default();
            tell(Foretold { arrivals, chance: rate.smoothed(), overall: overall.smoothed() });
        }
        for arrivals in day {
            rates.entry((&arrivals.carrier, arrivals.hour)).or_default().learn(arrivals);
            overall.learn(arrivals);
        }
    }
}

/// Scores what is foretold of each day. `None` where there are no arrivals.
#[measured]
pub fn evaluate(arrivals: &[Arrivals]) -> Option<Scores> {
    let mut scores = Scores::default();
    foretell(arrivals, |foretold| {
        scores.by_carrier_and_hour.add(foretold.chance, foretold.arrivals);
        scores.overall_rate.add(foretold.overall, foretold.arrivals);
        scores.never_late.add(0.0, foretold.arrivals);
    });
    (scores.never_late.arrived > 0).then_some(scores)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flight(dep_time: Option<i32>, arr_delay: Option<i32>) -> Flight {
        let json = r#"{"year":2013,"month":1,"day":1,"dep_time":null,"sched_dep_time":540,"dep_delay":null,"arr_time":null,
            "sched_arr_time":850,"arr_delay":null,"carrier":"AA","flight":1141,"tailnum":null,"origin":"JFK","dest":"MIA",
            "air_time":null,"distance":1089,"hour":5,"minute":40,"time_hour":"2013-01-01T10:00:00Z"}"#;
        Flight { dep_time, arr_delay, ..serde_json::from_str(json).unwrap() }
    }

    #[test]
    fn a_flight_is_late_from_fifteen_minutes_on() {
        let flights = [
            flight(Some(540), Some(14)),
            flight(Some(540), Some(15)),
            flight(Some(540), Some(-20)),
            flight(Some(540), None),
            flight(None, None),
        ];
        let expected = [Status::OnTime, Status::Late, Status::OnTime, Status::Diverted, Status::Cancelled];
        assert_eq!(classify(&flights), expected);
    }

    fn arrivals(day: i32, carrier: &str, arrived: u32, late: u32) -> Arrivals {
        Arrivals { day, carrier: carrier.into(), hour: 8, arrived, late }
    }

    #[test]
    fn a_day_is_predicted_from_the_days_before_it_alone() {
        let first = evaluate(&[arrivals(1, "A", 10, 10), arrivals(1, "B", 10, 0)]).unwrap();
        assert_eq!(first.by_carrier_and_hour.brier(), 0.25, "nothing is known on the first day");
        assert_eq!(first.by_carrier_and_hour.accuracy(), 0.5);
        let both = evaluate(&[arrivals(1, "A", 10, 10), arrivals(2, "A", 1, 1)]).unwrap();
        let second_day = (1.0 - 11.0 / 12.0f64).powi(2);
        assert!((both.by_carrier_and_hour.brier() - (10.0 * 0.25 + second_day) / 11.0).abs() < 1e-12);
    }

    #[test]
    fn carriers_that_differ_are_told_apart() {
        let days = (0..50).flat_map(|day| [arrivals(day, "A", 10, 8), arrivals(day, "B", 10, 1)]);
        let scores = evaluate(&days.collect::<Vec<_>>()).unwrap();
        assert!(scores.by_carrier_and_hour.brier() < scores.overall_rate.brier());
        assert!(scores.by_carrier_and_hour.accuracy() > 0.8);
        assert_eq!(scores.never_late.accuracy(), 0.55);
    }

    #[test]
    fn no_flights_have_no_score() {
        assert_eq!(evaluate(&[]), None);
        assert_eq!(evaluate(&[arrivals(1, "A", 0, 0)]), None);
    }
}
