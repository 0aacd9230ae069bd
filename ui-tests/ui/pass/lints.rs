//! No lint of the user's crate fires in what the macros leave, however strict the crate is.
#![forbid(unsafe_code)]
#![deny(warnings, missing_docs, unused, unreachable_pub, clippy::all, clippy::pedantic, clippy::nursery)]

use telemetry::{measured, metric};

metric! {
    /// Rows read.
    counter rows_read_total(table: &str);
    /// Sizes.
    histogram size_bytes() [1, 10];
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
    assert_eq!(one(), Ok(1));
    assert_eq!(mutates(1), 2);
    unit();
    drop(later(""));
    *Reader(1).next() = 2;
    drop(Reader(1).read(2));
    diverges();
}
