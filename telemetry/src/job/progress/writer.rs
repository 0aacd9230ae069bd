//! Standard error for what the program itself writes while bars are shown.

use std::io::{self, Write};

/// Standard error, above the bars: made by [`progress_writer`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProgressWriter;

/// Standard error for a logger: what is written to it stands above the bars of running jobs, whole. Where there are no bars it is standard error as it is.
///
/// What is printed without it is not lost either: a line that comes by itself stands where it should, and the bars are drawn anew beneath it. Where several lines come
/// at once, though, those after the first may be followed by the rest of a bar.
///
/// For `tracing-subscriber` the function itself is what makes writers: `tracing_subscriber::fmt().with_writer(telemetry::job::progress_writer)`. For `env_logger`:
/// `builder.target(env_logger::Target::Pipe(Box::new(telemetry::job::progress_writer())))`.
///
/// ```
/// use std::io::Write;
/// writeln!(telemetry::job::progress_writer(), "the source has a new version")?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[must_use]
pub fn progress_writer() -> ProgressWriter {
    ProgressWriter
}

impl Write for ProgressWriter {
    /// # Errors
    /// Those of standard error.
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        super::above(|| io::stderr().lock().write(bytes))
    }

    /// All at once, so that bars are taken away once.
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        super::above(|| io::stderr().lock().write_all(bytes))
    }

    /// Formatted first: else each part would take the bars away.
    fn write_fmt(&mut self, text: std::fmt::Arguments<'_>) -> io::Result<()> {
        self.write_all(text.to_string().as_bytes())
    }

    fn flush(&mut self) -> io::Result<()> {
        io::stderr().lock().flush()
    }
}
