//! `telemetry history` and `telemetry compare`: what programs kept of their runs.

use crate::Failed;
use crate::ask::{Compare, FailOn, Format, History as Ask, HistoryFile, Tables};
use crate::files;
use crate::terminal;
use telemetry::history::compare::{Comparison, Options, Verdict};
use telemetry::history::{Form, History, HistoryError, Run, list};

/// Columns where standard output is no terminal.
const WIDE: usize = 120;

pub(crate) fn run(ask: Ask) -> Result<(), Failed> {
    match ask {
        Ask::List { file, last, format } => {
            let mut runs = open(&file)?.runs().map_err(told)?;
            let more = last.map_or(0, |last| runs.len().saturating_sub(last));
            runs.drain(..more);
            print(&list(&runs, form(format)))
        }
        Ask::Show { file, run, format } => {
            let history = open(&file)?;
            let head = history.find(&run).map_err(told)?;
            let runs = history.read(&[head]).map_err(told)?;
            runs.iter().try_for_each(|run| print(&run.show(form(format))))
        }
        Ask::Prune { file, keep } => {
            let gone = open(&file)?.prune(keep).map_err(told)?;
            eprintln!("{}: {gone} runs are gone", file.history.display());
            Ok(())
        }
        Ask::Export { file, folder } => export(&file, &folder),
    }
}

#[cfg(feature = "duckdb")]
fn export(file: &HistoryFile, folder: &std::path::Path) -> Result<(), Failed> {
    for written in open(file)?.export_parquet(folder).map_err(told)? {
        eprintln!("{} is written", written.display());
    }
    Ok(())
}

#[cfg(not(feature = "duckdb"))]
fn export(_: &HistoryFile, _: &std::path::Path) -> Result<(), Failed> {
    Err(String::from(
        "Parquet is written by DuckDB: install the command with the features `duckdb` and `duckdb/bundled`",
    ))
}

/// Compares, and says whether that is to be an error.
pub(crate) fn compare(ask: Compare) -> Result<(), Failed> {
    let history = open(&ask.file)?;
    let side = |run: Option<String>, revision: Option<String>| -> Result<Vec<Run>, Failed> {
        let heads = match (run, revision) {
            (Some(run), _) => vec![history.find(&run).map_err(told)?],
            (None, Some(revision)) => {
                let heads = history.of_revision(&revision).map_err(told)?;
                if heads.is_empty() {
                    return Err(format!(
                        "no run that ended well is of `{revision}`: neither of a commit nor of a branch of that name"
                    ));
                }
                heads
            }
            (None, None) => return Err(String::from("give two runs, or --baseline and --against")),
        };
        history.read(&heads).map_err(told)
    };
    let mut runs = ask.runs.into_iter();
    let (baseline, head) = (side(runs.next(), ask.baseline)?, side(runs.next(), ask.against)?);
    let options = Options { alpha: ask.alpha, threshold: ask.threshold };
    let comparison = Comparison::of(&baseline, &head, &options);
    match ask.format {
        Format::Json => print(&comparison.json())?,
        Format::Text => print(&comparison.show(form(Tables::Text)))?,
        Format::Markdown => print(&comparison.show(form(Tables::Markdown)))?,
    }
    let is_failed = match ask.fail_on {
        FailOn::Never => false,
        FailOn::Slower => comparison.has(Verdict::Slower),
        FailOn::Any => comparison.has(Verdict::Slower) || comparison.has(Verdict::Faster),
    };
    let count = |verdict| comparison.changes.iter().filter(|change| change.verdict == verdict).count();
    let (slower, faster) = (count(Verdict::Slower), count(Verdict::Faster));
    if is_failed { Err(format!("{slower} figures are slower and {faster} faster")) } else { Ok(()) }
}

fn open(file: &HistoryFile) -> Result<History, Failed> {
    // Who reads what is not there is mistaken; who writes is not.
    if !file.history.exists() {
        return Err(format!("{}: there is no such file", file.history.display()));
    }
    History::open(&file.history).map_err(told)
}

fn print(text: &str) -> Result<(), Failed> {
    files::print(text.as_bytes())
}

fn told(error: HistoryError) -> Failed {
    error.to_string()
}

fn form(format: Tables) -> Form {
    match format {
        Tables::Markdown => Form::Markdown,
        Tables::Text => Form::Text(terminal::width().unwrap_or(WIDE)),
    }
}
