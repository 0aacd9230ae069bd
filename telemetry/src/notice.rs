//! Our own messages: one line on standard error.
//!
//! Whoever reads standard error may have stopped, and a full pipe would then hold up what has to keep a deadline. So a line that finds no room soon is given
//! up, and nobody's lock is waited for.

use std::fmt;

/// Says something. If standard error is closed, or nobody reads it, nobody is left to be told.
#[cfg(all(unix, not(miri)))]
pub(crate) fn say(message: fmt::Arguments<'_>) {
    /// Far less than the margin before a deadline.
    const PATIENCE_MS: libc::c_int = 20;
    let mut line = format!("{}telemetry: {message}", crate::job::clearing());
    // Where a pipe has room at all it takes so many bytes at once: `PIPE_BUF`.
    let mut end = line.len().min(libc::PIPE_BUF - 1);
    while !line.is_char_boundary(end) {
        end -= 1;
    }
    line.truncate(end);
    line.push('\n');
    // What is not written is not missed.
    let _ = write_some(line.as_bytes(), PATIENCE_MS);
}

/// Writes something long. Where nothing of it finds room for a second, the rest is given up; if standard error is closed, all of it.
#[cfg(all(unix, not(miri)))]
pub(crate) fn write(mut bytes: &[u8]) {
    const PATIENCE_MS: libc::c_int = 1_000;
    while !bytes.is_empty() {
        match write_some(&bytes[..bytes.len().min(libc::PIPE_BUF)], PATIENCE_MS) {
            Some(written) => bytes = &bytes[written..],
            None => return,
        }
    }
}

/// Writes as much as finds room, which is all of so many bytes on a pipe; waits so long for that. `None` where there is none, or nobody reads.
#[cfg(all(unix, not(miri)))]
fn write_some(bytes: &[u8], patience_ms: libc::c_int) -> Option<usize> {
    let mut standard_error = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one entry, which lives.
    if unsafe { libc::poll(&raw mut standard_error, 1, patience_ms) } != 1 {
        return None;
    }
    // SAFETY: the bytes are there, and as many as is said.
    let written = unsafe { libc::write(libc::STDERR_FILENO, bytes.as_ptr().cast(), bytes.len()) };
    usize::try_from(written).ok().filter(|&written| written > 0)
}

/// Writes something long. If standard error is closed, nobody is left to be told.
#[cfg(not(all(unix, not(miri))))]
pub(crate) fn write(bytes: &[u8]) {
    use std::io::Write;
    let _ = std::io::stderr().lock().write_all(bytes);
}

/// Says something. If standard error is closed, nobody is left to be told.
#[cfg(not(all(unix, not(miri))))]
pub(crate) fn say(message: fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{}telemetry: {message}", crate::job::clearing());
}
