//! Futures, measured: those of `async fn`, those that a function returns, their size, their depth, and what they may be sent to.
#![deny(warnings, unused, unreachable_pub)]

use std::cell::RefCell;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::{poll_fn, ready, Future, Ready};
use std::panic::{catch_unwind, AssertUnwindSafe};
use std::pin::{pin, Pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use support::{assert_calls, assert_ok, calls, poll_once, recorded, run, Yields};
use telemetry::measured;

fn is_send<F: Future + Send>(future: F) -> F {
    future
}

fn is_static<F: Future + 'static>(future: F) -> F {
    future
}

// ---- `async fn` ---------------------------------------------------------------------------------------------------

#[measured]
async fn coerces_with_early_return(early: bool) -> Result<Box<dyn Debug + Send>, Box<dyn Error + Send + Sync>> {
    if early {
        return Ok(Box::new(1));
    }
    Yields(1).await;
    "x".parse::<u8>()?;
    Ok(Box::new("never"))
}

#[measured]
async fn coerces_to_slice(early: bool) -> &'static [u8] {
    if early {
        return &[1, 2];
    }
    Yields(1).await;
    &[1]
}

#[measured]
async fn borrows<'a>(text: &'a str, _other: &str) -> Option<&'a str> {
    Yields(1).await;
    text.split(' ').next()
}

#[measured]
async fn reborrows(values: &mut Vec<u8>) -> &mut u8 {
    values.push(1);
    Yields(1).await;
    &mut values[0]
}

#[measured]
async fn opaque(values: &[u8]) -> impl Iterator<Item = u8> + '_ {
    Yields(1).await;
    values.iter().copied()
}

#[measured]
async fn opaque_inside(fails: bool) -> Result<(impl Display, u8), String> {
    Yields(1).await;
    if fails {
        return Err("asked to".into());
    }
    Ok(("x", 1))
}

#[measured]
async fn generic<T: Clone, const N: usize>(value: &T, each: impl Fn(T) -> T) -> [T; N]
where
    [T; N]: Default,
{
    let mut all: [T; N] = Default::default();
    for one in &mut all {
        Yields(1).await;
        *one = each(value.clone());
    }
    all
}

#[measured]
async fn never() -> ! {
    std::future::pending().await
}

#[measured]
async fn panics() -> u8 {
    Yields(1).await;
    panic!("asked to")
}

#[measured]
async fn recursive(depth: u8) -> u8 {
    if depth == 0 {
        return 0;
    }
    Yields(1).await;
    1 + Box::pin(recursive(depth - 1)).await
}

#[measured]
async fn keeps_to_its_thread(value: Rc<RefCell<u8>>) -> u8 {
    *value.borrow_mut() += 1;
    Yields(1).await;
    *value.borrow()
}

struct Hides<'a>(&'a u8);

#[measured]
async fn anonymous_lifetimes(a: Hides<'_>, b: &u8, c: &mut dyn FnMut() -> u8) -> u8 {
    Yields(1).await;
    *a.0 + *b + c()
}

#[measured]
pub async fn inner_attributes(values: &[u8]) -> usize {
    #![allow(unused_variables)]
    let unused = 1;
    Yields(1).await;
    values.len()
}

#[measured]
async fn uses_closures(values: &[u8]) -> Option<u8> {
    let first = async || -> Option<u8> { values.first().copied() };
    let later = async {
        Yields(1).await;
        Some(1)
    };
    let one = first().await?;
    Some(one + later.await?)
}

