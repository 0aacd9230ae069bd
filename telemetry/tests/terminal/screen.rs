//! A program on a pseudo-terminal, and what a person sees there.

#[path = "pty.rs"]
mod pty;

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, Command, ExitStatus};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

/// As much of a terminal as bars and lines need.
pub struct Screen {
    columns: usize,
    lines: usize,
    /// What has scrolled away, and then what is seen.
    rows: Vec<Vec<char>>,
    cursor: (usize, usize),
    saved: (usize, usize),
    escape: Option<String>,
    undecoded: Vec<u8>,
}

impl Screen {
    fn new(columns: usize, lines: usize) -> Screen {
        let rows = vec![vec![' '; columns]; lines];
        Screen { columns, lines, rows, cursor: (0, 0), saved: (0, 0), escape: None, undecoded: Vec::new() }
    }

    fn top(&self) -> usize {
        self.rows.len() - self.lines
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.undecoded.extend_from_slice(bytes);
        let whole = match std::str::from_utf8(&self.undecoded) {
            Ok(text) => text.len(),
            Err(error) => error.valid_up_to(),
        };
        let rest = self.undecoded.split_off(whole);
        let text = String::from_utf8(std::mem::replace(&mut self.undecoded, rest)).unwrap();
        text.chars().for_each(|c| self.put(c));
    }

    fn put(&mut self, c: char) {
        if let Some(mut escape) = self.escape.take() {
            escape.push(c);
            let ends = if escape.starts_with('[') { escape.len() > 1 && c.is_ascii_alphabetic() } else { true };
            if ends {
                self.act(&escape)
            } else {
                self.escape = Some(escape)
            }
            return;
        }
        match c {
            '\x1b' => self.escape = Some(String::new()),
            '\r' => self.cursor.1 = 0,
            '\n' => self.down(),
            '\x07' => {}
            c if c.is_control() => panic!("the terminal does not know {c:?}"),
            c => {
                if self.cursor.1 == self.columns {
                    self.down();
                    self.cursor.1 = 0;
                }
                let (line, column) = self.cursor;
                let row = self.top() + line;
                self.rows[row][column] = c;
                self.cursor.1 += 1;
            }
        }
    }

    fn down(&mut self) {
        if self.cursor.0 + 1 == self.lines {
            self.rows.push(vec![' '; self.columns]);
        } else {
            self.cursor.0 += 1;
        }
    }

    fn act(&mut self, escape: &str) {
        match escape {
            "D" => self.down(),
            "7" => self.saved = self.cursor,
            "8" => self.cursor = self.saved,
            "[J" => {
                let (line, column) = self.cursor;
                let row = self.top() + line;
                self.rows[row].iter_mut().skip(column).for_each(|cell| *cell = ' ');
                self.rows.iter_mut().skip(row + 1).for_each(|row| row.fill(' '));
            }
            _ => match escape.strip_prefix('[').and_then(|rest| rest.strip_suffix('A')).map(str::parse::<usize>) {
                Some(Ok(lines)) => self.cursor.0 = self.cursor.0.saturating_sub(lines),
                _ => panic!("the terminal does not know the sequence {escape:?}"),
            },
        }
    }

    /// All that was ever on it and was not erased, without the spaces at the ends.
    fn text(&self) -> Vec<String> {
        let mut rows: Vec<String> =
            self.rows.iter().map(|row| row.iter().collect::<String>().trim_end().to_owned()).collect();
        while rows.last().is_some_and(String::is_empty) {
            rows.pop();
        }
        rows
    }
}

/// A program whose standard streams are a terminal.
pub struct Program {
    child: Child,
    terminal: File,
    screen: Arc<Mutex<Screen>>,
    reader: thread::JoinHandle<()>,
}

impl Program {
    /// This test program again, for the test `run_on_the_terminal`, which does what it is told by a variable.
    pub fn start(what: &str, columns: u16, lines: u16) -> Program {
        let (ours, theirs) = pty::open(columns, lines);
        let mut command = Command::new(std::env::current_exe().unwrap());
        command.args(["--exact", "run_on_the_terminal", "--nocapture", "--quiet"]);
        command.env("RUN_ON_THE_TERMINAL", what).env("TERM", "xterm").env("RUST_BACKTRACE", "0");
        command.env_remove("TELEMETRY_PROGRESS");
        pty::put_on(&mut command, &theirs);
        let child = command.spawn().unwrap();
        drop((command, theirs));
        let screen = Arc::new(Mutex::new(Screen::new(columns.into(), lines.into())));
        let (seen, mut output) = (screen.clone(), ours.try_clone().unwrap());
        let reader = thread::spawn(move || {
            let mut bytes = [0; 4096];
            // Fails once nobody has the other side.
            while let Ok(read @ 1..) = output.read(&mut bytes) {
                seen.lock().unwrap().feed(&bytes[..read]);
            }
        });
        Program { child, terminal: ours, screen, reader }
    }

    /// Waits until what is seen is as it should be.
    pub fn wait(&self, is_right: impl Fn(&[String]) -> bool) -> Vec<String> {
        let until = Instant::now() + Duration::from_secs(20);
        loop {
            let text = self.screen.lock().unwrap().text();
            if is_right(&text) {
                return text;
            }
            assert!(Instant::now() < until, "never came to be; at last:\n{}", text.join("\n"));
            thread::sleep(Duration::from_millis(5));
        }
    }

    /// Presses a key.
    pub fn press(&self, key: &[u8]) {
        (&self.terminal).write_all(key).unwrap();
    }

    /// Waits for its end: what is left on the screen.
    pub fn end(mut self) -> (ExitStatus, Vec<String>) {
        let status = self.child.wait().unwrap();
        self.reader.join().unwrap();
        let text = self.screen.lock().unwrap().text();
        (status, text)
    }
}

/// What is typed on the terminal that is standard input is not shown there.
pub fn hide_keys() {
    // SAFETY: all-zero is a valid `termios`, which the system fills in.
    unsafe {
        let mut mode: libc::termios = std::mem::zeroed();
        libc::tcgetattr(libc::STDIN_FILENO, &raw mut mode);
        mode.c_lflag &= !libc::ECHO;
        libc::tcsetattr(libc::STDIN_FILENO, libc::TCSANOW, &raw const mode);
    }
}
