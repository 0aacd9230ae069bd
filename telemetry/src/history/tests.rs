use super::compare::{Comparison, Options, Subject, Verdict};
use super::lines::{Lines, pending};
use super::*;
use crate::snapshot::Tally;
use proptest::prelude::*;
use std::fs;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// A folder that goes with its name.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let name = format!("telemetry-history-{}-{}", std::process::id(), NUMBER.fetch_add(1, Relaxed));
        let path = std::env::temp_dir().join(name);
        fs::create_dir_all(&path).unwrap();
        Folder(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn function(name: &str, calls: f64, own: f64) -> FunctionRun {
    FunctionRun {
        module: "app".into(),
        function: name.into(),
        calls,
        self_seconds: Some(own),
        busy_seconds: Some(own),
        durations: Sketch { buckets: vec![(0.5, 3), (f64::INFINITY, 1)], sum: own },
        ..FunctionRun::default()
    }
}

fn run(id: u32, commit: &str, functions: Vec<FunctionRun>) -> Run {
    Run {
        head: RunHead {
            id: format!("{id:016x}-0000abcd"),
            service: "app \"quoted\",\"functions\":[ in a name".into(),
            started_at: SystemTime::UNIX_EPOCH + Duration::from_millis(1_700_000_000_250),
            duration_seconds: 12.5,
            result: "ok".into(),
            git_commit: Some(commit.repeat(40)),
            git_branch: Some("main".into()),
            host: None,
            versions: vec![("telemetry".into(), "0.1.0".into())],
            settings: vec![("overhead_budget".into(), "0.01".into())],
        },
        functions,
        jobs: vec![JobRun {
            job: "flights".into(),
            unit: "days".into(),
            result: Some("ok".into()),
            elapsed_seconds: 10.0,
            total: Some(365),
            units: Tally { processed: 364, failed: 1, ..Tally::default() },
            records: Tally { processed: u64::MAX, ..Tally::default() },
        }],
        statements: vec![StatementRun {
            database: "warehouse".into(),
            statement: "select_1".into(),
            text: "select ?\n".into(),
            calls: 3,
            errors: 1,
            total_seconds: 0.25,
            rows: 7,
            durations: Sketch { buckets: vec![(0.1, 4)], sum: 0.25 },
        }],
    }
}

#[test]
fn a_run_comes_back_from_its_line_as_it_was() {
    let run = run(1, "a", vec![function("<Client as Source>::fetch", 10.0, 0.1 + 0.2)]);
    let line = run.line();
    assert_eq!(line.lines().count(), 1);
    assert_eq!(read::run(line.trim_end()).unwrap(), run);
    assert_eq!(read::head(line.trim_end()).unwrap(), run.head);
    let newer = line.replacen("\"version\":1", "\"version\":99", 1);
    let why = read::head(newer.trim_end()).unwrap_err().to_string();
    assert!(why.contains("its version is 99"), "{why}");
}

proptest! {
    #[test]
    fn no_line_is_a_panic(text in "\\PC{0,200}", cut in 0usize..2_000) {
        let _ = (read::head(&text), read::run(&text));
        let line = run(1, "a", vec![function("load", 1.0, 1.0)]).line();
        let cut = line.chars().take(cut).collect::<String>();
        let _ = (read::head(&cut), read::run(&cut));
    }
}

#[test]
fn a_line_that_was_cut_is_passed_over_and_ended_by_the_next_writer() {
    let folder = Folder::new();
    let path = folder.0.join("runs.jsonl");
    let history = History::open(&path).unwrap();
    history.append(&run(1, "a", Vec::new())).unwrap();
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("{\"version\":1,\"run_id\":\"cut");
    fs::write(&path, &text).unwrap();
    assert_eq!(history.runs().unwrap().len(), 1);
    history.append(&run(2, "a", Vec::new())).unwrap();
    let ids: Vec<String> = history.runs().unwrap().into_iter().map(|run| run.id).collect();
    assert_eq!(ids, ["0000000000000001-0000abcd", "0000000000000002-0000abcd"]);
}

#[test]
fn many_writers_lose_nothing_and_the_oldest_go() {
    let folder = Folder::new();
    let path = folder.0.join("runs.jsonl");
    std::thread::scope(|scope| {
        for writer in 0..8u32 {
            let path = path.clone();
            scope.spawn(move || {
                for number in 0..25 {
                    let line = run(writer * 100 + number, "a", vec![function("load", 1.0, 1.0)]).line();
                    Lines::new(path.clone()).append(&line, 1_000, Duration::from_secs(30)).unwrap();
                }
            });
        }
    });
    let history = History::open(&path).unwrap();
    assert_eq!(history.runs().unwrap().len(), 200);
    assert_eq!(history.prune(150).unwrap(), 50);
    assert_eq!(history.prune(150).unwrap(), 0);
    // A tenth more than is to be kept is let be, so that a file is not written anew each time.
    for number in 1_000..1_100 {
        let line = run(number, "a", Vec::new()).line();
        Lines::new(path.clone()).append(&line, 50, Duration::from_secs(30)).unwrap();
        assert!(history.runs().unwrap().len() <= if number == 1_000 { 151 } else { 55 });
    }
    assert_eq!(history.find("latest").unwrap().id, run(1_099, "a", Vec::new()).head.id);
    assert!(!path.with_file_name("runs.jsonl.tmp").exists());
    assert_eq!(fs::read_dir(&folder.0).unwrap().count(), 1, "nothing is left beside it");
}

#[cfg(unix)]
#[test]
fn who_waits_too_long_is_told_that_somebody_writes() {
    use std::os::fd::AsRawFd;
    let folder = Folder::new();
    let path = folder.0.join("runs.jsonl");
    let theirs = fs::File::create(&path).unwrap();
    // SAFETY: an open file's descriptor.
    assert_eq!(unsafe { libc::flock(theirs.as_raw_fd(), libc::LOCK_EX) }, 0);
    let error = Lines::new(path.clone()).append("{}\n", 10, Duration::from_millis(50)).unwrap_err().to_string();
    assert!(error.ends_with("another program writes to it"), "{error}");
    assert_eq!(pending(&path).file_name().unwrap(), "runs.jsonl.pending.jsonl");
}

#[test]
fn runs_are_found_by_id_by_place_and_by_revision() {
    let folder = Folder::new();
    let history = History::open(folder.0.join("runs.jsonl")).unwrap();
    for (id, commit) in [(0x10, "a"), (0x11, "a"), (0x20, "b")] {
        history.append(&run(id, commit, Vec::new())).unwrap();
    }
    let id = |asked: &str| history.find(asked).map(|run| run.id).map_err(|error| error.to_string());
    assert_eq!(id("latest").unwrap(), "0000000000000020-0000abcd");
    assert_eq!(id("latest~2").unwrap(), "0000000000000010-0000abcd");
    assert!(id("latest~3").unwrap_err().starts_with("no run is `latest~3`"));
    assert_eq!(id("000000000000001").unwrap_err(), "2 runs begin with `000000000000001`; give more of the id");
    assert_eq!(id("0000000000000011").unwrap(), "0000000000000011-0000abcd");
    assert!(id("").is_err() && id("latest~x").is_err());
    let count = |revision: &str| history.of_revision(revision).unwrap().len();
    assert_eq!((count("aaaaaaa"), count("aaaaaa"), count("bbbbbbbb"), count("nothing")), (2, 0, 1, 0));
    // Of a branch the latest commit, unless the repository around says which it is at.
    let of_branch = history.of_revision("main").unwrap();
    assert!(of_branch.len() <= 1, "{of_branch:?}");
}

/// Figures that a machine might give: a slow drift, and noise of some percent.
fn noisy(seed: u32, factor: f64) -> f64 {
    let mut state = seed.wrapping_mul(2_654_435_761).wrapping_add(12_345);
    let mut noise = 0.0;
    for _ in 0..6 {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        noise += f64::from(state >> 8) / f64::from(1u32 << 24) - 0.5;
    }
    1e-3 * factor * (1.0 + 0.02 * noise)
}

fn lots(runs: u32, slowed: f64, seed: u32) -> (Vec<Run>, Vec<Run>) {
    let lot = |side: u32| {
        let of = |number: u32| {
            let one = |place: u32| {
                let factor = if side == 1 && place == 7 { slowed } else { 1.0 };
                function(
                    &format!("f{place:02}"),
                    100.0,
                    100.0 * noisy(seed + (side * 1_000 + number) * 64 + place, factor),
                )
            };
            let mut run = run(side * 1_000 + number, "a", (0..50).map(one).collect());
            run.jobs.clear();
            run.statements.clear();
            run
        };
        (0..runs).map(of).collect::<Vec<_>>()
    };
    (lot(0), lot(1))
}

#[test]
fn one_slower_function_of_fifty_is_found_in_ten_runs_each_and_no_other_is() {
    let (baseline, head) = lots(10, 1.10, 1);
    let comparison = Comparison::of(&baseline, &head, &Options::default());
    let slower: Vec<_> = comparison.changes.iter().filter(|change| change.verdict != Verdict::Same).collect();
    assert_eq!(slower.len(), 1, "{slower:?}");
    let change = slower[0];
    assert_eq!((change.verdict, &change.subject), (Verdict::Slower, &Subject::Function("app".into(), "f07".into())));
    let (ratio, (low, high)) = (change.ratio.unwrap(), change.interval.unwrap());
    assert!((ratio - 1.1).abs() < 0.03 && low < ratio && ratio < high, "{change:?}");
    assert!(comparison.notes.is_empty(), "{:?}", comparison.notes);
    let text = comparison.show(Form::Text(120));
    assert!(text.contains("slower   app::f07"), "{text}");
    assert!(text.contains("49 of 50 figures show no change"), "{text}");
    assert!(comparison.show(Form::Markdown).contains("| slower | `app::f07` |"));
    serde_json::from_str::<serde_json::Value>(&comparison.json()).unwrap();
}

#[test]
fn what_is_faster_is_no_failure_and_what_is_below_the_threshold_is_the_same() {
    let (baseline, head) = lots(10, 0.8, 2);
    let comparison = Comparison::of(&baseline, &head, &Options::default());
    assert!(comparison.has(Verdict::Faster) && !comparison.has(Verdict::Slower));
    let (baseline, head) = lots(12, 1.10, 3);
    let comparison = Comparison::of(&baseline, &head, &Options { threshold: 0.3, ..Options::default() });
    assert!(!comparison.has(Verdict::Slower));
}

#[test]
fn five_against_five_among_fifty_cannot_tell_and_say_so() {
    let (baseline, head) = lots(5, 2.0, 4);
    let comparison = Comparison::of(&baseline, &head, &Options::default());
    assert!(!comparison.has(Verdict::Slower));
    let expected =
        "too few runs to tell a change from noise: 5 against 5; for 50 comparisons at alpha 0.05 it takes 7 against 7";
    assert_eq!(comparison.notes, [expected]);
    let one = Comparison::of(&baseline[..1], &head[..1], &Options::default());
    assert!(one.changes.iter().all(|change| change.verdict == Verdict::Untold && change.p_value.is_none()));
    assert_eq!(one.notes.len(), 1, "{:?}", one.notes);
}

#[test]
fn equal_code_is_seldom_called_changed() {
    let claims = (0..100u32).filter(|number| {
        let (baseline, head) = lots(10, 1.0, 10_000 + number * 100_000);
        Comparison::of(&baseline, &head, &Options { threshold: 0.001, alpha: 0.01 })
            .changes
            .iter()
            .any(|change| change.verdict != Verdict::Same)
    });
    // One in a hundred is what alpha says; a threshold of next to nothing lets all of them through.
    let claims = claims.count();
    assert!(claims < 5, "{claims}");
}

#[test]
fn calls_that_were_interrupted_do_not_hide_a_change() {
    // Each run has a call or none that took a hundred times as long, which moves its mean by far more than a tenth.
    let lot = |side: u32, factor: f64| {
        let of = |number: u32| {
            let each = noisy(side * 100 + number, factor);
            let hit = u64::from(number % 3);
            let sum = 100.0 * each + hit as f64 * 0.1;
            let durations = Sketch { buckets: vec![(each * 1.05, 100), (0.1 / 0.917, hit)], sum };
            let mut function = function("f", (100 + hit) as f64, sum);
            function.durations = durations;
            let mut run = run(side * 100 + number, "a", vec![function]);
            run.jobs.clear();
            run.statements.clear();
            run
        };
        (0..10).map(of).collect::<Vec<_>>()
    };
    let comparison = Comparison::of(&lot(0, 1.0), &lot(1, 1.1), &Options::default());
    assert!(comparison.has(Verdict::Slower), "{comparison:?}");
    let comparison = Comparison::of(&lot(0, 1.0), &lot(2, 1.0), &Options::default());
    assert!(!comparison.has(Verdict::Slower), "{comparison:?}");
}

#[test]
fn functions_that_come_and_go_jobs_and_statements_are_in_it() {
    let mut baseline = vec![run(1, "a", vec![function("old", 1.0, 1.0)])];
    let mut head = vec![run(2, "b", vec![function("new", 1.0, 1.0)])];
    let verdicts = |comparison: &Comparison| {
        let mut all: Vec<_> = comparison.changes.iter().map(|change| (change.subject.kind(), change.verdict)).collect();
        all.sort_by_key(|(kind, verdict)| (*kind, verdict.as_str()));
        all
    };
    let comparison = Comparison::of(&baseline, &head, &Options::default());
    let expected = [
        ("function", Verdict::Gone),
        ("function", Verdict::New),
        ("job", Verdict::Untold),
        ("statement", Verdict::Untold),
    ];
    assert_eq!(verdicts(&comparison), expected);
    // What did nothing has no figure.
    baseline[0].functions[0].calls = 0.0;
    head[0].functions.clear();
    assert_eq!(verdicts(&Comparison::of(&baseline, &head, &Options::default())).len(), 2);
    let nothing = Comparison::of(&[], &[], &Options::default());
    assert_eq!(nothing.notes, ["there is nothing to compare: 0 runs against 0"]);
}

#[test]
fn ten_thousand_runs_are_listed_and_two_of_them_compared() {
    let folder = Folder::new();
    let path = folder.0.join("runs.jsonl");
    let functions: Vec<FunctionRun> = (0..50).map(|place| function(&format!("function_{place}"), 1.0, 1.0)).collect();
    let mut text = String::new();
    for number in 0..10_000 {
        text.push_str(&run(number, "a", functions.clone()).line());
    }
    fs::write(&path, &text).unwrap();
    let begun = Instant::now();
    let history = History::open(&path).unwrap();
    let heads = [history.find("latest").unwrap(), history.find("latest~9999").unwrap()];
    let runs = history.read(&heads).unwrap();
    let comparison = Comparison::of(&runs[..1], &runs[1..], &Options::default());
    println!("10,000 runs, {} MB: {:?}", text.len() / 1_000_000, begun.elapsed());
    assert_eq!(comparison.changes.len(), 52);
    // Some hundred milliseconds, on an idle machine less; what was meant to be cheap and is not takes a minute.
    assert!(begun.elapsed() < Duration::from_secs(20));
}
