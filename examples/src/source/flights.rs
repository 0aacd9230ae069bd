//! The flights themselves: a Parquet file inside the executable, read through a DuckDB connection of the source's own.

use crate::day::Day;
use crate::source::{Error, Flight};
use duckdb::{Connection, Row, params};
use std::collections::VecDeque;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Inside the executable, so that it may be moved and started from anywhere.
static PARQUET: &[u8] = include_bytes!("../../data/nyc-flights-2013.parquet");

/// So many days stay in memory: a day's pages are asked for one soon after the other.
const CACHED_DAYS: usize = 32;

/// The flights by day. All of its work blocks.
pub(super) struct Flights {
    state: Mutex<State>,
}

struct State {
    connection: Connection,
    /// The day that was loaded last is the last.
    cached: VecDeque<(Day, Arc<[Flight]>)>,
}

impl Flights {
    /// Loads the file into a table in memory, some 100 ms: nothing of it stays on the disk.
    pub(super) fn open() -> Result<Flights, Error> {
        let mut file = tempfile::Builder::new().suffix(".parquet").tempfile().map_err(Error::File)?;
        file.write_all(PARQUET).map_err(Error::File)?;
        let connection = Connection::open_in_memory()?;
        let path = file.path().display().to_string();
        connection.execute(
            "CREATE TABLE flights AS
             SELECT * REPLACE (strftime(time_hour::TIMESTAMP, '%Y-%m-%dT%H:%M:%SZ') AS time_hour) FROM read_parquet(?)",
            [path],
        )?;
        Ok(Flights { state: Mutex::new(State { connection, cached: VecDeque::new() }) })
    }

    /// The flights of a day.
    pub(super) fn of_day(&self, day: Day) -> Result<Arc<[Flight]>, Error> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, flights)) = state.cached.iter().find(|(cached, _)| *cached == day) {
            return Ok(Arc::clone(flights));
        }
        let flights = load(&state.connection, day)?;
        if state.cached.len() == CACHED_DAYS {
            state.cached.pop_front();
        }
        state.cached.push_back((day, Arc::clone(&flights)));
        Ok(flights)
    }
}

fn load(connection: &Connection, day: Day) -> Result<Arc<[Flight]>, Error> {
    // Pages need an order that is the same each time.
    let mut statement = connection.prepare_cached(
        "SELECT year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay, carrier, flight,
                tailnum, origin, dest, air_time, distance, hour, minute, time_hour
         FROM flights WHERE month = ? AND day = ? ORDER BY sched_dep_time, carrier, flight, origin",
    )?;
    let rows = statement.query_map(params![day.month(), day.day()], flight)?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn flight(row: &Row<'_>) -> duckdb::Result<Flight> {
    Ok(Flight {
        year: row.get(0)?,
        month: row.get(1)?,
        day: row.get(2)?,
        dep_time: row.get(3)?,
        sched_dep_time: row.get(4)?,
        dep_delay: row.get(5)?,
        arr_time: row.get(6)?,
        sched_arr_time: row.get(7)?,
        arr_delay: row.get(8)?,
        carrier: row.get(9)?,
        flight: row.get(10)?,
        tailnum: row.get(11)?,
        origin: row.get(12)?,
        dest: row.get(13)?,
        air_time: row.get(14)?,
        distance: row.get(15)?,
        hour: row.get(16)?,
        minute: row.get(17)?,
        time_hour: row.get(18)?,
    })
}