#[test]
fn async_functions_are_what_they_were() {
    assert!(run(is_send(coerces_with_early_return(true))).is_ok());
    assert!(run(coerces_with_early_return(false)).is_err());
    assert_calls("coerces_with_early_return", 1, 1, 0, 0);
    assert_eq!(run(is_static(coerces_to_slice(true))).len() + run(coerces_to_slice(false)).len(), 3);
    assert_eq!(run(borrows("a b", "")), Some("a"));
    assert_eq!(*run(reborrows(&mut vec![2])), 2);
    assert_eq!(run(opaque(&[1, 2])).sum::<u8>(), 3);
    assert_eq!(run(opaque_inside(false)).map(|(_, one)| one).ok(), Some(1));
    assert!(run(opaque_inside(true)).is_err());
    assert_calls("opaque_inside", 1, 1, 0, 0);
    assert_eq!(run(generic::<u8, 3>(&1, |value| value + 1)), [2, 2, 2]);
    assert!(poll_once(pin!(never())).is_pending());
    assert_calls("never", 0, 0, 0, 1);
    let future = AssertUnwindSafe(panics());
    catch_unwind(move || run({ future }.0)).unwrap_err();
    assert_calls("panics", 0, 0, 1, 0);
    assert_eq!(run(recursive(3)), 3);
    assert_ok("recursive", 4);
    assert_eq!(run(keeps_to_its_thread(Rc::default())), 1);
    assert_eq!(run(anonymous_lifetimes(Hides(&1), &2, &mut || 3)), 6);
    assert_eq!(run(inner_attributes(&[1])), 1);
    assert_eq!(run(uses_closures(&[1])), Some(2));
    assert_eq!(run(uses_closures(&[])), None);
    assert_ok("uses_closures", 2);
}

#[measured]
async fn waits(times: u32) -> Result<u32, String> {
    Yields(times).await;
    Ok(times)
}

#[test]
fn a_future_that_is_dropped_is_cancelled_and_one_never_polled_is_no_call() {
    drop(waits(1));
    assert_eq!(calls("waits"), [None; 4]);
    {
        let mut future = Box::pin(waits(5));
        assert!(poll_once(future.as_mut()).is_pending());
    }
    assert_eq!(calls("waits"), recorded([Some(0), Some(0), None, Some(1)]));
}

// ---- traits -------------------------------------------------------------------------------------------------------

#[allow(async_fn_in_trait)]
pub trait Fetch {
    async fn fetch(&mut self, rows: &[u8]) -> Result<usize, String>;

    fn fetch_and_send(&self) -> impl Future<Output = u8> + Send;

    #[measured]
    async fn fetch_by_default(&mut self, rows: &[u8]) -> usize {
        self.fetch(rows).await.unwrap_or_default()
    }

    #[measured]
    fn makes_by_default(&self) -> impl Future<Output = u8> {
        async move { 7 }
    }
}

struct Source<'s>(&'s [u8]);

impl Fetch for Source<'_> {
    #[measured]
    async fn fetch(&mut self, rows: &[u8]) -> Result<usize, String> {
        Yields(1).await;
        Ok(self.0.len() + rows.len())
    }

    #[measured]
    async fn fetch_and_send(&self) -> u8 {
        Yields(1).await;
        self.0[0]
    }
}

#[test]
fn async_functions_of_traits_are_measured() {
    let mut source = Source(&[1, 2]);
    assert_eq!(run(source.fetch(&[3])), Ok(3));
    assert_eq!(run(is_send(source.fetch_and_send())), 1);
    assert_eq!(run(source.fetch_by_default(&[3])), 3);
    assert_eq!(run(source.makes_by_default()), 7);
    assert_calls("<Source as Fetch>::fetch", 2, 0, 0, 0);
    for name in ["<Source as Fetch>::fetch_and_send", "Fetch::fetch_by_default", "Fetch::makes_by_default"] {
        assert_ok(name, 1);
    }
}

mod with_async_trait {
    use super::*;

    #[async_trait::async_trait]
    pub(super) trait Store: Send + Sync {
        async fn load(&self, key: &str) -> Result<String, Box<dyn Error + Send + Sync>>;

        #[measured]
        async fn load_by_default(&self, keys: &[&str]) -> Result<Vec<String>, Box<dyn Error + Send + Sync>> {
            let mut all = Vec::new();
            for key in keys {
                all.push(self.load(key).await?);
            }
            Ok(all)
        }

        #[measured]
        async fn nothing(&self) {}
    }

    pub(super) struct Memory(pub(super) Arc<str>);

    #[async_trait::async_trait]
    impl Store for Memory {
        #[measured]
        async fn load(&self, key: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
            Yields(2).await;
            if key.is_empty() {
                return Err("no key".into());
            }
            let _: u8 = key.parse()?;
            Ok(format!("{}{key}", self.0))
        }
    }

    #[async_trait::async_trait(?Send)]
    pub(super) trait Local {
        async fn local(self: Rc<Self>, value: Rc<u8>) -> u8;
    }

