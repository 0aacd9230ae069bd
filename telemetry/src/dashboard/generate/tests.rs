//! What is made of a catalogue is what a dashboard has to be, asks for nothing that is not there, and stays as it is.

use super::*;
use crate::builtin;
use crate::dashboard::{Severity, Sources, check};
use crate::metric::Descriptor;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const DASHBOARDS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../dashboards/");

/// A program that has run: two functions, a job, a database, and metrics of each kind. Names are such as nobody would choose.
const RAN: &str = r#"{"version":1,"service":"flights","metrics":[
{"name":"flights_read_total","type":"counter","labels":["carrier"],"unit":"","help":"Flights read.","recorded":true},
{"name":"flights_never_total","type":"counter","labels":[],"unit":"","help":"Nothing of it yet.","recorded":false},
{"name":"cache_hit_ratio","type":"gauge","labels":[],"unit":"ratio","help":"Hits by look-ups.","recorded":true},
{"name":"last_import_timestamp_seconds","type":"gauge","labels":["source"],"unit":"seconds","help":"When.","recorded":true},
{"name":"page_bytes","type":"histogram","labels":["carrier"],"unit":"bytes","help":"Bytes of a page.","bounds":[10,100],"recorded":true},
{"name":"wait_seconds","type":"histogram","labels":[],"unit":"seconds","help":"Waits.","bounds":[1],"recorded":true},
{"name":"model_info","type":"info","labels":["version"],"unit":"","help":"The model.","recorded":true},
{"name":"theirs_seconds","type":"summary","labels":[],"unit":"seconds","help":"Theirs.","recorded":true},
{"name":"e.f","type":"counter","labels":[],"unit":"","help":"Of Prometheus 3.","recorded":true},
{"name":"with_label","type":"gauge","labels":["a-b"],"unit":"","help":"","recorded":true},
{"name":"dollars_total","type":"counter","labels":[],"unit":"","help":"Cost in $job and [[instance]].","recorded":true},
{"name":"odd_thing","type":"unknown","labels":["a"],"unit":"","help":"","recorded":true},
{"name":"function_calls_total","type":"counter","labels":["function","module","result"],"unit":"calls","help":"","recorded":true},
{"name":"function_self_seconds_total","type":"counter","labels":["function","module"],"unit":"seconds","help":"","recorded":true},
{"name":"process_cpu_seconds_total","type":"counter","labels":[],"unit":"seconds","help":"","recorded":true},
{"name":"process_resident_memory_bytes","type":"gauge","labels":[],"unit":"bytes","help":"","recorded":true},
{"name":"process_start_time_seconds","type":"gauge","labels":[],"unit":"seconds","help":"","recorded":true},
{"name":"backfill_progress_ratio","type":"gauge","labels":["job_name"],"unit":"ratio","help":"","recorded":true},
{"name":"telemetry_series","type":"gauge","labels":[],"unit":"series","help":"","recorded":true}
],"functions":[
{"module":"app","function":"load","major":true,"labels":["carrier"],"families":["function_calls_total","function_cpu_seconds_total","function_allocated_bytes_total","function_io_read_bytes_total"]},
{"module":"app","function":"Page<\"a\\b\", $job>::read","major":true,"labels":[],"families":["function_calls_total"]},
{"module":"app","function":"small","major":false,"labels":[],"families":["function_calls_total"]}
],"jobs":[
{"job_name":"flights [[job]] ${instance}","families":["backfill_records_total","backfill_units_total","backfill_progress_ratio","backfill_processing_duration_seconds","backfill_queue_records","backfill_workers","backfill_runs_total"],
"endpoints":[{"endpoint_name":"pages","families":["backfill_requests_total","backfill_request_duration_seconds","backfill_requests_in_flight","backfill_retries_total","backfill_wait_seconds_total","backfill_rate_limit_tokens"]}]}
],"objectives":[{"kind":"function","module":"app","function":"load","success":0.999,"latency_seconds":0.25,"at":0.99,"window_days":30},
{"kind":"job","job_name":"flights [[job]] ${instance}","counts":"units","success":0.99,"window_days":30}],
"databases":[{"database":"warehouse","families":["duckdb_queries_total","duckdb_query_duration_seconds","duckdb_query_rows_returned_total","duckdb_query_rows_scanned_total","duckdb_memory_bytes","duckdb_memory_limit_bytes","duckdb_database_size_bytes","duckdb_wal_size_bytes"]}]}
"#;

