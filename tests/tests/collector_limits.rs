//! A collector that panics, hangs, is slow, or gives what does not fit costs its own families alone, and a snapshot waits for none of them
//! longer than it may.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Collection, Collector, Descriptor, Kind, Registration, Report, Snapshot, Telemetry, metric, snapshot};

metric! {
    /// Given by a collector that does as it should.
    gauge limits_quick();
    /// Given by one that hangs.
    gauge limits_hanging();
    /// Given by one that is asked by many at once.
    counter limits_asked_total();
    /// Given by slow ones.
    gauge limits_slow(which: &str);
    /// Given by one that gives what does not fit.
    gauge limits_unfit(label: &str);
    /// Not described by anybody.
    gauge limits_undescribed();
    /// Given by one that panics.
    gauge limits_panicking();
}

const LIMIT: Duration = Duration::from_millis(600);

/// Starts the library with a short limit.
fn start() {
    static STARTED: Mutex<Option<Telemetry>> = Mutex::new(None);
    let mut started = STARTED.lock().unwrap();
    if started.is_none() {
        let builder = telemetry::builder().listen("off").report(Report::Off).collector_timeout(LIMIT);
        *started = Some(builder.init().unwrap());
    }
}

/// A collector made of its parts.
struct Made<F> {
    name: &'static str,
    described: Vec<Descriptor>,
    collect: F,
}

impl<F: Fn(&mut Collection) + Send + Sync + 'static> Collector for Made<F> {
    fn describe(&self) -> &[Descriptor] {
        &self.described
    }

    fn name(&self) -> Cow<'static, str> {
        self.name.into()
    }

    fn collect(&self, out: &mut Collection) {
        (self.collect)(out);
    }
}

fn register(
    name: &'static str,
    described: Descriptor,
    collect: impl Fn(&mut Collection) + Send + Sync + 'static,
) -> Registration {
    start();
    telemetry::register(Made { name, described: vec![described], collect }).unwrap()
}

fn failures(snapshot: &Snapshot, collector: &str, reason: &str) -> f64 {
    snapshot.sum("telemetry_collector_failures_total", &[("collector", collector), ("reason", reason)])
}

fn dropped(snapshot: &Snapshot, collector: &str, reason: &str) -> f64 {
    snapshot.sum("telemetry_collector_dropped_total", &[("collector", collector), ("reason", reason)])
}

fn threads_of_ours() -> usize {
    let tasks = std::fs::read_dir("/proc/self/task").unwrap();
    let name = |task: std::io::Result<std::fs::DirEntry>| std::fs::read_to_string(task.ok()?.path().join("comm")).ok();
    tasks.filter_map(name).filter(|name| name.trim() == "telemetry-ask").count()
}

/// A gate at which threads wait until it is opened.
#[derive(Clone, Default)]
struct Gate(Arc<(Mutex<bool>, Condvar)>);

impl Gate {
    fn wait(&self) {
        let (open, changed) = &*self.0;
        drop(changed.wait_while(open.lock().unwrap(), |open| !*open).unwrap());
    }

    fn open(&self) {
        *self.0.0.lock().unwrap() = true;
        self.0.1.notify_all();
    }
}

/// Tests that time what they do are not to be timed while another one hangs.
static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn alone() -> std::sync::MutexGuard<'static, ()> {
    ONE_AT_A_TIME.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[test]
