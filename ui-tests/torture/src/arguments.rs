//! What the attribute is asked, on every shape of a function: labels, what an error is and how it is called, counting alone, types.
#![deny(warnings, unused, unreachable_pub)]

use std::fmt::Debug;
use std::future::Future;
use std::panic::{catch_unwind, AssertUnwindSafe, Location};
use std::pin::{pin, Pin};
use support::{poll_once, recorded, run, sum, Yields};
use telemetry::measured;

/// The calls of a function, whatever their labels.
fn calls(function: &str) -> [Option<u64>; 4] {
    ["ok", "error", "panic", "cancelled"]
        .map(|result| sum("function_calls_total", &[("function", function), ("result", result)]))
}

#[track_caller]
fn assert_calls(function: &str, ok: u64, error: u64, panic: u64, cancelled: u64) {
    assert_eq!(calls(function).map(Option::unwrap_or_default), recorded([ok, error, panic, cancelled]), "{function}");
}

/// The calls of a function with one label: ok, error, panic, cancelled.
fn with(function: &str, name: &str, label: &str) -> [u64; 4] {
    ["ok", "error", "panic", "cancelled"].map(|result| {
        let labels = [("function", function), (name, label), ("result", result)];
        sum("function_calls_total", &labels).unwrap_or_default()
    })
}

fn errors(function: &str, error_type: &str) -> Option<u64> {
    sum("function_errors_total", &[("function", function), ("error_type", error_type)])
}

fn is_send_and_static<F: Future + Send + 'static>(future: F) -> F {
    future
}

// ---- labels -------------------------------------------------------------------------------------------------------

#[async_trait::async_trait]
trait Source {
    async fn fetch(&mut self, carrier: &str, pages: usize) -> Result<usize, String>;

    #[measured(labels(carrier), name = "Source::only")]
    async fn only_a_label_names_it(&self, carrier: &str, mut pages: usize) -> usize {
        pages += 1;
        pages
    }

    #[measured(labels(carrier), name = "Source::default")]
    async fn fetch_by_default(&mut self, carrier: &str) -> usize {
        self.fetch(carrier, 1).await.unwrap_or_default()
    }
}

struct Flights(Vec<u8>);

#[async_trait::async_trait]
impl Source for Flights {
    #[measured(labels(carrier, known = self.0.len(), pages), error_type = |_| "empty", name = "Flights::fetch")]
    async fn fetch(&mut self, carrier: &str, mut pages: usize) -> Result<usize, String> {
        Yields(1).await;
        self.0.pop().ok_or(carrier)?;
        pages += 1;
        Ok(pages)
    }
}

#[test]
fn a_method_of_an_async_trait_has_labels() {
    let mut flights = Flights(vec![1]);
    assert_eq!(run(is_send(flights.fetch("LH", 2))), Ok(3));
    assert!(run(flights.fetch("LH", 2)).is_err());
    assert_eq!(run(flights.fetch_by_default("UA")), 0);
    assert_eq!(with("Flights::fetch", "carrier", "LH"), recorded([1, 1, 0, 0]), "of two label sets");
    assert_eq!(with("Flights::fetch", "known", "1"), recorded([1, 0, 0, 0]));
    assert_eq!(with("Flights::fetch", "pages", "1"), recorded([0, 1, 0, 0]));
    assert_eq!(with("Source::default", "carrier", "UA"), recorded([1, 0, 0, 0]));
    assert_eq!(run(flights.only_a_label_names_it("UA", 1)), 2);
    assert_eq!(with("Source::only", "carrier", "UA"), recorded([1, 0, 0, 0]));
    assert_eq!(errors("Flights::fetch", "empty"), recorded(Some(2)));
}

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

#[measured(labels(carrier, text = text.len()))]
async fn labelled(carrier: &str, text: String) -> String {
    Yields(1).await;
    text
}

#[measured(labels(carrier))]
#[must_use]
async fn labelled_and_kept(carrier: &str) -> u8 {
    Yields(1).await;
    1
}

#[measured(labels(carrier))]
fn labelled_block(carrier: &'static str) -> impl Future<Output = &'static str> {
    async move { carrier }
}

#[measured(labels(carrier))]
fn labelled_box(carrier: &str) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    Box::pin(async { 1 })
}

