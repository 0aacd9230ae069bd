//! Receivers that do everything wrong, and what becomes of what is sent to them.

use super::*;
use crate::builtin::push as families;
use std::collections::VecDeque;
use std::sync::Mutex;

/// Until something is so.
pub(crate) fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < Duration::from_secs(20), "never: {what}");
        std::thread::sleep(Duration::from_millis(2));
    }
}

pub(crate) const PACE: Pace = Pace {
    period: None,
    timeout: Duration::from_secs(10),
    deadline: Duration::from_secs(5),
    queue_bytes: 1_000,
    queue_samples: 1_000,
};

/// A receiver without a network.
struct Fake {
    name: &'static str,
    pace: Pace,
    /// One for each time that something is taken: how many samples, or a panic.
    takes: Arc<Mutex<VecDeque<Option<u64>>>>,
    /// Answers; where there is none the receiver hangs until there is.
    answers: Arc<Mutex<VecDeque<Outcome>>>,
    held: Option<Arc<Mutex<u64>>>,
    latest_only: bool,
    missing: Arc<Mutex<u64>>,
}

impl Fake {
    fn new(name: &'static str, takes: impl IntoIterator<Item = Option<u64>>, answers: Vec<Outcome>) -> Fake {
        let takes = Arc::new(Mutex::new(takes.into_iter().collect()));
        let answers = Arc::new(Mutex::new(answers.into()));
        Fake { name, pace: PACE, takes, answers, held: None, latest_only: false, missing: Arc::default() }
    }

    fn start(self) -> Thread {
        start(Box::new(self), |_| ()).unwrap()
    }
}

impl Receiver for Fake {
    fn name(&self) -> &'static str {
        self.name
    }

    fn shown(&self) -> String {
        self.name.to_owned()
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn take(&mut self, _: When) -> Vec<Parcel> {
        if let Some(held) = &self.held {
            let samples = std::mem::take(&mut *held.lock().unwrap());
            return if samples > 0 { vec![parcel(samples)] } else { Vec::new() };
        }
        let next = self.takes.lock().unwrap().pop_front();
        match next {
            Some(Some(samples)) => vec![parcel(samples)],
            Some(None) => panic!("as it was told"),
            None => Vec::new(),
        }
    }

    fn keeps_latest_only(&self) -> bool {
        self.latest_only
    }

    fn held(&self) -> Option<u64> {
        self.held.as_ref().map(|held| *held.lock().unwrap())
    }

    fn is_ready(&self) -> bool {
        self.held().is_some_and(|held| held > 0)
    }

    fn missing(&mut self) -> Missing {
        Missing { no_room: std::mem::take(&mut *self.missing.lock().unwrap()), unwritten: 0 }
    }

    fn transport(&self) -> Result<Box<dyn Transport>, String> {
        Ok(Box::new(Answers(Arc::clone(&self.answers))))
    }
}

struct Answers(Arc<Mutex<VecDeque<Outcome>>>);

impl Transport for Answers {
    fn send(&mut self, _: &Parcel, _: Duration) -> Outcome {
        loop {
            // Whatever the time limit was.
            if let Some(next) = self.0.lock().unwrap().pop_front() {
                return next;
            }
            std::thread::sleep(Duration::from_millis(2));
        }
    }
}

fn parcel(samples: u64) -> Parcel {
    Parcel { verb: Verb::Post, url: "x".into(), headers: &[], body: vec![0; 10], samples }
}

fn later() -> Outcome {
    Outcome::Later { after: None, kind: "unavailable", why: "is tired".to_owned() }
}

fn ask(thread: &Thread, deadline: Duration, make: impl Fn(Instant, Sender<bool>) -> Ask) -> (Option<bool>, Duration) {
    let (done, wait) = mpsc::channel();
    let start = Instant::now();
    let _ = thread.events.send(Event::Ask(make(after(deadline), done)));
    let answer = wait.recv_timeout(Duration::from_secs(20)).ok();
    (answer, start.elapsed())
}

fn flush(thread: &Thread, deadline: Duration) -> (Option<bool>, Duration) {
    ask(thread, deadline, |until, done| Ask::Flush { until, done })
}

fn end(thread: &Thread, deadline: Duration) -> (Option<bool>, Duration) {
    ask(thread, deadline, |until, done| Ask::End { until, done })
}

fn dropped(name: &str, reason: &str) -> u64 {
    families::telemetry_push_dropped_samples_total(name, reason).get()
}

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(10);

