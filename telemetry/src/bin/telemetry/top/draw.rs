//! How it looks.

use super::live::Job;
use super::rates::Readings;
use super::screen::Screen;
use super::tables::{Cell, Column, View};
use ratatui::Frame;
use ratatui::layout::{Constraint, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, LineGauge, Paragraph, Row, Table};
use telemetry::export::human;

/// A name narrower than this says little.
const NAME: usize = 18;

/// Columns between two of the table's.
const GAP: usize = 2;

const HELP: &[(&str, &str)] = &[
    ("Tab, 1 to 4", "functions, statements, metrics, process"),
    ("arrows, j k, PgUp PgDn, Home End", "go through the rows"),
    ("s  S", "sort by the next column, or the one before"),
    ("r", "reverse the order"),
    ("/", "search; Enter keeps it, Esc forgets it"),
    ("t", "since the program started, or since the last reading"),
    ("p", "pause"),
    ("q, Esc, Ctrl-C", "quit"),
];

/// Which colours there are.
#[derive(Clone, Copy)]
pub(super) struct Look {
    pub(super) color: bool,
}

impl Look {
    fn of(self, color: Color) -> Style {
        if self.color { Style::new().fg(color) } else { Style::new().add_modifier(Modifier::BOLD) }
    }
}

pub(super) fn draw(frame: &mut Frame<'_>, screen: &mut Screen, readings: &Readings, look: Look) {
    let area = frame.area();
    let mut lines = Lines { area, next: area.y };
    frame.render_widget(header(readings, area.width), lines.take(1));
    frame.render_widget(tabs(screen, readings), lines.take(1));
    if screen.view == View::Functions {
        // At most a third of the screen is the jobs'.
        let shown = usize::from(area.height / 3);
        for job in ordered(&readings.now.jobs).into_iter().take(shown) {
            draw_job(frame, job, lines.take(1), look);
        }
    }
    let table = lines.take(area.height.saturating_sub(lines.next - area.y + 1));
    draw_table(frame, screen, readings, table, look);
    frame.render_widget(foot(screen, look), lines.take(1));
    if screen.is_help {
        draw_help(frame, area);
    }
}

/// Lines from the top on.
struct Lines {
    area: Rect,
    next: u16,
}

impl Lines {
    fn take(&mut self, height: u16) -> Rect {
        let height = height.min(self.area.bottom().saturating_sub(self.next));
        let taken = Rect { y: self.next, height, ..self.area };
        self.next += height;
        taken
    }
}

/// The program and its process, as far as there is room.
fn header(readings: &Readings, width: u16) -> Line<'static> {
    let live = &readings.now;
    let value = |name| live.value(name);
    let named = |name: &str, value: Option<String>| value.map(|value| format!("{name} {value}"));
    let per_second = |name| readings.of_family(name).map(|rate| format!("{}/s", human::bytes(rate)));
    let parts = [
        Some(format!("up {}", human::seconds((live.taken_at - live.started_at).max(0.0)))),
        named("cpu", value("process_cpu_usage_ratio").map(|share| format!("{:.0} %", share * 100.0))),
        named("memory", value("process_resident_memory_bytes").or(value("allocator_live_bytes")).map(human::bytes)),
        named("threads", value("process_threads").map(human::number)),
        named("own cost", value("telemetry_overhead_spent_ratio").map(human::share)),
        named("read", per_second("process_io_read_bytes_total")),
        named("written", per_second("process_io_written_bytes_total")),
        Some(format!("telemetry {}", live.version.0)),
    ];
    let service = live.service.0.clone();
    let mut used = Span::raw(&service).width();
    let mut line = Line::from(Span::styled(service, Modifier::BOLD));
    for part in parts.into_iter().flatten() {
        let part = Span::raw(format!("  {part}"));
        used += part.width();
        if used > usize::from(width) {
            break;
        }
        line.push_span(part);
    }
    line
}

fn tabs(screen: &Screen, readings: &Readings) -> Line<'static> {
    let mut line = Line::default();
    for (number, view) in (1..).zip(View::ALL) {
        let style = if view == screen.view { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        line.push_span(Span::styled(format!(" {number} {} ", view.title()), style));
    }
    let what = match (screen.totals, readings.seconds()) {
        (false, Some(seconds)) => format!("  in {}", human::seconds(seconds)),
        _ => String::from("  since the start"),
    };
    line.push_span(Span::styled(what, Modifier::DIM));
    if screen.is_paused {
        line.push_span(Span::styled("  paused", Modifier::BOLD));
    }
    line
}

