//! What is attacked: a child process that serves and records, and how it is asked whether it is well.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use telemetry::{Report, measured, metric};
use telemetry_tests::http::get;
use telemetry_tests::program::Program;

metric! {
    /// Rows that the target counts while it is attacked.
    counter attacked_rows_total(table: &str, shard: u64);
    /// Seconds that the target observes while it is attacked.
    histogram attacked_wait_seconds() [0.1, 1, 10];
}

/// How long a good scrape may take, whatever else comes in.
pub const GOOD: Duration = Duration::from_secs(1);
/// The most that attacks may add to the target's memory, in KiB, where they ask for no large answers: 64 connections with their buffers.
pub const GROWTH: u64 = 16 * 1024;

/// These tests are about time and memory: one at a time.
static ALONE: Mutex<()> = Mutex::new(());

#[measured]
fn step(n: u64) -> u64 {
    n.wrapping_mul(31)
}

fn cpu_seconds() -> f64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: the pointer is to a whole `timespec`.
    assert_eq!(unsafe { libc::clock_gettime(libc::CLOCK_THREAD_CPUTIME_ID, &raw mut time) }, 0);
    time.tv_sec as f64 + time.tv_nsec as f64 / 1e9
}

/// The target: not a test, but what the tests start. Two threads record until it is told to end; `cost` tells nanoseconds of CPU per
/// recorded call since the last time.
#[test]
#[ignore = "the program that the other tests attack"]
fn target() {
    let Ok(series) = std::env::var("ATTACKED_SERIES") else { return };
    let telemetry = telemetry::builder().report(Report::Off).max_series(1_000_000).init().unwrap();
    (0..series.parse::<u64>().unwrap()).for_each(|shard| attacked_rows_total("flights", shard).add(shard));
    let (recorded, nanoseconds, is_over) = (AtomicU64::new(0), AtomicU64::new(0), AtomicBool::new(false));
    let records = std::env::var("ATTACKED_RECORDS").is_ok();
    std::thread::scope(|scope| {
        for shard in 0..2 {
            let (recorded, nanoseconds, is_over) = (&recorded, &nanoseconds, &is_over);
            scope.spawn(move || {
                let rows = attacked_rows_total("recording", shard);
                while records && !is_over.load(Relaxed) {
                    let start = cpu_seconds();
                    for n in 0..10_000 {
                        step(n);
                        rows.inc();
                        attacked_wait_seconds().observe(0.5);
                    }
                    nanoseconds.fetch_add(((cpu_seconds() - start) * 1e9) as u64, Relaxed);
                    recorded.fetch_add(10_000, Relaxed);
                }
            });
        }
        println!("\nserving {}", telemetry.address().unwrap());
        for line in std::io::stdin().lines() {
            assert_eq!(line.unwrap(), "cost");
            let (recorded, nanoseconds) = (recorded.swap(0, Relaxed), nanoseconds.swap(0, Relaxed));
            println!("cost {}", nanoseconds as f64 / recorded as f64);
        }
        is_over.store(true, Relaxed);
    });
}

pub struct Target {
    pub program: Program,
    pub address: SocketAddr,
    /// Before it was attacked.
    pub resident: u64,
}

impl Target {
    pub fn start(series: u64, records: bool) -> Target {
        let exe = std::env::current_exe().unwrap();
        let series = series.to_string();
        let mut variables = vec![("ATTACKED_SERIES", series.as_str())];
        variables.extend(records.then_some(("ATTACKED_RECORDS", "1")));
        let arguments = ["--exact", "target::target", "--ignored", "--nocapture"];
        let mut program = Program::start(exe.to_str().unwrap(), &arguments, &variables);
        let address = program.answer("serving ").parse().unwrap();
        // What the first scrapes allocate is not the attack's.
        (0..3).for_each(|_| drop(get(address, "/metrics")));
        let resident = status(program.id(), "VmRSS");
        Target { program, address, resident }
    }

    pub fn connect(&self) -> TcpStream {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(15))).unwrap();
        stream
    }

    /// A good scrape is answered in time, and memory has not grown beyond this many KiB.
    pub fn is_well(&self, growth: u64) {
        let start = Instant::now();
        get(self.address, "/metrics");
        let took = start.elapsed();
        assert!(took < GOOD, "a good scrape took {took:?}");
        self.is_slim(growth);
    }

    pub fn is_slim(&self, growth: u64) {
        let grown = status(self.program.id(), "VmRSS").saturating_sub(self.resident);
        assert!(grown < growth, "{grown} KiB more than before");
    }

    /// All that comes back, if the connection ends within 15 seconds.
    pub fn ask(&self, request: &[u8]) -> Vec<u8> {
        let mut stream = self.connect();
        // It may be refused before its end.
        let _ = stream.write_all(request);
        read(&mut stream)
    }

    pub fn status(&self, request: &[u8]) -> Option<u16> {
        let answer = self.ask(request);
        answer.starts_with(b"HTTP/1.").then(|| String::from_utf8_lossy(&answer[9..12]).parse().unwrap())
    }
}

/// Reads to the end, which may be a reset, but may not be waited for in vain.
pub fn read(stream: &mut TcpStream) -> Vec<u8> {
    let mut answer = Vec::new();
    let ended = stream.read_to_end(&mut answer);
    assert!(!ended.is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "the connection does not end");
    answer
}

/// A figure of `/proc/PID/status`.
pub fn status(process: u32, name: &str) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(":")).unwrap();
    line.split_whitespace().next().unwrap().parse().unwrap()
}

pub fn alone() -> std::sync::MutexGuard<'static, ()> {
    ALONE.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// This process holds the other ends.
pub fn more_files() {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the pointer is to a whole `rlimit`.
    assert_eq!(unsafe { libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit) }, 0);
    limit.rlim_cur = limit.rlim_max.min(8_192);
    // SAFETY: as above.
    assert_eq!(unsafe { libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit) }, 0);
}
