//! The DuckDB file: a table of flights, and the job's checkpoints, which say which days are whole. All of its work blocks.

use crate::model::{Arrivals, Status};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};
use telemetry::job::StateError;
use telemetry::{Job, Label, ProfiledConnection, measured};
use telemetry_examples::day::Day;
use telemetry_examples::source::Flight;

const TABLE: &str = "flights";

/// The names and types of its columns: the source's nineteen, and what became of the flight.
const COLUMNS: [(&str, &str); 20] = [
    ("year", "INTEGER"),
    ("month", "INTEGER"),
    ("day", "INTEGER"),
    ("dep_time", "INTEGER"),
    ("sched_dep_time", "INTEGER"),
    ("dep_delay", "INTEGER"),
    ("arr_time", "INTEGER"),
    ("sched_arr_time", "INTEGER"),
    ("arr_delay", "INTEGER"),
    ("carrier", "VARCHAR"),
    ("flight", "INTEGER"),
    ("tailnum", "VARCHAR"),
    ("origin", "VARCHAR"),
    ("dest", "VARCHAR"),
    ("air_time", "INTEGER"),
    ("distance", "INTEGER"),
    ("hour", "INTEGER"),
    ("minute", "INTEGER"),
    ("time_hour", "TIMESTAMP"),
    ("status", "VARCHAR"),
];

/// The file, and what its statements cost.
#[derive(ProfiledConnection)]
pub struct Warehouse {
    #[profiled_connection(name = "warehouse", slow = "250ms")]
    connection: telemetry::duckdb::Connection,
}

/// A day with all of its flights.
#[derive(Debug)]
pub struct FetchedDay {
    pub day: Day,
    pub flights: Vec<Flight>,
}

impl Warehouse {
    /// Opens the file, or makes it.
    ///
    /// # Errors
    /// When it is no DuckDB file, is in use, or holds tables of another shape; it is then left as it is.
    #[measured]
    pub fn open(path: &Path) -> Result<Warehouse, Error> {
        let connection = telemetry::duckdb::Connection::open(path);
        let connection = connection.map_err(|error| Error::Open { path: path.to_owned(), error })?;
        let warehouse = Warehouse { connection };
        let found = warehouse.tables()?;
        if found.is_empty() {
            let columns: Vec<_> = COLUMNS.iter().map(|(name, data_type)| format!("{name} {data_type}")).collect();
            warehouse.execute(&format!("CREATE TABLE {TABLE} ({})", columns.join(", ")), [])?;
            return Ok(warehouse);
        }
        let own = found.iter().filter(|column| column.table == TABLE);
        if !own.map(|column| (&*column.name, &*column.data_type)).eq(COLUMNS) {
            return Err(Error::OtherShape { path: path.to_owned(), found: names(&found) });
        }
        Ok(warehouse)
    }

    fn tables(&self) -> Result<Vec<Column>, Error> {
        let mut statement = self.prepare(
            "SELECT table_name, column_name, data_type FROM duckdb_columns() WHERE NOT internal
             ORDER BY table_name, column_index",
        )?;
        let columns = statement
            .query_map([], |row| Ok(Column { table: row.get(0)?, name: row.get(1)?, data_type: row.get(2)? }))?;
        Ok(columns.collect::<Result<_, _>>()?)
    }

    /// How many flights there are of each day.
    pub fn flights_by_day(&self) -> Result<BTreeMap<Day, u64>, Error> {
        let mut statement =
            self.prepare("SELECT make_date(year, month, day) - DATE '1970-01-01', count(*) FROM flights GROUP BY ALL")?;
        let days = statement.query_map([], |row| Ok((Day::from_since_1970(row.get(0)?), row.get(1)?)))?;
        let days = days.collect::<Result<Vec<_>, _>>()?;
        Ok(days.into_iter().filter_map(|(day, flights)| Some((day?, flights))).collect())
    }

    /// Takes the flights of a day out.
    pub fn discard(&self, day: Day) -> Result<(), Error> {
        self.execute("DELETE FROM flights WHERE make_date(year, month, day) = ?", [day.to_string()])?;
        Ok(())
    }

