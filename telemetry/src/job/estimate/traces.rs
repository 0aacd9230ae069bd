//! What the estimator says of recorded jobs: `ci/long/traces` and `ci/long/more-traces` tell how each was recorded.

use super::naive::{TwiceSmoothed, mean};
use super::*;
use Kind::{Drifting, Steady, Uneven};

#[derive(Clone, Copy, Debug, PartialEq)]
enum Kind {
    Steady,
    /// Each unit takes longer than those before, or less.
    Drifting,
    /// Pauses, bursts and units of all sizes, which nobody foresees.
    Uneven,
}

struct Trace {
    name: &'static str,
    kind: Kind,
    /// Seconds after the start, units worked on and units skipped.
    points: Vec<(f64, u64, u64)>,
}

macro_rules! traces {
    ($folder:literal $($name:ident $kind:ident)*) => {
        [$(trace(stringify!($name), $kind, include_str!(concat!("traces/", $folder, stringify!($name), ".csv")))),*]
    };
}

/// Those that the estimator was made with.
fn first() -> Vec<Trace> {
    traces! {
        ""
        steady Steady
        faults Steady
        few_days_at_a_time Steady
        even_files Steady
        resumed Steady
        own_limit_unknown Steady
        growing_table Drifting
        warming_cache Drifting
        small_files_first Drifting
        large_files_first Drifting
        slow_answers Uneven
        heavy_tailed Uneven
        batches Uneven
        in_windows Uneven
        with_pauses Uneven
        refused_for_a_while Uneven
        down_for_a_while Uneven
    }
    .into()
}

/// Those that the width of the interval was chosen with, besides. While `steady_copies`, `steady_hashes`, `late_start`, `faster_files`, `heavy_compression` and `resumed_packing`
/// were recorded, the machine had other work for a part of the time, which made the units of that part several times as slow.
fn later() -> Vec<Trace> {
    traces! {
        "later/"
        steady_pages Steady
        steady_hashes Steady
        steady_copies Steady
        late_start Steady
        resumed_pages Steady
        resumed_packing Steady
        slowing_offset Drifting
        slowing_index Drifting
        slowing_source Drifting
        faster_cache Drifting
        faster_files Drifting
        bursty_quota Uneven
        bursty_batches Uneven
        pauses_source_down Uneven
        step_neighbour Uneven
        heavy_compression Uneven
        heavy_pages Uneven
    }
    .into()
}

/// Those that the estimator was not tried on before it was finished. Their kinds were written down before they were recorded.
fn unseen() -> Vec<Trace> {
    traces! {
        "unseen/"
        steady_answers Steady
        steady_parsing Steady
        steady_rows Steady
        steady_limit Steady
        resumed_days Steady
        resumed_at_once Steady
        duplicates Steady
        slowing_list Drifting
        slowing_upsert Drifting
        slowing_server Drifting
        faster_pairs Drifting
        faster_workers Drifting
        bursty_queue Uneven
        pauses_compaction Uneven
        step_down Uneven
        heavy_waits Uneven
    }
    .into()
}

fn trace(name: &'static str, kind: Kind, text: &str) -> Trace {
    let point = |line: &str| {
        let mut fields = line.split(',');
        let (at, done) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
        Some((at, done, fields.next().map_or(Some(0), |skipped| skipped.parse().ok())?))
    };
    Trace { name, kind, points: text.lines().map(|line| point(line).unwrap()).collect() }
}

/// What is believed of a trace at one moment.
struct Told {
    /// Seconds that are left in truth.
    truth: f64,
    /// By the estimator, by the mean over the run and by a smoothed rate as `indicatif` has it.
    by: [f64; 3],
    is_within: bool,
}

impl Told {
    fn errors_of_left(&self) -> [f64; 3] {
        self.by.map(|seconds| (seconds - self.truth).abs() / self.truth)
    }
}

impl Trace {
    fn seconds(&self) -> f64 {
        self.points.last().unwrap().0
    }

    /// How much was worked on and skipped at a time: what the last reading said.
    fn done(&self, at: f64) -> (u64, u64) {
        let place = self.points.partition_point(|point| point.0 <= at);
        place.checked_sub(1).map_or((0, 0), |place| (self.points[place].1, self.points[place].2))
    }

    fn total(&self) -> u64 {
        let (_, done, skipped) = self.points.last().unwrap();
        done + skipped
    }

    /// After a share of the time, if the units are read ten times a second as jobs are. `None` where the estimator tells nothing.
    fn told(&self, share: f64) -> Option<Told> {
        let (mut ours, mut smoothed) = (Estimator::default(), TwiceSmoothed::default());
        for step in 1..=(self.seconds() * share * 10.0) as u64 {
            let at = step as f64 / 10.0;
            let (done, skipped) = self.done(at);
            ours.read(at, done, skipped);
            smoothed.read(at, (done + skipped) as f64);
        }
        let (at, done) = (ours.at, (ours.done + ours.skipped) as f64);
        let left = self.total() - ours.done - ours.skipped;
        let estimate = ours.estimate(left)?;
        let truth = self.seconds() - at;
        let is_within = (estimate.low..=estimate.high).contains(&truth);
        let left = left as f64;
        Some(Told { truth, by: [estimate.seconds, mean(at, done, left), smoothed.left(at, left)], is_within })
    }
}

