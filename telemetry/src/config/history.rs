//! Where a summary of the run is kept.

use crate::config::{Builder, Setting, Variables};
use crate::error::Error;
use crate::history::{DEFAULT_MAX_RUNS, Place, Settings};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// What a program said.
#[derive(Clone, Debug, Default)]
pub(crate) struct Given {
    path: Option<PathBuf>,
    max_runs: Option<usize>,
}

impl Builder {
    /// `TELEMETRY_HISTORY`: a file to which a summary of this run is added when it ends, see [`history`](crate::history). None by default; an empty path is none
    /// whatever the environment says.
    pub fn history(mut self, path: impl AsRef<Path>) -> Builder {
        self.history.path = Some(path.as_ref().to_owned());
        self
    }

    /// `TELEMETRY_HISTORY_MAX_RUNS`: how many runs the file keeps, the newest; 10,000 by default.
    pub fn history_max_runs(mut self, runs: usize) -> Builder {
        self.history.max_runs = Some(runs);
        self
    }
}

#[cfg(feature = "duckdb")]
const TAKES: &str = r#"a file, such as "runs.duckdb", or "runs.jsonl" for lines of JSON"#;
#[cfg(not(feature = "duckdb"))]
const TAKES: &str =
    r#"a file for lines of JSON, such as "runs.jsonl"; one that ends in ".duckdb" or ".db" needs the feature `duckdb`"#;

const HISTORY: Setting<Option<Place>> =
    Setting { variable: "TELEMETRY_HISTORY", takes: TAKES, parse: |value| place(Path::new(value)) };

const MAX_RUNS: Setting<usize> = Setting {
    variable: "TELEMETRY_HISTORY_MAX_RUNS",
    takes: r#"a whole number from 1, such as "10000""#,
    parse: |value| value.parse().ok().filter(|&runs| runs > 0),
};

/// None within where there is to be none; none at all where it cannot be.
fn place(path: &Path) -> Option<Option<Place>> {
    if path.as_os_str().is_empty() {
        return Some(None);
    }
    let place = Place::of(path);
    let can_be = path.file_name().is_some() && (cfg!(feature = "duckdb") || matches!(place, Place::Lines(_)));
    can_be.then_some(Some(place))
}

impl Given {
    /// Where the run is kept, if anywhere. `told` is what its figures depend on.
    pub(super) fn settings(
        self,
        variables: &Variables<impl Fn(&str) -> Option<OsString>>,
        told: Vec<(String, String)>,
    ) -> Result<Option<Settings>, Error> {
        let place = match self.path {
            Some(path) => place(&path).ok_or_else(|| Error::Setting {
                name: "Builder::history",
                value: path.display().to_string(),
                takes: TAKES,
            })?,
            None => variables.read(&HISTORY)?.flatten(),
        };
        let max_runs = match self.max_runs {
            Some(runs) => MAX_RUNS.parse("Builder::history_max_runs", &runs.to_string())?,
            None => variables.read(&MAX_RUNS)?.unwrap_or(DEFAULT_MAX_RUNS),
        };
        Ok(place.map(|place| Settings { place, max_runs, told }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::builder;

    #[test]
    fn the_file_is_told_by_its_ending_and_code_wins() {
        let read = |builder: Builder, variables: &[(&str, &str)]| {
            let value =
                |name: &str| variables.iter().find(|(known, _)| *known == name).map(|(_, value)| OsString::from(value));
            let settings = builder.config(value).map(|config| config.history);
            settings.map_err(|error| error.to_string())
        };
        let lines = |path: &str| Some(Place::Lines(path.into()));
        let place = |builder, variables| read(builder, variables).unwrap().map(|settings| settings.place);
        assert_eq!(place(builder(), &[]), None);
        assert_eq!(place(builder(), &[("TELEMETRY_HISTORY", "a/runs.jsonl")]), lines("a/runs.jsonl"));
        assert_eq!(place(builder().history("b.json"), &[("TELEMETRY_HISTORY", "a")]), lines("b.json"));
        assert_eq!(place(builder().history(""), &[("TELEMETRY_HISTORY", "a")]), None);
        let kept =
            read(builder(), &[("TELEMETRY_HISTORY", "a"), ("TELEMETRY_HISTORY_MAX_RUNS", "7")]).unwrap().unwrap();
        assert_eq!(kept.max_runs, 7);
        let budget = if cfg!(telemetry_off) { "0" } else { "0.01" };
        assert!(kept.told.iter().any(|(name, value)| name == "overhead_budget" && value == budget), "{kept:?}");
        let refused = read(builder(), &[("TELEMETRY_HISTORY_MAX_RUNS", "0")]).unwrap_err();
        assert_eq!(refused, r#"TELEMETRY_HISTORY_MAX_RUNS is "0"; it takes a whole number from 1, such as "10000""#);
        let database = read(builder(), &[("TELEMETRY_HISTORY", "runs.DuckDB")]);
        if cfg!(feature = "duckdb") {
            assert_eq!(database.unwrap().unwrap().place, Place::Database("runs.DuckDB".into()));
        } else {
            assert!(database.unwrap_err().contains("needs the feature `duckdb`"));
        }
        assert!(read(builder(), &[("TELEMETRY_HISTORY", "..")]).is_err());
    }
}
