//! What happened between two readings.

use super::live::{Functions, Live, Series, Statement};
use std::collections::HashMap;
use std::hash::Hash;

/// The last reading, and the one before it where that is of the same run of the program.
pub(super) struct Readings {
    pub(super) now: Live,
    before: Option<Before>,
}

struct Before {
    live: Live,
    /// Seconds between the two.
    seconds: f64,
    places: Places,
}

/// Where in the reading before it stands what the last one has; `None` for what is new.
struct Places {
    functions: Vec<Option<usize>>,
    statements: Vec<Option<usize>>,
    families: Vec<Option<usize>>,
    /// By family.
    series: Vec<Vec<Option<usize>>>,
}

impl Places {
    fn new(before: &Live, now: &Live) -> Places {
        fn functions(live: &Live) -> impl Iterator<Item = (&str, &str)> {
            let functions = &live.functions;
            functions.module.iter().zip(&functions.function).map(|(module, name)| (&*module.0, &*name.0))
        }
        fn statements(live: &Live) -> impl Iterator<Item = (&str, &str)> {
            live.statements.iter().map(|one| (&*one.database.0, &*one.statement.0))
        }
        fn families(live: &Live) -> impl Iterator<Item = &str> {
            live.families.iter().map(|family| &*family.name.0)
        }
        let families = matched(families(before), families(now));
        let series = now.families.iter().zip(&families).map(|(family, place)| {
            let then = place.and_then(|place| before.families.get(place)).map_or(&[][..], |then| &then.series);
            matched(then.iter().map(|series| &series.labels), family.series.iter().map(|series| &series.labels))
        });
        Places {
            functions: matched(functions(before), functions(now)),
            statements: matched(statements(before), statements(now)),
            series: series.collect(),
            families,
        }
    }
}

/// The place of each name among those of before.
fn matched<K: Hash + Eq>(before: impl Iterator<Item = K>, now: impl Iterator<Item = K>) -> Vec<Option<usize>> {
    let places: HashMap<K, usize> = before.zip(0..).collect();
    now.map(|name| places.get(&name).copied()).collect()
}

impl Readings {
    pub(super) fn new(now: Live) -> Readings {
        Readings { now, before: None }
    }

    /// Takes the next reading; a program that was started anew has none before it.
    pub(super) fn take(&mut self, next: Live) {
        let last = std::mem::replace(&mut self.now, next);
        let seconds = self.now.taken_at - last.taken_at;
        #[expect(clippy::float_cmp, reason = "the same number, written twice")]
        let is_same_run = last.started_at == self.now.started_at;
        let (live, seconds) = match self.before.take() {
            _ if !is_same_run || seconds < 0.0 => return,
            _ if seconds > 0.0 => (last, seconds),
            // The same reading again says nothing new.
            Some(before) => (before.live, before.seconds),
            None => return,
        };
        self.before = Some(Before { places: Places::new(&live, &self.now), live, seconds });
    }

    /// Seconds between the two readings; none after the first.
    pub(super) fn seconds(&self) -> Option<f64> {
        self.before.as_ref().map(|before| before.seconds)
    }

    /// How much a column of a function grew a second.
    pub(super) fn of_function(&self, place: usize, column: impl Fn(&Functions, usize) -> Option<f64>) -> Option<f64> {
        let before = self.before.as_ref()?;
        let now = column(&self.now.functions, place)?;
        // One that is new was called since.
        let then = *before.places.functions.get(place)?;
        let then = then.and_then(|place| column(&before.live.functions, place)).unwrap_or(0.0);
        Some((now - then).max(0.0) / before.seconds)
    }

    /// Seconds that this share of a function's calls stayed below that ended between the readings.
    pub(super) fn quantile(&self, place: usize, share: f64) -> Option<f64> {
        let before = self.before.as_ref()?;
        let (first, now) = counts(&self.now.functions, place)?;
        let then = before.places.functions.get(place)?.and_then(|place| counts(&before.live.functions, place));
        let (first_then, then) = then.unwrap_or((first, &[]));
        let indexes = (0..).map(|step: i64| first.saturating_add(step));
        let since: Vec<(i64, i64)> = indexes
            .zip(now)
            .map(|(index, count)| {
                let at = index.checked_sub(first_then).and_then(|at| usize::try_from(at).ok());
                let then = at.and_then(|at| then.get(at)).copied().unwrap_or(0);
                (index, count.saturating_sub(then).max(0))
            })
            .collect();
        quantile(&since, share)
    }

    /// How much a figure of a statement grew a second.
    pub(super) fn of_statement(&self, place: usize, figure: impl Fn(&Statement) -> f64) -> Option<f64> {
        let before = self.before.as_ref()?;
        let now = self.now.statements.get(place)?;
        let then = before.places.statements.get(place)?.and_then(|place| before.live.statements.get(place));
        Some((figure(now) - then.map_or(0.0, figure)).max(0.0) / before.seconds)
    }

    /// How much a figure of a family's series grew a second. One that was not among those read before is told nothing of.
    pub(super) fn of_series(
        &self,
        family: usize,
        series: usize,
        figure: impl Fn(&Series) -> Option<f64>,
    ) -> Option<f64> {
        let before = self.before.as_ref()?;
        let now = self.now.families.get(family)?;
        let known = *before.places.series.get(family)?.get(series)?;
        let then = before.places.families.get(family)?.and_then(|place| before.live.families.get(place));
        let then = known.zip(then).and_then(|(place, family)| figure(family.series.get(place)?));
        let is_whole = usize::try_from(now.count).is_ok_and(|count| count == now.series.len());
        let then = if is_whole { then.unwrap_or(0.0) } else { then? };
        Some((figure(now.series.get(series)?)? - then).max(0.0) / before.seconds)
    }

