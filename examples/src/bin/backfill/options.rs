//! What the command line says.

use clap::Parser;
use std::path::PathBuf;
use telemetry_examples::day::{DAYS, Day};
use telemetry_examples::source::{Settings, Trouble};

const AFTER_HELP: &str = "\
Ends with status 0 only if every row of the days asked for is in the database.
Ctrl-C stops cleanly: what is written stays, and the report is printed.

Environment:
  TELEMETRY_LISTEN  where the metrics are served [default: 127.0.0.1:8000], or \"off\"
  TELEMETRY_REPORT  form of the report: text, json, markdown or off
  COMET_API_KEY     log what was learned to Comet; without, to an archive in .cometml-runs
  TELEMETRY_COMET   \"offline\": to the archive in any case; \"off\": nowhere";

/// Fetches a year of flights from an API into a DuckDB file, and shows what that took.
///
/// The API is served on loopback by this program itself: every flight that left
/// New York in 2013, by day and page, with a rate limit, slow answers and errors.
/// Each flight is classified (on time, late, cancelled, diverted) and written; a
/// day is written whole or not at all, and what a run left undone the next one does.
///
/// What was learned goes to standard output, progress and the report to standard
/// error. While it runs:
///
///     curl http://127.0.0.1:8000/metrics
#[derive(Debug, Parser)]
#[command(version, verbatim_doc_comment, after_help = AFTER_HELP)]
pub struct Options {
    /// Fetch the first N days of the year
    #[arg(long, value_name = "N", default_value_t = DAYS, value_parser = clap::value_parser!(u16).range(1..=i64::from(DAYS)))]
    pub days: u16,

    /// Fetch so many days at a time
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub concurrency: u16,

    /// Share of the requests that the source answers with an error, 0 to 1
    ///
    /// Only the first three requests for a page can fail: with 1 each of them does, and
    /// every page still arrives.
    #[arg(long, value_name = "SHARE", default_value_t = Settings::default().faults, value_parser = share, verbatim_doc_comment)]
    pub faults: f64,

    /// Draw the source's faults from this seed: the same one gives the same faults
    #[arg(long, value_name = "N", default_value_t = Settings::default().seed)]
    pub seed: u64,

    /// Requests a second that the source allows
    #[arg(long, value_name = "N", default_value_t = 40, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rate: u32,

    /// Requests a second that this program allows itself [default: as --rate]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub limit: Option<u32>,

    /// What the source does after two seconds, and for so many: down, limited, slow or hangs
    ///
    /// With `down:60` it cannot be reached for a minute, with `limited:60` it refuses
    /// every request, with `slow:60` answers trickle, with `hangs:60` some never come.
    #[arg(long, value_name = "KIND:SECONDS", verbatim_doc_comment)]
    pub trouble: Option<Trouble>,

    /// Give a page up after so many errors, and its day with it
    #[arg(long, value_name = "N", default_value_t = 8)]
    pub patience: u32,

    /// Write to this DuckDB file; days that are whole in it are not fetched again
    #[arg(long, value_name = "FILE", default_value = "flights.duckdb")]
    pub database: PathBuf,

    /// At the end, keep serving the metrics until Ctrl-C
    #[arg(long)]
    pub hold: bool,
}

impl Options {
    /// How the source shall behave.
    pub fn source(&self) -> Settings {
        let trouble = self.trouble;
        Settings { faults: self.faults, seed: self.seed, per_second: self.rate.into(), trouble, ..Settings::default() }
    }

    /// How often a second it may be asked.
    pub fn limit(&self) -> u32 {
        self.limit.unwrap_or(self.rate)
    }

    /// The days to fetch.
    pub fn days(&self) -> Vec<Day> {
        Day::all().take(self.days.into()).collect()
    }
}

fn share(text: &str) -> Result<f64, String> {
    let share = text.parse().ok().filter(|share| (0.0..=1.0).contains(share));
    share.ok_or_else(|| "it takes a share from 0 to 1, such as 0.05".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Options::command().debug_assert();
    }

    #[test]
    fn without_a_word_it_is_the_whole_year() {
        let options = Options::try_parse_from(["backfill"]).unwrap();
        assert_eq!((options.days().len(), options.faults, options.hold), (365, 0.05, false));
    }

    #[test]
    fn what_is_out_of_range_is_refused() {
        for words in
            [["--days", "0"], ["--days", "366"], ["--concurrency", "0"], ["--faults", "1.1"], ["--faults", "NaN"]]
        {
            let error = Options::try_parse_from(["backfill"].into_iter().chain(words)).unwrap_err().to_string();
            assert!(error.contains(words[0]) && error.contains(words[1]), "{error}");
        }
    }
}
