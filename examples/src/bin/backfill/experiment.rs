//! The classification as a run of Comet ML: how often what became of a flight, how likely lateness was, and what was foretold beside what came.
//!
//! With COMET_API_KEY it is at Comet while the program runs; without, an archive in `.cometml-runs` has it, which `telemetry comet upload` takes there later.
//! TELEMETRY_COMET=off keeps nothing.

use crate::model::{self, Arrivals, LATE_MINUTES, Scores, Status};
use crate::store::{Error, Warehouse};
use telemetry::comet::chart::{Breakdown, ConfusionMatrix, Curve, Figure, Table};
use telemetry::comet::{Experiment, LogTo};
use telemetry::{Label, experiment};

/// What a flight is foretold to be, and what it was.
const LATE: &str = "late";
const ON_TIME: &str = "on time";

/// What was found out.
pub struct Findings {
    statuses: Vec<(String, u64)>,
    arrivals: Vec<Arrivals>,
    scores: Option<Scores>,
}

/// Looks at all flights of the database; what it returns is logged.
#[experiment(project = "flights", tags = ["classification"], params(days, late_minutes = LATE_MINUTES))]
pub fn classification(warehouse: &Warehouse, days: usize) -> Result<Findings, Error> {
    let arrivals = warehouse.arrivals()?;
    let scores = model::evaluate(&arrivals);
    Ok(Findings { statuses: warehouse.statuses()?, arrivals, scores })
}

impl LogTo for Findings {
    fn log_to(&self, experiment: &Experiment) {
        experiment.log_breakdown(&self.frequencies());
        if let Some(scores) = &self.scores {
            experiment.log_metric("brier", scores.by_carrier_and_hour.brier());
            experiment.log_metric("brier/overall_rate", scores.overall_rate.brier());
            experiment.log_metric("accuracy", scores.by_carrier_and_hour.accuracy());
            experiment.log_metric("accuracy/never_late", scores.never_late.accuracy());
        }
        self.log_foretold(experiment);
        experiment.log_table("carriers", &self.carriers());
    }
}

impl Findings {
    fn frequencies(&self) -> Breakdown {
        let mut frequencies = Breakdown::new("status");
        for status in Status::ALL {
            let flights =
                self.statuses.iter().find(|(name, _)| name == status.as_str()).map_or(0, |(_, flights)| *flights);
            frequencies.add_many(&status.as_str().replace('_', " "), flights);
        }
        frequencies
    }

    /// The chance that each flight had, by what came; and whether it was foretold to be late, which it is where its carrier and hour are late more often than all flights.
    fn log_foretold(&self, experiment: &Experiment) {
        let mut chances = Breakdown::new("chance of being late");
        let mut matrix = ConfusionMatrix::new([ON_TIME, LATE]).title("Foretold and what came");
        let mut scored = Vec::new();
        model::foretell(&self.arrivals, |foretold| {
            let late = foretold.arrivals.late;
            let predicted = if foretold.chance > foretold.overall { LATE } else { ON_TIME };
            for (actual, flights) in [(ON_TIME, foretold.arrivals.arrived - late), (LATE, late)] {
                chances.add_scored_many(actual, foretold.chance, flights.into());
                // Both are labels of it.
                let _ = matrix.record_many(actual, predicted, flights.into());
                scored.extend((0..flights).map(|_| (foretold.chance, actual == LATE)));
            }
        });
        experiment.log_figure("chance of being late", &chances.probability_figure());
        let histogram = scored.iter().map(|(chance, _)| *chance).collect();
        experiment.log_histogram("chance of being late", &histogram);
        experiment.log_confusion_matrix("lateness", &matrix);
        experiment.log_figure("lateness", &matrix.figure());
        // Where no flight was late, or all were, there is no curve.
        if let Ok(curve) = Curve::roc("roc", scored) {
            experiment.log_metric("auc", curve.auc());
            experiment.log_curve(&curve);
            experiment.log_figure(
                "roc",
                &Figure::curves("Late or not", "false positive rate", "true positive rate", &[curve]),
            );
        }
    }

    fn carriers(&self) -> Table {
        let mut carriers = std::collections::BTreeMap::<&str, (u32, u32)>::new();
        for arrivals in &self.arrivals {
            let (arrived, late) = carriers.entry(&arrivals.carrier).or_default();
            *arrived += arrivals.arrived;
            *late += arrivals.late;
        }
        let mut table = Table::new(["carrier", "arrived", "late"]);
        for (carrier, (arrived, late)) in carriers {
            // As many cells as columns.
            let _ = table.row([carrier.to_owned(), arrived.to_string(), late.to_string()]);
        }
        table
    }
}