    #[async_trait::async_trait(?Send)]
    impl<T: Into<u8> + Copy> Local for RefCell<T> {
        #[measured]
        async fn local(self: Rc<Self>, value: Rc<u8>) -> u8 {
            Yields(1).await;
            (*self.borrow()).into() + *value
        }
    }

    #[async_trait::async_trait]
    #[measured]
    impl Store for u8 {
        async fn load(&self, key: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
            Ok(key.into())
        }
    }

    #[measured]
    #[async_trait::async_trait]
    impl Store for u16 {
        async fn load(&self, key: &str) -> Result<String, Box<dyn Error + Send + Sync>> {
            Yields(1).await;
            Ok(key.into())
        }
    }
}

#[test]
fn methods_of_async_trait_are_measured_as_futures() {
    use with_async_trait::{Local, Memory, Store};
    let memory = Memory("x".into());
    let name = "<Memory as Store>::load";
    drop(memory.load("1"));
    assert_eq!(calls(name), [None; 4], "a future that is never polled is no call");
    assert_eq!(run(is_send(memory.load("1"))).unwrap(), "x1");
    run(memory.load("")).unwrap_err();
    run(memory.load("y")).unwrap_err();
    assert!(poll_once(memory.load("2").as_mut()).is_pending());
    assert_calls(name, 1, 2, 0, 1);
    let polls = telemetry::testing::value("function_polls_total", &[("function", name)]);
    assert_eq!(polls, recorded(Some(3.0 + 3.0 + 3.0 + 1.0)));
    assert_eq!(run(memory.load_by_default(&["1", "2"])).unwrap(), ["x1", "x2"]);
    run(memory.nothing());
    assert_ok("Store::nothing", 1);
    assert_ok("Store::load_by_default", 1);
    assert_eq!(run(Rc::new(RefCell::new(1u8)).local(Rc::new(2))), 3);
    assert_ok("<RefCell as Local>::local", 1);
    assert_eq!(run(1u8.load("a")).unwrap() + &run(1u16.load("b")).unwrap(), "ab");
    assert_ok("<u8 as Store>::load", 1);
    assert_ok("<u16 as Store>::load", 1);
}

// ---- functions that return futures --------------------------------------------------------------------------------

#[measured]
fn returns_a_block(text: &str) -> impl Future<Output = Result<u8, Box<dyn Error>>> + '_ {
    async move {
        Yields(1).await;
        Ok(text.parse()?)
    }
}

#[measured]
fn returns_after_statements(text: &str) -> impl Future<Output = Result<u8, std::num::ParseIntError>> + Send + use<> {
    let parsed = text.parse();
    async move {
        Yields(1).await;
        parsed
    }
}

#[measured]
fn returns_something_else() -> impl Future<Output = u8> + Send + Unpin + 'static {
    ready(1)
}

#[measured]
fn returns_by_poll_fn<T: Copy + Unpin>(value: T) -> impl Future<Output = T> {
    let mut left = 1;
    poll_fn(move |_: &mut Context<'_>| {
        if left == 0 {
            return Poll::Ready(value);
        }
        left -= 1;
        Poll::Pending
    })
}

#[measured]
fn boxed_block<'a>(text: &'a str) -> Pin<Box<dyn Future<Output = Result<u8, std::num::ParseIntError>> + Send + 'a>> {
    Box::pin(async move {
        Yields(1).await;
        text.parse()
    })
}

#[measured]
fn boxed_after_statements(early: bool) -> Pin<Box<dyn Future<Output = Result<u8, String>> + Send>> {
    if early {
        return Box::pin(ready(Err("early".into())));
    }
    let value = 1;
    Box::pin(async move {
        Yields(1).await;
        Ok(value)
    })
}

type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

#[measured]
fn boxed_by_alias(values: &[u8]) -> BoxFuture<'_, usize> {
    let length = values.len();
    Box::pin(async move {
        Yields(1).await;
        length
    })
}

trait Boxes: Future + Sized {
    fn boxed<'a>(self) -> BoxFuture<'a, Self::Output>
    where
        Self: Send + 'a,
    {
        Box::pin(self)
    }
}

impl<F: Future> Boxes for F {}

#[measured]
fn boxed_by_a_method(values: &[u8]) -> BoxFuture<'_, usize> {
    async move { values.len() }.boxed()
}

