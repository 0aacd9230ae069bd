//! What holds functions, measured as a whole.
#![deny(warnings, unused, unreachable_pub)]

use std::error::Error;
use support::{assert_calls, assert_ok, calls, recorded, run, Yields};
use telemetry::measured;

struct Reader<T> {
    rows: Vec<T>,
}

#[measured]
impl<T: Clone> Reader<T> {
    const LIMIT: usize = 2;

    const fn empty() -> Self {
        Self { rows: Vec::new() }
    }

    fn of(rows: &[T]) -> Self {
        let mut reader = Self::empty();
        reader.rows.extend_from_slice(rows);
        reader
    }

    fn next(&mut self) -> Option<T> {
        self.rows.pop()
    }

    async fn read(&mut self, row: T) -> Result<usize, String> {
        Yields(1).await;
        if self.rows.len() >= Self::LIMIT {
            return Err("full".into());
        }
        self.rows.push(row);
        Ok(self.rows.len())
    }

    #[measured(skip)]
    fn length(&self) -> usize {
        self.rows.len()
    }

    #[measured(name = "reader_of_its_own_name")]
    fn named(&self) -> usize {
        self.length()
    }

    #[track_caller]
    fn line(&self) -> u32 {
        std::panic::Location::caller().line()
    }

    #[cfg(target_family = "wasm")]
    fn left_out(&self) -> Missing {}
}

#[measured]
impl<T: Clone> Iterator for Reader<T> {
    type Item = T;

    fn next(&mut self) -> Option<T> {
        Reader::next(self)
    }
}

#[test]
fn each_function_of_an_impl_is_measured() {
    let mut reader = Reader::of(&[1, 2]);
    run(reader.read(3)).unwrap_err();
    assert_eq!(Iterator::next(&mut reader), Some(2));
    assert_eq!(run(reader.read(4)), Ok(2));
    assert_eq!((reader.length(), reader.named()), (2, 2));
    assert_eq!(reader.line(), line!());
    assert_ok("Reader::of", 1);
    assert_ok("Reader::next", 1);
    assert_ok("<Reader as Iterator>::next", 1);
    assert_calls("Reader::read", 1, 1, 0, 0);
    assert_ok("reader_of_its_own_name", 1);
    assert_ok("Reader::line", 1);
    for name in ["Reader::empty", "Reader::length", "Reader::named"] {
        assert_eq!(calls(name), [None; 4], "{name}");
    }
}

#[measured]
trait Source {
    const NAME: &'static str;
    type Row;

    fn next(&mut self) -> Option<Self::Row>;

    fn name(&self) -> &'static str {
        Self::NAME
    }

    fn count(mut self) -> usize
    where
        Self: Sized,
    {
        std::iter::from_fn(|| self.next()).count()
    }

    #[measured(skip)]
    fn skipped(&self) {}
}

impl Source for Reader<u8> {
    const NAME: &'static str = "reader";
    type Row = u8;

    fn next(&mut self) -> Option<u8> {
        self.rows.pop()
    }
}

#[test]
fn each_default_of_a_trait_is_measured() {
    let reader = Reader { rows: vec![1u8] };
    reader.skipped();
    assert_eq!((reader.name(), Source::count(reader)), ("reader", 1));
    assert_ok("Source::name", 1);
    assert_ok("Source::count", 1);
    assert_eq!(calls("Source::skipped"), [None; 4]);
    assert_eq!(calls("<Reader<u8> as Source>::next"), [None; 4]);
}

#[measured]
mod all {
    #![allow(clippy::module_inception)]

    use std::fmt;

    pub(super) const ONE: u8 = one();

    pub(super) const fn one() -> u8 {
        1
    }

    pub(super) fn free(value: &str) -> Result<u8, std::num::ParseIntError> {
        fn inside(text: &str) -> &str {
            text.trim()
        }
        inside(value).parse()
    }

    macro_rules! makes {
        ($($name:ident)*) => { $(pub(in crate::all) fn $name() -> u8 { 1 })* };
    }

    makes!(left_alone);

    pub(super) struct Row(pub(super) u8);

    impl Row {
        pub(super) fn get(&self) -> u8 {
            self.0 + left_alone()
        }
    }

    impl fmt::Display for Row {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    #[measured(skip)]
    impl fmt::Debug for Row {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "{}", self.0)
        }
    }

    pub(super) trait Doubles {
        fn double(&self) -> u8 {
            2
        }
    }

    impl Doubles for Row {}

    pub(super) mod inner {
        pub(in crate::all) mod all {
            pub(in crate::all) fn deep() -> u8 {
                7
            }
        }

        pub(in super::super) fn calls() -> u8 {
            all::deep()
        }
    }

    #[measured(skip)]
    pub(super) mod skipped {
        pub(in super::super) fn not_measured() {}
    }

    pub(super) async fn later() -> u8 {
        super::Yields(1).await;
        3
    }
}

#[test]
fn each_function_of_a_module_is_measured() {
    assert_eq!(all::free(" 7 "), Ok(7));
    all::free("x").unwrap_err();
    assert_calls("free", 1, 1, 0, 0);
    let row = all::Row(all::ONE);
    assert_eq!(format!("{row}{row:?}{}", row.get()), "112");
    assert_eq!(all::Doubles::double(&row), 2);
    assert_eq!(all::inner::calls(), 7);
    all::skipped::not_measured();
    assert_eq!(run(all::later()), 3);
    for name in ["Row::get", "<Row as Display>::fmt", "Doubles::double", "calls", "deep", "later"] {
        assert_ok(name, 1);
    }
    for name in ["one", "<Row as Debug>::fmt", "not_measured", "free::inside", "left_alone"] {
        assert_eq!(calls(name), [None; 4], "{name}");
    }
}

mod elsewhere {
    pub(crate) mod telemetry_of_ours {
        pub(crate) use ::telemetry::*;
    }
}

#[measured(crate = crate::elsewhere::telemetry_of_ours)]
mod redirected {
    pub(super) fn plain() {}

    #[crate::elsewhere::telemetry_of_ours::measured(name = "with_a_name")]
    pub(super) fn named() {}

    #[crate::elsewhere::telemetry_of_ours::measured]
    impl Holder {
        pub(super) fn held() {}
    }

    pub(super) struct Holder;
}

#[test]
fn the_path_of_the_library_is_passed_on() {
    redirected::plain();
    redirected::named();
    redirected::Holder::held();
    for name in ["plain", "with_a_name", "Holder::held"] {
        assert_ok(name, 1);
    }
}

mod with_async_trait {
    use super::*;

    #[measured]
    #[async_trait::async_trait]
    pub(super) trait Store {
        async fn load(&self) -> Result<u8, Box<dyn Error + Send + Sync>>;

        async fn twice(&self) -> Result<u8, Box<dyn Error + Send + Sync>>
        where
            Self: Sync,
        {
            let first = self.load().await?;
            Ok(first + self.load().await?)
        }
    }

    #[async_trait::async_trait]
    #[measured]
    impl Store for u8 {
        async fn load(&self) -> Result<u8, Box<dyn Error + Send + Sync>> {
            Yields(1).await;
            Ok(*self)
        }
    }
}

#[test]
fn containers_stand_above_and_below_async_trait() {
    use with_async_trait::Store;
    assert_eq!(run(2u8.twice()).unwrap(), 4);
    assert_ok("Store::twice", 1);
    assert_ok("<u8 as Store>::load", 2);
    let polls = telemetry::testing::value("function_polls_total", &[("function", "<u8 as Store>::load")]);
    assert_eq!(polls, recorded(Some(4.0)));
}
