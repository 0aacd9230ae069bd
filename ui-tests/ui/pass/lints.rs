//! No lint of the user's crate fires in what the macros leave, however strict the crate is.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]

use telemetry::{Label, measured, metric};

#[derive(Label)]
enum Outcome {
    Hit,
    #[deprecated]
    #[expect(dead_code, reason = "the derive names it, and that it is deprecated is no warning")]
    Miss,
    r#Type,
}

const FIRST: f64 = 0.5;

metric! {
    /// Rows read.
    counter rows_read_total(table: &str);
    /// Sizes.
    histogram size_bytes() [1, 10];
    #[doc = concat!("Put ", "together.")]
    histogram page_bytes(outcome: &Outcome) [FIRST, 2 * FIRST, 10];
    /// A rate, whose last word is no unit.
    gauge limit_requests_per_minute();
    /// A keyword.
    gauge r#type(r#type: bool);
}

/// What the crate forbids, `metric!` and the derive do not allow themselves.
mod forbidding {
    #![forbid(clippy::all, clippy::pedantic, clippy::nursery, unreachable_code, missing_docs, unused)]
    #![forbid(non_camel_case_types, non_snake_case, unreachable_pub)]

    /// The place.
    #[derive(telemetry::Label)]
    #[label(rename_all = "lowercase")]
    pub(crate) enum Place {
        /// Here.
        Here,
        /// There.
        There,
    }

    telemetry::metric! {
        /// Rows read.
        pub(crate) counter rows_forbidden_total(table: &str, place: Place, on: bool);
        /// Sizes.
        pub(crate) histogram forbidden_bytes(place: Place) [super::FIRST, 10];
    }
}

#[measured]
fn one() -> Result<u8, String> { Ok(1) }

#[measured]
fn mutates(mut x: u8) -> u8 {
    x += 1;
    x
}

#[measured]
fn unit() {}

#[measured]
fn diverges() {
    std::process::exit(0);
}

#[measured]
async fn later(_unused: &str) -> Option<u8> {
    None
}

struct Reader(u8);

impl Reader {
    #[measured]
    fn next(&mut self) -> &mut u8 {
        &mut self.0
    }

    #[measured]
    async fn read(self, by: u8) -> u8 {
        self.0 + by
    }
}

fn main() {
    rows_read_total("flights").inc();
    size_bytes().observe(2.0);
    page_bytes(&Outcome::Hit).observe(2.0);
    page_bytes(&Outcome::Type).observe(2.0);
    r#type(true).inc();
    limit_requests_per_minute().set(60.0);
    forbidding::rows_forbidden_total("flights", forbidding::Place::Here, true).inc();
    forbidding::forbidden_bytes(forbidding::Place::There).observe(1.0);
    assert_eq!(one(), Ok(1));
    assert_eq!(mutates(1), 2);
    unit();
    drop(later(""));
    *Reader(1).next() = 2;
    drop(Reader(1).read(2));
    diverges();
}