#[measured]
#[allow(clippy::needless_return)]
fn boxed_with_a_return(value: usize) -> BoxFuture<'static, usize> {
    return Box::pin(async move {
        return value;
    });
}

#[measured]
fn boxed_recursion(depth: u8) -> BoxFuture<'static, u8> {
    Box::pin(async move {
        if depth == 0 {
            0
        } else {
            1 + boxed_recursion(depth - 1).await
        }
    })
}

#[measured]
fn boxed_never() -> Pin<Box<dyn Future<Output = std::convert::Infallible>>> {
    Box::pin(std::future::pending())
}

/// What is not written as a future is a call that makes one.
#[measured]
fn makes_a_named_future() -> Ready<u8> {
    ready(1)
}

/// As is one in a result.
#[measured]
fn may_make_a_future(fails: bool) -> Result<impl Future<Output = u8>, String> {
    if fails {
        return Err("asked to".into());
    }
    Ok(async move { 1 })
}

/// The call that makes an iterator or a stream is measured, not what it gives.
#[measured]
fn makes_a_stream(values: &[u8]) -> impl Iterator<Item = impl Future<Output = u8> + '_> {
    values.iter().map(|value| async move { *value })
}

#[test]
fn functions_that_return_futures_are_measured_as_futures() {
    drop(returns_a_block("1"));
    assert_eq!(calls("returns_a_block"), [None; 4]);
    assert_eq!(run(returns_a_block("1")).unwrap(), 1);
    assert!(run(returns_a_block("x")).is_err());
    assert_calls("returns_a_block", 1, 1, 0, 0);
    assert_eq!(run(returns_after_statements("1")), Ok(1));
    assert!(run(is_send(is_static(returns_after_statements("x")))).is_err());
    assert_calls("returns_after_statements", 1, 1, 0, 0);
    assert_eq!(run(returns_something_else()) + run(returns_by_poll_fn(2)), 3);
    assert_ok("returns_by_poll_fn", 1);
    assert_eq!(run(is_send(boxed_block("1"))), Ok(1));
    assert!(run(boxed_block("x")).is_err());
    assert!(poll_once(boxed_block("x").as_mut()).is_pending());
    assert_calls("boxed_block", 1, 1, 0, 1);
    assert!(run(boxed_after_statements(true)).is_err() && run(boxed_after_statements(false)).is_ok());
    assert!(poll_once(boxed_after_statements(false).as_mut()).is_pending());
    assert_calls("boxed_after_statements", 1, 1, 0, 1);
    assert_eq!(run(boxed_with_a_return(1)), 1);
    assert_eq!(run(boxed_by_alias(&[1])) + run(boxed_by_a_method(&[1])), 2);
    let polls = |name| telemetry::testing::value("function_polls_total", &[("function", name)]);
    assert_eq!((polls("boxed_by_alias"), polls("boxed_by_a_method")), recorded((Some(2.0), Some(1.0))));
    assert_eq!(run(boxed_recursion(3)), 3);
    assert_ok("boxed_recursion", 4);
    assert!(poll_once(boxed_never().as_mut()).is_pending());
    assert_calls("boxed_never", 0, 0, 0, 1);
    assert_eq!(run(makes_a_named_future()), 1);
    assert_eq!(polls("makes_a_named_future"), None);
    assert_eq!(may_make_a_future(false).map(run), Ok(1));
    assert!(may_make_a_future(true).is_err());
    assert_calls("may_make_a_future", 1, 1, 0, 0);
    assert_eq!(makes_a_stream(&[1, 2]).map(run).sum::<u8>(), 3);
    assert_ok("makes_a_stream", 1);
}

// ---- size ---------------------------------------------------------------------------------------------------------

mod sizes {
    use super::*;

    macro_rules! twins {
        ($plain:ident, $measured:ident, ($($argument:pat => $ty:ty),*) $(-> $output:ty)? $body:block) => {
            async fn $plain($($argument: $ty),*) $(-> $output)? $body

            #[measured]
            async fn $measured($($argument: $ty),*) $(-> $output)? $body
        };
    }

