//! What the arguments of `#[measured]` and `measure!` leave, in a crate that takes no warning and no unsafe code.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, nonstandard_style, future_incompatible)]
#![deny(clippy::all, clippy::pedantic)]
#![no_implicit_prelude]

extern crate std;
extern crate telemetry as t;

use std::clone::Clone;
use std::future::Future;
use std::iter::Iterator;
use std::option::Option::{self, None, Some};
use std::result::Result::{self, Ok};
use std::string::String;
use t::{measure, measured};

/// Every argument at once that goes with the others, on a method of a generic type.
pub struct Reader<'a, T>(&'a [T]);

impl<T: Clone> Reader<'_, T> {
    /// A method whose labels come from its parameters, from itself and from its types.
    ///
    /// # Errors
    /// Where there is nothing.
    #[measured(
        name = "read",
        types,
        labels(carrier, rest = self.0.len(), size = std::mem::size_of::<T>()),
        error_type = |error| *error,
        buckets = [0.1, 1, 10.5],
        crate = t,
    )]
    pub fn read<U: std::default::Default>(&self, carrier: &str, mut count: usize) -> Result<(T, U), &'static str> {
        count += 1;
        let first = self.0.get(count).ok_or("empty")?;
        Ok((first.clone(), U::default()))
    }

    /// The same later.
    #[measured(labels(count), error_if = Option::is_none, count, objective(success = "99%"), crate = t)]
    pub async fn read_later(&self, count: usize) -> Option<T> {
        self.0.first().cloned()
    }
}

/// A function whose output has no name.
#[measured(
    ok_if = |items| items.clone().next().is_some(),
    objective(success = "0.999", latency = "250ms", at = "95%", window = "7d"),
    crate = t,
)]
pub fn opaque(_unused: u8, items: &[u8]) -> impl Iterator<Item = u8> + Clone + '_ {
    items.iter().copied()
}

/// A function that does not return.
#[measured(labels(why), error_if = |_| true, crate = t)]
pub fn ends(why: u8) -> ! {
    std::process::exit(<i32 as std::convert::From<u8>>::from(why))
}

/// Parameters that bear names of ours.
#[measured(labels(guard = __guard, site = __site, ending = __ending), error_type = |__output| *__output, crate = t)]
fn names(__guard: u8, __site: &str, __ending: bool) -> Result<u8, &'static str> {
    let _ = (__site, __ending);
    Ok(__guard)
}

/// Values on a span, of every kind, and parameters that nothing else uses.
///
/// # Errors
/// Always.
#[measured(span(day, r#type, first, %shown, debug = ?shown, http.route = Some("x"), "none" = None::<u8>, span = __span), crate = t)]
fn spanned((first, _): (u8, u8), day: &str, r#type: u8, shown: char, __span: f32) -> Result<u8, String> {
    std::result::Result::Err(String::new())
}

/// The same later.
#[measured(span(day, rest = self::double(day)), crate = t)]
async fn spanned_later(day: u32) -> u32 {
    day
}

fn double(day: u32) -> u32 {
    day * 2
}

fn blocks(text: &str) -> Result<usize, std::num::ParseIntError> {
    let number: usize = measure!(crate = t; "parse", { text.parse()? });
    let mut sum = 0;
    let mut add = measure!(crate = t; "add", |n: usize| sum += n);
    add(number);
    let twice = measure!(crate = t; "twice", move |n: usize| -> usize {
        if n == 0 {
            return 0;
        }
        n * 2
    });
    loop {
        measure!(crate = t; "break", break);
    }
    for _ in 0..3 {
        measure!(crate = t; "continue", {
            if sum > 3 {
                continue;
            }
            sum += 1;
        });
    }
    Ok(twice(sum))
}

fn future(text: String) -> impl Future<Output = Result<u8, std::num::ParseIntError>> + std::marker::Send {
    measure!(crate = t; "future", async move { text.parse::<u8>() })
}

fn main() {
    let _ = Reader(&[1u8]).read::<u8>("LH", 0);
    let _ = Reader(&[1u8]).read_later(0);
    let _ = opaque(0, &[]).next();
    let _ = names(1, "", true);
    let _ = spanned((1, 2), "", 3, 'c', 0.5);
    let _ = spanned_later(0);
    let _ = blocks("7");
    let _ = future(String::new());
    if false {
        ends(0);
    }
    match Some(1) {
        Some(1) | None => {}
        _ => std::panic!(),
    }
}
