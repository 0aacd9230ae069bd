//! What the tables hold: columns and rows of each view.

use super::live::{Family, Functions, Series};
use super::rates::Readings;
use std::borrow::Cow;
use std::cmp::Ordering;
use telemetry::export::human;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Functions,
    Statements,
    Metrics,
    Process,
}

impl View {
    pub(super) const ALL: [View; 4] = [View::Functions, View::Statements, View::Metrics, View::Process];

    pub(super) const fn title(self) -> &'static str {
        match self {
            View::Functions => "functions",
            View::Statements => "statements",
            View::Metrics => "metrics",
            View::Process => "process",
        }
    }

    /// The column by which it is sorted at first, and whether the greatest come first.
    pub(super) const fn sorted(self) -> (usize, bool) {
        match self {
            View::Functions => (5, true),
            View::Statements => (4, true),
            View::Metrics | View::Process => (0, false),
        }
    }
}

pub(super) struct Column {
    pub(super) title: &'static str,
    pub(super) is_text: bool,
    /// What narrow terminals go without, the highest first; 0 stays.
    pub(super) spare: u8,
}

const fn text(title: &'static str, spare: u8) -> Column {
    Column { title, is_text: true, spare }
}

const fn figure(title: &'static str, spare: u8) -> Column {
    Column { title, is_text: false, spare }
}

/// A figure or a text, formatted when it is seen.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    Text(Cow<'a, str>),
    Nothing,
    Number(f64),
    /// A count, of which there had better be none.
    Alarm(f64),
    Seconds(f64),
    Bytes(f64),
    Share(f64),
    /// How many run, and the age of the oldest.
    Running(f64, f64),
}

impl Cell<'_> {
    fn of(value: Option<f64>, cell: fn(f64) -> Cell<'static>) -> Cell<'static> {
        value.map_or(Cell::Nothing, cell)
    }

    pub(super) fn show(&self) -> Cow<'_, str> {
        let shown = match self {
            Cell::Text(text) => return Cow::Borrowed(text),
            Cell::Nothing => String::new(),
            Cell::Alarm(count) if *count == 0.0 => String::new(),
            Cell::Running(count, _) if *count == 0.0 => String::new(),
            Cell::Running(count, age) if *age > 0.0 => format!("{} ({})", human::number(*count), human::seconds(*age)),
            Cell::Number(number) | Cell::Alarm(number) | Cell::Running(number, _) => human::number(*number),
            Cell::Seconds(seconds) => human::seconds(*seconds),
            Cell::Bytes(bytes) => human::bytes(*bytes),
            Cell::Share(share) if *share > 1.0 => format!("{:.0} %", share * 100.0),
            Cell::Share(share) => human::share(*share),
        };
        Cow::Owned(shown)
    }

    fn number(&self) -> Option<f64> {
        match self {
            Cell::Text(_) | Cell::Nothing => None,
            Cell::Number(value) | Cell::Alarm(value) | Cell::Seconds(value) => Some(*value),
            Cell::Bytes(value) | Cell::Share(value) | Cell::Running(value, _) => Some(*value),
        }
    }

    /// What is not known is the least.
    pub(super) fn order(&self, other: &Cell<'_>) -> Ordering {
        match (self, other) {
            (Cell::Text(a), Cell::Text(b)) => a.cmp(b),
            (a, b) => a.number().unwrap_or(f64::NEG_INFINITY).total_cmp(&b.number().unwrap_or(f64::NEG_INFINITY)),
        }
    }
}

pub(super) struct Table<'a> {
    pub(super) columns: Vec<Column>,
    pub(super) rows: Vec<Vec<Cell<'a>>>,
    /// Where nothing stands.
    pub(super) empty: &'static str,
}

