//! No lint fires in what the macro leaves, however strict the crate is, and none is allowed there that a crate may forbid.
#![forbid(unsafe_code, unreachable_code, unused, future_incompatible, nonstandard_style, clippy::all, clippy::pedantic)]
#![deny(warnings, missing_docs, unreachable_pub, unused_results, single_use_lifetimes, unused_qualifications)]
#![deny(clippy::nursery)]
#![no_implicit_prelude]

use ::core::convert::From;
use ::core::future::Future;
use ::core::iter::Iterator;
use ::core::marker::Send;
use ::core::ops::Fn;
use ::core::option::Option::{self, None, Some};
use ::core::pin::Pin;
use ::core::result::Result::{self, Err, Ok};
use ::std::boxed::Box;
use ::std::string::String;
use ::std::{assert_eq, panic};
use ::support::{assert_ok, run, Yields};
use ::telemetry::measured;

#[measured]
fn unit() {}

#[measured]
fn braces() -> Result<u8, String> {
    Ok(1)
}

#[measured]
fn mutates(mut value: u8) -> u8 {
    value += 1;
    value
}

#[measured]
fn diverges() {
    panic!("asked to");
}

#[measured]
fn diverges_with_a_type() -> u8 {
    panic!("asked to")
}

#[measured]
fn never() -> ! {
    panic!("asked to")
}

#[measured]
async fn never_later() -> ! {
    ::core::future::pending().await
}

#[measured]
async fn later(_unused: &str) -> Option<u8> {
    None
}

#[measured]
async fn question(values: &[u8]) -> Result<u8, String> {
    Yields(1).await;
    let first = values.first().ok_or_else(|| String::from("none"))?;
    if *first == 0 {
        return Err(String::new());
    }
    Ok(*first)
}

#[measured]
#[must_use]
async fn must_be_used() -> u8 {
    Yields(1).await;
    1
}

#[measured]
#[track_caller]
fn tracked(value: Option<u8>) -> u32 {
    let Some(_) = value else { return 0 };
    ::core::panic::Location::caller().line()
}

#[measured]
#[track_caller]
fn tracked_diverges() -> u8 {
    panic!("asked to")
}

#[measured]
#[track_caller]
fn tracked_diverges_without_a_type() {
    panic!("asked to");
}

#[measured]
fn closure() -> impl Fn(&str) -> usize {
    |text| text.len()
}

#[measured]
fn opaque(values: &[u8]) -> impl Iterator<Item = u8> + '_ {
    values.iter().copied()
}

#[measured]
fn boxed(value: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    Box::pin(async move { value })
}

#[measured]
fn boxed_after(value: u8) -> Pin<Box<dyn Future<Output = u8>>> {
    let value = value + 1;
    Box::pin(async move { value })
}

#[measured]
fn block(value: u8) -> impl Future<Output = u8> {
    async move { value }
}

#[measured(labels(carrier, size = rows.len()), error_if = |row| *row > limit, error_type = |row: &usize| *row)]
async fn asked_later(carrier: &str, rows: &[u8], limit: usize) -> usize {
    Yields(1).await;
    rows.len()
}

#[measured(labels(carrier), ok_if = Option::is_some, types)]
fn asked_in_a_box<'a, T: ::core::marker::Copy + Send + ::core::marker::Sync>(
    carrier: &str,
    rows: &'a [T],
) -> Pin<Box<dyn Future<Output = Option<T>> + Send + 'a>> {
    Box::pin(async move { rows.first().copied() })
}

#[measured(count, labels(carrier), error_type = |error: &String| if error.is_empty() { "empty" } else { "other" })]
#[track_caller]
fn asked_in_place(carrier: &str, fails: bool) -> Result<u32, String> {
    if fails {
        return Err(String::new());
    }
    Ok(::core::panic::Location::caller().line())
}

/// Public, with documentation.
pub trait Source {
    /// The next row.
    fn next(&mut self) -> Option<u8>;

    /// The next row, later.
    fn later(&mut self) -> impl Future<Output = Option<u8>> + Send;
}

/// Public, with documentation.
#[derive(Debug)]
pub struct Reader(u8);

#[measured]
impl Source for Reader {
    fn next(&mut self) -> Option<u8> {
        Some(self.0)
    }

    async fn later(&mut self) -> Option<u8> {
        Yields(1).await;
        self.next()
    }
}

#[measured]
impl Reader {
    const fn new(row: u8) -> Self {
        Self(row)
    }

    fn row(&mut self) -> &mut u8 {
        &mut self.0
    }

    async fn read(self, by: u8) -> u8 {
        Yields(1).await;
        self.0 + by
    }
}

#[test]
fn a_strict_crate_compiles_and_counts() {
    unit();
    assert_eq!(braces(), Ok(1));
    assert_eq!(mutates(1), 2);
    assert_eq!(run(later("")), None);
    assert_eq!(run(question(&[1])), Ok(1));
    assert_eq!(run(must_be_used()), 1);
    assert_eq!(tracked(Some(1)), ::core::line!());
    assert_eq!(tracked(None), 0);
    assert_eq!(closure()("ab"), 2);
    assert_eq!(opaque(&[1, 2]).sum::<u8>(), 3);
    assert_eq!(run(boxed(1)) + run(boxed_after(1)) + run(block(3)), 6);
    assert_eq!(run(asked_later("LH", &[1, 2], 1)), 2);
    assert_eq!(run(asked_in_a_box("LH", &[1])), Some(1));
    assert_eq!(asked_in_place("LH", false), Ok(::core::line!()));
    assert_eq!(asked_in_place("LH", true), Err(String::new()));
    let mut reader = Reader::new(1);
    *reader.row() = 2;
    assert_eq!(reader.next(), Some(2));
    assert_eq!(run(reader.later()), Some(2));
    assert_eq!(run(reader.read(1)), 3);
    for name in ["unit", "braces", "mutates", "later", "question", "must_be_used", "closure", "opaque", "Reader::read"]
    {
        assert_ok(name, 1);
    }
    for diverging in [
        diverges as fn(),
        || _ = diverges_with_a_type(),
        || _ = tracked_diverges(),
        tracked_diverges_without_a_type,
        || never(),
    ] {
        ::core::assert!(::std::panic::catch_unwind(diverging).is_err());
    }
    ::core::mem::drop(never_later());
}
