//! The command `telemetry`, as somebody types it.
#![cfg(not(telemetry_off))]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::sync::mpsc;

telemetry::metric! {
    /// Pages that the command's test read, by carrier.
    counter cli_pages_total(carrier: &str);
}

#[telemetry::measured(labels(carrier), objective(success = "99.9%"))]
fn read_page(carrier: &str) -> Result<(), std::io::Error> {
    cli_pages_total(carrier).inc();
    Ok(())
}

/// A folder that goes when the test ends.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Folder {
        let folder = std::env::temp_dir().join(format!("telemetry-cli-{name}-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Folder(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).to_str().unwrap().to_owned()
    }

    /// What a program that has run keeps.
    fn with_catalog(self) -> Folder {
        read_page("UA").unwrap();
        telemetry::catalog().service("flights").write(self.path("catalog.json")).unwrap();
        self
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        self.path(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What is left of a temporary folder harms nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telemetry"));
    command.args(arguments).stdin(Stdio::null());
    for variable in ["GRAFANA_URL", "GRAFANA_TOKEN", "GRAFANA_USER", "GRAFANA_PASSWORD", "TELEMETRY_TOKEN"] {
        command.env_remove(variable);
    }
    command
}

fn ask(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn well(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    text(&output.stdout)
}

/// How it ended, and what it said about it.
fn badly(output: &Output) -> (i32, String) {
    (output.status.code().unwrap(), text(&output.stderr))
}

#[test]
fn a_dashboard_is_made_of_a_catalogue_that_a_file_has() {
    let folder = Folder::new("dashboard").with_catalog();
    let from = folder.path("catalog.json");
    let made = well(&ask(&["dashboard", "--from", &from]));
    assert!(made.contains(r#""uid": "service-flights""#) && made.contains("cli_pages_total"), "{made}");
    let catalog = telemetry::catalog::Catalog::parse(&std::fs::read_to_string(&from).unwrap()).unwrap();
    assert_eq!(made, telemetry::dashboard::generate(&catalog, &telemetry::dashboard::Options::new()));

    let out = folder.path("made.json");
    well(&ask(&["dashboard", "--from", &from, "--out", &out, "--title", "Flights", "--uid", "f"]));
    let written = std::fs::read_to_string(&out).unwrap();
    assert!(written.contains(r#""title": "Flights""#) && written.contains(r#""uid": "f""#));
    let again = ask(&["dashboard", "--from", &from, "--out", &out, "--title", "Flights", "--uid", "f"]);
    assert!(well(&again).is_empty() && text(&again.stderr).ends_with("is current\n"));
    let checked = ask(&["check", "--from", &from, &out]);
    assert_eq!((well(&checked).as_str(), text(&checked.stderr).as_str()), ("", "1 file agree with the catalogue\n"));
}

#[test]
fn what_is_not_its_own_is_not_replaced_before_that_is_asked_for() {
    let folder = Folder::new("force").with_catalog();
    let from = folder.path("catalog.json");
    for (name, other) in [("other.json", r#"{"uid":"other","panels":[]}"#), ("notes.txt", "notes"), ("binary", "\u{0}")]
    {
        let path = folder.write(name, other);
        let (code, said) = badly(&ask(&["dashboard", "--from", &from, "--out", &path]));
        assert_eq!((code, said.ends_with("is something else; --force replaces it\n")), (1, true), "{said}");
        assert_eq!(std::fs::read_to_string(&path).unwrap(), other);
        well(&ask(&["dashboard", "--from", &from, "--out", &path, "--force"]));
        assert!(std::fs::read_to_string(&path).unwrap().contains("service-flights"));
    }
    let theirs = folder.write("theirs.json", r#"{"metrics":{"mine":1}}"#);
    assert_eq!(badly(&ask(&["catalog", "--from", &from, "--out", &theirs])).0, 1, "no list of metrics, no catalogue");
    let (code, said) = badly(&ask(&["dashboard", "--from", &from, "--out", &folder.path("."), "--force"]));
    assert!(code == 1 && said.contains("is no file"), "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let (real, link) = (folder.write("real.json", r#"{"uid":"service-flights"}"#), folder.path("link.json"));
        std::fs::set_permissions(&real, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&real, &link).unwrap();
        well(&ask(&["dashboard", "--from", &from, "--out", &link]));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink(), "what a link leads to is written");
        assert!(std::fs::read_to_string(&real).unwrap().contains("panels"));
        assert_eq!(std::fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
    }
    let (code, said) = badly(&ask(&["dashboard", "--from", &from, "--out", &folder.path("no/where.json")]));
    assert!(code == 1 && said.contains("where.json cannot be written"), "{said}");
}

#[test]
fn rules_are_made_of_the_objectives_in_the_catalogue() {
    let folder = Folder::new("rules").with_catalog();
    let from = folder.path("catalog.json");
    let made = well(&ask(&["rules", "--from", &from, "--label", "team=data", "--selector", "job=\"flights\""]));
    assert!(
        made.contains("slo:sli_error:ratio_rate5m") && made.contains("read_page") && made.contains("data"),
        "{made}"
    );
    let out = folder.path("objectives.yml");
    well(&ask(&["rules", "--from", &from, "--out", &out]));
    well(&ask(&["check", "--from", &from, &out]));
    for own in telemetry::dashboard::RuleOptions::OWN_LABELS {
        let (code, said) = badly(&ask(&["rules", "--from", &from, "--label", &format!("{own}=x")]));
        assert!(code == 2 && said.contains("labels that rules have themselves"), "{said}");
    }
    for selector in ["job=flights", "foo(", "job=\"a\"} or x{a=\"b\""] {
        let (code, said) = badly(&ask(&["rules", "--from", &from, "--selector", selector]));
        assert!(code == 2 && said.contains("write matchers of PromQL"), "{said}");
    }
    assert!(well(&ask(&["rules", "--from", &from, "--selector", "{job=\"a  b\"}"])).contains("job=\"a  b\""));
    let none = folder.write("none.json", r#"{"version":1,"metrics":[]}"#);
    let (code, said) = badly(&ask(&["rules", "--from", &none, "--out", &out]));
    assert!(code == 1 && said.contains("has no objective, and no file is written"), "{said}");
    for (objective, why) in [
        (r#""success":2"#, "the share of `success` is 2"),
        (r#""success":"0.99""#, "`objectives[0].success` takes a number"),
        (r#""success":0.9,"window_days":"28""#, "`objectives[0].window_days` takes a whole number"),
    ] {
        let wrong = format!(
            r#"{{"version":1,"metrics":[],"objectives":[{{"kind":"function","module":"m","function":"f",{objective}}}]}}"#
        );
        let (code, said) = badly(&ask(&["rules", "--from", &folder.write("wrong.json", &wrong)]));
        assert!(code == 1 && said.contains(why), "{said}");
    }
    let (code, said) = badly(&ask(&["rules", "--from", &from, "--label", "1=data"]));
    assert!(code == 2 && said.contains("`1` is no name"), "{said}");
}

#[test]
fn a_check_tells_what_does_not_agree_and_fails() {
    let folder = Folder::new("check").with_catalog();
    let from = folder.path("catalog.json");
    let dashboard = |query: &str| {
        format!(
            r#"{{"title":"T","panels":[{{"title":"P","type":"timeseries","targets":[{{"refId":"A","expr":"{query}"}}]}}]}}"#
        )
    };
    let wrong = folder.write("wrong[1].json", &dashboard("rate(cli_page_total[5m])"));
    let output = ask(&["check", "--from", &from, &wrong]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(
        said.contains("no declared family gives the series `cli_page_total`; did you mean `cli_pages_total`?"),
        "{said}"
    );
    let right = folder
        .write("right.json", &dashboard("sum by (carrier) (rate(function_calls_total[5m])) + rate(node_load1[5m])"));
    let (code, _) = badly(&ask(&["check", "--from", &from, &right]));
    assert_eq!(code, 1, "another exporter's series is to be allowed first");
    well(&ask(&["check", "--from", &from, "--foreign", "node_", &right]));
    std::fs::remove_file(&wrong).unwrap();
    folder.write("prometheus.yml", "scrape_configs: []\n");
    folder.write(
        "rules.yml",
        "groups:\n  - name: g\n    rules:\n      - record: a:b\n        expr: sum(rate(cli_pages_total[5m]))\n",
    );
    let notes = ask(&["check", "--from", &from, "--foreign", "node_", "--notes", &folder.path("rules.yml"), &right]);
    assert_eq!(well(&notes), "", "the library's own families are not noted, and the program's is read");
    let notes = well(&ask(&["check", "--from", &from, "--foreign", "node_", "--notes", &right]));
    assert_eq!(notes, "note: no dashboard or rule reads the counter `cli_pages_total`\n");
    std::fs::remove_file(&from).unwrap();
    let in_folder = command(&["check", "--from", "-", "--foreign", "node_", &folder.path("")])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut in_folder = in_folder.unwrap();
    in_folder.stdin.take().unwrap().write_all(telemetry::catalog().json().as_bytes()).unwrap();
    let in_folder = in_folder.wait_with_output().unwrap();
    assert_eq!(
        (well(&in_folder).as_str(), text(&in_folder.stderr).as_str()),
        ("", "2 files agree with the catalogue\n"),
        "what is no rules is passed over"
    );
    for (file, why) in [("nowhere.json", "No such file"), ("catalog.txt", "is none of .json")] {
        if why.starts_with("is") {
            folder.write(file, "");
        }
        telemetry::catalog().write(&from).unwrap();
        let (code, said) = badly(&ask(&["check", "--from", &from, &folder.path(file)]));
        assert!(code == 1 && said.contains(why), "{said}");
    }
}

#[test]
fn templates_are_filled_in_and_exports_made_fit() {
    let folder = Folder::new("template");
    let template = folder.write(
        "template.json",
        r#"{"uid":"u","title":"Jobs of <<team>>","panels":[{"title":"P","type":"stat","maxDataPoints":"<<points: integer>>"}]}"#,
    );
    let made = well(&ask(&["template", &template, "--set", "team=a=b", "--set", "points=5"]));
    assert!(made.contains(r#""title": "Jobs of a=b""#) && made.contains(r#""maxDataPoints": 5"#), "{made}");
    let (code, said) = badly(&ask(&["template", &template, "--set", "points=5"]));
    assert!(code == 1 && said.contains("`team` is missing, which title wants; it has `points`, `team`"), "{said}");
    let (code, said) = badly(&ask(&["template", &template, "--set", "points=x"]));
    assert!(code == 1 && said.contains("`points` takes an integer, and is the text \"x\""), "{said}");
    let built_in = folder.path("functions.json");
    well(&ask(&["dashboard", "--built-in", "functions", "--out", &built_in]));
    let bound = well(&ask(&["template", &built_in, "--data-source-uid", "P1"]));
    assert!(bound.contains(r#""uid": "P1""#) && !bound.contains("${datasource}"));

    let exported = folder.write("export.json", r#"{"id":7,"title":"Old","panels":[{"title":"P","type":"graph"}]}"#);
    let output = ask(&["import", &exported]);
    assert!(well(&output).contains(r#""id": null"#));
    let said = text(&output.stderr);
    assert!(said.contains("`timeseries` took its place") && said.contains("it had no uid"), "{said}");
    let (code, said) = badly(&ask(&["import", &folder.write("none.json", "{}")]));
    assert!(code == 1 && said.contains("none.json: this is no dashboard"), "{said}");
}

#[test]
fn a_running_program_is_asked_with_its_token_and_what_is_no_catalogue_is_said() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/catalog.json", listener.local_addr().unwrap());
    let (heard, asked) = mpsc::channel();
    let answers = [
        "200 OK\r\n\r\n{\"version\":1,\"metrics\":[]}",
        "401 Unauthorized\r\n\r\n",
        "404 Not Found\r\n\r\n",
        "200 OK\r\n\r\n<html>",
        "200 OK\r\n\r\n{\"version\":9,\"metrics\":[]}",
    ];
    let server = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                let mut byte = [0];
                stream.read_exact(&mut byte).unwrap();
                request.push(byte[0]);
            }
            heard.send(String::from_utf8(request).unwrap()).unwrap();
            write!(stream, "HTTP/1.0 {answer}").unwrap();
        }
    });
    let from = |token: &str| command(&["catalog", "--from", &address]).env("TELEMETRY_TOKEN", token).output().unwrap();
    assert!(well(&from("secret")).starts_with(r#"{"version":1,"#));
    assert!(asked.recv().unwrap().to_lowercase().contains("authorization: bearer secret\r\n"));
    for why in [
        "its token goes into --token or TELEMETRY_TOKEN",
        "a program has it at /catalog.json",
        "is not JSON",
        "`version` is 9",
    ] {
        let (code, said) = badly(&from("secret"));
        assert!(code == 1 && said.contains(why) && !said.contains("secret"), "{said}");
    }
    server.join().unwrap();
    let (code, said) = badly(&ask(&["catalog", "--from", &address]));
    assert!(code == 1 && said.contains("is the program running"), "{said}");
    let secret = address.replace("http://", "http://user:s3cret@") + "?token=s3cret";
    let output = command(&["catalog", "--from", &secret])
        .env("HTTP_PROXY", "http://127.0.0.1:9")
        .env("ALL_PROXY", "http://127.0.0.1:9")
        .output();
    let (code, said) = badly(&output.unwrap());
    assert!(
        code == 1 && !said.contains("s3cret") && said.contains("is the program running"),
        "no proxy is asked for this machine: {said}"
    );
}

#[test]
fn what_is_not_known_is_an_error_of_its_own() {
    for arguments in
        [&["dashboard"][..], &["dashboard", "--built-in", "nothing"], &["check"], &["grafana", "push"], &["show"], &[]]
    {
        let (code, said) = badly(&ask(arguments));
        assert!(code == 2 && said.contains("--help") || said.contains("Usage:"), "{arguments:?}: {said}");
    }
    for built_in in ["functions", "process"] {
        let made = well(&ask(&["dashboard", "--built-in", built_in]));
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../dashboards/{built_in}.json"));
        assert_eq!(made, std::fs::read_to_string(kept).unwrap());
    }
    let (code, said) = badly(&ask(&["grafana", "health"]));
    assert!(code == 1 && said.contains("GRAFANA_URL"), "{said}");
}

#[path = "../src/grafana/tests/stand_in.rs"]
#[allow(dead_code, reason = "a part of it is used here")]
mod stand_in;

use stand_in::{Api, StandIn, TOKEN};

/// Asks a Grafana, of which the environment tells.
fn ask_grafana(server: &StandIn, arguments: &[&str]) -> Output {
    command(&[&["grafana"], arguments].concat())
        .env("GRAFANA_URL", server.url())
        .env("GRAFANA_TOKEN", TOKEN)
        .output()
        .unwrap()
}

#[test]
fn a_program_s_dashboard_is_pushed_once_and_a_dry_run_changes_nothing() {
    let folder = Folder::new("push").with_catalog();
    let from = folder.path("catalog.json");
    for api in [Api::Both, Api::OldOnly, Api::NewOnly(404)] {
        let server = StandIn::start(api, "/grafana");
        let dry = well(&ask_grafana(&server, &["push", "--from", &from, "--dry-run"]));
        assert_eq!(dry, "folder Telemetry: would be created\ndashboard flights (generated): would be created\n");
        assert_eq!(server.world().wrote(), [""; 0]);
        let first = well(&ask_grafana(&server, &["push", "--from", &from]));
        assert_eq!(first, "folder Telemetry: created\ndashboard flights (generated): created\n");
        assert_eq!(server.world().dashboards["service-flights"].folder, "telemetry");
        let again = well(&ask_grafana(&server, &["push", "--from", &from]));
        assert_eq!(again, "folder Telemetry: unchanged\ndashboard flights (generated): unchanged\n");

        let made = well(&ask(&["dashboard", "--from", &from, "--title", "All flights"]));
        let file = folder.write("made.json", &made);
        let dry = well(&ask_grafana(&server, &["push", &file, "--dry-run"]));
        assert!(dry.contains("would be updated") && dry.contains("flights") && dry.contains("All flights"), "{dry}");
        assert_eq!(server.world().dashboards["service-flights"].spec["title"], "flights");
        well(&ask_grafana(&server, &["push", &file]));
        assert_eq!(server.world().dashboards["service-flights"].spec["title"], "All flights");
    }
}

#[test]
fn what_somebody_else_made_and_what_does_not_agree_is_not_pushed() {
    let folder = Folder::new("refuse").with_catalog();
    let from = folder.path("catalog.json");
    let server = StandIn::start(Api::Both, "");
    let dashboard = |uid: &str, query: &str| {
        format!(
            r#"{{"uid":"{uid}","title":"{uid}","schemaVersion":42,"panels":[{{"id":1,"title":"P","type":"timeseries","targets":[{{"refId":"A","expr":"{query}"}}]}}]}}"#
        )
    };
    let wrong = folder.write("wrong.json", &dashboard("wrong", "rate(cli_page_total[5m])"));
    let output = ask_grafana(&server, &["push", "--from", &from, &wrong]);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        text(&output.stdout).contains("did you mean `cli_pages_total`?")
            && text(&output.stderr).contains("nothing was sent")
    );
    assert_eq!(server.world().wrote(), [""; 0]);

    let right = folder.write("right.json", &dashboard("right", "rate(cli_pages_total[5m])"));
    well(&ask_grafana(&server, &["push", "--from", &from, &right]));
    server.world().dashboards.get_mut("right").unwrap().spec["tags"] = serde_json::json!(["theirs"]);
    let other = folder.write("other.json", &dashboard("other", "rate(cli_pages_total[5m])"));
    let output = ask_grafana(&server, &["push", &right, &other]);
    assert_eq!(output.status.code(), Some(1));
    let said = text(&output.stdout);
    assert!(said.contains("tag") && text(&output.stderr).contains("nothing was sent"), "{said}");
    assert!(!server.world().dashboards.contains_key("other"), "one that is refused holds up all");
    well(&ask_grafana(&server, &["push", &right, "--overwrite"]));

    for (name, body, why) in [
        ("gaps.json", r#"{"uid":"a","title":"<<team>>","panels":[]}"#, "template with gaps for team"),
        ("export.json", r#"{"uid":"a","title":"T","__inputs":[],"panels":[]}"#, "`telemetry import` does it"),
        ("none.json", r#"{"uid":"a","metrics":[]}"#, "no list of `panels`"),
        ("tags.json", r#"{"uid":"a","title":"T","tags":"telemetry","panels":[]}"#, "`tags` is no list"),
        ("uid.json", r#"{"title":"T","panels":[]}"#, "has no `uid`"),
    ] {
        let (code, said) = badly(&ask_grafana(&server, &["push", &folder.write(name, body)]));
        assert!(code == 1 && said.contains(why), "{said}");
    }

    // Somebody has moved it and renamed our folder: that stays, until another folder is asked for.
    server.world().folders.insert("theirs".into(), ("Theirs".into(), 1));
    server.world().folders.insert("telemetry".into(), ("Renamed".into(), 1));
    server.world().dashboards.get_mut("right").unwrap().folder = "theirs".into();
    well(&ask_grafana(&server, &["push", &right, &other]));
    assert_eq!(server.world().dashboards["right"].folder, "theirs");
    assert_eq!(server.world().dashboards["other"].folder, "telemetry");
    assert_eq!(server.world().folders["telemetry"].0, "Renamed");
    well(&ask_grafana(&server, &["push", &other, "--folder-uid", "theirs"]));
    assert_eq!(server.world().dashboards["other"].folder, "theirs");
    assert_eq!(server.world().folders["theirs"].0, "Theirs");

    let twin = folder.write("twin.json", &dashboard("right", "rate(cli_pages_total[5m])"));
    let (code, said) = badly(&ask_grafana(&server, &["push", &right, &twin]));
    assert!(code == 1 && said.contains("have the same uid"), "{said}");
    let (code, said) = badly(
        &command(&["grafana", "push", &right])
            .env("GRAFANA_URL", server.url())
            .env("GRAFANA_TOKEN", "wrong-secret")
            .output()
            .unwrap(),
    );
    assert!(code == 1 && said.contains("401") && !said.contains("wrong-secret"), "{said}");
    well(&ask_grafana(&server, &["health"]));
}

#[test]
fn archives_of_comet_are_repaired_and_told_where_they_cannot_go() {
    let folder = Folder::new("comet");
    let run = folder.path("0f3c5a7e9b1d4f6081a2b3c4d5e6f708");
    std::fs::create_dir(&run).unwrap();
    let metric = r#"{"type":"metric_msg","payload":{"local_timestamp":1760000000123,"metric":{"metricName":"loss","metricValue":0.25,"step":4}}}"#;
    std::fs::write(format!("{run}/messages.json"), format!("{metric}\n{{\"type\":\"met")).unwrap();
    let repaired = ask(&["comet", "repair", &run]);
    let said = text(&repaired.stderr);
    assert!(repaired.status.success(), "{said}");
    assert!(said.contains("holds 1 message\nline 2 is left out: it was cut"), "{said}");
    let archive = format!("{run}.zip");
    assert!(Path::new(&archive).exists() && !Path::new(&run).exists());

    let mut upload = command(&["comet", "upload", &archive, &folder.path("none.zip")]);
    upload.env_remove("COMET_API_KEY").env("HOME", &folder.0).current_dir(&folder.0);
    let (status, said) = badly(&upload.output().unwrap());
    assert_eq!(status, 1, "{said}");
    assert!(said.contains("there is no API key for Comet; set COMET_API_KEY") && said.contains("none.zip"), "{said}");

    let mut upload = command(&["comet", "upload", &archive]);
    upload.env("COMET_API_KEY", "secret-key").env("COMET_URL_OVERRIDE", "http://127.0.0.1:1/").env("HOME", &folder.0);
    upload.current_dir(&folder.0).env("COMET_TIMEOUT_HTTP", "2 seconds");
    let (status, said) = badly(&upload.output().unwrap());
    assert_eq!(status, 1, "{said}");
    assert!(
        said.contains("COMET_TIMEOUT_HTTP is \"2 seconds\"; it takes a number of seconds")
            && !said.contains("secret-key"),
        "{said}"
    );
}

/// A line of a history, with one function.
fn kept(id: u32, commit: &str, seconds: f64) -> String {
    format!(
        "{{\"version\":1,\"run_id\":\"{id:016x}-00000000\",\"service\":\"app\",\"started_at\":1.7e9,\"duration_seconds\":2,\"result\":\"ok\",\
         \"git_commit\":\"{commit}\",\"git_branch\":null,\"host\":null,\"versions\":{{}},\"settings\":{{}},\
         \"functions\":[{{\"module\":\"app\",\"function\":\"load\",\"calls\":10,\"self_seconds\":{seconds}}}],\"jobs\":[],\"statements\":[]}}\n"
    )
}

#[test]
fn runs_are_listed_shown_compared_and_pruned() {
    let folder = Folder::new("history");
    let (old, new) = ("a".repeat(40), "b".repeat(40));
    let runs: String = (0..20)
        .map(|run| {
            let noise = 1.0 + 0.001 * f64::from(run % 7);
            if run < 10 { kept(run, &old, noise) } else { kept(run, &new, 1.2 * noise) }
        })
        .collect();
    let file = folder.write("runs.jsonl", &runs);
    let list = ask(&["history", "list", "--history", &file, "--last", "3"]);
    assert_eq!(text(&list.stdout).lines().filter(|line| line.contains("-00000000")).count(), 3, "{list:?}");
    let shown = ask(&["history", "show", "latest", "--history", &file, "--format", "markdown"]);
    assert!(text(&shown.stdout).contains("| `app::load` | 10 |"), "{shown:?}");
    let compared = ask(&["compare", "--baseline", "aaaaaaa", "--against", "bbbbbbb", "--history", &file]);
    assert_eq!(compared.status.code(), Some(1), "{compared:?}");
    assert!(text(&compared.stdout).contains("slower   app::load"), "{compared:?}");
    assert!(text(&compared.stderr).contains("1 figures are slower"), "{compared:?}");
    let other = ["compare", "--baseline", "bbbbbbb", "--against", "aaaaaaa", "--history", &file, "--format", "json"];
    let faster = ask(&other);
    assert_eq!(faster.status.code(), Some(0), "{faster:?}");
    assert!(text(&faster.stdout).contains(r#""verdict":"faster""#), "{faster:?}");
    let two = ask(&["compare", "latest~19", "latest", "--history", &file]);
    assert_eq!(two.status.code(), Some(0));
    assert!(text(&two.stdout).contains("too few runs to tell"), "{two:?}");
    let pruned = ask(&["history", "prune", "--keep", "5", "--history", &file]);
    assert!(text(&pruned.stderr).contains("15 runs are gone"), "{pruned:?}");
    for (arguments, why) in [
        (&["history", "show", "nothing", "--history", &file][..], "no run is `nothing`"),
        (&["history", "list", "--history", "no/such/file"], "there is no such file"),
        (
            &["compare", "--baseline", "ccccccc", "--against", "bbbbbbb", "--history", &file],
            "no run that ended well is of `ccccccc`",
        ),
        (&["compare", "latest", "--history", &file], "2 values required"),
        (&["compare", "a", "b", "--threshold", "5", "--history", &file], "write a share above 0 and below 1"),
    ] {
        let refused = ask(arguments);
        assert!(!refused.status.success() && text(&refused.stderr).contains(why), "{why}: {refused:?}");
    }
}

#[test]
fn completions_and_the_manual_name_every_subcommand() {
    let help = well(&ask(&["--help"]));
    let listed = help.lines().skip_while(|line| *line != "Commands:").skip(1).take_while(|line| !line.is_empty());
    let names: Vec<&str> = listed.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 15 && names.contains(&"top") && names.contains(&"compare"), "{names:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let made = well(&ask(&["completions", shell]));
        assert!(names.iter().all(|name| made.contains(name)), "{shell}");
    }
    let page = well(&ask(&["man"]));
    assert!(page.contains(".TH telemetry 1") && names.iter().all(|name| page.contains(name)), "{page}");
    let folder = Folder::new("man");
    well(&ask(&["man", "--out", &folder.path("pages")]));
    for name in names.iter().filter(|name| **name != "help") {
        let page = std::fs::read_to_string(folder.path(&format!("pages/telemetry-{name}.1"))).unwrap();
        assert!(page.contains(".SH SYNOPSIS"), "{name}");
    }
    let (code, said) = badly(&ask(&["completions", "cmd"]));
    assert!(code == 2 && said.contains("possible values: bash"), "{said}");
}
