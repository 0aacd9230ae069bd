//! A program with telemetry as a child of a test: the process starts once, so each start needs a process.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

/// Variables that a test's own environment may hold, and its programs must not inherit.
const OURS: &[&str] = &["NO_COLOR", "COLUMNS", "TRACEPARENT", "TRACESTATE", "BAGGAGE"];

/// A running program. Killed when dropped.
pub struct Program {
    process: Child,
    output: BufReader<ChildStdout>,
    error: ChildStderr,
}

/// What a program left.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What came on standard output and was not read before.
    pub output: String,
    /// What came on standard error.
    pub error: String,
}

impl Program {
    /// Starts a program with these variables and no other of ours; it listens on a free port unless told otherwise.
    ///
    /// # Panics
    /// Where it cannot be started.
    pub fn start(path: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Program {
        let mut command = Command::new(path);
        command.args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let ours = |name: &str| name.starts_with("TELEMETRY_") || name.starts_with("OTEL_") || OURS.contains(&name);
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_str().is_some_and(ours)) {
            command.env_remove(name);
        }
        command.env("TELEMETRY_LISTEN", "127.0.0.1:0").envs(variables.iter().copied());
        let mut process = command.spawn().unwrap_or_else(|error| panic!("{path}: {error}"));
        let output = BufReader::new(process.stdout.take().expect("its output"));
        let error = process.stderr.take().expect("its errors");
        Program { process, output, error }
    }

    /// The next line of its standard output, or `None` at the end.
    pub fn line(&mut self) -> Option<String> {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).expect("a line");
        (read > 0).then(|| line.trim_end().to_owned())
    }

    /// Writes a line to its standard input, and returns the next line of its output.
    ///
    /// # Panics
    /// Where it has ended.
    pub fn ask(&mut self, line: &str) -> String {
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{line}").expect("a program that reads");
        self.line().unwrap_or_else(|| panic!("no answer to `{line}`"))
    }

    /// The number of its process.
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// Ends it at once, without a last word, and waits until it is gone.
    ///
    /// # Panics
    /// Where that cannot be done.
    pub fn kill(mut self) {
        self.process.kill().expect("a process of ours");
        self.process.wait().expect("its end");
    }

    /// Which process it is.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Tells it something, on a line of its standard input.
    ///
    /// # Panics
    /// Where it does not listen.
    pub fn tell(&mut self, line: &str) {
        let input = self.process.stdin.as_mut().expect("its input");
        writeln!(input, "{line}").expect("that it listens");
    }

    /// What comes after this word on the next line that begins with it.
    ///
    /// # Panics
    /// Where there is none.
    pub fn answer(&mut self, word: &str) -> String {
        loop {
            let line = self.line().unwrap_or_else(|| panic!("no line with {word}"));
            if let Some(rest) = line.strip_prefix(word) {
                return rest.trim().to_owned();
            }
        }
    }

    /// The address that it says it serves: its first line.
    ///
    /// # Panics
    /// Where it says something else.
    pub fn address(&mut self) -> SocketAddr {
        let line = self.line();
        let address = line.as_deref().and_then(|line| line.strip_prefix("serving ")?.parse().ok());
        address.unwrap_or_else(|| panic!("no address in {line:?}"))
    }

    /// Closes its standard input, which asks it to end, and waits for that.
    ///
    /// # Panics
    /// Where its output is no text.
    pub fn end(mut self) -> Ended {
        drop(self.process.stdin.take());
        let (mut output, mut error) = (String::new(), String::new());
        self.output.read_to_string(&mut output).expect("its output");
        self.error.read_to_string(&mut error).expect("its errors");
        let status = self.process.wait().expect("its end");
        Ended { status, output, error }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It has ended already, as a rule.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
