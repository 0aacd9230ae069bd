//! What can be asked for.

use crate::files::Out;
use crate::source::{MaybeSource, Recorded, Source};
use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;
use std::time::Duration;

/// Looks at programs that record with the library `telemetry`: as they run, afterwards, and one run beside another; makes and checks their dashboards.
#[derive(Parser)]
#[command(name = "telemetry", version)]
pub(crate) struct Ask {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Watch a running program in the terminal.
    Top(Top),
    /// Show what a program recorded: of one that runs, or of a snapshot that was saved.
    Report {
        #[command(flatten)]
        from: Recorded,
        #[arg(long, default_value = "text")]
        format: Format,
        /// Columns of text [default: the terminal's, else 100]
        #[arg(long, value_parser = clap::value_parser!(u16).range(20..))]
        width: Option<u16>,
        #[command(flatten)]
        out: Out,
    },
    /// Make a flame graph's data of who called whom.
    Flame {
        #[command(flatten)]
        from: Recorded,
        /// A file for https://www.speedscope.app with all weights, or folded stacks by one
        #[arg(long, default_value = "speedscope")]
        format: Flame,
        /// What the stacks are weighted by
        #[arg(long, default_value = "time")]
        weight: Weight,
        #[command(flatten)]
        out: Out,
    },
    /// Keep a running program's catalogue in a file.
    Catalog {
        #[command(flatten)]
        from: Source,
        #[command(flatten)]
        out: Out,
    },
    /// Make a Grafana dashboard of all that a program records.
    Dashboard {
        #[command(flatten)]
        from: MaybeSource,
        #[command(flatten)]
        out: Out,
        /// The title [default: the service's name]
        #[arg(long)]
        title: Option<String>,
        /// The uid, at most 40 of `a-z`, `A-Z`, `0-9`, `-` and `_` [default: `service-` and the service's name]
        #[arg(long, value_parser = uid)]
        uid: Option<String>,
        /// One more tag; may be given several times
        #[arg(long = "tag")]
        tags: Vec<String>,
        /// One that is the same for every program, instead
        #[arg(long, conflicts_with_all = ["from", "title", "uid", "tags"], required_unless_present = "from")]
        built_in: Option<BuiltIn>,
    },
    /// Make Prometheus rules of the objectives that a program declares.
    Rules {
        #[command(flatten)]
        from: Source,
        #[command(flatten)]
        out: Out,
        /// Matchers that choose the program's series, such as `job="flights"`
        #[arg(long, value_parser = matchers)]
        selector: Option<String>,
        /// A label of every alert, as `name=value`; may be given several times
        #[arg(long = "label", value_parser = label)]
        labels: Vec<(String, String)>,
        /// The address of a dashboard, for the alerts' annotations
        #[arg(long)]
        dashboard_url: Option<String>,
        /// The address of a runbook, for the alerts' annotations
        #[arg(long)]
        runbook_url: Option<String>,
    },
    /// Check dashboards (.json) and Prometheus rules (.yml) against what a program declares.
    Check {
        #[command(flatten)]
        from: Source,
        /// The beginning of other exporters' names, such as `node_`; may be given several times
        #[arg(long)]
        foreign: Vec<String>,
        /// Tell also which families no file reads
        #[arg(long)]
        notes: bool,
        /// Files, or folders of them
        #[arg(required = true)]
        files: Vec<PathBuf>,
    },
    /// Fill in a dashboard with gaps (`<<name>>`), or bind one to a data source.
    Template {
        /// The template
        file: PathBuf,
        /// A value, as `name=value`; may be given several times
        #[arg(long = "set", value_name = "NAME=VALUE", value_parser = pair)]
        values: Vec<(String, String)>,
        /// The uid of the Prometheus that it asks, instead of one that the reader chooses
        #[arg(long)]
        data_source_uid: Option<String>,
        /// The name of the one Prometheus that the reader can choose
        #[arg(long, conflicts_with = "data_source_uid")]
        data_source_name: Option<String>,
        #[command(flatten)]
        out: Out,
    },
    /// Make a dashboard that was exported from Grafana fit for a file or for another Grafana.
    Import {
        /// What Grafana exported
        file: PathBuf,
        #[command(flatten)]
        out: Out,
    },
    /// Talk to a Grafana: GRAFANA_URL, and GRAFANA_TOKEN or GRAFANA_USER and GRAFANA_PASSWORD.
    Grafana {
        #[command(subcommand)]
        command: Grafana,
    },
    /// Archives of Comet's experiments: COMET_API_KEY, COMET_URL_OVERRIDE and Comet's other settings say whose.
    Comet {
        #[command(subcommand)]
        command: Comet,
    },
    /// What programs kept of their runs: TELEMETRY_HISTORY.
    History {
        #[command(subcommand)]
        command: History,
    },
    /// Whether runs got slower: the runs' figures by the Mann-Whitney test, with Holm's correction. Ends with 1 where they did.
    Compare(Compare),
    /// Write what a shell completes words by, to standard output.
    Completions { shell: clap_complete::Shell },
    /// Write the manual: this command's page to standard output, or all pages into a folder.
    Man {
        /// The folder, which is made
        #[arg(long, value_name = "FOLDER")]
        out: Option<PathBuf>,
    },
}

