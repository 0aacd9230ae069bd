//! Runs and comparisons, for people: tables as those of the report.

use crate::date;
use crate::export::number::{human_bytes, human_number, human_seconds, thousands};
use crate::export::report::{Column, Table};
use crate::history::compare::{Change, Comparison, Verdict};
use crate::history::{FunctionRun, Run, RunHead};

/// Most rows of a table; the rest is counted below it.
const MAX_ROWS: usize = 100;

/// How tables are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Form {
    /// Aligned, so many columns wide where that can be had.
    Text(usize),
    /// As GitHub's Markdown has them.
    Markdown,
}

fn written(tables: Vec<Table>, form: Form) -> String {
    let shown = tables.into_iter().filter(|table| !table.rows.is_empty());
    let written = shown.map(|table| match form {
        Form::Text(width) => table.cut(MAX_ROWS).text(width, false),
        Form::Markdown => table.cut(MAX_ROWS).markdown(),
    });
    written.collect::<Vec<_>>().join("\n")
}

/// Runs as a table, in the order in which they are given.
#[must_use]
pub fn list(runs: &[RunHead], form: Form) -> String {
    let columns = vec![
        Column::left("run"),
        Column::left("started"),
        Column::left("service"),
        Column::left("result"),
        Column::right("took"),
        Column::left("commit"),
        Column::wide("branch").spare(1),
        Column::left("host").spare(2),
    ];
    let row = |run: &RunHead| {
        vec![
            run.id.clone(),
            date::text(run.started_at),
            run.service.clone(),
            run.result.clone(),
            human_seconds(run.duration_seconds),
            run.git_commit.as_deref().map(|commit| commit.chars().take(10).collect()).unwrap_or_default(),
            run.git_branch.clone().unwrap_or_default(),
            run.host.clone().unwrap_or_default(),
        ]
    };
    let rows = runs.iter().map(row).collect();
    written(vec![Table { title: "Runs", columns, rows, notes: Vec::new(), legend: &[] }], form)
}

impl Run {
    /// What the run took, as tables.
    #[must_use]
    pub fn show(&self, form: Form) -> String {
        let about = |pairs: &[(String, String)]| {
            pairs.iter().map(|(name, value)| format!("{name} {value}")).collect::<Vec<_>>().join(", ")
        };
        let notes = vec![about(&self.head.versions), about(&self.head.settings)];
        let head = list(std::slice::from_ref(&self.head), form);
        let tables = vec![self.functions(), self.jobs(), self.statements()];
        let notes = notes.into_iter().filter(|note| !note.is_empty()).map(|note| note + "\n").collect::<Vec<_>>();
        format!("{head}\n{}\n{}", notes.join("\n"), written(tables, form))
    }

    fn functions(&self) -> Table {
        let columns = vec![
            Column::wide("function"),
            Column::right("calls"),
            Column::right("errors").alarming(),
            Column::right("self"),
            Column::right("busy"),
            Column::right("cpu").spare(1),
            Column::right("p50").spare(3),
            Column::right("p95").spare(2),
            Column::right("p99").spare(4),
            Column::right("allocated").spare(5),
        ];
        let seconds = |seconds: Option<f64>| seconds.map(human_seconds).unwrap_or_default();
        let row = |of: &FunctionRun| {
            let failed = of.errors + of.panics;
            vec![
                format!("{}::{}", of.module, of.function),
                human_number(of.calls),
                if failed > 0.0 { human_number(failed) } else { String::new() },
                seconds(of.self_seconds),
                seconds(of.busy_seconds),
                seconds(of.cpu_seconds),
                seconds(of.durations.quantile(0.5)),
                seconds(of.durations.quantile(0.95)),
                seconds(of.durations.quantile(0.99)),
                of.allocated_bytes.map(human_bytes).unwrap_or_default(),
            ]
        };
        let mut functions: Vec<&FunctionRun> = self.functions.iter().collect();
        functions.sort_by(|a, b| b.self_seconds.unwrap_or(0.0).total_cmp(&a.self_seconds.unwrap_or(0.0)));
        let rows = functions.into_iter().map(row).collect();
        Table {
            title: "Functions",
            columns,
            rows,
            notes: Vec::new(),
            legend: &[("p95", "quantiles are bounds of buckets, at most 19 % too large")],
        }
    }