    /// How much a family with one series grew a second.
    pub(super) fn of_family(&self, name: &str) -> Option<f64> {
        let family = self.now.families.iter().position(|family| family.name.0 == name)?;
        self.of_series(family, 0, |series| series.value)
    }
}

/// The index of a function's first bucket, and the counts from there on.
fn counts(functions: &Functions, place: usize) -> Option<(i64, &[i64])> {
    let (first, counts) = functions.buckets.get(place)?.as_ref()?.split_first()?;
    Some((*first, counts))
}

/// Of counts by the index of their bucket: within it on a logarithmic scale, as Prometheus does it.
#[expect(clippy::cast_precision_loss, reason = "an estimate")]
fn quantile(counts: &[(i64, i64)], share: f64) -> Option<f64> {
    let total: f64 = counts.iter().map(|(_, count)| *count as f64).sum();
    let mut rank = share * total;
    for (index, count) in counts.iter().filter(|(_, count)| *count > 0) {
        let count = *count as f64;
        if rank <= count {
            return Some(2f64.powf((*index as f64 + rank / count) / 4.0));
        }
        rank -= count;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn live(taken_at: f64, started_at: f64, calls: f64, buckets: &str) -> Live {
        let functions = format!(
            r#"{{"function":["f"],"module":["m"],"calls":[{calls}],"busy":[{}],"buckets":[{buckets}]}}"#,
            calls / 4.0
        );
        let families = format!(
            r#"[{{"name":"n_total","group":"user","kind":"counter","unit":"","count":1,"series":[{{"labels":{{"a":"b"}},"value":{calls}}}]}}]"#
        );
        let document = format!(
            r#"{{"version":"0","service":"s","taken_at":{taken_at},"started_at":{started_at},"functions":{functions},"families":{families}}}"#
        );
        Live::parse(&document).unwrap()
    }

    fn calls(readings: &Readings) -> Option<f64> {
        readings.of_function(0, |functions, place| functions.calls[place])
    }

    #[test]
    fn rates_are_of_the_last_interval() {
        let mut readings = Readings::new(live(100.0, 50.0, 10.0, "[0,5,5]"));
        assert_eq!((calls(&readings), readings.quantile(0, 0.5)), (None, None));
        readings.take(live(102.0, 50.0, 30.0, "[0,5,5,0,20]"));
        assert_eq!((calls(&readings), readings.seconds()), (Some(10.0), Some(2.0)));
        assert_eq!(readings.of_function(0, |functions, place| functions.busy.as_ref()?[place]), Some(2.5));
        assert_eq!(readings.of_family("n_total"), Some(10.0));
        // All twenty lie in the bucket from 2^(3/4) to 2^(4/4).
        assert_eq!(readings.quantile(0, 0.5), Some(2f64.powf(3.5 / 4.0)));
        // The same reading again says nothing new.
        readings.take(live(102.0, 50.0, 30.0, "[0,5,5,0,20]"));
        assert_eq!(calls(&readings), Some(10.0));
    }

    #[test]
    fn counts_that_cannot_be_do_no_harm() {
        for buckets in
            ["[9223372036854775807,1,2]", "[-9223372036854775808,1,2]", "[0,9223372036854775807,-5]", "[0]", "[]"]
        {
            let mut readings = Readings::new(live(100.0, 50.0, 10.0, "[0,5,5]"));
            readings.take(live(101.0, 50.0, 20.0, buckets));
            readings.quantile(0, 0.5);
            readings.take(live(102.0, 50.0, 30.0, "[0,5,5]"));
            readings.quantile(0, 0.5);
        }
    }

    #[test]
    fn a_program_that_was_started_anew_begins_anew() {
        let mut readings = Readings::new(live(100.0, 50.0, 10.0, "null"));
        readings.take(live(101.0, 100.5, 3.0, "null"));
        assert_eq!(calls(&readings), None);
        readings.take(live(102.0, 100.5, 4.0, "null"));
        assert_eq!(calls(&readings), Some(1.0));
        readings.take(live(101.0, 100.5, 9.0, "null"));
        assert_eq!(calls(&readings), None, "a clock that was set back");
    }

    #[test]
    fn documents_that_cannot_be_shown_are_refused() {
        let refused = |document: &str| Live::parse(document).unwrap_err();
        assert!(refused("<html>").starts_with("this is not what `telemetry`"));
        assert!(refused("{}").contains("missing field `version`"));
        let uneven = r#"{"version":"0","service":"s","taken_at":1,"started_at":1,"functions":{"function":["f"],"module":[],"calls":[]}}"#;
        assert_eq!(refused(uneven), "the columns of its functions are not equally long");
        let hostile = r#"{"version":"0","service":"a\u001b[2Jb\u202ec","taken_at":1,"started_at":1,"functions":{"function":[],"module":[],"calls":[]}}"#;
        assert_eq!(Live::parse(hostile).unwrap().service.0, "a\u{fffd}[2Jb\u{fffd}c");
    }
}
