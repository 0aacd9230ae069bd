//! SIGUSR1, by which somebody asks a running program for its report: `kill -USR1 PID`.
//!
//! By default the signal ends a program. It is taken where nobody has taken, ignored or blocked it, and kept to the program's end: the handler stays
//! when the guard has gone, and then does nothing. As with SIGINT, the handler writes to a socket, and a thread does the work.

use super::signals::{self, this_process};
use crate::last_report::Reporter;
use crate::notice::say;
use crate::sync::{Mutex, lock};
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

/// Where the handler writes to, and the process whose thread reads it.
static WRITE_TO: AtomicI32 = AtomicI32::new(-1);
static READER: AtomicU32 = AtomicU32::new(0);
/// Keeps the socket open.
static SOCKET: Mutex<Option<UnixStream>> = Mutex::new(None);
/// Who prints, while somebody does.
static REPORTER: Mutex<Option<Arc<Reporter>>> = Mutex::new(None);

/// The report is printed at each SIGUSR1, until this is dropped.
#[derive(Debug)]
pub(crate) struct OnRequest(());

impl Drop for OnRequest {
    fn drop(&mut self) {
        *lock(&REPORTER) = None;
    }
}

/// Answers SIGUSR1 from now on, where nobody else does.
pub(crate) fn on_request(reporter: Arc<Reporter>) -> Option<OnRequest> {
    if !signals::is_free(libc::SIGUSR1, ours()) {
        return None;
    }
    if let Err(error) = listen() {
        say(format_args!("SIGUSR1 prints no report ({error})"));
        return None;
    }
    *lock(&REPORTER) = Some(reporter);
    signals::handle(libc::SIGUSR1, ours());
    Some(OnRequest(()))
}

fn listen() -> std::io::Result<()> {
    let mut socket = lock(&SOCKET);
    if READER.load(SeqCst) == std::process::id() {
        return Ok(());
    }
    // In a child of a fork, what is there leads to its parent.
    let (read, write) = UnixStream::pair()?;
    write.set_nonblocking(true)?;
    let thread = std::thread::Builder::new().name("telemetry-usr1".to_owned());
    thread.spawn(move || wait(read))?;
    WRITE_TO.store(write.as_raw_fd(), SeqCst);
    READER.store(std::process::id(), SeqCst);
    *socket = Some(write);
    Ok(())
}

fn wait(mut read: UnixStream) {
    let mut asked = [0];
    // Nobody closes the other end.
    while read.read_exact(&mut asked).is_ok() {
        let reporter = lock(&REPORTER).clone();
        if let Some(reporter) = reporter {
            reporter.print();
        }
    }
}

fn ours() -> libc::sighandler_t {
    on_signal as *const () as libc::sighandler_t
}

extern "C" fn on_signal(_: libc::c_int) {
    // A child of a fork has the handler and no thread, and nothing of its own to report.
    if this_process() == Some(READER.load(SeqCst)) {
        let byte = 1u8;
        // SAFETY: one byte is read, of a variable of ours; async-signal-safe, and the descriptor is not closed while its number stands there. Where the socket is
        // full there are as many requests waiting as anybody can read.
        unsafe { libc::write(WRITE_TO.load(SeqCst), (&raw const byte).cast(), 1) };
    }
}