fn ran() -> Catalog {
    Catalog::parse(RAN).unwrap()
}

fn parsed(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

/// All panels, those in closed rows included.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let outer = dashboard["panels"].as_array().unwrap();
    outer
        .iter()
        .flat_map(|panel| std::iter::once(panel).chain(panel["panels"].as_array().into_iter().flatten()))
        .collect()
}

fn without_places(dashboard: &Value) -> BTreeMap<u64, Value> {
    let each = panels(dashboard).into_iter().map(|panel| {
        let mut panel = panel.clone();
        let members = panel.as_object_mut().unwrap();
        members.remove("gridPos");
        members.remove("panels");
        (panel["id"].as_u64().unwrap(), panel)
    });
    each.collect()
}

/// What the checker says of a dashboard, where this is declared besides what the library itself declares.
fn faults(dashboard: &str, families: &[&Descriptor]) -> Vec<String> {
    let folder = tempfolder();
    std::fs::write(folder.join("made.json"), dashboard).unwrap();
    let sources = Sources::new(&folder).files("*.json").catalog(builtin::CATALOG).catalog(families.iter().copied());
    let findings = check(&sources).into_iter().filter(|finding| finding.severity == Severity::Error);
    let faults = findings.map(|finding| format!("{}: {} ({})", finding.part, finding.message, finding.query)).collect();
    std::fs::remove_dir_all(folder).unwrap();
    faults
}

