//! The command `telemetry`: programs as they run and what they recorded, runs with their comparison, dashboards and rules from a program's catalogue, checks of files, what is
//! in a Grafana, and archives of Comet's experiments.
//!
//! Documents go to standard output, or to the file that `--out` names; what is said about them to standard error. It ends with 0 where all is
//! well, with 1 where something is wrong, and with 2 where it was asked for something that it does not know.

mod ask; // words of the command line
mod check;
mod comet;
mod files;
mod grafana;
mod history;
mod recorded; // reports and flame graphs
mod source; // where catalogues and snapshots come from
mod terminal; // its width and its colours
mod top; // a running program in the terminal
mod words; // completions and the manual

use ask::{Ask, Command};
use clap::Parser;
use std::path::Path;
use std::process::ExitCode;
use telemetry::Objective;
use telemetry::dashboard::{DataSource, Options, RuleOptions, Template, generate, import, rules};

/// What went wrong, as a sentence.
type Failed = String;

fn main() -> ExitCode {
    let done = match Ask::parse().command {
        Command::Top(ask) => top::run(&ask),
        Command::Report { from, format, width, out } => recorded::report(&from, format, width, &out),
        Command::Flame { from, format, weight, out } => recorded::flame(&from, format, weight, &out),
        Command::Completions { shell } => words::completions(shell),
        Command::Man { out } => words::manual(out.as_deref()),
        Command::Catalog { from, out } => from.read().and_then(|catalog| out.write(&catalog.json())),
        Command::Dashboard { from, out, title, uid, tags, built_in } => {
            dashboard(from.given(), title, uid, tags, built_in).and_then(|made| out.write(&made))
        }
        Command::Rules { from, out, selector, labels, dashboard_url, runbook_url } => from.read().and_then(|catalog| {
            let mut options = RuleOptions::new();
            options = selector.into_iter().fold(options, RuleOptions::selector);
            options = labels.into_iter().fold(options, |options, (name, value)| options.label(name, value));
            options = dashboard_url.into_iter().fold(options, RuleOptions::dashboard_url);
            options = runbook_url.into_iter().fold(options, RuleOptions::runbook_url);
            made_of(catalog.objectives(), &options).and_then(|made| out.write(&made))
        }),
        Command::Check { from, foreign, notes, files } => {
            from.read().and_then(|catalog| check::files(&catalog, &foreign, notes, &files))
        }
        Command::Template { file, values, data_source_uid, data_source_name, out } => {
            let source = data_source_uid.map(DataSource::uid).or(data_source_name.map(DataSource::name));
            filled(&file, &values, source).and_then(|made| out.write(&made))
        }
        Command::Import { file, out } => imported(&file).and_then(|made| out.write(&made)),
        Command::Grafana { command } => grafana::run(command),
        Command::Comet { command } => comet::run(command),
        Command::History { command } => history::run(command),
        Command::Compare(ask) => history::compare(ask),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failed) => {
            eprintln!("telemetry: {failed}");
            ExitCode::FAILURE
        }
    }
}

fn dashboard(
    from: Option<source::Source>,
    title: Option<String>,
    uid: Option<String>,
    tags: Vec<String>,
    built_in: Option<ask::BuiltIn>,
) -> Result<String, Failed> {
    match (from, built_in) {
        (_, Some(built_in)) => Ok(built_in.of_library().json()),
        (Some(from), None) => {
            let mut options = title.into_iter().fold(Options::new(), Options::title);
            options = uid.into_iter().fold(options, Options::uid);
            options = tags.into_iter().fold(options, Options::tag);
            Ok(generate(&from.read()?, &options))
        }
        // The parser asks for one of them.
        (None, None) => Err(String::from("give --from or --built-in")),
    }
}

/// Rules of all objectives, or of none: a file that lacks some would take their alerts away.
fn made_of(objectives: &[Objective], options: &RuleOptions) -> Result<String, Failed> {
    if objectives.is_empty() {
        let how = "`#[measured(objective(success = \"99.9%\"))]` makes one";
        return Err(format!("the catalogue has no objective, and no file is written: {how}"));
    }
    let made = rules(objectives, options);
    let left_out: Vec<&str> = made.lines().filter_map(|line| line.strip_prefix("# Left out: ")).collect();
    if left_out.is_empty() { Ok(made) } else { Err(format!("no file is written: {}", left_out.join("; "))) }
}

fn filled(file: &Path, values: &[(String, String)], source: Option<DataSource>) -> Result<String, Failed> {
    let mut template = Template::load(file).map_err(|error| error.to_string())?;
    for (name, value) in values {
        template = template.set_text(name, value).map_err(|error| error.to_string())?;
    }
    template = source.into_iter().fold(template, Template::data_source);
    template.render().map_err(|error| error.to_string())
}

fn imported(file: &Path) -> Result<String, Failed> {
    let shown = file.display();
    let text = std::fs::read_to_string(file).map_err(|error| format!("{shown}: the file cannot be read ({error})"))?;
    let imported = import(&text).map_err(|error| format!("{shown}: {error}"))?;
    for note in imported.notes {
        eprintln!("{shown}: {note}");
    }
    Ok(imported.json)
}
