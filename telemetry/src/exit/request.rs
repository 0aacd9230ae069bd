//! SIGUSR1, by which somebody asks a running program for its report: `kill -USR1 PID`.
//!
//! By default the signal ends a program. It is taken where nobody has taken, ignored or blocked it, and kept to the program's end: the handler stays
//! when the guard has gone, and then does nothing. As with SIGINT, the handler writes to a socket, and a thread does the work.

use super::signals;
use super::wire::Wire;
use crate::last_report::Reporter;
use crate::notice::say;
use crate::sync::{Mutex, lock};
use std::io::Read;
use std::os::unix::net::UnixStream;
use std::sync::Arc;

static WIRE: Wire = Wire::new();
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
    if let Err(error) = WIRE.listen("telemetry-usr1", wait) {
        say(format_args!("SIGUSR1 prints no report ({error})"));
        return None;
    }
    *lock(&REPORTER) = Some(reporter);
    signals::handle(libc::SIGUSR1, ours());
    Some(OnRequest(()))
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
    // A child of a fork has nothing of its own to report. Where there is no room, as many requests wait as anybody can read.
    if WIRE.is_of_this_process() {
        WIRE.send(1);
    }
}
