//! The `prometheus` crate's registries: ours gives itself to one of them, and what is in the default one appears with us.
//!
//! Both ways may be open at once, so a scrape at one end would go round: we ask the default registry, which asks our collector, which
//! takes a snapshot, which asks the default registry. The registry is asked, and asks its collectors, on one thread; there
//! a mark says that a gathering runs, and whoever finds it gives nothing. Our collector's snapshot asks for our own
//! families alone, and our snapshot holds each of them once.
//!
//! A name that is declared here, or that another foreign source gave first, is not taken from the registry: see `registry/names.rs`.
//!
//! # What the crate merges
//! The `prometheus` crate (0.14) finds the children of a vector by a hash of their label values one behind the other, with nothing in between
//! (`MetricVecCore::hash_label_values`), and compares nothing else. `with_label_values(&["ab", "c"])` and `&["a", "bc"]` are therefore one child, under
//! whichever labels came first: what was counted for both stands there in one series, and no bridge can part it again. Instruments of
//! [`metric!`](crate::metric!) compare the values one by one, here and in a registry of theirs, and so do those of the OpenTelemetry bridge.

use crate::metric::{Descriptor, Kind, catalog};
use crate::registry::{self, Collection, Collector};
use crate::snapshot::{Family, Histogram, Labels, Series, Summary, Value};
use prometheus::core::{Collector as TheirCollector, Desc};
use prometheus::proto::{self, MetricFamily, MetricType};
use std::borrow::Cow;
use std::cell::Cell;
use std::collections::HashMap;

thread_local! {
    static GATHERING: Cell<bool> = const { Cell::new(false) };
}

/// Marks this thread as gathering while it lives.
struct Gathering(());

impl Gathering {
    /// `None` where a gathering runs on this thread already, or the thread is about to end.
    fn begin() -> Option<Gathering> {
        let running = GATHERING.try_with(|gathering| gathering.replace(true)).unwrap_or(true);
        // Not `then_some`: one that is made in vain would take the mark away.
        (!running).then(|| Gathering(()))
    }
}

impl Drop for Gathering {
    fn drop(&mut self) {
        // It was there when the mark was made, and has no destructor.
        let _ = GATHERING.try_with(|gathering| gathering.set(false));
    }
}

/// The default registry of the `prometheus` crate, as a collector of ours.
pub(crate) struct DefaultRegistry;

impl Collector for DefaultRegistry {
    fn describe(&self) -> &[Descriptor] {
        &[]
    }

    fn name(&self) -> Cow<'static, str> {
        "prometheus".into()
    }

    fn collect(&self, out: &mut Collection) {
        let Some(_gathering) = Gathering::begin() else { return };
        for family in prometheus::default_registry().gather() {
            if let Some(family) = from_theirs(&family) {
                out.foreign(family);
            }
        }
    }
}

/// Our families, for a [`prometheus::Registry`]; made by [`prometheus_collector`].
#[derive(Debug)]
pub struct PrometheusCollector {
    described: Vec<Desc>,
    without: Vec<String>,
}

/// This library's families as a collector, for a program that has a [`prometheus::Registry`] and keeps it.
///
/// It gives what was declared with [`metric!`](crate::metric!) and the built-in families, but not what the `prometheus` crate's
/// default registry holds. Registering it there is fine as well: each family is once at either end.
///
/// ```
/// telemetry::metric! { /** Rows shared. */ counter rows_shared_total(); }
/// rows_shared_total().inc();
/// let registry = prometheus::Registry::new();
/// registry.register(Box::new(telemetry::export::prometheus_collector()))?;
/// assert!(registry.gather().iter().any(|family| family.name() == "rows_shared_total"));
/// # Ok::<(), prometheus::Error>(())
/// ```
///
/// A registry takes no two collectors that describe one name: where another one gives `process_*` already, leave ours out with
/// [`without`](PrometheusCollector::without).
#[must_use]
pub fn prometheus_collector() -> PrometheusCollector {
    let described = catalog().into_iter().filter_map(describe).collect::<Vec<_>>();
    PrometheusCollector { described, without: Vec::new() }
}

