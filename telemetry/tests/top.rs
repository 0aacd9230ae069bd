//! `telemetry top`, `report` and `flame` beside a program that runs: this one.
#![cfg(all(unix, not(telemetry_off)))]

#[path = "terminal/pty.rs"]
mod pty;

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{AsRawFd, OwnedFd};
use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};
use telemetry::{Telemetry, measured};

const TOKEN: &str = "a-token-of-the-test";

telemetry::metric! {
    /// Pages that were looked at.
    counter top_pages_total(carrier: &str);
}

#[measured(name = "look_up", labels(carrier))]
fn look_up(carrier: &str) {
    top_pages_total(carrier).inc();
    read();
}

#[measured(name = "read_page")]
fn read() {
    thread::sleep(Duration::from_millis(2));
}

/// The endpoint of this program, while it does something.
fn program() -> (Telemetry, String) {
    let settings = telemetry::builder().listen("127.0.0.1:0").token(TOKEN).report(telemetry::Report::Off);
    let program = settings.init().unwrap();
    let address = format!("http://{}", program.address().unwrap());
    (program, address)
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_telemetry"));
    command.args(arguments).stdin(Stdio::null()).env("TELEMETRY_TOKEN", TOKEN).env("TERM", "xterm");
    for variable in ["COLUMNS", "NO_COLOR", "HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"] {
        command.env_remove(variable);
    }
    command
}