#[test]
fn a_request_that_hangs_holds_up_nobody_and_is_counted_at_the_end() {
    let thread = Fake::new("hangs", [Some(3), Some(4), Some(5)], Vec::new()).start();
    let (taken, time) = flush(&thread, SHORT);
    assert!(taken == Some(false) && time < LONG / 2, "{taken:?} after {time:?}");
    let (taken, time) = flush(&thread, SHORT);
    assert!(taken == Some(false) && time < LONG / 2, "again: {taken:?} after {time:?}");
    let (taken, time) = end(&thread, SHORT);
    assert!(taken == Some(false) && time < LONG / 2, "{taken:?} after {time:?}");
    assert_eq!(dropped("hangs", "deadline"), 12, "what is under way, what waits, and the last state");
    assert_eq!(thread.end.load(Ordering::Acquire), ENDED_WITH_LOSS);
}

#[test]
fn whoever_asks_for_the_end_again_is_told_the_same() {
    let pusher = |answers: Vec<Outcome>, name| Pusher {
        plan: plan(),
        threads: PerProcess::new(vec![Fake::new(name, [Some(1)], answers).start()].into()),
        #[cfg(feature = "otlp")]
        spans: None,
    };
    let good = pusher(vec![Outcome::Taken], "ends well");
    assert!(good.end(Some(LONG)) && good.end(Some(LONG)), "once, and told twice");
    let bad = pusher(vec![Outcome::Refused { taken: 0, why: "no".to_owned() }], "ends badly");
    assert!(!bad.end(Some(LONG)) && !bad.end(Some(LONG)));
    assert!(!bad.flush(Some(LONG)), "nothing is sent any more");
}

#[test]
fn the_end_is_waited_for_once_however_often_it_is_asked_for() {
    struct Stuck;
    impl Receiver for Stuck {
        fn name(&self) -> &'static str {
            "stuck"
        }
        fn shown(&self) -> String {
            "stuck".to_owned()
        }
        fn pace(&self) -> Pace {
            PACE
        }
        fn take(&mut self, _: When) -> Vec<Parcel> {
            loop {
                std::thread::park();
            }
        }
        fn transport(&self) -> Result<Box<dyn Transport>, String> {
            Ok(Box::new(Answers(Arc::default())))
        }
    }
    let pusher = Pusher {
        plan: plan(),
        threads: PerProcess::new(vec![start(Box::new(Stuck), |_| ()).unwrap()].into()),
        #[cfg(feature = "otlp")]
        spans: None,
    };
    assert!(!pusher.end(Some(SHORT)));
    let start = Instant::now();
    assert!(!pusher.end(Some(LONG)));
    assert!(start.elapsed() < LONG / 2, "its time is over: {:?}", start.elapsed());
}

fn plan() -> Plan {
    fn nothing() -> Snapshot {
        let now = std::time::SystemTime::UNIX_EPOCH;
        Snapshot::of_families(now, now, Vec::new())
    }
    let push = Settings {
        #[cfg(feature = "push")]
        gateway: None,
        #[cfg(feature = "push")]
        remote: None,
        pace: PACE,
        authorities: None,
    };
    Plan {
        push,
        resource: BTreeMap::new(),
        listens: None,
        take_snapshot: nothing,
        #[cfg(feature = "otlp")]
        otlp: None,
        #[cfg(feature = "otlp")]
        otlp_resource: |_| opentelemetry_sdk::Resource::builder_empty().build(),
    }
}

#[test]
fn a_panic_costs_what_was_to_be_taken_and_the_thread_goes_on() {
    let thread = Fake::new("panics", [None, Some(2)], vec![Outcome::Taken]).start();
    assert_eq!(flush(&thread, LONG).0, Some(false));
    assert_eq!(families::telemetry_push_panics_total("panics").get(), 1);
    assert_eq!(flush(&thread, LONG).0, Some(true));
    assert_eq!(families::telemetry_push_samples_total("panics").get(), 2);
    assert_eq!(end(&thread, LONG).0, Some(true));
}

