create table runs (
    run_id varchar not null,
    service varchar not null,
    started_at timestamp not null,
    duration_seconds double not null,
    result varchar not null,
    git_commit varchar,
    git_branch varchar,
    host varchar,
    telemetry_version varchar,
    rustc varchar,
    target varchar,
    profile varchar,
    settings varchar not null
);
create table functions (
    run_id varchar not null,
    module varchar not null,
    function varchar not null,
    calls double not null,
    errors double not null,
    panics double not null,
    cancelled double not null,
    polls double,
    busy_seconds double,
    self_seconds double,
    cpu_seconds double,
    allocated_bytes double,
    allocations double,
    read_bytes double,
    written_bytes double,
    duration_sum_seconds double not null
);
create table function_buckets (
    run_id varchar not null,
    module varchar not null,
    function varchar not null,
    upper_bound_seconds double not null,
    count ubigint not null
);
create table jobs (
    run_id varchar not null,
    job varchar not null,
    unit varchar not null,
    result varchar,
    elapsed_seconds double not null,
    total ubigint,
    processed ubigint not null,
    failed ubigint not null,
    skipped ubigint not null,
    dead_lettered ubigint not null,
    records_processed ubigint not null,
    records_failed ubigint not null,
    records_skipped ubigint not null,
    records_dead_lettered ubigint not null
);
create table statements (
    run_id varchar not null,
    database varchar not null,
    statement varchar not null,
    text varchar not null,
    calls ubigint not null,
    errors ubigint not null,
    total_seconds double not null,
    rows ubigint not null,
    duration_sum_seconds double not null
);
create table statement_buckets (
    run_id varchar not null,
    database varchar not null,
    statement varchar not null,
    upper_bound_seconds double not null,
    count ubigint not null
);