    twins!(plain_nothing, measured_nothing, () {});
    twins!(plain_large, measured_large, (values => [u8; 4096]) -> u8 {
        Yields(1).await;
        values[0]
    });
    twins!(plain_large_unused, measured_large_unused, (_values => [u8; 4096], _ => [u8; 4096]) -> u8 {
        Yields(1).await;
        1
    });
    twins!(plain_patterns, measured_patterns, ((a, b) => ([u8; 2048], u8), mut c => [u8; 2048]) -> u8 {
        c[0] += b;
        Yields(1).await;
        a[0] + c[0]
    });
    twins!(plain_result, measured_result, (fails => bool) -> Result<[u8; 1024], [u8; 2048]> {
        Yields(1).await;
        if fails { Err([0; 2048]) } else { Ok([0; 1024]) }
    });
    twins!(plain_many, measured_many, (value => &[u8; 64], text => String) -> usize {
        Yields(1).await;
        let first = [value[0]; 512];
        Yields(first[0].into()).await;
        let second = text.clone();
        Yields(1).await;
        let third = Box::new(3);
        Yields(2).await;
        drop(third);
        Yields(3).await;
        second.len()
    });

    #[test]
    fn a_measured_future_is_at_most_128_bytes_larger() {
        let large = [0; 4096];
        let sizes = [
            (size_of_val(&plain_nothing()), size_of_val(&measured_nothing())),
            (size_of_val(&plain_large(large)), size_of_val(&measured_large(large))),
            (size_of_val(&plain_large_unused(large, large)), size_of_val(&measured_large_unused(large, large))),
            (
                size_of_val(&plain_patterns(([0; 2048], 1), [0; 2048])),
                size_of_val(&measured_patterns(([0; 2048], 1), [0; 2048])),
            ),
            (size_of_val(&plain_result(true)), size_of_val(&measured_result(true))),
            (size_of_val(&plain_many(&[0; 64], String::new())), size_of_val(&measured_many(&[0; 64], String::new()))),
        ];
        eprintln!("plain and measured: {sizes:?}");
        for (plain, measured) in sizes {
            assert!(measured <= plain + 128, "{measured} bytes instead of {plain}");
        }
        run(async {
            plain_nothing().await;
            measured_nothing().await;
            assert_eq!(plain_large(large).await, measured_large(large).await);
            assert_eq!(plain_large_unused(large, large).await, measured_large_unused(large, large).await);
            let patterns = plain_patterns(([0; 2048], 1), [0; 2048]).await;
            assert_eq!(measured_patterns(([0; 2048], 1), [0; 2048]).await, patterns);
            assert_eq!(plain_result(true).await, measured_result(true).await);
            assert_eq!(plain_many(&[1; 64], "ab".into()).await, measured_many(&[1; 64], "ab".into()).await);
        });
    }
}

// ---- depth --------------------------------------------------------------------------------------------------------

mod depth {
    use super::*;

    macro_rules! chain {
        ($name:ident) => {
            #[measured]
            pub(crate) async fn $name(value: u64) -> u64 {
                Yields(1).await;
                value
            }
        };
        ($name:ident $next:ident $($rest:ident)*) => {
            // The innermost first: in another order the compiler computes all layouts in one go, and plain functions stop at 33.
            chain!($next $($rest)*);
            #[measured]
            pub(crate) async fn $name(value: u64) -> u64 {
                $next(value + 1).await
            }
        };
    }

    pub(super) mod deep {
        use super::*;
        chain!(
            f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24 f25 f26 f27
            f28 f29 f30 f31 f32 f33 f34 f35 f36 f37 f38 f39 f40 f41 f42 f43 f44 f45 f46 f47 f48 f49 f50 f51 f52 f53 f54
            f55 f56 f57 f58 f59 f60 f61 f62 f63 f64
        );
    }

    pub(super) mod sent {
        use super::*;
        chain!(
            f01 f02 f03 f04 f05 f06 f07 f08 f09 f10 f11 f12 f13 f14 f15 f16 f17 f18 f19 f20 f21 f22 f23 f24 f25 f26 f27
            f28 f29 f30
        );
    }
}

#[test]
fn sixty_four_measured_functions_nest() {
    assert_eq!(run(depth::deep::f01(0)), 63);
    assert_ok("f64", 1);
}

#[test]
fn thirty_measured_functions_nest_where_send_is_asked() {
    assert_eq!(run(is_send(depth::sent::f01(0))), 29);
}