    /// Writes a day's flights with what became of each, and the job's checkpoint that the day is whole: all of it or nothing.
    #[measured(objective(success = "99.9%", latency = "1s"))]
    pub fn write_day(&mut self, job: &Job, fetched: &FetchedDay, statuses: &[Status]) -> Result<(), Error> {
        let transaction = self.transaction()?;
        {
            let mut rows = transaction.appender("flights")?;
            for (flight, status) in fetched.flights.iter().zip(statuses) {
                append(&mut rows, flight, *status)?;
            }
            // An appender that is dropped keeps its last error to itself.
            rows.flush()?;
        }
        job.checkpoint_in(&transaction, &fetched.day.to_string(), fetched.flights.len())?;
        Ok(transaction.commit()?)
    }

    /// How many flights there are of each status.
    pub fn statuses(&self) -> Result<Vec<(String, u64)>, Error> {
        let mut statement = self.prepare("SELECT status, count(*) FROM flights GROUP BY status")?;
        let counts = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(counts.collect::<Result<_, _>>()?)
    }

    /// The arrivals of each carrier and hour, in the order of their days.
    #[measured]
    pub fn arrivals(&self) -> Result<Vec<Arrivals>, Error> {
        let mut statement = self.prepare(
            "SELECT make_date(year, month, day) - DATE '1970-01-01', carrier, hour,
                    count(*), count(*) FILTER (status = 'late')
             FROM flights WHERE status IN ('on_time', 'late') GROUP BY ALL ORDER BY ALL",
        )?;
        let arrivals = statement.query_map([], |row| {
            let (day, carrier, hour) = (row.get(0)?, row.get(1)?, row.get(2)?);
            Ok(Arrivals { day, carrier, hour, arrived: row.get(3)?, late: row.get(4)? })
        })?;
        Ok(arrivals.collect::<Result<_, _>>()?)
    }
}

fn append(rows: &mut telemetry::duckdb::Appender<'_>, flight: &Flight, status: Status) -> Result<(), Error> {
    Ok(rows.append_row(duckdb::params![
        flight.year,
        flight.month,
        flight.day,
        flight.dep_time,
        flight.sched_dep_time,
        flight.dep_delay,
        flight.arr_time,
        flight.sched_arr_time,
        flight.arr_delay,
        flight.carrier,
        flight.flight,
        flight.tailnum,
        flight.origin,
        flight.dest,
        flight.air_time,
        flight.distance,
        flight.hour,
        flight.minute,
        flight.time_hour,
        status.as_str(),
    ])?)
}

struct Column {
    table: String,
    name: String,
    data_type: String,
}

fn names(columns: &[Column]) -> String {
    let tables: BTreeSet<_> = columns.iter().map(|column| column.table.as_str()).collect();
    tables.into_iter().map(|table| format!("`{table}`")).collect::<Vec<_>>().join(", ")
}

/// Why the database cannot be used.
#[derive(Debug)]
pub enum Error {
    /// It does not open.
    Open { path: PathBuf, error: duckdb::Error },
    /// It has tables, and not those of this program.
    OtherShape { path: PathBuf, found: String },
    /// A statement failed.
    Statement(duckdb::Error),
    /// The job's state could not be read or written.
    State(StateError),
}

impl From<StateError> for Error {
    fn from(error: StateError) -> Error {
        Error::State(error)
    }
}

impl From<duckdb::Error> for Error {
    fn from(error: duckdb::Error) -> Error {
        Error::Statement(error)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Open { path, error } => {
                write!(f, "cannot open {} as a DuckDB database: {error}; --database takes another file", path.display())
            }
            Error::OtherShape { path, found } => {
                let columns: Vec<_> = COLUMNS.iter().map(|(name, data_type)| format!("{name} {data_type}")).collect();
                write!(
                    f,
                    "{} was not made by this program: it holds {found}, and no `{TABLE}` with the columns {}; nothing was \
                     changed; --database takes another file",
                    path.display(),
                    columns.join(", ")
                )
            }
            Error::State(error) => error.fmt(f),
            Error::Statement(error) => write!(f, "the database refused a statement: {error}"),
        }
    }
}

impl std::error::Error for Error {}