fn a_collector_that_hangs_delays_one_snapshot_and_holds_one_thread() {
    let _alone = alone();
    let gate = Gate::default();
    let calls = Arc::new(AtomicUsize::new(0));
    let quick = register("quick", limits_quick::DESCRIPTOR, |out| out.gauge(&limits_quick::DESCRIPTOR, &[], 1.0));
    let hanging = {
        let (gate, calls) = (gate.clone(), Arc::clone(&calls));
        register("hanging", limits_hanging::DESCRIPTOR, move |out| {
            if calls.fetch_add(1, SeqCst) == 0 {
                gate.wait();
            }
            out.gauge(&limits_hanging::DESCRIPTOR, &[], 2.0);
        })
    };
    let began = Instant::now();
    let first = snapshot();
    let took = began.elapsed();
    assert!(took >= LIMIT && took < LIMIT * 3, "{took:?}");
    assert_eq!(first.sum("limits_quick", &[]), 1.0, "the others are there");
    assert!(first.family("limits_hanging").is_none());
    assert_eq!(failures(&first, "hanging", "timeout"), 1.0);

    // It has not come back, so nobody waits for it, however many come.
    let began = Instant::now();
    thread::scope(|scope| (0..32).for_each(|_| drop(scope.spawn(snapshot))));
    let later = snapshot();
    assert!(began.elapsed() < LIMIT, "{:?}", began.elapsed());
    assert_eq!(calls.load(SeqCst), 1);
    assert!(failures(&later, "hanging", "hung") >= 33.0);
    // Those that have answered go, on a busy machine a moment later.
    let deadline = Instant::now() + Duration::from_secs(10);
    while threads_of_ours() > 3 {
        assert!(Instant::now() < deadline, "{} threads", threads_of_ours());
        thread::sleep(Duration::from_millis(10));
    }

    gate.open();
    let deadline = Instant::now() + Duration::from_secs(10);
    while snapshot().family("limits_hanging").is_none() {
        assert!(Instant::now() < deadline, "once it is back it is asked again");
        thread::sleep(Duration::from_millis(1));
    }
    assert_eq!(snapshot().sum("limits_hanging", &[]), 2.0);
    quick.unregister();
    hanging.unregister();
}

#[test]
fn a_storm_of_snapshots_before_the_first_has_given_up_holds_one_thread_too() {
    let _alone = alone();
    let gate = Gate::default();
    let hanging = {
        let gate = gate.clone();
        register("stormed", limits_hanging::DESCRIPTOR, move |_| gate.wait())
    };
    thread::scope(|scope| {
        (0..32).for_each(|_| drop(scope.spawn(snapshot)));
        thread::sleep(LIMIT / 2);
        assert!(threads_of_ours() <= 3, "{} threads", threads_of_ours());
    });
    assert_eq!(failures(&snapshot(), "stormed", "timeout"), 32.0);
    gate.open();
    hanging.unregister();
}

#[test]
fn slow_collectors_are_asked_at_the_same_time() {
    let _alone = alone();
    let slow = |which: &'static str| {
        register(which, limits_slow::DESCRIPTOR, move |out| {
            thread::sleep(LIMIT / 3);
            out.gauge(&limits_slow::DESCRIPTOR, &[which], 1.0);
        })
    };
    let slow = ["a", "b", "c", "d"].map(slow);
    let snapshot = snapshot();
    // One after the other they would take more than they have.
    assert_eq!(snapshot.sum("limits_slow", &[]), 4.0);
    let took = snapshot.sum("telemetry_collector_duration_seconds", &[("collector", "a")]);
    assert!((LIMIT / 3).as_secs_f64() <= took && took < LIMIT.as_secs_f64(), "{took}");
    slow.into_iter().for_each(Registration::unregister);
}

#[test]
fn a_collector_is_not_asked_twice_at_once_and_each_snapshot_sees_what_was_before_it() {
    let _alone = alone();
    static RUNNING: AtomicUsize = AtomicUsize::new(0);
    static TOTAL: AtomicUsize = AtomicUsize::new(0);
    let asked = register("asked", limits_asked_total::DESCRIPTOR, |out| {
        assert_eq!(RUNNING.fetch_add(1, SeqCst), 0, "alone");
        let total = TOTAL.load(SeqCst);
        thread::sleep(Duration::from_micros(300));
        RUNNING.fetch_sub(1, SeqCst);
        out.counter(&limits_asked_total::DESCRIPTOR, &[], total as u64);
    });
    thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                for _ in 0..50 {
                    let mine = TOTAL.fetch_add(1, SeqCst) + 1;
                    let seen = snapshot().sum("limits_asked_total", &[]);
                    assert!(seen >= mine as f64, "{seen} is from before {mine}");
                }
            });
        }
    });
    assert_eq!(failures(&snapshot(), "asked", "panic"), 0.0);
    asked.unregister();
}