#[measured(labels(carrier))]
fn labelled_made(carrier: u8, _unused: u8) -> Pin<Box<dyn Future<Output = u8> + Send>> {
    let next = carrier + 1;
    Box::pin(async move { next })
}

#[measured(labels(carrier))]
#[track_caller]
fn labelled_in_place(carrier: &str, _: u8) -> u32 {
    if carrier.is_empty() {
        return 0;
    }
    Location::caller().line()
}

#[measured(labels(carrier))]
fn labelled_closure(carrier: &str) -> impl Fn(&str) -> usize {
    |text| text.len()
}

#[measured(labels(carrier))]
async fn labelled_never(carrier: &str) -> ! {
    std::future::pending().await
}

#[test]
fn every_shape_has_labels() {
    assert_eq!(run(labelled("LH", "text".into())), "text");
    assert_eq!(with("labelled", "text", "4"), recorded([1, 0, 0, 0]));
    assert_eq!(run(labelled_and_kept("LH")), 1);
    assert_eq!(run(is_send_and_static(labelled_block("LH"))), "LH");
    assert_eq!(run(is_send_and_static(labelled_box("LH"))), 1);
    assert_eq!(run(labelled_made(1, 0)), 2);
    assert_eq!((labelled_in_place("LH", 0), labelled_in_place("", 0)), (line!(), 0));
    assert_eq!(labelled_closure("LH")("ab"), 2);
    assert!(poll_once(pin!(labelled_never("LH"))).is_pending());
    for function in ["labelled", "labelled_and_kept", "labelled_block", "labelled_box", "labelled_closure"] {
        assert_eq!(with(function, "carrier", "LH"), recorded([1, 0, 0, 0]), "{function}");
    }
    assert_eq!(with("labelled_made", "carrier", "1"), recorded([1, 0, 0, 0]));
    assert_eq!(with("labelled_in_place", "carrier", "LH"), recorded([1, 0, 0, 0]));
    assert_eq!(with("labelled_in_place", "carrier", ""), recorded([1, 0, 0, 0]));
    assert_eq!(with("labelled_never", "carrier", "LH"), recorded([0, 0, 0, 1]));
}

#[measured(labels(carrier))]
async fn never_polled(carrier: &str) {}

#[test]
fn a_labelled_future_that_is_never_polled_is_no_call() {
    drop(never_polled("LH"));
    assert_eq!(calls("never_polled"), [None; 4]);
}

// ---- what an error is ---------------------------------------------------------------------------------------------

#[measured(error_if = |code| *code >= limit, error_type = |code: &u16| *code)]
async fn later(limit: u16, code: u16) -> u16 {
    Yields(1).await;
    code
}

#[measured(error_if = |code| *code >= 400, error_type = |code: &u16| *code)]
#[must_use]
async fn later_and_kept(code: u16) -> u16 {
    Yields(1).await;
    code
}

#[measured(error_if = |code| *code >= 400, error_type = |code: &u16| *code)]
fn in_a_box(code: u16) -> Pin<Box<dyn Future<Output = u16> + Send>> {
    Box::pin(async move {
        if code == 404 {
            return code;
        }
        Yields(1).await;
        code
    })
}

#[measured(error_if = |code| *code >= limit, error_type = |code: &u16| *code)]
fn made(limit: u16, code: u16) -> Pin<Box<dyn Future<Output = u16> + Send>> {
    let code = code.max(1);
    Box::pin(async move { code })
}

#[measured(error_if = |code| *code >= 400, error_type = |code: &u16| *code)]
fn block(code: u16) -> impl Future<Output = u16> + Send {
    async move { code }
}

#[measured(error_if = |code| *code >= limit, error_type = |code: &u16| *code)]
#[track_caller]
fn in_place(limit: u16, code: u16) -> u16 {
    // What the condition names is the parameter, also at a `return` after this.
    #[allow(clippy::shadow_unrelated)]
    let limit = limit.min(1);
    if code == 404 && limit == 1 {
        return code;
    }
    let values = [code].map(|code| {
        if code == 0 {
            return 1;
        }
        code
    });
    values[0]
}

