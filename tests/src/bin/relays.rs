//! Measured functions in tasks and threads, in this process and in one that it starts: one trace.

use std::process::{Command, ExitCode};
use telemetry::measured;
use tokio::task::JoinSet;

#[measured]
fn leaf(n: u32) -> Result<u32, String> {
    if n == 13 { Err("thirteen".to_owned()) } else { Ok(n) }
}

#[measured(span(n))]
async fn task(n: u32) -> bool {
    tokio::task::yield_now().await;
    leaf(n).is_ok()
}

#[measured]
fn thread(n: u32) -> bool {
    leaf(n).is_ok()
}

#[measured]
fn other_process() -> bool {
    let Ok(program) = std::env::current_exe() else { return false };
    let mut command = Command::new(program);
    telemetry::trace::process::inject(command.arg("child"));
    command.status().is_ok_and(|status| status.success())
}

/// Forty tasks, which know whose they are by themselves, and three threads, which are told.
#[measured]
async fn work(is_child: bool) -> bool {
    let mut tasks = JoinSet::new();
    for n in 0..40 {
        tasks.spawn(task(n));
    }
    let current = telemetry::current();
    std::thread::scope(|scope| {
        for n in 0..3 {
            let current = &current;
            scope.spawn(move || current.scope(|| thread(n)));
        }
    });
    tasks.join_all().await;
    is_child || other_process()
}

#[tokio::main]
async fn main() -> ExitCode {
    let _telemetry = match telemetry::init() {
        Ok(telemetry) => telemetry,
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let is_child = std::env::args().nth(1).is_some();
    // In a task of its own, as a server's would be.
    let worked = tokio::spawn(work(is_child)).await;
    if worked.unwrap_or(false) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