#[test]
fn what_does_not_fit_is_left_out_alone_and_counted() {
    let _alone = alone();
    const NO_NAME: Descriptor = Descriptor { name: "limits unfit", labels: &[], ..limits_unfit::DESCRIPTOR };
    const NO_LABEL: Descriptor = Descriptor { name: "limits_no_label", labels: &["a-b"], ..limits_unfit::DESCRIPTOR };
    start();
    let unfit = telemetry::register(Made {
        name: "unfit",
        described: vec![limits_unfit::DESCRIPTOR, NO_NAME, NO_LABEL],
        collect: |out: &mut Collection| {
            let descriptor = &limits_unfit::DESCRIPTOR;
            out.gauge(descriptor, &["kept"], 1.0);
            out.gauge(descriptor, &["twice"], 2.0);
            out.gauge(descriptor, &["twice"], 3.0);
            out.gauge(descriptor, &["nan"], f64::NAN);
            out.counter(descriptor, &["counter"], 1);
            out.gauge(descriptor, &["too", "many"], 1.0);
            out.gauge(&NO_NAME, &[], 1.0);
            out.gauge(&NO_LABEL, &["x"], 1.0);
            out.gauge(&limits_undescribed::DESCRIPTOR, &[], 1.0);
        },
    })
    .unwrap();
    let before = snapshot();
    let after = snapshot();
    assert_eq!(after.family("limits_unfit").unwrap().series.len(), 2);
    assert_eq!(after.sum("limits_unfit", &[("label", "twice")]), 3.0, "the later one stays");
    assert_eq!(after.sum("limits_undescribed", &[]), 0.0);
    assert!(after.family("limits unfit").is_none() && after.family("limits_no_label").is_none());
    for (reason, count) in
        [("duplicate", 1.0), ("number", 1.0), ("kind", 1.0), ("labels", 1.0), ("name", 2.0), ("undescribed", 1.0)]
    {
        let more = dropped(&after, "unfit", reason) - dropped(&before, "unfit", reason);
        assert_eq!(more, count, "{reason}");
    }
    unfit.unregister();
}

#[test]
fn a_panic_costs_the_snapshot_in_which_it_happens() {
    let _alone = alone();
    static PANICS: AtomicBool = AtomicBool::new(true);
    let panicking = register("panicking", limits_panicking::DESCRIPTOR, |out| {
        out.gauge(&limits_panicking::DESCRIPTOR, &[], 1.0);
        assert!(!PANICS.load(SeqCst), "asked to");
    });
    let first = snapshot();
    assert!(first.family("limits_panicking").is_none());
    assert_eq!(failures(&first, "panicking", "panic"), 1.0);
    PANICS.store(false, SeqCst);
    assert_eq!(snapshot().sum("limits_panicking", &[]), 1.0);
    panicking.unregister();
    let after = snapshot();
    assert_eq!(failures(&after, "panicking", "panic"), 1.0, "a counter stays, for when one of that name comes back");
    assert!(after.series("telemetry_collector_duration_seconds", &[("collector", "panicking")]).is_none());
}

#[test]
fn what_clashes_is_refused_when_it_is_registered() {
    let _alone = alone();
    start();
    let quick = |out: &mut Collection| out.gauge(&limits_quick::DESCRIPTOR, &[], 1.0);
    let other = Descriptor { kind: Kind::Counter, ..limits_quick::DESCRIPTOR };
    let refused = telemetry::register(Made { name: "other", described: vec![other], collect: quick }).unwrap_err();
    assert!(refused.to_string().contains("limits_quick"), "{refused}");
}