/// Of an even number the upper one, so that nothing looks better than it is.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

const SHARES: [f64; 4] = [0.1, 0.25, 0.5, 0.75];

fn percents(errors: [f64; 3]) -> String {
    errors.map(|error| format!("{:.0}", error * 100.0)).join(" / ")
}

/// The medians of the errors over these traces: as shares of the time left, and of the whole run.
fn medians(traces: &[&Trace], share: f64) -> [[f64; 3]; 2] {
    let told: Vec<Told> = traces.iter().filter_map(|trace| trace.told(share)).collect();
    let of = |part: f64| {
        [0, 1, 2].map(|which| median(told.iter().map(|told| told.errors_of_left()[which] * part).collect()))
    };
    [of(1.0), of(1.0 - share)]
}

/// In how many of the readings that tell something the end lies in the interval, and how many those are.
fn coverage(traces: &[&Trace]) -> (f64, usize) {
    let shares = || (5..95).map(|percent| f64::from(percent) / 100.0);
    let told: Vec<Told> = traces.iter().flat_map(|trace| shares().filter_map(|share| trace.told(share))).collect();
    (told.iter().filter(|told| told.is_within).count() as f64 / told.len() as f64, told.len())
}

fn table_of_traces(traces: &[Trace]) {
    println!("| trace | seconds | 10 % | 25 % | 50 % | 75 % |\n| :--- | ---: | ---: | ---: | ---: | ---: |");
    for trace in traces {
        let cells = SHARES.map(|share| {
            trace.told(share).map_or("not told".to_owned(), |told| {
                let outside = if told.is_within { "" } else { " (outside)" };
                percents(told.errors_of_left()) + outside
            })
        });
        println!("| `{}` | {:.0} | {} |", trace.name, trace.seconds(), cells.join(" | "));
    }
}

/// Prints the tables of some traces; the errors half-way and the coverage of the steady and drifting ones, then of all.
fn judged(title: &str, traces: &[Trace]) -> [([[f64; 3]; 2], f64); 2] {
    println!("\n{title}\n");
    table_of_traces(traces);
    println!(
        "\n| median | of | 10 % | 25 % | 50 % | 75 % | in the interval |\n| :--- | :--- | ---: | ---: | ---: | ---: | ---: |"
    );
    let groups: [(&str, &[Kind]); 3] =
        [("steady and drifting", &[Steady, Drifting]), ("uneven", &[Uneven]), ("all", &[Steady, Drifting, Uneven])];
    let [even, _, all] = groups.map(|(name, kinds)| {
        let group: Vec<&Trace> = traces.iter().filter(|trace| kinds.contains(&trace.kind)).collect();
        let (covered, readings) = coverage(&group);
        for (which, of) in ["the time left", "the run"].into_iter().enumerate() {
            let cells = SHARES.map(|share| percents(medians(&group, share)[which]));
            println!("| {name} | {of} | {} | {:.0} % of {readings} |", cells.join(" | "), covered * 100.0);
        }
        (medians(&group, 0.5), covered)
    });
    [even, all]
}

#[test]
fn half_way_through_recorded_jobs_the_error_is_below_a_tenth() {
    let [([[ours, mean, smoothed], _], covered), ([[of_all, ..], _], covered_of_all)] = judged("first", &first());
    assert!(ours < 0.1, "{ours}");
    assert!(ours < mean && ours < smoothed, "{ours}, {mean}, {smoothed}");
    assert!((0.65..=0.97).contains(&covered), "{covered}");
    assert!(of_all < 0.2, "{of_all}");
    assert!((0.65..=0.95).contains(&covered_of_all), "{covered_of_all}");
}

#[test]
fn on_jobs_it_was_not_made_with_it_is_nearer_than_bars_are() {
    judged("later", &later());
    let [([of_left, [ours, mean, smoothed]], covered), (_, covered_of_all)] = judged("unseen", &unseen());
    assert!(ours < 0.1 && ours < mean && ours < smoothed, "{ours}, {mean}, {smoothed}");
    assert!(of_left[0] < 0.2, "{}", of_left[0]);
    assert!(covered > 0.75 && covered_of_all > 0.75, "{covered}, {covered_of_all}");
}

/// What is told does not leap from one reading to the next while units are done evenly, or ever more slowly.
#[test]
fn what_is_told_of_an_even_job_does_not_leap() {
    for trace in first().iter().filter(|trace| ["even_files", "growing_table", "warming_cache"].contains(&trace.name)) {
        let (mut estimator, mut before, mut leap) = (Estimator::default(), None, 0.0_f64);
        for step in 1..=(trace.seconds() * 9.5) as u64 {
            let at = step as f64 / 10.0;
            let (done, skipped) = trace.done(at);
            estimator.read(at, done, skipped);
            let left = trace.total() - done - skipped;
            let end =
                estimator.estimate(left).map(|estimate| at + estimate.seconds).filter(|_| at > 0.1 * trace.seconds());
            if let (Some(end), Some(before)) = (end, before) {
                leap = leap.max(f64::abs(end - before) / trace.seconds());
            }
            before = end;
        }
        assert!(leap < 0.1, "{}: {leap}", trace.name);
    }
}
