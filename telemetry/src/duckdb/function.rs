//! `telemetry_statements()`: the figures of statements as a table function of the database, to be filtered and joined.

use crate::duckdb::table;
use crate::snapshot::Statement;
use ::duckdb::core::{DataChunkHandle, FlatVector, Inserter, LogicalTypeHandle, LogicalTypeId};
use ::duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab};
use std::error::Error;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Its name in SQL.
pub(crate) const NAME: &str = "telemetry_statements";

/// Makes the function known to the database of this connection. Where it is known already, that is as good.
pub(crate) fn register(connection: &::duckdb::Connection) {
    let _ = connection.register_table_function::<StatementsFunction>(NAME);
}

/// What a column holds of a statement.
enum Column {
    Text(fn(&Statement) -> Option<&str>),
    Count(fn(&Statement) -> Option<u64>),
    Number(fn(&Statement) -> Option<f64>),
}

use Column::{Count, Number, Text};

const COLUMNS: [(&str, Column); 25] = [
    ("database", Text(|s| Some(&s.database))),
    ("statement", Text(|s| Some(&s.label))),
    ("text", Text(|s| Some(&s.text))),
    ("calls", Count(|s| Some(s.calls))),
    ("errors", Count(|s| Some(s.errors))),
    ("total_seconds", Number(|s| Some(s.total_seconds))),
    ("mean_seconds", Number(|s| Some(s.mean_seconds()))),
    ("min_seconds", Number(|s| Some(s.min_seconds))),
    ("max_seconds", Number(|s| Some(s.max_seconds))),
    ("deviation_seconds", Number(|s| Some(s.deviation_seconds))),
    ("p50_seconds", Number(|s| Some(s.p50_seconds))),
    ("p95_seconds", Number(|s| Some(s.p95_seconds))),
    ("p99_seconds", Number(|s| Some(s.p99_seconds))),
    ("rows", Count(|s| Some(s.rows))),
    ("profiled_runs", Count(|s| Some(s.profile.runs))),
    ("profiles_stand_for", Count(|s| Some(s.profile.stands_for))),
    ("rows_scanned", Count(|s| s.profile.rows_scanned)),
    ("operator_seconds", Number(|s| s.profile.operator_seconds)),
    ("planning_seconds", Number(|s| s.profile.planning_seconds)),
    ("blocked_seconds", Number(|s| s.profile.blocked_seconds)),
    ("peak_memory_bytes", Count(|s| s.profile.peak_memory_bytes)),
    ("peak_temp_bytes", Count(|s| s.profile.peak_temp_bytes)),
    ("read_bytes", Count(|s| s.profile.read_bytes)),
    ("written_bytes", Count(|s| s.profile.written_bytes)),
    ("last_plan", Text(|s| s.last_plan.as_deref())),
];

struct StatementsFunction;

/// What one use of the function reads: the figures of when it began.
struct Reading {
    statements: Vec<Statement>,
    next: AtomicUsize,
}

impl VTab for StatementsFunction {
    type InitData = Reading;
    type BindData = ();

    fn bind(bind: &BindInfo) -> Result<(), Box<dyn Error>> {
        for (name, column) in &COLUMNS {
            let of = match column {
                Text(_) => LogicalTypeId::Varchar,
                Count(_) => LogicalTypeId::UBigint,
                Number(_) => LogicalTypeId::Double,
            };
            bind.add_result_column(name, LogicalTypeHandle::from(of));
        }
        Ok(())
    }

    fn init(_: &InitInfo) -> Result<Reading, Box<dyn Error>> {
        Ok(Reading { statements: table::statements(None), next: AtomicUsize::new(0) })
    }

    fn func(info: &TableFunctionInfo<Self>, output: &mut DataChunkHandle) -> Result<(), Box<dyn Error>> {
        let reading = info.get_init_data();
        let room = output.flat_vector(0).capacity();
        let from = reading.next.fetch_add(room, Ordering::Relaxed).min(reading.statements.len());
        let some = &reading.statements[from..reading.statements.len().min(from + room)];
        for (index, (_, column)) in COLUMNS.iter().enumerate() {
            let mut vector = output.flat_vector(index);
            match column {
                Text(read) => write_texts(&mut vector, some, read),
                // SAFETY: `bind` declared the column as UBIGINT, whose values are `u64`s.
                Count(read) => unsafe { write_values(&mut vector, some, read) },
                // SAFETY: `bind` declared the column as DOUBLE, whose values are `f64`s.
                Number(read) => unsafe { write_values(&mut vector, some, read) },
            }
        }
        output.set_len(some.len());
        Ok(())
    }
}

fn write_texts(vector: &mut FlatVector<'_>, statements: &[Statement], read: impl Fn(&Statement) -> Option<&str>) {
    for (row, statement) in statements.iter().enumerate() {
        match read(statement) {
            Some(text) => vector.insert(row, text),
            None => vector.set_null(row),
        }
    }
}

/// # Safety
/// The vector's values are of the type `T`, and there are no more statements than it has room for.
unsafe fn write_values<T: Copy>(
    vector: &mut FlatVector<'_>,
    statements: &[Statement],
    read: impl Fn(&Statement) -> Option<T>,
) {
    for (row, statement) in statements.iter().enumerate() {
        match read(statement) {
            // SAFETY: by this function's condition the type is right, and `row` is below the vector's capacity.
            Some(value) => unsafe { vector.as_mut_slice_with_len::<T>(statements.len())[row] = value },
            None => vector.set_null(row),
        }
    }
}
