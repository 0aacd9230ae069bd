//! The main example's classification as an archive for Comet: what is in it is what is in the database, and its pictures open.

mod child;

use child::Child;
use duckdb::Connection;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;

#[test]
fn without_a_key_the_classification_is_an_archive() {
    let folder = tempfile::tempdir().unwrap();
    let ended =
        Child::start(env!("CARGO_BIN_EXE_backfill"), folder.path(), &["--days", "40", "--rate", "100000"]).end();
    assert!(ended.status.success(), "{ended:?}");
    assert_eq!(ended.error.matches("no API key (COMET_API_KEY)").count(), 1, "{}", ended.error);

    let archives: Vec<_> =
        std::fs::read_dir(folder.path().join(".cometml-runs")).unwrap().map(|entry| entry.unwrap().path()).collect();
    let [archive] = &*archives else { panic!("{archives:?}") };
    let mut zip = zip::ZipArchive::new(std::fs::File::open(archive).unwrap()).unwrap();
    let mut read = |name: &str| {
        let mut bytes = Vec::new();
        zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
        bytes
    };
    let about: Value = serde_json::from_slice(&read("experiment.json")).unwrap();
    assert_eq!((&about["project_name"], &about["tags"][0]), (&"flights".into(), &"classification".into()));
    let messages = String::from_utf8(read("messages.json")).unwrap();
    let messages: Vec<Value> = messages.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let metric = |name: &str| {
        let last = messages.iter().rfind(|message| message["payload"]["metric"]["metricName"] == name);
        last.and_then(|message| message["payload"]["metric"]["metricValue"].as_f64())
    };

    // How often what became of a flight: as the database has it.
    let database = Connection::open(folder.path().join("flights.duckdb")).unwrap();
    let mut statement = database.prepare("SELECT status, count(*) FROM flights GROUP BY ALL").unwrap();
    let counts: BTreeMap<String, f64> = statement
        .query_map([], |row| Ok((row.get(0)?, row.get::<_, i64>(1)? as f64)))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(counts.len() >= 3, "{counts:?}");
    for (status, count) in &counts {
        assert_eq!(metric(&format!("status/{}", status.replace('_', " "))), Some(*count), "{status}");
    }
    assert!(metric("auc").is_some_and(|auc| auc > 0.5 && auc < 1.0), "{:?}", metric("auc"));
    assert_eq!(metric("function_calls_total/evaluate/ok"), Some(1.0), "what was recorded inside");

    // What was foretold beside what came: all arrivals are in it.
    let files: BTreeMap<String, String> = messages
        .iter()
        .filter(|message| message["type"] == "file_upload")
        .map(|message| {
            let about = &message["payload"]["additional_params"];
            let name = about["figName"].as_str().or(about["fileName"].as_str()).unwrap();
            let kind = message["payload"]["upload_type"].as_str().unwrap();
            (format!("{kind} {name}"), message["payload"]["file_path"].as_str().unwrap().to_owned())
        })
        .collect();
    let matrix: Value = serde_json::from_slice(&read(&files["confusion-matrix lateness.json"])).unwrap();
    let cells = matrix["matrix"].as_array().unwrap().iter().flat_map(|row| row.as_array().unwrap());
    let arrived = counts["on_time"] + counts["late"];
    assert_eq!(cells.map(|cell| cell.as_f64().unwrap()).sum::<f64>(), arrived);
    let histogram: Value = serde_json::from_slice(&read(&files["histogram3d chance of being late"])).unwrap();
    let bins = histogram["index_values"].as_array().unwrap().iter();
    assert_eq!(bins.map(|bin| bin[1].as_f64().unwrap()).sum::<f64>(), arrived);

    for name in ["status", "chance of being late", "lateness", "roc"] {
        let picture = String::from_utf8(read(&files[&format!("visualization {name}")])).unwrap();
        assert!(picture.starts_with("<svg") && picture.trim_end().ends_with("</svg>"), "{name}");
        // Counts stand over the bars.
        if name == "status" {
            assert!(counts.values().all(|count| picture.contains(&grouped(*count))), "{picture}");
        }
    }
    let table = String::from_utf8(read(&files["dataframe carriers.csv"])).unwrap();
    assert!(table.starts_with("carrier,arrived,late\n") && table.lines().count() > 5, "{table}");
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of flights")]
fn grouped(count: f64) -> String {
    let count = count as u64;
    if count >= 1_000 { format!("{},{:03}", count / 1_000, count % 1_000) } else { count.to_string() }
}

#[test]
fn switched_off_nothing_is_left() {
    let folder = tempfile::tempdir().unwrap();
    let ended = std::process::Command::new(env!("CARGO_BIN_EXE_backfill"))
        .args(["--days", "1", "--rate", "1000"])
        .current_dir(folder.path())
        .envs([("TELEMETRY_LISTEN", "off"), ("TELEMETRY_REPORT", "off"), ("TELEMETRY_COMET", "off")])
        .output()
        .unwrap();
    assert!(ended.status.success() && !String::from_utf8_lossy(&ended.stderr).contains("Comet"), "{ended:?}");
    assert!(!folder.path().join(".cometml-runs").exists());
}