/// Those that run first, then those that ended last.
fn ordered(jobs: &[Job]) -> Vec<&Job> {
    let (running, ended): (Vec<_>, Vec<_>) = jobs.iter().partition(|job| job.result.is_none());
    running.into_iter().chain(ended.into_iter().rev()).collect()
}

fn draw_job(frame: &mut Frame<'_>, job: &Job, area: Rect, look: Look) {
    let name = Span::styled(job.name.0.clone(), Modifier::BOLD);
    let name_width = u16::try_from(name.width()).unwrap_or(u16::MAX).min((area.width / 4).clamp(8, 30));
    let gauge_width = (area.width / 5).clamp(8, 30);
    let mut left = area.x;
    let mut part = |width: u16| {
        let width = width.min(area.right().saturating_sub(left));
        let part = Rect { x: left, width, ..area };
        left += width + 1;
        left = left.min(area.right());
        part
    };
    frame.render_widget(name, part(name_width));
    let share = job.progress.filter(|share| (0.0..=1.0).contains(share));
    let gauge_area = part(gauge_width);
    if let Some(share) = share {
        let label = format!("{:>4.0} %", share * 100.0);
        let gauge = LineGauge::default().ratio(share).label(label).filled_style(look.of(Color::Green));
        frame.render_widget(gauge.filled_symbol("█").unfilled_symbol("░"), gauge_area);
    }
    let rest = part(area.width);
    let mut line = Line::default();
    for (text, style) in job_figures(job, look) {
        let gap = if line.spans.is_empty() { "" } else { "  " };
        let figure = Span::styled(format!("{gap}{text}"), style);
        if line.width() + figure.width() > usize::from(rest.width) {
            break;
        }
        line.push_span(figure);
    }
    frame.render_widget(line, rest);
}

/// What is known of a job, the most important first.
fn job_figures(job: &Job, look: Look) -> Vec<(String, Style)> {
    let count = |count: u64| human::number(approximate(count));
    let plain = |text: String| (text, Style::new());
    let runs = job.result.is_none();
    let state = match &job.result {
        None if job.stalled => {
            let quiet = human::seconds(job.quiet_seconds.unwrap_or_default());
            Some((format!("stalled for {quiet}"), look.of(Color::Yellow)))
        }
        None => None,
        Some(result) if result.0 == "ok" => Some(plain(String::from("ended"))),
        Some(result) => Some((result.0.clone(), look.of(Color::Red))),
    };
    let done = count(job.units.done());
    let of = job.total.map(|total| format!(" of {}", count(total))).unwrap_or_default();
    let left = job.eta_seconds.filter(|_| runs).map(|left| format!("{} left", human::seconds(left)));
    let failed = job.units.failed.saturating_add(job.units.dead_lettered);
    let failed_records = job.records.failed.saturating_add(job.records.dead_lettered);
    let units = (failed > 0).then(|| format!("{} failed", count(failed)));
    let records = (failed_records > 0).then(|| format!("{} records failed", count(failed_records)));
    let alarms = units.into_iter().chain(records).map(|text| (text, look.of(Color::Red)));
    let rate = if runs { job.units_per_second } else { job.overall_rate };
    let rate = rate.map(|rate| format!("{}/s", human::number(rate)));
    let elapsed = format!("{}{}", human::seconds(job.elapsed_seconds), if runs { " so far" } else { "" });
    let head = state.into_iter().chain([plain(format!("{done}{of} {}", job.unit.0))]).chain(left.map(plain));
    head.chain(alarms).chain(rate.map(plain)).chain([plain(elapsed)]).collect()
}

#[expect(clippy::cast_precision_loss, reason = "for people")]
fn approximate(count: u64) -> f64 {
    count as f64
}

fn draw_table(frame: &mut Frame<'_>, screen: &mut Screen, readings: &Readings, area: Rect, look: Look) {
    let table = screen.table(readings);
    // One line is the heads'.
    let (first, marked) = screen.window(usize::from(area.height.saturating_sub(1)));
    let seen: Vec<&Vec<Cell<'_>>> = table.rows.iter().skip(first).take(usize::from(area.height)).collect();
    if seen.is_empty() {
        frame.render_widget(Paragraph::new(table.empty), area);
        return;
    }
    let widths = widths(&table.columns, &seen, usize::from(area.width));
    let shown: Vec<usize> = (0..table.columns.len()).filter(|index| widths[*index] > 0).collect();
    let (sorted, descends) = screen.sorted();
    let head = shown.iter().map(|&index| {
        let column = &table.columns[index];
        let arrow = if descends { "▼" } else { "▲" };
        let title = if index == sorted { format!("{arrow}{}", column.title) } else { column.title.to_owned() };
        aligned(column, Line::raw(title))
    });
    let rows = seen.iter().enumerate().map(|(index, row)| {
        let cells = shown.iter().map(|&column| {
            let cell = &row[column];
            let text = cut(&cell.show(), widths[column]);
            let is_alarm = matches!(cell, Cell::Alarm(count) if *count > 0.0);
            let style = if is_alarm { look.of(Color::Red) } else { Style::new() };
            aligned(&table.columns[column], Line::styled(text, style))
        });
        let style = if first + index == marked { Style::new().add_modifier(Modifier::REVERSED) } else { Style::new() };
        Row::new(cells).style(style)
    });
    let constraints = shown.iter().map(|&index| Constraint::Length(u16::try_from(widths[index]).unwrap_or(u16::MAX)));
    let widget = Table::new(rows, constraints).column_spacing(u16::try_from(GAP).unwrap_or(1));
    frame.render_widget(widget.header(Row::new(head).style(Modifier::DIM)), area);
}