#[test]
fn every_shape_has_conditions() {
    let shapes: [(&str, &dyn Fn(u16) -> u16); 6] = [
        ("later", &|code| run(is_send_and_static(later(400, code)))),
        ("later_and_kept", &|code| run(later_and_kept(code))),
        ("in_a_box", &|code| run(in_a_box(code))),
        ("made", &|code| run(made(400, code))),
        ("block", &|code| run(is_send_and_static(block(code)))),
        ("in_place", &|code| in_place(400, code)),
    ];
    for (function, call) in shapes {
        for code in [200, 404, 204, 503] {
            assert_eq!(call(code), code, "{function}");
        }
        assert_calls(function, 2, 2, 0, 0);
        assert_eq!((errors(function, "404"), errors(function, "503")), recorded((Some(1), Some(1))), "{function}");
        assert_eq!(errors(function, "200"), None, "{function}");
    }
}

#[measured(ok_if = |items| items.clone().count() > 0)]
async fn opaque(values: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    Yields(1).await;
    values.iter().copied()
}

#[measured(ok_if = |output| output.is_ok(), error_type = |error: &String| if error.is_empty() { "empty" } else { "other" })]
async fn opaque_inside(fails: bool) -> Result<(impl Debug, u8), String> {
    if fails {
        return Err(String::new());
    }
    Ok(("x", 1))
}

#[test]
fn a_condition_sees_what_has_no_name() {
    assert_eq!(run(opaque(&[1])).count() + run(opaque(&[])).count(), 1);
    assert_calls("opaque", 1, 1, 0, 0);
    assert!(run(opaque_inside(false)).is_ok() && run(opaque_inside(true)).is_err());
    assert_calls("opaque_inside", 1, 1, 0, 0);
    assert_eq!(errors("opaque_inside", "empty"), recorded(Some(1)));
}

#[measured(ok_if = |_| panic!("asked to"))]
async fn condition_panics() -> u8 {
    1
}

#[measured(ok_if = |_| panic!("asked to"), count)]
fn counted_condition_panics() -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async { 1 })
}

#[measured(ok_if = |_| panic!("asked to"), labels(carrier))]
#[track_caller]
fn condition_panics_in_place(carrier: u8) -> u8 {
    carrier
}

#[cfg_attr(telemetry_off, ignore = "conditions do not run")]
#[test]
fn a_condition_that_panics_ends_the_call_as_a_panic() {
    catch_unwind(|| run(condition_panics())).unwrap_err();
    catch_unwind(|| run(counted_condition_panics())).unwrap_err();
    catch_unwind(|| condition_panics_in_place(1)).unwrap_err();
    for function in ["condition_panics", "counted_condition_panics", "condition_panics_in_place"] {
        assert_calls(function, 0, 0, 1, 0);
    }
    assert_eq!(with("condition_panics_in_place", "carrier", "1"), recorded([0, 0, 1, 0]));
}

// ---- counting alone, and types ------------------------------------------------------------------------------------

#[measured(count, labels(how))]
#[track_caller]
fn counted_in_place(how: u8) -> Result<u32, u8> {
    match how {
        0 => return Ok(Location::caller().line()),
        1 => Err(1)?,
        2 => return Err(2),
        _ => {}
    }
    panic!("asked to")
}

#[measured(count)]
fn counted_made(fails: bool) -> Pin<Box<dyn Future<Output = Result<u8, u8>>>> {
    let result = if fails { Err(1) } else { Ok(1) };
    Box::pin(async move { result })
}

#[measured(count)]
async fn counted_later(times: u32) -> Result<u32, String> {
    Yields(times).await;
    Ok(times)
}

#[measured(count)]
async fn counted_never() -> ! {
    std::future::pending().await
}

#[measured(count)]
fn counted_closure() -> impl Fn(&str) -> usize {
    |text| text.len()
}

