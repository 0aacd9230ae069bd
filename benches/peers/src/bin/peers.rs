//! Prints what a measured call costs beside the crates that do the same, or checks that all of them count: see `--help`.

use peers::allocations;
use peers::contest::{self, Effort};
use peers::contestants;
use peers::crowd::{self, Crowd};
use peers::machine::{self, Used};
use peers::pair::Pair;
use peers::table::{Allocations, Bars, Costs, Counts, Crowded, Instruments};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{Duration, Instant};

// What a measured call allocates is among what it records. The peers allocate through it too, at less than a nanosecond each.
#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

const HELP: &str = "\
peers              all contestants in 61 rounds, as Markdown tables; takes three minutes
peers --quick      the same in 5 short rounds: that it works, not what it costs
peers --rounds N   the same in N rounds
peers verify       calls each contestant 1,000 times and asks it how many it saw

Ends with status 1 where a contestant of ours saw more or fewer calls than were made.";

enum Task {
    Compare(Effort),
    Verify,
    Help,
}

fn task(arguments: &[String]) -> Result<Task, String> {
    let full = Effort { rounds: 61, turn: Duration::from_millis(3) };
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words[..] {
        [] => Ok(Task::Compare(full)),
        ["--quick"] => Ok(Task::Compare(Effort { rounds: 5, turn: Duration::from_micros(500) })),
        ["--rounds", rounds] => match rounds.parse() {
            Ok(rounds) if rounds > 0 => Ok(Task::Compare(Effort { rounds, ..full })),
            _ => Err(format!("`--rounds` is {rounds:?}; it takes a whole number above 0")),
        },
        ["verify"] => Ok(Task::Verify),
        ["--help" | "-h"] => Ok(Task::Help),
        _ => Err(format!("{words:?} is not understood\n\n{HELP}")),
    }
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let done = match task(&arguments) {
        Ok(Task::Compare(effort)) => compare(effort),
        Ok(Task::Verify) => verify(),
        Ok(Task::Help) => {
            println!("{HELP}");
            Ok(())
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("peers: {error}");
            ExitCode::FAILURE
        }
    }
}

/// hotpath while it runs. Its counts are in the report that it writes when it ends.
struct Hotpath {
    guard: hotpath::HotpathGuard,
    report: PathBuf,
}

impl Hotpath {
    fn start() -> Hotpath {
        let report = std::env::temp_dir().join(format!("peers-hotpath-{}.json", std::process::id()));
        let builder = hotpath::HotpathGuardBuilder::new("main").format(hotpath::Format::Json).output_path(&report);
        Hotpath { guard: builder.build(), report }
    }

    /// The calls it saw, by function.
    fn end(self) -> Result<HashMap<String, u64>, String> {
        drop(self.guard);
        let calls = read_report(&self.report);
        let _ = std::fs::remove_file(&self.report);
        calls
    }
}

fn read_report(path: &Path) -> Result<HashMap<String, u64>, String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("hotpath's report cannot be read: {error}"))?;
    let report: serde_json::Value =
        serde_json::from_str(&text).map_err(|error| format!("hotpath's report is no JSON: {error}"))?;
    let functions =
        report["functions_timing"]["data"].as_array().ok_or("hotpath's report has no `functions_timing.data`")?;
    let entry = |function: &serde_json::Value| {
        let name = function["name"].as_str()?.rsplit("::").next()?;
        Some((name.to_owned(), function["calls"].as_u64()?))
    };
    Ok(functions.iter().filter_map(entry).collect())
}

/// Refuses a count of ours that is wrong. That a peer lost calls, as one with a queue may, is told and stands in the table.
fn check(counts: &Counts<'_>) -> Result<(), String> {
    let (ours, peers): (Vec<_>, Vec<_>) = counts.wrong().into_iter().partition(|name| name.contains("**"));
    if !peers.is_empty() {
        eprintln!("saw more or fewer calls than were made: {}", peers.join(", "));
    }
    if ours.is_empty() { Ok(()) } else { Err(format!("saw more or fewer calls than were made: {}", ours.join(", "))) }
}

fn verify() -> Result<(), String> {
    let hotpath = Hotpath::start();
    contestants::start();
    contestants::subscribe();
    let contestants = contestants::all();
    for contestant in contestants {
        contestant.run(1_000);
    }
    let counts = Counts { contestants, hotpath: &hotpath.end()? };
    print!("{counts}");
    check(&counts)
}

fn compare(effort: Effort) -> Result<(), String> {
    // Before this thread is kept on one processor, since the programs that it starts would be kept there too.
    let allocations = allocations::compare(effort.rounds.div_ceil(2))?;
    let (start, used) = (Instant::now(), Used::now());
    let hotpath = Hotpath::start();
    contestants::start();
    let crowd = Crowd::new();
    let pair = Pair::new();
    let mut costs = contest::run(contestants::without_subscriber(), effort, &pair);
    costs.retain(|cost| !cost.is_bare());
    contestants::subscribe();
    let contestants = contestants::all();
    costs.splice(..0, contest::run(contestants, effort, &pair));
    // Half as many rounds, since with so many threads each turn is eight times as much work.
    let longer = Effort { rounds: effort.rounds.div_ceil(2), turn: effort.turn * 2 };
    let crowded = crowd::run(contestants, longer, &crowd);
    let elapsed = start.elapsed();
    let (others, stolen) = Used::now().shares_since(&used, elapsed);
    let calls = hotpath.end()?;

    print!("{}", machine::description(&clock()));
    println!(
        "- Rounds: {}, {:?} a turn, {:.0} s in all; pinned to two processors: {}",
        effort.rounds,
        effort.turn,
        elapsed.as_secs_f64(),
        if pair.pinned { "yes" } else { "no" }
    );
    println!(
        "- Meanwhile other programs used {:.1} % of one processor, and the hypervisor kept {:.1} %\n",
        others * 100.0,
        stolen * 100.0
    );
    println!("## What was to be reached\n\n{}", Bars { costs: &costs, crowded: &crowded, allocations: &allocations });
    println!("## Beside other crates\n\n{}", Costs(&costs));
    println!("## Instruments, before an empty function\n\n{}", Instruments(&costs));
    println!("## 64 threads on one function\n\n{}", Crowded(&crowded));
    println!("## The tracking allocator\n\n{}", Allocations(&allocations));
    let counts = Counts { contestants, hotpath: &calls };
    print!("## Whether all of them counted\n\n{counts}");
    check(&counts)
}

/// The clock that our calls are timed with.
fn clock() -> String {
    let snapshot = telemetry::snapshot();
    let source = snapshot.family("telemetry_clock_info").and_then(|family| family.series.first()?.label("source"));
    source.unwrap_or("unknown").to_owned()
}