fn aligned<'a>(column: &Column, line: Line<'a>) -> Line<'a> {
    if column.is_text { line } else { line.right_aligned() }
}

/// As wide as what is seen, without the columns for which there is no room; these have 0. What is left is the last text's, and what lacks is taken from the first.
fn widths(columns: &[Column], seen: &[&Vec<Cell<'_>>], room: usize) -> Vec<usize> {
    let mut widths: Vec<usize> = columns
        .iter()
        .enumerate()
        .map(|(index, column)| {
            let cells = seen.iter().map(|row| Span::raw(row[index].show()).width()).max().unwrap_or(0);
            // With room for the arrow of the column by which it is sorted.
            cells.max(column.title.len() + 1)
        })
        .collect();
    let used = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0);
        shown.clone().sum::<usize>() + GAP * shown.count().saturating_sub(1)
    };
    // A long text gives way before a figure does.
    let last_text = columns.iter().rposition(|column| column.is_text).filter(|last| *last > 1);
    if let Some(last) = last_text {
        widths[last] = widths[last].min(NAME.max(widths[last].saturating_sub(used(&widths).saturating_sub(room))));
    }
    loop {
        let name = widths[0].saturating_sub(used(&widths).saturating_sub(room));
        if name >= NAME.min(widths[0]) {
            widths[0] = name;
            return widths;
        }
        let spare = (0..columns.len()).filter(|index| widths[*index] > 0 && columns[*index].spare > 0);
        let Some(gone) = spare.max_by_key(|index| columns[*index].spare) else {
            widths[0] = name.max(1);
            return widths;
        };
        widths[gone] = 0;
    }
}

/// The end of a name says more than its beginning, which many share; of other texts it is the beginning.
fn cut(text: &str, width: usize) -> String {
    if Span::raw(text).width() <= width {
        return text.to_owned();
    }
    let is_path = text.contains("::") && !text.contains(' ');
    let mut kept = String::new();
    let characters: Vec<char> = if is_path { text.chars().rev().collect() } else { text.chars().collect() };
    for character in characters {
        kept.push(character);
        if Span::raw(kept.as_str()).width() > width.saturating_sub(1) {
            kept.pop();
            break;
        }
    }
    if is_path { format!("…{}", kept.chars().rev().collect::<String>()) } else { kept + "…" }
}

fn foot(screen: &Screen, look: Look) -> Line<'static> {
    if screen.is_typing {
        return Line::from(vec![Span::styled("search: ", Modifier::BOLD), Span::raw(format!("{}_", screen.filter))]);
    }
    if let Some(trouble) = &screen.trouble {
        return Line::styled(trouble.clone(), look.of(Color::Red));
    }
    let hint = "? help  q quit  Tab view  s sort  / search  t totals  p pause";
    let text =
        if screen.filter.is_empty() { hint.to_owned() } else { format!("search: {}  (Esc forgets it)", screen.filter) };
    Line::styled(text, Modifier::DIM)
}

fn draw_help(frame: &mut Frame<'_>, area: Rect) {
    let keys = HELP.iter().map(|(keys, _)| keys.len()).max().unwrap_or(0);
    let lines: Vec<Line<'_>> = HELP.iter().map(|(key, what)| Line::raw(format!(" {key:keys$}  {what} "))).collect();
    let width = lines.iter().map(Line::width).max().and_then(|width| u16::try_from(width).ok()).unwrap_or(area.width);
    let height = u16::try_from(lines.len()).unwrap_or(area.height);
    let (width, height) = (width.min(area.width), height.min(area.height));
    let within = Rect { x: area.x + (area.width - width) / 2, y: area.y + (area.height - height) / 2, width, height };
    frame.render_widget(Clear, within);
    frame.render_widget(Paragraph::new(lines).style(Modifier::REVERSED), within);
}
