//! The families of DuckDB's statements and databases.

/// What a run of a statement adds to.
pub(crate) mod statements {
    crate::metric! {
        crate = crate;
        /// Statements that ran, by result: ok, error, or cancelled (interrupted, or a stream that was dropped before its end).
        pub counter duckdb_queries_total(database: &str, statement: &str, result: &str);
        /// Seconds that DuckDB had a statement, planning included where it was planned for this run.
        pub histogram duckdb_query_duration_seconds(database: &str, statement: &str)
            [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
        /// Rows that came back, or that a statement which writes has changed.
        pub counter duckdb_query_rows_returned_total(database: &str, statement: &str);
        /// Rows that were read from tables, where the statement was profiled.
        pub counter duckdb_query_rows_scanned_total(database: &str, statement: &str);
        /// Bytes of results, where DuckDB tells them.
        pub counter duckdb_query_result_bytes_total(database: &str, statement: &str);
        /// The most buffer memory that a profiled run has held.
        pub gauge duckdb_query_peak_memory_bytes(database: &str, statement: &str);
        /// The most space in temporary files that a profiled run has taken.
        pub gauge duckdb_query_peak_temp_bytes(database: &str, statement: &str);
        /// Seconds that operators ran, added up over DuckDB's threads, where statements were profiled.
        pub counter duckdb_operator_seconds_total(database: &str, operator: &str);
        /// Rows that operators gave to the next one, where statements were profiled.
        pub counter duckdb_operator_rows_total(database: &str, operator: &str);
        /// Statements whose figures in the report made room for others; their metrics stay.
        pub counter duckdb_statements_evicted_total();
    }
}

/// What the collector asks the databases for.
pub(crate) mod databases {
    crate::metric! {
        crate = crate;
        /// Bytes of the database's file, free blocks included.
        pub gauge duckdb_database_size_bytes(database: &str);
        /// Bytes of the write-ahead log.
        pub gauge duckdb_wal_size_bytes(database: &str);
        /// Bytes of memory that DuckDB holds, by what for.
        pub gauge duckdb_memory_bytes(database: &str, tag: &str);
        /// Rows of a table, as DuckDB knows them without a scan.
        pub gauge duckdb_table_rows(database: &str, table: &str);
    }
}
