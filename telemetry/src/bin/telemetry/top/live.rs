//! What a program's endpoint says at /api/live: what its page reads.

use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// One reading.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Live {
    pub(super) version: Text,
    pub(super) service: Text,
    /// Seconds since 1970.
    pub(super) taken_at: f64,
    pub(super) started_at: f64,
    pub(super) functions: Functions,
    #[serde(default)]
    pub(super) jobs: Vec<Job>,
    #[serde(default)]
    pub(super) statements: Vec<Statement>,
    #[serde(default)]
    pub(super) families: Vec<Family>,
}

/// A text from a program: without what would move the cursor, or turn the line around.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Text(pub(super) String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Text, D::Error> {
        let text = String::deserialize(deserializer)?;
        let turns = |character| matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}');
        let shown = |character: char| if character.is_control() || turns(character) { '\u{fffd}' } else { character };
        Ok(Text(text.chars().map(shown).collect()))
    }
}

type Column = Option<Vec<Option<f64>>>;

/// Functions, each of them at the same place of every column. A column that is not known is not there.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Functions {
    pub(super) function: Vec<Text>,
    pub(super) module: Vec<Text>,
    pub(super) calls: Vec<Option<f64>>,
    #[serde(default)]
    pub(super) errors: Column,
    #[serde(default)]
    pub(super) panics: Column,
    #[serde(default)]
    pub(super) running: Column,
    #[serde(default)]
    pub(super) oldest: Column,
    #[serde(default)]
    pub(super) busy: Column,
    #[serde(default, rename = "self")]
    pub(super) own: Column,
    #[serde(default)]
    pub(super) cpu: Column,
    #[serde(default)]
    pub(super) p50: Column,
    #[serde(default)]
    pub(super) p95: Column,
    #[serde(default)]
    pub(super) p99: Column,
    #[serde(default)]
    pub(super) allocated: Column,
    /// The first bucket's index, and counts from there on: bucket `i` ends at 2^((i + 1) / 4) seconds.
    #[serde(default)]
    pub(super) buckets: Vec<Option<Vec<i64>>>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Job {
    pub(super) name: Text,
    pub(super) unit: Text,
    pub(super) elapsed_seconds: f64,
    pub(super) total: Option<u64>,
    pub(super) units: Tally,
    #[serde(default)]
    pub(super) records: Tally,
    pub(super) progress: Option<f64>,
    pub(super) units_per_second: Option<f64>,
    pub(super) overall_rate: Option<f64>,
    pub(super) eta_seconds: Option<f64>,
    pub(super) stalled: bool,
    pub(super) quiet_seconds: Option<f64>,
    pub(super) result: Option<Text>,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub(super) struct Tally {
    pub(super) processed: u64,
    pub(super) failed: u64,
    pub(super) skipped: u64,
    pub(super) dead_lettered: u64,
}

impl Tally {
    pub(super) fn done(&self) -> u64 {
        [self.failed, self.skipped, self.dead_lettered].into_iter().fold(self.processed, u64::saturating_add)
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Statement {
    pub(super) statement: Text,
    pub(super) database: Text,
    pub(super) text: Text,
    pub(super) calls: u64,
    pub(super) errors: u64,
    pub(super) total_seconds: f64,
    pub(super) p95_seconds: f64,
    pub(super) max_seconds: f64,
    pub(super) rows: u64,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Family {
    pub(super) name: Text,
    /// `user` for what the program declares.
    pub(super) group: Text,
    pub(super) kind: Text,
    pub(super) unit: Text,
    /// How many series it has: the document has the first of them.
    pub(super) count: u64,
    pub(super) series: Vec<Series>,
}

#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Series {
    #[serde(default)]
    pub(super) labels: BTreeMap<Text, Text>,
    /// None of a distribution, and of what is no number.
    pub(super) value: Option<f64>,
    pub(super) count: Option<f64>,
    pub(super) sum: Option<f64>,
}

impl Live {
    /// Why it cannot be shown, where it cannot.
    pub(super) fn parse(text: &str) -> Result<Live, String> {
        let live: Live = serde_json::from_str(text).map_err(|error| {
            format!("this is not what `telemetry` {} reads ({error}); is it the endpoint of a program that records with `telemetry`, and of the same version?", env!("CARGO_PKG_VERSION"))
        })?;
        let functions = &live.functions;
        let columns = [&functions.errors, &functions.panics, &functions.running, &functions.oldest, &functions.busy];
        let more =
            [&functions.own, &functions.cpu, &functions.p50, &functions.p95, &functions.p99, &functions.allocated];
        let lengths = columns.into_iter().chain(more).flatten().map(Vec::len);
        let lengths = lengths.chain([functions.module.len(), functions.calls.len(), functions.buckets.len()]);
        let count = functions.function.len();
        if lengths.into_iter().any(|length| length != count) {
            return Err(String::from("the columns of its functions are not equally long"));
        }
        Ok(live)
    }

    /// The value of a family with one series.
    pub(super) fn value(&self, name: &str) -> Option<f64> {
        self.families.iter().find(|family| family.name.0 == name)?.series.first()?.value
    }
}