#[test]
fn what_failed_is_sent_again_and_what_was_rejected_is_not() {
    let partly = Outcome::Partly { rejected: 2, why: "took some".to_owned() };
    let thread = Fake::new("rejects", [Some(5), Some(1)], vec![later(), partly, Outcome::Taken]).start();
    assert_eq!(flush(&thread, LONG).0, Some(false), "something was lost");
    assert_eq!(families::telemetry_push_samples_total("rejects").get(), 3);
    assert_eq!(dropped("rejects", "rejected"), 2);
    let requests = |result| families::telemetry_push_requests_total("rejects", result).get();
    assert_eq!((requests("unavailable"), requests("partial"), requests("ok")), (1, 1, 0));
    assert_eq!(end(&thread, LONG).0, Some(true));
}

#[test]
fn a_newer_state_takes_the_place_of_one_that_failed() {
    let mut fake = Fake::new("newest", [Some(5), Some(6)], Vec::new());
    fake.latest_only = true;
    let (takes, answers) = (Arc::clone(&fake.takes), Arc::clone(&fake.answers));
    let thread = fake.start();
    assert_eq!(flush(&thread, SHORT).0, Some(false), "the first state is under way");
    std::thread::scope(|scope| {
        let ended = scope.spawn(|| end(&thread, LONG).0);
        wait_until("the last state was taken", || takes.lock().unwrap().is_empty());
        answers.lock().unwrap().extend([later(), Outcome::Taken]);
        assert_eq!(ended.join().unwrap(), Some(true));
    });
    assert_eq!((dropped("newest", "superseded"), families::telemetry_push_samples_total("newest").get()), (5, 6));
}

#[cfg(feature = "otlp")]
#[test]
fn what_a_receiver_holds_is_taken_when_nothing_else_waits() {
    let held = Arc::new(Mutex::new(7));
    let mut fake = Fake::new("holds", [], vec![later(), Outcome::Taken, Outcome::Taken]);
    fake.held = Some(Arc::clone(&held));
    let answers = Arc::clone(&fake.answers);
    let thread = fake.start();
    thread.events.send(Event::Ready).unwrap();
    wait_until("the first attempt", || answers.lock().unwrap().len() == 2);
    // What comes while a request waits for its next attempt stays where it is, and follows by itself.
    *held.lock().unwrap() = 8;
    thread.events.send(Event::Ready).unwrap();
    wait_until("both", || families::telemetry_push_samples_total("holds").get() == 15);
    assert_eq!(end(&thread, LONG).0, Some(true));
}

#[test]
fn a_process_that_has_threads_starts_no_others() {
    let pusher = Pusher {
        plan: plan(),
        threads: PerProcess::new(vec![Fake::new("forked", [Some(1)], Vec::new()).start()].into()),
        #[cfg(feature = "otlp")]
        spans: None,
    };
    let count = || pusher.threads.get().map(|threads| threads.all.len());
    assert_eq!(count(), Some(1));
    pusher.start_in_child();
    assert_eq!(count(), Some(1), "a process that has threads starts none");
    assert!(!pusher.end(Some(SHORT)));
}

#[test]
fn what_was_dropped_before_is_neither_a_flush_s_nor_the_end_s() {
    let refused = || Outcome::Refused { taken: 0, why: "no".to_owned() };
    let missing = Arc::new(Mutex::new(0));
    let fake = Fake {
        held: Some(Arc::default()),
        missing: Arc::clone(&missing),
        ..Fake::new("dropped_before", [], vec![Outcome::Taken, refused()])
    };
    let held = fake.held.clone().unwrap();
    let thread = fake.start();
    (*missing.lock().unwrap(), *held.lock().unwrap()) = (5, 1);
    assert_eq!(flush(&thread, Duration::from_secs(10)).0, Some(true));
    assert_eq!(*missing.lock().unwrap(), 0, "it was asked");
    *held.lock().unwrap() = 1;
    assert_eq!(flush(&thread, Duration::from_secs(10)).0, Some(false), "the receiver refused what this flush sent");
    *missing.lock().unwrap() = 5;
    assert_eq!(end(&thread, Duration::from_secs(10)).0, Some(true));
}

#[test]
fn the_end_does_not_wait_for_a_flush_that_has_longer() {
    let thread = Fake::new("cut_short", [Some(3)], Vec::new()).start();
    let (done, flushed) = mpsc::channel();
    let _ = thread.events.send(Event::Ask(Ask::Flush { until: after(Duration::from_secs(3_600)), done }));
    let (ended, took) = end(&thread, Duration::from_millis(200));
    assert_eq!((ended, flushed.recv().ok()), (Some(false), Some(false)));
    assert!(took < Duration::from_secs(10), "{took:?}");
    assert_eq!(dropped("cut_short", "deadline"), 3, "and the number is known");
}
