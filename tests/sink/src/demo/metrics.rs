use super::more;
use super::words::{grouped, in_unit, plural, short};
use std::collections::BTreeMap;
use telemetry_sink::{Attributes, Point, Temporality, Value};

/// Of a metric, unless all are asked for.
const SERIES: usize = 3;
/// Longer attributes are cut.
const ATTRIBUTES: usize = 56;

/// A series, and what it counted in all.
struct Series {
    last: Point,
    /// What was reached before the last point's start, or the deltas before it.
    before: (f64, u64),
}

/// The series of all who sent, by sender, metric and attributes.
#[derive(Default)]
pub struct Metrics {
    series: BTreeMap<(String, String, Attributes), Series>,
}

fn sender(point: &Point) -> String {
    let of = |key: &str| point.resource.get(key).map(String::as_str);
    let name = of("service.name").unwrap_or("a service without a name");
    of("service.instance.id").map_or_else(|| name.to_owned(), |instance| format!("{name}, instance {instance}"))
}

impl Metrics {
    /// Takes in a point.
    pub fn add(&mut self, point: Point) {
        let key = (sender(&point), point.name.clone(), point.attributes.clone());
        let Some(series) = self.series.get_mut(&key) else {
            self.series.insert(key, Series { last: point, before: (0.0, 0) });
            return;
        };
        let last = &series.last;
        let anew = point.value.temporality() == Some(Temporality::Delta)
            || (point.start > last.start && point.start >= last.time);
        if anew && point.value.temporality().is_some() {
            series.before.0 += last.value.as_f64();
            series.before.1 += last.value.count().unwrap_or(0);
        }
        series.last = point;
    }

    /// How many there are.
    pub fn series(&self) -> usize {
        self.series.len()
    }

    /// All of them, or the largest of each metric.
    pub fn table(&self, all: bool) -> String {
        let mut text = String::new();
        let mut senders: BTreeMap<&str, BTreeMap<&str, Vec<&Series>>> = BTreeMap::new();
        for ((sender, name, _), series) in &self.series {
            senders.entry(sender).or_default().entry(name).or_default().push(series);
        }
        for (sender, metrics) in &senders {
            let series = metrics.values().map(Vec::len).sum::<usize>();
            let mut rows = Vec::new();
            for (name, series) in metrics {
                add_rows(name, series, all, &mut rows);
            }
            text += &format!(
                "Metrics of {sender}: {} with {} series\n",
                plural(metrics.len() as u64, "metric"),
                grouped(series as u64)
            );
            text += &columns(&rows);
        }
        text
    }
}

fn add_rows(name: &str, series: &[&Series], all: bool, rows: &mut Vec<[String; 4]>) {
    let mut series: Vec<_> = series.to_vec();
    // Those that counted most come first; of equals, in the order of their attributes.
    series.sort_by(|one, other| size(other).total_cmp(&size(one)));
    let shown = if all || series.len() <= SERIES + 1 { series.len() } else { SERIES };
    for (at, series) in series[..shown].iter().enumerate() {
        let pairs: Vec<_> = series.last.attributes.iter().map(|(key, value)| format!("{key}={value}")).collect();
        let pairs = pairs.join(" ");
        let name = if at == 0 { name.to_owned() } else { String::new() };
        let kind = if at == 0 { kind(&series.last) } else { "" };
        rows.push([name, kind.to_owned(), short(&pairs, if all { usize::MAX } else { ATTRIBUTES }), value(series)]);
    }
    if shown < series.len() {
        rows.push([String::new(), String::new(), more(series.len() - shown, "series"), String::new()]);
    }
}

fn kind(point: &Point) -> &'static str {
    match &point.value {
        Value::Sum { monotonic: true, .. } => "counter",
        Value::Sum { .. } => "sum",
        other => other.kind(),
    }
}

fn size(series: &Series) -> f64 {
    let counted = series.last.value.count().map(|count| (count + series.before.1) as f64);
    counted.unwrap_or_else(|| series.last.value.as_f64() + series.before.0)
}

fn value(series: &Series) -> String {
    let Series { last, before } = series;
    let sum = last.value.as_f64() + before.0;
    let Some(count) = last.value.count().map(|count| count + before.1) else { return in_unit(sum, &last.unit) };
    let mut text = grouped(count);
    if count > 0 {
        text += &format!(", mean {}", in_unit(sum / count as f64, &last.unit));
        if let Some(most) = ninety_fifth(&last.value) {
            text += &format!(", p95 ≤ {}", in_unit(most, &last.unit));
        }
    }
    text
}

/// In which bucket the ninety-fifth percentile lies, when so many observations come before the first.
fn find(mut buckets: impl Iterator<Item = u64>, count: u64, before: u64) -> Option<usize> {
    let wanted = (count as f64 * 0.95).ceil() as u64;
    let mut seen = before;
    buckets.position(|bucket| {
        seen += bucket;
        seen >= wanted
    })
}

/// The upper bound of that bucket. Of what came last, where deltas come.
fn ninety_fifth(value: &Value) -> Option<f64> {
    match value {
        Value::Histogram { count, bounds, buckets, .. } if *count > 0 => {
            bounds.get(find(buckets.iter().copied(), *count, 0)?).copied()
        }
        Value::Exponential { count, scale, zero, positive: (offset, buckets), negative: (_, below), .. }
            if *count > 0 =>
        {
            let place = find(buckets.iter().copied(), *count, zero + below.iter().sum::<u64>())?;
            let index = f64::from(*offset) + place as f64 + 1.0;
            Some((index * (-f64::from(*scale)).exp2()).exp2())
        }
        _ => None,
    }
}

fn columns(rows: &[[String; 4]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<_> = (0..3).map(width).collect();
    let line = |row: &[String; 4]| {
        let [name, kind, attributes, value] = row;
        let line = format!("  {name:<0$}  {kind:<1$}  {attributes:<2$}  {value}", widths[0], widths[1], widths[2]);
        format!("{}\n", line.trim_end())
    };
    rows.iter().map(line).collect()
}