impl<'a> Table<'a> {
    /// `totals`: since the program started, instead of since the last reading.
    pub(super) fn of(view: View, readings: &'a Readings, totals: bool) -> Table<'a> {
        match view {
            View::Functions => functions(readings, totals),
            View::Statements => statements(readings, totals),
            View::Metrics => {
                families(readings, |group| group == "user", "The program declares no metric that has a value.")
            }
            View::Process => families(readings, |group| group != "user", "Nothing is known of the process."),
        }
    }
}

fn functions(readings: &Readings, totals: bool) -> Table<'_> {
    let functions = &readings.now.functions;
    let columns = vec![
        text("function", 0),
        figure(if totals { "calls" } else { "calls/s" }, 0),
        figure(if totals { "errors" } else { "errors/s" }, 2),
        figure("running", 3),
        figure("busy", 5),
        figure("self", 0),
        figure("cpu", 4),
        figure("p50", 6),
        figure("p95", 7),
        figure("p99", 1),
        figure(if totals { "allocated" } else { "allocated/s" }, 8),
    ];
    let at = |column: &Option<Vec<Option<f64>>>, place: usize| *column.as_ref()?.get(place)?;
    let failed = move |functions: &Functions, place: usize| {
        let (errors, panics) = (at(&functions.errors, place), at(&functions.panics, place));
        Some(errors.unwrap_or(0.0) + panics.unwrap_or(0.0))
    };
    let row = |place: usize| {
        let name = match (functions.module.get(place), functions.function.get(place)) {
            (Some(module), Some(name)) if !module.0.is_empty() => format!("{}::{}", module.0, name.0),
            (_, name) => name.map(|name| name.0.clone()).unwrap_or_default(),
        };
        let running = at(&functions.running, place).unwrap_or(0.0);
        let head = Cell::Text(name.into());
        let running = Cell::Running(running, at(&functions.oldest, place).unwrap_or(0.0));
        if totals {
            return vec![
                head,
                Cell::of(functions.calls.get(place).copied().flatten(), Cell::Number),
                Cell::of(failed(functions, place), Cell::Alarm),
                running,
                Cell::of(at(&functions.busy, place), Cell::Seconds),
                Cell::of(at(&functions.own, place), Cell::Seconds),
                Cell::of(at(&functions.cpu, place), Cell::Seconds),
                Cell::of(at(&functions.p50, place), Cell::Seconds),
                Cell::of(at(&functions.p95, place), Cell::Seconds),
                Cell::of(at(&functions.p99, place), Cell::Seconds),
                Cell::of(at(&functions.allocated, place), Cell::Bytes),
            ];
        }
        let rate = |column: fn(&Functions) -> &Option<Vec<Option<f64>>>| {
            readings.of_function(place, |functions, place| at(column(functions), place))
        };
        let calls = readings.of_function(place, |functions, place| *functions.calls.get(place)?);
        vec![
            head,
            Cell::of(calls, Cell::Number),
            Cell::of(readings.of_function(place, failed), Cell::Alarm),
            running,
            Cell::of(rate(|functions| &functions.busy), Cell::Share),
            Cell::of(rate(|functions| &functions.own), Cell::Share),
            Cell::of(rate(|functions| &functions.cpu), Cell::Share),
            Cell::of(readings.quantile(place, 0.5), Cell::Seconds),
            Cell::of(readings.quantile(place, 0.95), Cell::Seconds),
            Cell::of(readings.quantile(place, 0.99), Cell::Seconds),
            Cell::of(rate(|functions| &functions.allocated), Cell::Bytes),
        ]
    };
    let rows = (0..functions.function.len()).map(row).collect();
    Table { columns, rows, empty: "No measured function was called." }
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn statements(readings: &Readings, totals: bool) -> Table<'_> {
    let columns = vec![
        text("statement", 0),
        text("database", 5),
        figure(if totals { "runs" } else { "runs/s" }, 0),
        figure(if totals { "errors" } else { "errors/s" }, 2),
        figure("time", 0),
        figure("mean", 1),
        figure("p95", 4),
        figure("longest", 3),
        figure(if totals { "rows" } else { "rows/s" }, 4),
        text("text", 6),
    ];
    let rows = readings.now.statements.iter().enumerate().map(|(place, statement)| {
        let rate = |figure: fn(&super::live::Statement) -> f64| readings.of_statement(place, figure);
        let (runs, errors, time, mean, rows);
        if totals {
            let count = statement.calls.saturating_add(statement.errors) as f64;
            runs = Cell::Number(count);
            errors = Cell::Alarm(statement.errors as f64);
            time = Cell::Seconds(statement.total_seconds);
            mean = Cell::of(Some(statement.total_seconds / count).filter(|mean| mean.is_finite()), Cell::Seconds);
            rows = Cell::Number(statement.rows as f64);
        } else {
            let count = rate(|of| of.calls.saturating_add(of.errors) as f64);
            let seconds = rate(|of| of.total_seconds);
            runs = Cell::of(count, Cell::Number);
            errors = Cell::of(rate(|of| of.errors as f64), Cell::Alarm);
            time = Cell::of(seconds, Cell::Share);
            let each = seconds.zip(count).map(|(seconds, count)| seconds / count).filter(|mean| mean.is_finite());
            mean = Cell::of(each, Cell::Seconds);
            rows = Cell::of(rate(|of| of.rows as f64), Cell::Number);
        }
        let texts = |text: &'_ super::live::Text| Cell::Text(Cow::Owned(text.0.clone()));
        vec![
            texts(&statement.statement),
            texts(&statement.database),
            runs,
            errors,
            time,
            mean,
            Cell::Seconds(statement.p95_seconds),
            Cell::Seconds(statement.max_seconds),
            rows,
            texts(&statement.text),
        ]
    });
    Table { columns, rows: rows.collect(), empty: "No statement was run on a profiled connection." }
}