impl PrometheusCollector {
    /// Leaves out the families whose names begin so.
    #[must_use]
    pub fn without(mut self, prefix: impl Into<String>) -> PrometheusCollector {
        let prefix = prefix.into();
        self.described.retain(|described| !described.fq_name.starts_with(&prefix));
        self.without.push(prefix);
        self
    }
}

impl TheirCollector for PrometheusCollector {
    fn desc(&self) -> Vec<&Desc> {
        self.described.iter().collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let Some(_gathering) = Gathering::begin() else { return Vec::new() };
        let families = registry::registry().own_snapshot().families;
        let left_out = |family: &Family| self.without.iter().any(|prefix| family.name.starts_with(prefix.as_str()));
        families.iter().filter(|family| !left_out(family)).map(to_theirs).collect()
    }
}

/// What a registry compares to keep names unique. Cannot fail for a declared name with its help.
fn describe(declared: &'static Descriptor) -> Option<Desc> {
    let labels = declared.labels.iter().map(|&label| label.to_owned()).collect();
    Desc::new(declared.name.to_owned(), declared.help.to_owned(), labels, HashMap::new()).ok()
}

fn to_theirs(family: &Family) -> MetricFamily {
    let mut theirs = MetricFamily::default();
    theirs.set_name(family.name.to_string());
    theirs.set_help(family.help.to_string());
    theirs.set_field_type(match family.kind {
        Kind::Counter => MetricType::COUNTER,
        Kind::Histogram => MetricType::HISTOGRAM,
        Kind::Summary => MetricType::SUMMARY,
        // Its model has no info, and what is unknown is no family of ours.
        Kind::Gauge | Kind::Info | Kind::Unknown => MetricType::GAUGE,
    });
    theirs.set_metric(family.series.iter().map(|series| metric(family.kind, series)).collect());
    theirs
}

fn metric(kind: Kind, series: &Series) -> proto::Metric {
    let labels = series.labels.iter().map(|(name, value)| {
        let mut pair = proto::LabelPair::default();
        pair.set_name(name.to_string());
        pair.set_value(value.to_string());
        pair
    });
    let mut metric = proto::Metric::from_label(labels.collect());
    match &series.value {
        Value::Histogram(histogram) => metric.set_histogram(histogram_of(histogram)),
        Value::Exponential(exponential) => metric.set_histogram(histogram_of(&exponential.to_powers_of_two())),
        Value::Summary(summary) => metric.set_summary(summary_of(summary)),
        number if kind == Kind::Counter => {
            let mut counter = proto::Counter::default();
            counter.set_value(number.as_f64());
            metric.set_counter(counter);
        }
        number => {
            let mut gauge = proto::Gauge::default();
            gauge.set_value(number.as_f64());
            metric.set_gauge(gauge);
        }
    }
    metric
}

fn histogram_of(histogram: &Histogram) -> proto::Histogram {
    let mut seen = 0;
    let buckets = histogram.bounds.iter().zip(&histogram.buckets).map(|(bound, count)| {
        seen += count;
        let mut bucket = proto::Bucket::default();
        bucket.set_upper_bound(*bound);
        bucket.set_cumulative_count(seen);
        bucket
    });
    let mut theirs = proto::Histogram::default();
    theirs.set_bucket(buckets.collect());
    theirs.set_sample_count(histogram.count());
    theirs.set_sample_sum(histogram.sum);
    theirs
}

fn summary_of(summary: &Summary) -> proto::Summary {
    let quantiles = summary.quantiles.iter().map(|(quantile, value)| {
        let mut theirs = proto::Quantile::default();
        theirs.set_quantile(*quantile);
        theirs.set_value(*value);
        theirs
    });
    let mut theirs = proto::Summary::default();
    theirs.set_quantile(quantiles.collect());
    theirs.set_sample_count(summary.count);
    theirs.set_sample_sum(summary.sum);
    theirs
}

/// `None` for an untyped family: the crate makes none, and reads them in only one of the two forms that it is built in.
fn from_theirs(family: &MetricFamily) -> Option<Family> {
    let kind = match family.get_field_type() {
        MetricType::COUNTER => Kind::Counter,
        MetricType::GAUGE => Kind::Gauge,
        MetricType::HISTOGRAM => Kind::Histogram,
        MetricType::SUMMARY => Kind::Summary,
        _ => return None,
    };
    let series = family.get_metric().iter().map(|metric| series(kind, metric)).collect();
    let (name, help) = (family.name().to_owned(), family.help().to_owned());
    Some(Family { name: name.into(), help: help.into(), kind, unit: "".into(), series })
}

