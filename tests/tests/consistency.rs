//! Whatever threads do, a snapshot is whole: buckets, sum and count of a histogram agree, and no counter falls from one snapshot to the next.

use opentelemetry::KeyValue;
use opentelemetry::metrics::MeterProvider;
use opentelemetry_sdk::metrics::SdkMeterProvider;
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::snapshot::Value;
use telemetry::{Collection, Collector, Descriptor, Kind, Snapshot, measured, metric, snapshot};

metric! {
    /// Counted by all.
    counter consistent_rows_total(thread: &str);
    /// Observed by all: whole numbers, so that sums are exact.
    histogram consistent_sizes_bytes(thread: &str) [1, 2, 4, 8];
    /// Given by a collector that stays.
    counter consistent_collected_total();
    /// Given by collectors that come and go.
    gauge consistent_coming_and_going(which: u64);
}

#[measured]
fn work(n: u64) {
    consistent_rows_total("measured").add(n % 3);
}

static COLLECTED: AtomicU64 = AtomicU64::new(0);

struct Stays;

impl Collector for Stays {
    fn describe(&self) -> &[Descriptor] {
        const { &[consistent_collected_total::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        out.counter(&consistent_collected_total::DESCRIPTOR, &[], COLLECTED.load(Relaxed));
    }
}

struct Comes(u64);

impl Collector for Comes {
    fn describe(&self) -> &[Descriptor] {
        const { &[consistent_coming_and_going::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&consistent_coming_and_going::DESCRIPTOR, &[&self.0.to_string()], 1.0);
        assert!(!self.0.is_multiple_of(7), "some fail");
    }
}

/// A thread that Rust did not start, and whose locals are destroyed by the C library.
fn foreign_thread(n: u64) {
    extern "C" fn run(n: *mut libc::c_void) -> *mut libc::c_void {
        record("foreign", n as u64);
        std::ptr::null_mut()
    }
    let mut thread = std::mem::MaybeUninit::uninit();
    // SAFETY: the function takes any number, and the thread is waited for at once.
    unsafe {
        let started = libc::pthread_create(thread.as_mut_ptr(), std::ptr::null(), run, n as *mut libc::c_void);
        assert_eq!(started, 0);
        libc::pthread_join(thread.assume_init(), std::ptr::null_mut());
    }
}

/// Observes `value` in every bucket in turn.
fn record(thread: &str, n: u64) {
    consistent_rows_total(thread).inc();
    consistent_sizes_bytes(thread).observe((n % 10) as f64);
    work(n);
}

/// The totals of a snapshot by name and labels, with the sums of histograms; and whether each histogram is whole.
fn totals(snapshot: &Snapshot) -> HashMap<String, f64> {
    let mut totals = HashMap::new();
    for family in &snapshot.families {
        for series in &family.series {
            let key = format!("{} {:?}", family.name, series.labels);
            match &series.value {
                Value::Histogram(histogram) => {
                    assert_eq!(histogram.buckets.len(), histogram.bounds.len() + 1);
                    let count = histogram.count() as f64;
                    if family.name == "consistent_sizes_bytes" {
                        between(&key, histogram.sum, &histogram.bounds, &histogram.buckets);
                    }
                    totals.insert(format!("{key} sum"), histogram.sum);
                    totals.insert(key, count);
                }
                Value::Exponential(histogram) => {
                    totals.insert(format!("{key} sum"), histogram.sum);
                    totals.insert(key, histogram.count() as f64);
                }
                value if family.kind == Kind::Counter => {
                    totals.insert(key, value.as_f64());
                }
                _ => {}
            }
        }
    }
    totals
}

/// A sum lies between what its buckets allow: each value above its lower bound and not above its upper one, and below 10.
fn between(key: &str, sum: f64, bounds: &[f64], buckets: &[u64]) {
    let upper = bounds.iter().copied().chain([9.0]);
    // Whole numbers: the smallest in a bucket is one above its lower bound.
    let lower = [0.0].into_iter().chain(bounds.iter().map(|bound| bound + 1.0));
    let most: f64 = upper.zip(buckets).map(|(bound, count)| bound * *count as f64).sum();
    let least: f64 = lower.zip(buckets).map(|(bound, count)| bound * *count as f64).sum();
    assert!(least <= sum && sum <= most, "{key}: {sum} is not in {least}..={most}");
}

#[test]
fn no_snapshot_is_torn_and_no_counter_falls() {
    telemetry::register(Stays).unwrap();
    let provider = SdkMeterProvider::builder().with_reader(telemetry::otel::reader()).build();
    let (theirs, spread) = {
        let meter = provider.meter("consistent");
        (meter.u64_counter("consistent.theirs").build(), meter.f64_histogram("consistent.spread").build())
    };
    let stop = AtomicBool::new(false);
    let running = || !stop.load(Relaxed);
    let mut taken = 0;
    thread::scope(|scope| {
        scope.spawn(|| (0..).take_while(|_| running()).for_each(|n| record("steady", n)));
        scope.spawn(|| {
            for n in (0..).take_while(|_| running()) {
                theirs.add(1, &[KeyValue::new("thread", (n % 3).to_string())]);
                spread.record((n % 10) as f64, &[]);
                COLLECTED.fetch_add(1, Relaxed);
            }
        });
        // Threads that end, of Rust and of others.
        scope.spawn(|| {
            for n in (0..).take_while(|_| running()) {
                thread::spawn(move || (0..20).for_each(|m| record("ending", n + m))).join().unwrap();
                foreign_thread(n);
            }
        });
        scope.spawn(|| {
            for n in (1..).take_while(|_| running()) {
                let comes = telemetry::register(Comes(n)).unwrap();
                thread::yield_now();
                comes.unregister();
            }
        });
        // Another one that scrapes.
        scope.spawn(|| {
            let mut last = HashMap::new();
            while running() {
                last = compared(&last);
            }
        });
        let mut last = HashMap::new();
        let end = Instant::now() + Duration::from_secs(4);
        while Instant::now() < end {
            last = compared(&last);
            taken += 1;
        }
        stop.store(true, Relaxed);
    });
    assert!(taken > 20, "{taken}");
    let steady = snapshot().sum("consistent_rows_total", &[]);
    assert!(steady > 1_000.0, "{steady}");
}

/// Takes a snapshot in which nothing is lower than in the last.
fn compared(last: &HashMap<String, f64>) -> HashMap<String, f64> {
    let now = totals(&snapshot());
    for (key, before) in last {
        let after = now.get(key).unwrap_or_else(|| panic!("{key} is gone"));
        assert!(after >= before, "{key} fell from {before} to {after}");
    }
    now
}