#[test]
fn every_shape_is_counted_without_time() {
    assert_eq!(counted_in_place(0), Ok(line!()));
    assert_eq!((counted_in_place(1), counted_in_place(2)), (Err(1), Err(2)));
    catch_unwind(|| counted_in_place(3)).unwrap_err();
    assert_calls("counted_in_place", 1, 2, 1, 0);
    assert_eq!(with("counted_in_place", "how", "1"), recorded([0, 1, 0, 0]));
    assert_eq!((run(counted_made(false)), run(counted_made(true))), (Ok(1), Err(1)));
    assert_calls("counted_made", 1, 1, 0, 0);
    drop(counted_later(1));
    assert_eq!(run(counted_later(1)), Ok(1));
    assert!(poll_once(pin!(counted_later(1))).is_pending());
    assert_eq!(calls("counted_later"), recorded([Some(1), Some(0), None, Some(1)]));
    assert!(poll_once(pin!(counted_never())).is_pending());
    assert_calls("counted_never", 0, 0, 0, 1);
    assert_eq!(counted_closure()("ab"), 2);
    for function in ["counted_in_place", "counted_made", "counted_later", "counted_closure"] {
        assert_eq!(sum("function_busy_seconds_total", &[("function", function)]), None, "{function}");
    }
}

struct Reader<T>(T);

impl<T: Clone> Reader<T> {
    #[measured(types)]
    async fn read<U: From<u8>>(&self) -> (T, U) {
        Yields(1).await;
        (self.0.clone(), U::from(1))
    }

    #[measured(types, error_type = |_| "none")]
    #[track_caller]
    fn at(&self, none: bool) -> Result<T, ()> {
        if none {
            return Err(());
        }
        Ok(self.0.clone())
    }

    #[measured(types)]
    fn boxed(self) -> Pin<Box<dyn Future<Output = T>>>
    where
        T: 'static,
    {
        Box::pin(async move { self.0 })
    }
}

#[test]
fn every_shape_tells_types_apart() {
    let reader = Reader("a");
    assert_eq!((run(reader.read::<u8>()), run(reader.read::<u32>())), (("a", 1), ("a", 1)));
    assert_eq!((reader.at(false), reader.at(true)), (Ok("a"), Err(())));
    assert_eq!(run(reader.boxed()), "a");
    assert_calls("Reader<&str>::read<u8>", 1, 0, 0, 0);
    assert_calls("Reader<&str>::read<u32>", 1, 0, 0, 0);
    assert_calls("Reader<&str>::at", 1, 1, 0, 0);
    assert_eq!(errors("Reader<&str>::at", "none"), recorded(Some(1)));
    assert_calls("Reader<&str>::boxed", 1, 0, 0, 0);
}

// ---- what functions are in ----------------------------------------------------------------------------------------

struct Counts;

#[measured(count, error_type = |error| *error)]
impl Counts {
    fn plain(&self, fails: bool) -> Result<u8, &'static str> {
        if fails {
            Err("asked to")
        } else {
            Ok(1)
        }
    }

    async fn later(&self, fails: bool) -> Result<u8, &'static str> {
        Yields(1).await;
        self.plain(fails)
    }

    #[track_caller]
    fn tracked(&self) -> Result<u32, &'static str> {
        Ok(Location::caller().line())
    }
}

#[test]
fn what_a_container_is_asked_each_of_its_functions_is() {
    assert_eq!((Counts.plain(false), run(Counts.later(true))), (Ok(1), Err("asked to")));
    assert_eq!(Counts.tracked(), Ok(line!()));
    assert_calls("Counts::plain", 1, 1, 0, 0);
    assert_calls("Counts::later", 0, 1, 0, 0);
    assert_calls("Counts::tracked", 1, 0, 0, 0);
    assert_eq!(
        (errors("Counts::plain", "asked to"), errors("Counts::later", "asked to")),
        recorded((Some(1), Some(1)))
    );
    assert_eq!(sum("function_busy_seconds_total", &[("function", "Counts::later")]), None);
}

// ---- a future that unwinds ----------------------------------------------------------------------------------------

#[measured(labels(carrier), count)]
async fn panics(carrier: &str) -> u8 {
    Yields(1).await;
    panic!("asked to")
}

#[test]
fn a_counted_and_labelled_future_that_unwinds_is_a_panic() {
    let future = AssertUnwindSafe(panics("LH"));
    catch_unwind(move || run({ future }.0)).unwrap_err();
    assert_eq!(with("panics", "carrier", "LH"), recorded([0, 0, 1, 0]));
}