fn tempfolder() -> std::path::PathBuf {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let folder = std::env::temp_dir().join(format!("telemetry-generate-{}-{number}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

/// The families that the library does not declare.
fn own(catalog: &Catalog) -> Vec<&'static Descriptor> {
    let ours: BTreeSet<&str> = builtin::CATALOG.iter().map(|family| family.name).collect();
    catalog.iter().copied().filter(|family| !ours.contains(family.name)).collect()
}

#[test]
fn the_built_in_dashboards_are_the_files() {
    for dashboard in BuiltIn::ALL {
        let path = format!("{DASHBOARDS}{}.json", dashboard.name());
        let made = dashboard.json();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(&path, &made).unwrap();
        }
        let kept = std::fs::read_to_string(&path).unwrap_or_default();
        let renew = "renew it: UPDATE_DOCS=1 cargo test -p telemetry --no-default-features --features dashboards --lib generate";
        assert!(kept == made, "dashboards/{}.json is not current; {renew}", dashboard.name());
        assert_eq!(faults(&made, &[]), [""; 0]);
    }
}

#[test]
fn every_query_of_a_generated_dashboard_asks_for_what_is_declared() {
    let catalog = ran();
    let dashboard = generate(&catalog, &Options::new());
    assert_eq!(faults(&dashboard, &own(&catalog)), [""; 0]);
    let renamed: Vec<_> = own(&catalog).into_iter().filter(|family| family.name != "page_bytes").collect();
    let faults = faults(&dashboard, &renamed);
    assert!(!faults.is_empty() && faults.iter().all(|fault| fault.contains("`page_bytes_bucket`")), "{faults:?}");
}

#[test]
fn what_is_made_of_a_program_that_ran_is_as_it_was() {
    // Held against Grafana's schemas by `ci/dashboards`.
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/grafana/generated.json");
    let made = generate(&ran(), &Options::new());
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    let renew =
        "renew it: UPDATE_DOCS=1 cargo test -p telemetry --no-default-features --features dashboards --lib generate";
    assert!(
        std::fs::read_to_string(path).unwrap_or_default() == made,
        "tests/grafana/generated.json is not current; {renew}"
    );
}

#[test]
fn there_is_a_row_for_what_is_worth_one_and_a_panel_for_what_has_series() {
    let dashboard = parsed(&generate(&ran(), &Options::new()));
    let rows = panels(&dashboard).into_iter().filter(|panel| panel["type"] == "row");
    let rows: Vec<&str> = rows.map(|row| row["title"].as_str().unwrap()).collect();
    assert_eq!(
        rows,
        [
            "At a glance",
            // What would be a variable is parted by a character that nobody sees.
            "Job flights [\u{2060}[job]] $\u{2060}{instance}",
            "Endpoint pages of job flights [\u{2060}[job]] $\u{2060}{instance}",
            "Function load (app)",
            "Function Page<\"a\\b\", $\u{2060}job>::read (app)",
            "Database warehouse",
            "Metrics of the program",
            "Process",
            "Telemetry itself",
        ]
    );
    let text = dashboard.to_string();
    assert!(!text.contains("flights_never_total"), "nothing has been recorded of it");
    assert!(!text.contains("cgroup_memory_limit_bytes"), "it has no series here");
    assert!(!text.contains("e.f") && !text.contains("a-b"), "PromQL takes such names in quotes alone");
    assert!(text.contains("Cost in $\u{2060}job and [\u{2060}[instance]]."), "a HELP text has no variables");
}

#[test]
fn an_objective_is_the_line_in_its_panels_and_the_ratio_is_that_of_its_alert() {
    let dashboard = parsed(&generate(&ran(), &Options::new()));
    let all = panels(&dashboard);
    let limit = |title: &str, of: &str| {
        let is_it =
            |panel: &&&Value| panel["title"] == title && panel["targets"][0]["expr"].as_str().unwrap().contains(of);
        let panel = all.iter().find(is_it).unwrap();
        (
            panel["fieldConfig"]["defaults"]["thresholds"]["steps"][1]["value"].clone(),
            panel["targets"][0]["expr"].to_string(),
        )
    };
    let (line, query) = limit("Share of calls that fail", "function=\"load\"");
    assert_eq!((line, query.contains("result!=")), (0.001.into(), true));
    assert_eq!(limit("Duration of a call", "function=\"load\"").0, 0.25);
    let (line, query) = limit("Share of units that fail", "job_name");
    assert_eq!((line, query.contains("status!=")), (0.01.into(), true));
}

#[test]
fn panels_have_ids_of_their_own_and_lie_beside_each_other() {
    for text in [generate(&ran(), &Options::new()), BuiltIn::Functions.json(), BuiltIn::Process.json()] {
        let dashboard = parsed(&text);
        let all = panels(&dashboard);
        let ids: BTreeSet<u64> = all.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
        assert_eq!(ids.len(), all.len());
        let within = |list: &Value| {
            let mut taken = BTreeSet::new();
            for panel in list.as_array().unwrap() {
                let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
                assert!(at("x") + at("w") <= 24 && at("w") > 0 && at("h") > 0, "{panel}");
                for (x, y) in
                    (at("x")..at("x") + at("w")).flat_map(|x| (at("y")..at("y") + at("h")).map(move |y| (x, y)))
                {
                    assert!(taken.insert((x, y)), "two panels lie at {x}, {y}");
                }
            }
        };
        within(&dashboard["panels"]);
        all.iter().filter(|panel| panel["type"] == "row").for_each(|row| within(&row["panels"]));
    }
}

#[test]
fn the_same_catalogue_gives_the_same_bytes_and_another_family_its_own_panels_alone() {
    let before = generate(&ran(), &Options::new());
    assert_eq!(before, generate(&ran(), &Options::new()));
    let more = RAN.replace(r#"{"name":"cache_hit_ratio""#, r#"{"name":"cache_size_bytes","type":"gauge","help":"Its size.","unit":"bytes","recorded":true},{"name":"cache_hit_ratio""#);
    let after = generate(&Catalog::parse(&more).unwrap(), &Options::new());
    let (before, after) = (without_places(&parsed(&before)), without_places(&parsed(&after)));
    let new: Vec<_> = after
        .iter()
        .filter(|(id, panel)| before.get(id) != Some(panel))
        .map(|(_, panel)| panel["title"].clone())
        .collect();
    assert_eq!(new, ["Cache size"]);
    assert_eq!(before.len() + 1, after.len());
}

#[test]
fn a_catalogue_without_records_has_a_row_that_repeats_and_all_families() {
    let catalog = Catalog::declared(builtin::CATALOG.iter().chain(own(&ran())));
    let text = generate(&catalog, &Options::new().title("Flights").uid("flights").tag("data"));
    assert_eq!(faults(&text, &own(&ran())), [""; 0]);
    let dashboard = parsed(&text);
    assert_eq!((&dashboard["title"], &dashboard["uid"]), (&"Flights".into(), &"flights".into()));
    assert_eq!(dashboard["tags"], serde_json::json!(["telemetry", "data"]));
    let repeated: Vec<_> = panels(&dashboard).into_iter().filter(|panel| panel["repeat"] == "function").collect();
    assert_eq!(repeated.len(), 1);
    assert!(text.contains("flights_never_total"));
}

#[test]
fn an_empty_catalogue_is_a_dashboard_too() {
    let text = generate(&Catalog::default(), &Options::new());
    assert_eq!(faults(&text, &[]), [""; 0]);
    assert_eq!(parsed(&text)["uid"], "service-program");
}
