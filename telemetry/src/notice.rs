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
    let mut standard_error = libc::pollfd { fd: libc::STDERR_FILENO, events: libc::POLLOUT, revents: 0 };
    // SAFETY: one entry, which lives.
    if unsafe { libc::poll(&raw mut standard_error, 1, PATIENCE_MS) } != 1 {
        return;
    }
    // SAFETY: the bytes are there, and as many as is said. What is not written is not missed.
    let _ = unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
}

/// Says something. If standard error is closed, nobody is left to be told.
#[cfg(not(all(unix, not(miri))))]
pub(crate) fn say(message: fmt::Arguments<'_>) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "{}telemetry: {message}", crate::job::clearing());
}
