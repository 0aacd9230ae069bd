//! Several processes of one program on one machine: a real Prometheus finds each, by the files in which they publish themselves.

use serde_json::Value;
use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::time::{Duration, Instant};
use telemetry_tests::program::Program;
use telemetry_tests::prometheus::Prometheus;

/// Programs look after the entries of others every 15 s; the machine may be busy.
const PATIENCE: Duration = Duration::from_secs(40);

/// A port that nobody has, for all processes to want.
fn port() -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    listener.local_addr().unwrap().port().to_string()
}

fn start(place: &Path, port: &str) -> (Program, SocketAddr) {
    let place = place.to_str().unwrap();
    let variables = [
        ("TELEMETRY_SD_FILE", place),
        ("TELEMETRY_LISTEN", port),
        ("TELEMETRY_REPORT", "off"),
        ("OTEL_SERVICE_NAME", "worker"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.namespace=shop"),
    ];
    let mut program = Program::start(env!("CARGO_BIN_EXE_pushes"), &[], &variables);
    let address = program.address();
    (program, address)
}

/// The targets in a file, or in all files of a directory that Prometheus would read.
fn targets(place: &Path) -> BTreeSet<String> {
    let files: Vec<_> = match std::fs::read_dir(place) {
        Ok(files) => files
            .map(|file| file.unwrap().path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect(),
        Err(_) => vec![place.to_owned()],
    };
    let texts = files.iter().filter_map(|file| std::fs::read_to_string(file).ok());
    let groups = texts
        .flat_map(|text| serde_json::from_str::<Vec<Value>>(&text).unwrap_or_else(|error| panic!("{error}: {text}")));
    groups.map(|group| group["targets"][0].as_str().unwrap().to_owned()).collect()
}

fn wait_for_targets(place: &Path, expected: &[SocketAddr]) {
    let expected: BTreeSet<_> = expected.iter().map(SocketAddr::to_string).collect();
    let end = Instant::now() + PATIENCE;
    while targets(place) != expected {
        assert!(Instant::now() < end, "{:?}, not {expected:?}", targets(place));
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_real_prometheus_finds_four_processes_that_wanted_one_port() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("sd");
    let port = port();
    let mut programs: Vec<_> = (0..4).map(|_| start(&place, &port)).collect();
    let addresses: Vec<_> = programs.iter().map(|&(_, address)| address).collect();
    assert!(addresses.iter().any(|address| address.port().to_string() == port), "one has the port that all wanted");
    wait_for_targets(&place, &addresses);
    for (n, (program, _)) in programs.iter_mut().enumerate() {
        program.ask(&format!("add flights {}", 10u32.pow(u32::try_from(n).unwrap())));
    }
    let Some(prometheus) = Prometheus::discovering(&format!("{}/*.json", place.display())) else { return };
    prometheus.wait_for_value(r#"count(up{job="shop/worker"} == 1)"#, 4.0);
    prometheus.wait_for_value("sum(pushed_rows_total)", 1_111.0);
    // Each is an instance of its own.
    prometheus.wait_for_value("count(count by (instance) (pushed_rows_total))", 4.0);
    // A clean end takes the entry away at once, and Prometheus does not ask a dead target.
    let (first, _) = programs.remove(0);
    assert!(first.end().status.success());
    wait_for_targets(&place, &addresses[1..]);
    prometheus.wait_for_value(r#"count(up{job="shop/worker"})"#, 3.0);
    // One that is killed has no last word: the others find out.
    let (second, _) = programs.remove(0);
    second.kill();
    assert_eq!(targets(&place).len(), 3, "it is still there");
    wait_for_targets(&place, &addresses[2..]);
    prometheus.wait_for_value(r#"count(up{job="shop/worker"})"#, 2.0);
    let removed: f64 = programs
        .iter_mut()
        .map(|(program, _)| program.ask("value telemetry_discovery_removed_entries_total").parse::<f64>().unwrap())
        .sum();
    assert_eq!(removed, 1.0, "one of the two was first");
}

#[test]
fn one_file_serves_all_processes_and_whoever_starts_next_removes_the_dead() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("targets.json");
    let port = port();
    let programs: Vec<_> = (0..4).map(|_| start(&place, &port)).collect();
    let addresses: Vec<_> = programs.iter().map(|&(_, address)| address).collect();
    wait_for_targets(&place, &addresses);
    let group = serde_json::from_str::<Vec<Value>>(&std::fs::read_to_string(&place).unwrap()).unwrap().remove(0);
    let labels = group["labels"].as_object().unwrap();
    assert_eq!(labels["job"], "shop/worker");
    let pids: Vec<_> = programs.iter().map(|(program, _)| program.pid().to_string()).collect();
    assert!(pids.iter().any(|pid| labels["__meta_telemetry_pid"] == **pid), "{labels:?}");
    programs.into_iter().for_each(|(program, _)| program.kill());
    let (last, address) = start(&place, &port);
    wait_for_targets(&place, &[address]);
    assert!(last.end().status.success());
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "[]\n");
}

#[test]
fn a_forked_child_takes_nothing_of_its_parent_s_away() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("sd");
    let (mut program, address) = start(&place, "0");
    wait_for_targets(&place, &[address]);
    assert_eq!(program.ask("fork"), "child 7");
    assert_eq!(targets(&place), BTreeSet::from([address.to_string()]));
    assert!(program.end().status.success());
    assert_eq!(targets(&place), BTreeSet::new());
}

#[test]
fn a_file_that_holds_something_else_is_left_alone_and_the_program_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("mine.json");
    std::fs::write(&place, "[{\"targets\": [\"db1:9100\"]}]\n").unwrap();
    let (program, _) = start(&place, "0");
    let ended = program.end();
    assert!(ended.status.success() && ended.error.contains("mine.json holds something else"), "{ended:?}");
    assert_eq!(std::fs::read_to_string(&place).unwrap(), "[{\"targets\": [\"db1:9100\"]}]\n");
}
