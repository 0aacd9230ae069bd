//! The documents in `docs/` are what the declarations make of them.

use super::*;
use std::fmt::Write;

/// Where the documents are.
const DOCS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/");

/// Compares a document with what it should be, or with `UPDATE_DOCS` set makes it that.
fn assert_current(document: &str, current: &str) {
    let path = format!("{DOCS}{document}");
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, current).unwrap_or_else(|error| panic!("{path}: {error}"));
    }
    let kept = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let renew = "renew it: UPDATE_DOCS=1 cargo test -p telemetry --no-default-features --lib catalog";
    assert!(kept == current, "docs/{document} is not current; {renew}");
}

/// What the families of a prefix are about, and when they are there.
const PREFIXES: [(&str, &str); 10] = [
    ("function", "What `#[measured]` records. Bytes and allocations are there with the tracking allocator."),
    ("backfill", "What `#[backfill_job]` and its `Job` record."),
    ("duckdb", "What connections of `telemetry::duckdb` record, with the feature `duckdb`."),
    (
        "process",
        "The process as the system sees it, with the feature `system`. What a system does not tell is absent: most of it comes from Linux' `/proc`.",
    ),
    (
        "cgroup",
        "What the process' control group, hence its container or service, may use, on Linux with the feature `system`.",
    ),
    ("allocator", "The whole program's memory as Rust's global allocator sees it; there with the tracking allocator."),
    (
        "tokio",
        "tokio's runtimes, with the feature `tokio`; what is declared in `builtin::tokio_unstable` with `--cfg tokio_unstable` alone.",
    ),
    ("telemetry", "What the library says of itself."),
    ("program", "What the program was built from: `telemetry::builder().build_info(telemetry::build_info!())`."),
    (
        "target",
        "What the program is: the attributes of its resource, each a label, of which `service_name` is always there.",
    ),
];

#[test]
fn the_table_of_built_in_families_is_current() {
    let families = crate::builtin::CATALOG;
    let prefix = |family: &Descriptor| family.name.split('_').next();
    let mut document = String::from(
        "# Built-in metrics\n\nMade from `telemetry::builtin::CATALOG`; a test compares them. After a change:\n\n```sh\n\
         UPDATE_DOCS=1 cargo test -p telemetry --no-default-features --lib catalog\n```\n\n\
         The metric is named as it is scraped; [opentelemetry.md](opentelemetry.md) tells how it is named when it is pushed over OTLP. \
         A histogram is scraped as `_bucket`, `_sum` and `_count`. Any family may have one series with the label \
         `otel_metric_overflow` for what was too much.\n",
    );
    for (name, about) in PREFIXES {
        let table = markdown(families.iter().filter(|family| prefix(family) == Some(name)));
        write!(document, "\n## `{name}_*`\n\n{about}\n\n{table}").unwrap();
    }
    assert_current("metrics.md", &document);
    for family in families {
        assert!(PREFIXES.iter().any(|(name, _)| prefix(family) == Some(name)), "{} is in no table", family.name);
    }
}

#[test]
fn the_table_of_prometheus_cases_is_current() {
    /// Ends what is written by hand.
    const CASES: &str = "## Prometheus' own cases\n";
    let cases = include_str!("../../../tests/data/otlptranslator.tsv");
    let mut table = String::new();
    for (index, row) in cases.lines().filter(|line| !line.starts_with('#')).enumerate() {
        let cells: Vec<String> =
            row.split('\t').map(|cell| if cell == "\"\"" { String::new() } else { plain(cell) }).collect();
        writeln!(table, "| {} |", cells.join(" | ")).unwrap();
        if index == 0 {
            writeln!(table, "|{}", " :--- |".repeat(cells.len())).unwrap();
        }
    }
    let kept = std::fs::read_to_string(format!("{DOCS}opentelemetry.md")).unwrap();
    let (by_hand, _) = kept.split_once(CASES).unwrap();
    let sources =
        cases.lines().take_while(|line| line.starts_with('#')).map(|line| line.trim_start_matches(['#', ' ']));
    let sources = sources.map(|line| format!("{line}\n")).collect::<String>();
    assert_current("opentelemetry.md", &format!("{by_hand}{CASES}\n```text\n{sources}```\n\n{table}"));
}

/// In quotes as it is in the file, hence code with its spaces.
fn plain(cell: &str) -> String {
    if cell.starts_with('"') { code(cell) } else { cell.to_owned() }
}

#[test]
fn a_cell_says_what_the_declaration_says() {
    assert_eq!(prose("Rows,\n by `a|b` or a|b."), "Rows, by `a\\|b` or a\\|b.");
    assert_eq!(prose("A <b> of c:\\d, *all* of `Vec<T>`"), "A \\<b> of c:\\\\d, \\*all\\* of `Vec<T>`");
    assert_eq!(prose("an odd ` stays"), "an odd \\` stays");
    assert_eq!(code("a`|b"), "`a'\\|b`");
}

#[test]
fn json_says_all_of_a_declaration() {
    assert_eq!(json([]), "[]\n");
    const FAMILY: Descriptor = crate::builtin::jobs::recorded::backfill_batch_records::DESCRIPTOR;
    let family = Descriptor { labels: &["a", "b"], bounds: &[0.5, 1.0], help: "A \"b\".", ..FAMILY };
    let line =
        r#"{"name":"backfill_batch_records","type":"histogram","labels":["a","b"],"unit":"records","help":"A \"b\".","#;
    let more = r#""bounds":[0.5,1],"otel_name":"backfill_batch_records","otel_unit":"{record}"}"#;
    assert_eq!(json([&family, &family]), format!("[\n{line}{more},\n{line}{more}\n]\n"));
}
