//! Runs a job that goes on where an earlier run stopped, and tells on standard output how far it is. Arguments: what to do, where, and how many units.

use std::error::Error;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::ExitCode;
use std::thread;
use std::time::Duration;
use telemetry::duckdb::Connection;
use telemetry::{Job, backfill_job};

type Done = Result<(), Box<dyn Error>>;

/// Each unit is some rows, so that half a unit would be seen.
#[backfill_job(name = "rows", total = units, unit = "units", state = connection)]
fn rows(job: &Job, connection: &mut Connection, units: u64) -> Done {
    connection.execute_batch("create table if not exists rows (unit bigint, part bigint)")?;
    let done = job.restored::<u64>("unit")?.unwrap_or(0);
    println!("resumed {} {done}", job.is_resumed());
    job.skip(done);
    for unit in done + 1..=units {
        let transaction = connection.transaction()?;
        for part in 0..7_i64 {
            transaction.execute("insert into rows values (?, ?)", [i64::try_from(unit)?, part])?;
        }
        job.checkpoint_in(&transaction, "unit", unit)?;
        // A third of the time of a unit: one of ten kills comes here.
        thread::sleep(Duration::from_millis(5));
        transaction.commit()?;
        job.advance(1);
        println!("unit {unit}");
    }
    Ok(())
}

/// The same, without transactions.
#[backfill_job(name = "lines", total = units, unit = "units", state = state)]
fn lines(job: &Job, state: &Path, units: u64) -> Done {
    let mut file = File::options().create(true).append(true).open(state.with_extension("lines"))?;
    let done = job.restored::<u64>("unit")?.unwrap_or(0);
    println!("resumed {} {done}", job.is_resumed());
    for unit in done + 1..=units {
        writeln!(file, "{unit}")?;
        job.checkpoint("unit", unit)?;
        println!("unit {unit}");
    }
    Ok(())
}

/// Has the state until the end of standard input.
#[backfill_job(name = "holds", state = state)]
fn holds(job: &Job, state: &Path, fork: bool) -> Done {
    job.checkpoint("unit", 1)?;
    if fork {
        // SAFETY: the child calls nothing that another thread may have locked, and ends by `_exit`.
        match unsafe { libc::fork() } {
            0 => child(job),
            pid => println!("child {pid}"),
        }
    }
    println!("held");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// Tries to write the parent's state, and lives until the end of standard input.
fn child(job: &Job) -> ! {
    let refused = job.checkpoint("unit", 2).err().map(|error| error.to_string());
    println!("child says: {}", refused.unwrap_or_default());
    let _ = io::copy(&mut io::stdin(), &mut io::sink());
    // SAFETY: ends the child, without what the parent does at its end.
    unsafe { libc::_exit(0) }
}

/// Has a database until the end of standard input.
fn opens(path: &Path) -> Done {
    let _database = telemetry::job::open_database(path)?;
    println!("held");
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn main() -> ExitCode {
    let arguments: Vec<_> = std::env::args().skip(1).collect();
    let [what, place, units] = arguments.as_slice() else { return ExitCode::from(2) };
    let (place, units) = (Path::new(place), units.parse().unwrap_or(0));
    let done = match &**what {
        "rows" => Connection::open(place).map_err(Into::into).and_then(|mut connection| rows(&mut connection, units)),
        "lines" => lines(place, units),
        "holds" => holds(place, false),
        "forks" => holds(place, true),
        "opens" => opens(place),
        _ => return ExitCode::from(2),
    };
    match done {
        Ok(()) => println!("done"),
        Err(error) => println!("error {error}"),
    }
    ExitCode::SUCCESS
}
