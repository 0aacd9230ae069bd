//! What a person sees of jobs on a terminal: programs on a pseudo-terminal, whose screens are compared.
#![cfg(all(unix, feature = "progress", not(telemetry_off)))]

#[path = "terminal/screen.rs"]
mod screen;

use screen::Program;
use std::io::{BufRead, Write};
use std::sync::mpsc;
use std::thread;
use telemetry::{Job, backfill_job};

/// Each line that is read from the terminal is a word on which the program goes on: what is seen at which moment is not a matter of time.
fn next_key() {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line).unwrap();
}

#[backfill_job(name = "flights", total = 4usize, unit = "days")]
fn flights(job: &Job, work: impl FnOnce(&Job)) {
    work(job);
}

#[backfill_job(name = "planes", unit = "planes")]
fn planes(job: &Job, work: impl FnOnce(&Job)) {
    job.advance(7);
    work(job);
}

#[backfill_job(name = "slow", unit = "days", stalled_after = "200ms")]
fn slow(job: &Job) {
    job.advance(1);
    let worker = job.worker("fetch-1");
    worker.heartbeat();
    next_key();
    worker.advance(1);
    next_key();
}

/// Not a test: the program on the terminal.
#[test]
fn run_on_the_terminal() {
    let Ok(what) = std::env::var("RUN_ON_THE_TERMINAL") else { return };
    let half = |job: &Job| {
        job.advance(2);
        next_key();
    };
    // Else each line that is typed ends one on the screen; and `^C` is to be seen.
    if !matches!(what.as_str(), "cancelled" | "hangs") {
        screen::hide_keys();
    }
    match what.as_str() {
        "several" => thread::scope(|threads| {
            let (end, ended) = mpsc::channel::<()>();
            threads.spawn(move || planes(|_| assert!(ended.recv().is_err())));
            flights(|job| {
                half(job);
                println!("first line");
                next_key();
                print!("a partial ");
                std::io::stdout().flush().unwrap();
                next_key();
                println!("line");
                next_key();
                let mut above = telemetry::job::progress_writer();
                for line in 1..=5 {
                    writeln!(above, "above {line}").unwrap();
                }
                next_key();
                job.advance(2);
            });
            drop(end);
        }),
        "twice" => thread::scope(|threads| {
            threads.spawn(|| flights(half));
            flights(half);
        }),
        "panic" => flights(|job| {
            half(job);
            panic!("the source has lied");
        }),
        "exit" => flights(|job| {
            half(job);
            std::process::exit(3);
        }),
        "hangs" => flights(|job| {
            loop {
                half(job);
            }
        }),
        "cancelled" => flights(|job| {
            job.advance(2);
            while !job.is_cancelled() {
                thread::yield_now();
            }
        }),
        "slow" => slow(),
        other => panic!("there is no program {other}"),
    }
    std::process::exit(0);
}

/// Where the bar of flights is, with two of four done.
fn bar(text: &[String]) -> Option<usize> {
    text.iter().position(|line| line.starts_with("flights [============>           ] 2 of 4 days (50 %)"))
}

/// What this program itself says before that.
fn without_head(text: &[String]) -> &[String] {
    let head = text.iter().position(|line| line.starts_with("running 1 test")).map_or(0, |line| line + 1);
    &text[head..]
}

#[test]
fn what_is_printed_stands_above_the_bars_and_nothing_of_it_is_lost() {
    let program = Program::start("several", 80, 12);
    let is_planes = |line: &String| line.starts_with("planes: 7 planes in");
    // What is printed, and beneath it the two bars: nothing else is left of either.
    let shows = |printed: &[&str]| {
        program.wait(|text| {
            let Some(begin) = text.iter().position(|line| line == printed[0]) else { return false };
            let (above, below) = text[begin..].split_at(printed.len().min(text.len() - begin));
            let below: Vec<_> = below.iter().filter(|line| !line.is_empty()).cloned().collect();
            let bars =
                |text: &[String]| usize::from(bar(text).is_some()) + text.iter().filter(|line| is_planes(line)).count();
            above == printed && below.len() == 2 && bars(&below) == 2 && bars(text) == 2
        });
    };
    program.wait(|text| bar(text).is_some() && text.iter().any(is_planes));
    program.press(b"\n");
    shows(&["first line"]);
    program.press(b"\n");
    shows(&["first line", "a partial"]);
    program.press(b"\n");
    shows(&["first line", "a partial line"]);
    program.press(b"\n");
    shows(&["first line", "a partial line", "above 1", "above 2", "above 3", "above 4", "above 5"]);
    program.press(b"\n");
    let (status, text) = program.end();
    assert!(status.success());
    let kept: Vec<&str> = text.iter().map(String::as_str).filter(|line| !line.starts_with("planes:")).collect();
    let kept = kept.join("\n");
    let expected = "first line\na partial line\nabove 1\nabove 2\nabove 3\nabove 4\nabove 5\nflights: 4 of 4 days in ";
    assert!(kept.contains(expected), "{kept}");
    assert!(!kept.contains('['), "a bar is left: {kept}");
}