    fn jobs(&self) -> Table {
        let columns = vec![
            Column::wide("job"),
            Column::left("result"),
            Column::right("elapsed"),
            Column::right("done"),
            Column::right("failed").alarming(),
            Column::right("records"),
        ];
        let some = |count: u64| if count == 0 { String::new() } else { thousands(count) };
        let rows = self.jobs.iter().map(|job| {
            vec![
                job.job.clone(),
                job.result.clone().unwrap_or_else(|| String::from("running")),
                human_seconds(job.elapsed_seconds),
                format!("{} {}", thousands(job.units.sum()), job.unit),
                some(job.units.failed),
                some(job.records.sum()),
            ]
        });
        Table { title: "Jobs", columns, rows: rows.collect(), notes: Vec::new(), legend: &[] }
    }

    fn statements(&self) -> Table {
        let columns = vec![
            Column::left("statement"),
            Column::left("database").spare(1),
            Column::right("runs"),
            Column::right("errors").alarming(),
            Column::right("total"),
            Column::right("rows"),
            Column::wide("text"),
        ];
        let rows = self.statements.iter().map(|of| {
            vec![
                of.statement.clone(),
                of.database.clone(),
                thousands(of.calls + of.errors),
                if of.errors == 0 { String::new() } else { thousands(of.errors) },
                human_seconds(of.total_seconds),
                thousands(of.rows),
                of.text.clone(),
            ]
        });
        Table { title: "Statements", columns, rows: rows.collect(), notes: Vec::new(), legend: &[] }
    }
}

impl Comparison {
    /// What changed, what cannot be told, and how many are the same.
    #[must_use]
    pub fn show(&self, form: Form) -> String {
        let columns = vec![
            Column::left("verdict"),
            Column::wide("what"),
            Column::left("figure").spare(2),
            Column::right("baseline"),
            Column::right("head"),
            Column::right("change"),
            Column::right("interval").spare(1),
            Column::right("p"),
        ];
        let seconds = |seconds: Option<f64>| seconds.map(human_seconds).unwrap_or_default();
        let row = |change: &Change| {
            vec![
                change.verdict.as_str().to_owned(),
                change.subject.to_string(),
                change.subject.figure().to_owned(),
                seconds(change.baseline),
                seconds(change.head),
                change.ratio.map(percent).unwrap_or_default(),
                change.interval.map(|(low, high)| format!("{} to {}", percent(low), percent(high))).unwrap_or_default(),
                change
                    .p_value
                    .map(|p| if p < 0.0001 { String::from("< 0.0001") } else { format!("{p:.4}") })
                    .unwrap_or_default(),
            ]
        };
        let (same, shown): (Vec<_>, Vec<_>) = self.changes.iter().partition(|change| change.verdict == Verdict::Same);
        let title = match form {
            Form::Markdown => format!("# Comparison of {} runs with {}\n\n", self.runs.1, self.runs.0),
            Form::Text(_) => format!("{} runs compared with {} of the baseline\n\n", self.runs.1, self.runs.0),
        };
        let table = Table {
            title: "Changes",
            columns,
            rows: shown.into_iter().map(row).collect(),
            notes: Vec::new(),
            legend: &[],
        };
        let mut notes = self.notes.clone();
        notes.push(format!(
            "{} of {} figures show no change beyond {:.0} % that chance does not explain (Mann-Whitney test of the runs' figures, Holm's correction, alpha {})",
            same.len(),
            self.changes.len(),
            self.options.threshold * 100.0,
            self.options.alpha
        ));
        let table = written(vec![table], form);
        let gap = if table.is_empty() { "" } else { "\n" };
        format!("{title}{table}{gap}{}\n", notes.join("\n\n"))
    }
}

/// `+10.2 %`
fn percent(ratio: f64) -> String {
    if ratio.is_finite() { format!("{:+.1} %", (ratio - 1.0) * 100.0) } else { String::from("∞") }
}
