//! Starts as its environment says, does what its first argument says, and ends when its standard input is closed.

use std::io::Read;
use std::process::ExitCode;
use std::time::Duration;
use telemetry::{Collection, Collector, Descriptor, measured, metric};

metric! {
    /// Rows of the child.
    counter child_rows_total(table: &str);
    /// Seconds of the child.
    histogram child_wait_seconds() [0.5, 1, 2];
}

#[measured]
fn succeed() {}

#[measured]
fn fail() -> Result<(), &'static str> {
    Err("on purpose")
}

struct Hangs;

impl Collector for Hangs {
    fn describe(&self) -> &[Descriptor] {
        &[]
    }

    fn collect(&self, _: &mut Collection) {
        std::thread::sleep(Duration::from_secs(600));
    }
}

fn main() -> ExitCode {
    let telemetry = match telemetry::init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    match std::env::args().nth(1).as_deref() {
        Some("record") => {
            (0..3).for_each(|_| succeed());
            assert!(fail().is_err());
            (0..5).for_each(|table| child_rows_total(&format!("t{table}")).add(table));
            child_wait_seconds().observe(0.75);
        }
        Some("init-again") => {
            println!("{}", telemetry::init().map(drop).unwrap_err());
            drop(telemetry);
            println!("{}", telemetry::init().map(drop).unwrap_err());
            return ExitCode::SUCCESS;
        }
        Some("hang") => {
            if let Err(error) = telemetry::register(Hangs) {
                eprintln!("{error}");
            }
        }
        _ => {}
    }
    match telemetry.address() {
        Some(address) => println!("serving {address}"),
        None => println!("not serving"),
    }
    let mut rest = Vec::new();
    let read = std::io::stdin().read_to_end(&mut rest);
    drop(telemetry);
    println!("past the end of the guard");
    ExitCode::from(u8::from(read.is_err()))
}