#[derive(Args)]
pub(crate) struct Top {
    /// The running program, such as http://127.0.0.1:8000
    #[arg(value_name = "URL")]
    pub(crate) from: String,
    /// The token that the program's endpoint asks for
    #[arg(long, env = "TELEMETRY_TOKEN", hide_env_values = true)]
    pub(crate) token: Option<String>,
    /// Seconds between two readings, 0.1 to 3600
    #[arg(long, default_value = "1", value_parser = interval)]
    pub(crate) interval: Duration,
    /// Print what two readings show as text, and end
    #[arg(long)]
    pub(crate) once: bool,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Flame {
    Speedscope,
    Folded,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Weight {
    /// Busy time, in microseconds
    Time,
    /// CPU time, in microseconds
    Cpu,
    /// Allocated bytes
    Bytes,
}

/// A file of runs.
#[derive(Args)]
pub(crate) struct HistoryFile {
    /// The file: lines of JSON, or a DuckDB database (.duckdb, .db)
    #[arg(long, env = "TELEMETRY_HISTORY")]
    pub(crate) history: PathBuf,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Format {
    Text,
    Markdown,
    Json,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum FailOn {
    /// Something is slower
    Slower,
    /// Something is slower or faster
    Any,
    Never,
}

#[derive(Subcommand)]
pub(crate) enum History {
    /// The runs, the oldest first.
    List {
        #[command(flatten)]
        file: HistoryFile,
        /// The last so many alone
        #[arg(long)]
        last: Option<usize>,
        #[arg(long, default_value = "text")]
        format: Tables,
    },
    /// What one run took.
    Show {
        /// The beginning of its id, `latest`, or `latest~1` for the one before
        #[arg(default_value = "latest")]
        run: String,
        #[command(flatten)]
        file: HistoryFile,
        #[arg(long, default_value = "text")]
        format: Tables,
    },
    /// Forget all but the newest.
    Prune {
        #[command(flatten)]
        file: HistoryFile,
        /// How many stay
        #[arg(long)]
        keep: usize,
    },
    /// Write the tables as files of Parquet.
    Export {
        /// The folder, which is made
        folder: PathBuf,
        #[command(flatten)]
        file: HistoryFile,
    },
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Tables {
    Text,
    Markdown,
}

#[derive(Args)]
pub(crate) struct Compare {
    /// The baseline's run and the one that is compared with it: the beginning of an id, `latest`, or `latest~1`
    #[arg(num_args = 2, conflicts_with_all = ["baseline", "against"], required_unless_present = "baseline")]
    pub(crate) runs: Vec<String>,
    /// All runs of a commit, a tag or a branch
    #[arg(long, requires = "against")]
    pub(crate) baseline: Option<String>,
    /// All runs of the one that is compared with it, such as `HEAD`
    #[arg(long, requires = "baseline")]
    pub(crate) against: Option<String>,
    #[command(flatten)]
    pub(crate) file: HistoryFile,
    /// How large a change is to count, such as `5%` or `0.05`
    #[arg(long, default_value = "5%", value_parser = share)]
    pub(crate) threshold: f64,
    /// The chance of a false alarm in the whole comparison, such as `5%` or `0.05`
    #[arg(long, default_value = "5%", value_parser = share)]
    pub(crate) alpha: f64,
    /// When to end with 1
    #[arg(long, default_value = "slower")]
    pub(crate) fail_on: FailOn,
    #[arg(long, default_value = "text")]
    pub(crate) format: Format,
}

#[derive(Subcommand)]
pub(crate) enum Comet {
    /// Take archives to the server. They stay where they are.
    Upload {
        /// The archives (.zip)
        #[arg(required = true)]
        archives: Vec<PathBuf>,
        /// Whose they are [default: COMET_WORKSPACE, else what the archive says]
        #[arg(long)]
        workspace: Option<String>,
        /// The project [default: COMET_PROJECT_NAME, else what the archive says]
        #[arg(long)]
        project: Option<String>,
        /// Under a key of its own, whether the server has the run or not
        #[arg(long)]
        as_new: bool,
    },
    /// Make archives of what programs left that died while they wrote, or of archives that were cut.
    Repair {
        /// The folders, or the archives
        #[arg(required = true)]
        paths: Vec<PathBuf>,
    },
}

#[derive(Subcommand)]
pub(crate) enum Grafana {
    /// Whether it is there, and who we are to it.
    Health,
    /// Bring dashboards into it: those of files, or the one that a program's catalogue makes.
    Push(Push),
}

#[derive(Args)]
pub(crate) struct Push {
    #[command(flatten)]
    pub(crate) from: MaybeSource,
    /// Dashboards (.json), or folders of them; with --from they are checked first, without them the program's own is made
    #[arg(required_unless_present = "from")]
    pub(crate) files: Vec<PathBuf>,
    /// The title of the folder; one that is there is renamed by this [default for a new one: Telemetry]
    #[arg(long)]
    pub(crate) folder: Option<String>,
    /// The uid of the folder that they go to; without, new ones go to `telemetry`, and those that are there stay where they are
    #[arg(long, value_parser = uid)]
    pub(crate) folder_uid: Option<String>,
    /// Tell what would change, and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Take also a dashboard of the same uid that is not tagged `telemetry`
    #[arg(long)]
    pub(crate) overwrite: bool,
    /// What the dashboard's history says
    #[arg(long)]
    pub(crate) message: Option<String>,
    /// The beginning of other exporters' names, such as `node_`; may be given several times
    #[arg(long)]
    pub(crate) foreign: Vec<String>,
}

#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum BuiltIn {
    /// Measured functions
    Functions,
    /// The process, its container, and this library
    Process,
}

impl BuiltIn {
    pub(crate) fn of_library(self) -> telemetry::dashboard::BuiltIn {
        match self {
            BuiltIn::Functions => telemetry::dashboard::BuiltIn::Functions,
            BuiltIn::Process => telemetry::dashboard::BuiltIn::Process,
        }
    }
}

fn share(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(percent) => percent.trim().parse::<f64>().map(|percent| percent / 100.0),
        None => text.parse(),
    };
    let refused = || String::from("write a share above 0 and below 1, such as `5%` or `0.05`");
    value.ok().filter(|share| *share > 0.0 && *share < 1.0).ok_or_else(refused)
}

fn uid(text: &str) -> Result<String, String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if text.is_empty() || text.len() > 40 || !text.bytes().all(fits) {
        return Err(String::from("a uid is 1 to 40 of `a-z`, `A-Z`, `0-9`, `-` and `_`"));
    }
    Ok(text.to_owned())
}

fn matchers(text: &str) -> Result<String, String> {
    match telemetry_dashboards::matchers(text.trim().trim_start_matches('{').trim_end_matches('}')) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(format!("write matchers of PromQL, such as `job=\"flights\"` ({error})")),
    }
}

fn label(text: &str) -> Result<(String, String), String> {
    let (name, value) = pair(text)?;
    let own = telemetry::dashboard::RuleOptions::OWN_LABELS;
    if own.contains(&&*name) {
        return Err(format!("`{name}` is one of the labels that rules have themselves: {}", own.join(", ")));
    }
    Ok((name, value))
}

fn pair(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or_else(|| String::from("write `name=value`"))?;
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
    if name.is_empty() || !name.chars().all(fits) || name.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(format!("`{name}` is no name: letters, digits and `_`, and no digit first"));
    }
    Ok((name.to_owned(), value.to_owned()))
}

fn interval(text: &str) -> Result<Duration, String> {
    let seconds = text.trim_end_matches('s').parse().ok().filter(|seconds| (0.1..=3_600.0).contains(seconds));
    seconds.map(Duration::from_secs_f64).ok_or_else(|| String::from("it takes seconds from 0.1 to 3600"))
}