fn well(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn badly(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(1), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A terminal on which the command runs.
struct Terminal {
    ours: File,
    /// Held open, so that its modes can be asked for when the command has ended.
    theirs: OwnedFd,
    seen: Arc<Mutex<Vec<u8>>>,
}

impl Terminal {
    fn new(columns: u16, lines: u16) -> Terminal {
        let (ours, theirs) = pty::open(columns, lines);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (kept, mut output) = (seen.clone(), ours.try_clone().unwrap());
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                kept.lock().unwrap().extend_from_slice(&bytes[..read]);
            }
        });
        Terminal { ours, theirs, seen }
    }

    fn start(&self, mut command: Command) -> std::process::Child {
        pty::put_on(&mut command, &self.theirs);
        command.spawn().unwrap()
    }

    fn press(&self, keys: &str) {
        (&self.ours).write_all(keys.as_bytes()).unwrap();
    }

    /// What was written on it, without the sequences that move the cursor and colour.
    fn text(&self) -> String {
        let seen = String::from_utf8_lossy(&self.seen.lock().unwrap()).into_owned();
        let mut parts = seen.split("\u{1b}[");
        let first = parts.next().unwrap_or_default().to_owned();
        parts.fold(first, |text, part| {
            let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |end| end + 1);
            text + &part[end..]
        })
    }

    fn wait_for(&self, what: &str) {
        let until = Instant::now() + Duration::from_secs(20);
        while !self.text().contains(what) {
            assert!(Instant::now() < until, "never showed {what:?}: {:?}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn forget(&self) {
        self.seen.lock().unwrap().clear();
    }

    /// Whether lines are edited and keys are shown.
    fn modes(&self) -> u64 {
        // SAFETY: all-zero is a valid `termios`, which the system fills in.
        let mode = unsafe {
            let mut mode: libc::termios = std::mem::zeroed();
            assert_eq!(libc::tcgetattr(self.theirs.as_raw_fd(), &raw mut mode), 0);
            mode
        };
        #[allow(clippy::useless_conversion, reason = "wider on other systems")]
        u64::from(mode.c_lflag & (libc::ICANON | libc::ECHO | libc::ISIG))
    }
}

#[test]
fn a_running_program_is_watched_reported_and_drawn() {
    let (program, address) = program();
    for _ in 0..20 {
        look_up("UA");
    }

    // The token, and addresses that are none of a program.
    let output = command(&["top", &address, "--once"]).env_remove("TELEMETRY_TOKEN").output().unwrap();
    assert!(badly(&output).contains("its token goes into --token or TELEMETRY_TOKEN"));
    let said = badly(&command(&["top", &format!("{address}/metrics"), "--once"]).output().unwrap());
    assert!(said.contains("this is not what `telemetry` ") && !said.contains(TOKEN), "{said}");
    let said = badly(&command(&["top", &format!("{address}/none"), "--once"]).output().unwrap());
    assert!(said.contains("a program has it at /api/live"), "{said}");
    let said = badly(&command(&["top", "127.0.0.1:1", "--once"]).output().unwrap());
    assert!(said.contains("is the program running"), "{said}");
    let said = badly(&command(&["top", "file:///etc/passwd"]).output().unwrap());
    assert!(said.contains("it takes the address of a running program"), "{said}");
    assert!(badly(&command(&["top", &address]).output().unwrap()).contains("standard output is no terminal"));

    // One frame, as text.
    let worker = thread::spawn(|| (0..150).for_each(|_| look_up("UA")));
    let frame = well(&command(&["top", &address, "--once", "--interval", "0.2"]).output().unwrap());
    assert!(frame.lines().any(|line| line.starts_with("top::read_page ")), "{frame}");
    assert!(frame.contains("in 2") && !frame.contains('\u{1b}'), "{frame}");

    // On a terminal.
    let terminal = Terminal::new(100, 20);
    let before = terminal.modes();
    let mut child = terminal.start(command(&["top", &address, "--interval", "0.2"]));
    terminal.wait_for("top::look_up");
    assert_ne!(terminal.modes(), before, "keys are read one by one");
    terminal.forget();
    terminal.press("3");
    // What did not change since the view before is not written again.
    terminal.wait_for("observed");
    terminal.press("1/read_\n");
    terminal.wait_for("search: read_");
    worker.join().unwrap();

    // A saved snapshot, and the same from the program itself.
    let folder = std::env::temp_dir().join(format!("telemetry-top-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let file = folder.join("snapshot.json");
    let snapshot = telemetry::snapshot();
    std::fs::write(&file, telemetry::export::snapshot_json::encode(&snapshot)).unwrap();
    let file = file.to_str().unwrap();
    let report = |arguments: &[&str]| command(&[&["report"][..], arguments].concat()).output().unwrap();
    assert_eq!(well(&report(&[file])), telemetry::export::report::text_for(&snapshot, 100, false));
    assert_eq!(well(&report(&[file, "--width", "60"])), telemetry::export::report::text_for(&snapshot, 60, false));
    assert_eq!(well(&report(&[file, "--format", "markdown"])), telemetry::export::report::markdown(&snapshot));
    let read = telemetry::export::snapshot_json::decode(&std::fs::read_to_string(file).unwrap()).unwrap();
    // Its moments have microseconds where a clock has nanoseconds.
    assert_eq!(well(&report(&[file, "--format", "json"])), telemetry::export::report::json(&read));
    assert!(well(&report(&[&address])).contains("look_up"));
    let made = folder.join("report.json");
    well(&report(&[file, "--format", "json", "--out", made.to_str().unwrap()]));
    let said = badly(&report(&[made.to_str().unwrap()]));
    assert!(said.contains("this is a report, which lacks most of a snapshot"), "{said}");
    std::fs::write(&made, "{}").unwrap();
    assert!(badly(&report(&[made.to_str().unwrap()])).contains("report.json: `version` is missing"));
    let flame = |arguments: &[&str]| command(&[&["flame"][..], arguments].concat()).output().unwrap();
    let folded = well(&flame(&[file, "--format", "folded"]));
    assert!(folded.contains("top::look_up;top::read_page "), "{folded}");
    assert!(well(&flame(&[&address])).starts_with(r#"{"$schema":"https://www.speedscope.app/"#));
    let said = badly(&flame(&[file, "--format", "folded", "--weight", "bytes"]));
    assert!(said.contains("does not know the bytes of its functions"), "{said}");
    std::fs::remove_dir_all(&folder).unwrap();

    // The program ends, and is said to be gone; the command goes on until it is told to.
    drop(program);
    terminal.wait_for("cannot be reached");
    assert!(child.try_wait().unwrap().is_none());
    terminal.press("q");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(terminal.modes(), before, "lines are edited as before");
    // What it wrote last is read by another thread.
    let until = Instant::now() + Duration::from_secs(20);
    let wrote = |what: &str| String::from_utf8_lossy(&terminal.seen.lock().unwrap()).contains(what);
    while !(wrote("\u{1b}[?1049l") && wrote("\u{1b}[?25h")) {
        assert!(Instant::now() < until, "the screen and the cursor did not come back");
        thread::sleep(Duration::from_millis(5));
    }
}
