use super::*;
use crate::record::{Ending, Outcome, enter, measured_future};
use std::cell::Cell;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

/// Notes what it is asked, on threads that ask for it: other tests run meanwhile.
struct Notes;

static NOTES: Notes = Notes;
static SAID: Mutex<Vec<String>> = Mutex::new(Vec::new());

std::thread_local! {
    static RUNS: Cell<Option<u32>> = const { Cell::new(None) };
}

struct Noted(&'static str);

fn say(what: String) {
    SAID.lock().unwrap().push(what);
}

impl Spans for Notes {
    fn running(&self) -> Option<Parent> {
        Some(Arc::new(RUNS.get()?))
    }

    fn resume(&self, parent: &Parent) -> Option<Entered> {
        RUNS.set(parent.downcast_ref().copied());
        Some(Box::new(()))
    }

    fn begin(&self, call: &Call<'_>) -> Option<Box<dyn Span>> {
        RUNS.get()?;
        let parent: Option<&u32> = call.parent.and_then(|parent| parent.downcast_ref());
        say(format!("{} begins in {parent:?}", call.site.function()));
        MEASURED_MEANWHILE.with(Cell::get).then(|| call_it(&MEANWHILE));
        Some(Box::new(Noted(call.site.function())))
    }
}

struct Left(&'static str);

impl Drop for Left {
    fn drop(&mut self) {
        say(format!("{} leaves", self.0));
    }
}

impl Span for Noted {
    fn enter(&mut self) -> Entered {
        say(format!("{} enters", self.0));
        Box::new(Left(self.0))
    }

    fn attribute(&mut self, name: &'static str, value: Value<'_>) {
        say(format!("{}: {name} = {value:?}", self.0));
    }

    fn error(&mut self, error_type: &str, message: Option<&str>) {
        say(format!("{}: {error_type}, {message:?}", self.0));
    }

    fn end(self: Box<Self>, end: &End) {
        say(format!("{} ends as {:?}", self.0, end.outcome));
    }
}

std::thread_local!(static MEASURED_MEANWHILE: Cell<bool> = const { Cell::new(false) });

static CALLED: CallSite = CallSite::new("spans_called", || "", module_path!(), "", 0);
static FAILS: CallSite = CallSite::new("spans_fails", || "", module_path!(), "", 0);
static LATER: CallSite = CallSite::new("spans_later", || "", module_path!(), "", 0);
static MEANWHILE: CallSite = CallSite::new("spans_meanwhile", || "", module_path!(), "", 0);

const OK: Ending = Ending { outcome: Outcome::Ok, fallible: false };

fn call_it(site: &'static CallSite) {
    enter(site, false).end(OK);
}

fn said() -> Vec<String> {
    std::mem::take(&mut SAID.lock().unwrap())
}

// One test: makers are the process's.
#[test]
fn makers_are_told_of_calls() {
    assert!(add_maker(&NOTES));
    assert!(is_on() && !clock::is_plain());

    call_it(&CALLED);
    assert_eq!(said(), [""; 0], "it wanted none");

    RUNS.set(Some(7));
    MEASURED_MEANWHILE.set(true);
    call_it(&CALLED);
    MEASURED_MEANWHILE.set(false);
    assert_eq!(
        said(),
        ["spans_called begins in None", "spans_called enters", "spans_called leaves", "spans_called ends as Ok",],
        "what a maker calls has no span"
    );

    let guard = enter(&FAILS, true);
    annotate(|span| {
        call_it(&CALLED);
        span.value("day", &7u8);
    });
    let error: Result<(), _> = "x".parse::<u8>().map(|_| ());
    note_output(error.as_ref().err(), Show::DISPLAY);
    guard.end(Ending { outcome: Outcome::Error, fallible: true });
    assert_eq!(
        said(),
        [
            "spans_fails begins in None",
            "spans_fails enters",
            "spans_called begins in None",
            "spans_called enters",
            "spans_called leaves",
            "spans_called ends as Ok",
            "spans_fails: day = Int(7)",
            "spans_fails: core::num::error::ParseIntError, Some(\"invalid digit found in string\")",
            "spans_fails leaves",
            "spans_fails ends as Error",
        ]
    );

    let mut polls = 0;
    let future = std::future::poll_fn(move |context| {
        polls += 1;
        context.waker().wake_by_ref();
        if polls < 2 { Poll::Pending } else { Poll::Ready(()) }
    });
    // Where it was made is its parent, wherever it is polled.
    let mut future = Box::pin(measured_future(&LATER, false, future, |()| OK));
    RUNS.set(Some(8));
    let mut context = Context::from_waker(Waker::noop());
    assert!(future.as_mut().poll(&mut context).is_pending());
    let polled = std::thread::spawn(move || {
        let mut context = Context::from_waker(Waker::noop());
        assert!(future.as_mut().poll(&mut context).is_ready());
    });
    polled.join().unwrap();
    assert_eq!(
        said(),
        [
            "spans_later begins in Some(7)",
            "spans_later enters",
            "spans_later leaves",
            "spans_later enters",
            "spans_later leaves",
            "spans_later ends as Ok",
        ]
    );

    let current = crate::current();
    RUNS.set(None);
    std::thread::scope(|scope| {
        scope.spawn(|| current.scope(|| assert_eq!(RUNS.get(), Some(8))));
    });
}