fn families<'a>(readings: &'a Readings, is_shown: fn(&str) -> bool, empty: &'static str) -> Table<'a> {
    let columns =
        vec![text("metric", 0), figure("value", 0), figure("observed", 2), figure("/s", 1), figure("mean", 3)];
    let mut rows = Vec::new();
    for (place, family) in readings.now.families.iter().enumerate().filter(|(_, family)| is_shown(&family.group.0)) {
        let rate = |series: usize, figure: fn(&Series) -> Option<f64>| readings.of_series(place, series, figure);
        let row = |(at, series)| row(family, series, |figure| rate(at, figure));
        rows.extend(family.series.iter().enumerate().map(row));
    }
    Table { columns, rows, empty }
}

fn row<'a>(
    family: &'a Family,
    series: &'a Series,
    rate: impl Fn(fn(&Series) -> Option<f64>) -> Option<f64>,
) -> Vec<Cell<'a>> {
    let in_unit = |value: Option<f64>| match &*family.unit.0 {
        "seconds" => Cell::of(value, Cell::Seconds),
        "bytes" => Cell::of(value, Cell::Bytes),
        "ratio" => Cell::of(value, Cell::Share),
        _ => Cell::of(value, Cell::Number),
    };
    let name = if series.labels.is_empty() {
        Cow::Borrowed(&*family.name.0)
    } else {
        let labels: Vec<String> =
            series.labels.iter().map(|(name, value)| format!("{}={:?}", name.0, value.0)).collect();
        Cow::Owned(format!("{}{{{}}}", family.name.0, labels.join(", ")))
    };
    let is_counter = family.kind.0 == "counter";
    let rate = match (is_counter, series.count) {
        (true, _) => in_unit(rate(|series| series.value)),
        (false, Some(_)) => Cell::of(rate(|series| series.count), Cell::Number),
        (false, None) => Cell::Nothing,
    };
    // A second of time a second is a share.
    let rate = if let Cell::Seconds(share) = rate { Cell::Share(share) } else { rate };
    let mean = series.sum.zip(series.count).map(|(sum, count)| sum / count).filter(|mean| mean.is_finite());
    vec![Cell::Text(name), in_unit(series.value), Cell::of(series.count, Cell::Number), rate, in_unit(mean)]
}