fn series(kind: Kind, metric: &proto::Metric) -> Series {
    let labels: Labels =
        metric.get_label().iter().map(|pair| (pair.name().to_owned().into(), pair.value().into())).collect();
    let value = match kind {
        Kind::Counter => Value::Float(either_form::counter(metric.get_counter())),
        Kind::Histogram => Value::Histogram(histogram_from(metric.get_histogram())),
        Kind::Summary => {
            let summary = metric.get_summary();
            let quantiles = summary.get_quantile().iter().map(|quantile| (quantile.quantile(), quantile.value()));
            Value::Summary(Summary {
                quantiles: quantiles.collect(),
                sum: summary.sample_sum(),
                count: summary.sample_count(),
            })
        }
        _ => Value::Float(either_form::gauge(metric.get_gauge())),
    };
    Series { labels, value }
}

/// The crate's model has two forms, and which one is built is for its feature `protobuf`, hence for the whole program, to say. In one, a
/// counter's value is read with `get_value`, in the other with `value`. Here each form is given the other's method as well; what
/// the type has itself goes first.
mod either_form {
    use prometheus::proto;

    #[allow(dead_code, reason = "needed where the other form is built")]
    trait Plain {
        fn get_value(&self) -> f64;
    }

    #[allow(dead_code, reason = "needed where the other form is built")]
    trait Protobuf {
        fn value(&self) -> f64;
    }

    macro_rules! readable {
        ($($function:ident $model:ident)*) => {$(
            impl Plain for proto::$model {
                fn get_value(&self) -> f64 {
                    self.value()
                }
            }

            impl Protobuf for proto::$model {
                fn value(&self) -> f64 {
                    self.get_value()
                }
            }

            pub(super) fn $function(theirs: &proto::$model) -> f64 {
                theirs.get_value()
            }
        )*};
    }
    readable!(counter Counter gauge Gauge);
}

/// Their buckets are cumulative and may end with `+Inf`; ours are neither.
fn histogram_from(theirs: &proto::Histogram) -> Histogram {
    let finite = theirs.get_bucket().iter().filter(|bucket| bucket.upper_bound().is_finite());
    let (mut bounds, mut buckets, mut seen) = (Vec::new(), Vec::new(), 0u64);
    for bucket in finite {
        bounds.push(bucket.upper_bound());
        buckets.push(bucket.cumulative_count().saturating_sub(seen));
        seen = seen.max(bucket.cumulative_count());
    }
    buckets.push(theirs.get_sample_count().saturating_sub(seen));
    Histogram { bounds: bounds.into(), buckets, sum: theirs.get_sample_sum(), exemplars: Vec::new() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_gathering_runs_on_a_thread() {
        let first = Gathering::begin();
        assert!(first.is_some());
        assert!(Gathering::begin().is_none());
        assert!(Gathering::begin().is_none(), "a vain attempt leaves the mark");
        assert!(std::thread::spawn(|| Gathering::begin().is_some()).join().unwrap());
        drop(first);
        assert!(Gathering::begin().is_some());
    }

    #[test]
    fn a_family_comes_back_as_it_went() {
        let labels = Labels::from([("table", "flights")]);
        let values = [
            (Kind::Counter, Value::Float(3.0)),
            (Kind::Gauge, Value::Float(-1.5)),
            (
                Kind::Histogram,
                Value::Histogram(Histogram {
                    bounds: vec![1.0, 2.0].into(),
                    buckets: vec![1, 2, 3],
                    sum: 9.5,
                    exemplars: Vec::new(),
                }),
            ),
            (Kind::Summary, Value::Summary(Summary { quantiles: vec![(0.5, 2.0)], sum: 4.0, count: 2 })),
        ];
        for (kind, value) in values {
            let series = vec![Series { labels: labels.clone(), value }];
            let family = Family { name: "rows".into(), help: "Rows.".into(), kind, unit: "".into(), series };
            assert_eq!(from_theirs(&to_theirs(&family)), Some(family));
        }
    }
}
