//! The report of a program that is asked for it, and of one whose guard is not dropped. Each is a child of its own: this program, run again.
#![cfg(all(unix, not(telemetry_off)))]

use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::Duration;
use telemetry::measured;

#[measured]
fn reported() {}

/// The child: records something, says so, and ends as it was told.
#[test]
#[ignore = "run by the others"]
fn child() {
    let telemetry = telemetry::init().unwrap();
    reported();
    println!("\nready");
    match std::env::var("ENDS_BY").as_deref() {
        Ok("exit") => std::process::exit(3),
        Ok("call") => telemetry.print_report(),
        _ => std::thread::sleep(Duration::from_secs(60)),
    }
}

struct Program {
    child: Child,
    error: BufReader<std::process::ChildStderr>,
}

impl Program {
    fn start(settings: &[(&str, &str)]) -> Program {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"]);
        command.env("TELEMETRY_LISTEN", "off").env("TELEMETRY_REPORT", "text").envs(settings.iter().copied());
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        // What a shell starts in the background ignores SIGINT, and so would this.
        // SAFETY: async-signal-safe.
        unsafe {
            command.pre_exec(|| {
                libc::signal(libc::SIGINT, libc::SIG_DFL);
                Ok(())
            });
        }
        let mut child = command.spawn().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        while line.trim() != "ready" {
            line.clear();
            assert!(output.read_line(&mut line).unwrap() > 0, "it ended before it was ready");
        }
        // It writes no more than fits.
        child.stdout = Some(output.into_inner());
        let error = BufReader::new(child.stderr.take().unwrap());
        Program { child, error }
    }

    fn signal(&self, signal: libc::c_int) {
        // SAFETY: the child is there until it is waited for.
        unsafe { libc::kill(libc::pid_t::try_from(self.child.id()).unwrap(), signal) };
    }

    /// Reads up to the line of the measured function.
    fn read_report(&mut self) {
        let mut line = String::new();
        while !line.starts_with("reported ") {
            line.clear();
            assert!(self.error.read_line(&mut line).unwrap() > 0, "there is no report");
        }
    }

    /// The rest of what it says, and how it ended.
    fn end(mut self) -> (String, ExitStatus) {
        let mut rest = String::new();
        self.error.read_to_string(&mut rest).unwrap();
        (rest, self.child.wait().unwrap())
    }
}

fn reports(text: &str) -> usize {
    text.lines().filter(|line| line.starts_with("reported ")).count()
}

#[test]
fn a_signal_asks_for_the_report_of_now_as_often_as_it_comes() {
    let mut program = Program::start(&[]);
    for _ in 0..3 {
        program.signal(libc::SIGUSR1);
        program.read_report();
    }
    assert!(program.child.try_wait().unwrap().is_none(), "it goes on");
    program.signal(libc::SIGTERM);
    let (rest, status) = program.end();
    assert_eq!((reports(&rest), status.signal()), (1, Some(libc::SIGTERM)), "{rest}");
}

#[test]
fn the_report_is_there_after_ctrl_c_and_the_status_says_so() {
    let program = Program::start(&[]);
    program.signal(libc::SIGINT);
    let (rest, status) = program.end();
    assert_eq!((reports(&rest), status.signal()), (1, Some(libc::SIGINT)), "{rest}");
}

#[test]
fn an_exit_without_the_guard_prints_it_once() {
    let (rest, status) = Program::start(&[("ENDS_BY", "exit")]).end();
    assert_eq!((reports(&rest), status.code()), (1, Some(3)), "{rest}");
}

#[test]
fn a_call_prints_it_and_the_end_prints_the_last_one() {
    let (rest, status) = Program::start(&[("ENDS_BY", "call")]).end();
    assert_eq!((reports(&rest), status.code()), (2, Some(0)), "{rest}");
}

#[test]
fn signals_are_left_alone_where_they_are_to_be() {
    for settings in [("TELEMETRY_EXIT_SIGNALS", "off"), ("TELEMETRY_REPORT", "off")] {
        let program = Program::start(&[settings]);
        program.signal(libc::SIGUSR1);
        let (rest, status) = program.end();
        assert_eq!((reports(&rest), status.signal()), (0, Some(libc::SIGUSR1)), "{settings:?}: {rest}");
    }
}