#[test]
fn two_runs_of_a_name_are_told_apart() {
    let program = Program::start("twice", 80, 10);
    let text = program.wait(|text| text.iter().filter(|line| line.starts_with("flights #")).count() == 2);
    assert!(text.iter().any(|line| line.starts_with("flights #1 [")), "{text:#?}");
    assert!(text.iter().any(|line| line.starts_with("flights #2 [")), "{text:#?}");
    program.press(b"\n\n");
    let (_, text) = program.end();
    assert_eq!(
        text.iter().filter(|line| line.starts_with("flights #") && line.ends_with("ok")).count(),
        2,
        "{text:#?}"
    );
}

#[test]
fn a_panic_is_told_without_bars_in_between() {
    let program = Program::start("panic", 120, 20);
    program.wait(|text| bar(text).is_some());
    program.press(b"\n");
    let (_, text) = program.end();
    let message = text.iter().position(|line| line.contains("panicked at")).unwrap();
    assert_eq!(text[message + 1], "the source has lied", "{text:#?}");
    let last = text.iter().find(|line| line.starts_with("flights: 2 of 4 days in ")).unwrap();
    assert!(last.ends_with(", panic"), "{last}");
    assert_eq!(bar(&text), None);
}

#[test]
fn a_program_that_exits_leaves_no_bar() {
    let program = Program::start("exit", 80, 10);
    program.wait(|text| bar(text).is_some());
    program.press(b"\n");
    let (status, text) = program.end();
    assert_eq!(status.code(), Some(3));
    assert_eq!(bar(&text), None, "{text:#?}");
}

#[test]
fn the_first_interrupt_ends_the_job_with_lines_of_its_own() {
    let program = Program::start("cancelled", 80, 10);
    program.wait(|text| bar(text).is_some());
    program.press(b"\x03");
    let (status, text) = program.end();
    assert!(status.success());
    let text = without_head(&text);
    assert!(text.contains(&"^C".to_owned()), "{text:#?}");
    let last = text.last().unwrap();
    assert!(last.starts_with("flights: 2 of 4 days in ") && last.ends_with(", interrupted"), "{text:#?}");
}

#[test]
fn the_second_interrupt_ends_the_program_and_leaves_no_bar() {
    let program = Program::start("hangs", 80, 10);
    program.wait(|text| bar(text).is_some());
    program.press(b"\x03");
    program
        .wait(|text| text.iter().any(|line| line.starts_with("SIGINT: asked flights to stop")) && bar(text).is_some());
    program.press(b"\x03");
    let (status, text) = program.end();
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(libc::SIGINT));
    assert_eq!(bar(&text), None, "{text:#?}");
}

#[test]
fn a_stall_is_marked_on_the_bar_and_said_once() {
    let program = Program::start("slow", 100, 16);
    let says = |text: &[String], what: &str| text.iter().filter(|line| line.contains(what)).count();
    program
        .wait(|text| says(text, "slow (stalled 0.") == 1 && says(text, "slow: worker fetch-1 stalled, no sign") == 1);
    program.press(b"\n");
    program.wait(|text| says(text, "worker fetch-1 moves again after") == 1 && says(text, "slow: moves again") == 1);
    program.press(b"\n");
    let (_, text) = program.end();
    assert!(says(&text, "slow: stalled, no sign of life for 0.") >= 1, "{text:#?}");
}

#[test]
fn a_narrow_terminal_has_one_line_for_each_bar() {
    let program = Program::start("hangs", 20, 6);
    program.wait(|text| text.iter().any(|line| line == "flights: 2 of 4 da…"));
    program.press(b"\x03");
    program.wait(|text| text.iter().any(|line| line.starts_with("SIGINT")));
    program.press(b"\x03");
    program.end();
}
