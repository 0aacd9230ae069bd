//! Where bars stand on a terminal: beneath the cursor.
//!
//! Usually bars stand above the cursor, and are drawn anew by going up over as many lines as there are bars. What the program has printed meanwhile is then
//! among those lines, and is erased with them. So here the cursor stays where the program left it, in the middle of a line even, and the bars are on the
//! lines beneath: whatever is printed appears where it would have, what it pushed down or wrote over is drawn anew within a tick, and to take the bars
//! away it is enough to erase what is below the cursor, at whatever width they were drawn.

use console::Term;
use indicatif::TermLike;
use std::io::{self, Write};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, PoisonError};

/// Whether there are bars beneath the cursor.
static SHOWN: AtomicBool = AtomicBool::new(false);

/// Erases from the cursor to the end of the screen.
const ERASE_BELOW: &str = "\x1b[J";

/// What takes the bars away, to be written before anything else; empty where there are none. They come back at the next tick.
pub(crate) fn clearing() -> &'static str {
    if SHOWN.load(Relaxed) { ERASE_BELOW } else { "" }
}

/// Begins each bar in what is drawn: so that lines are told apart without asking how wide they are.
pub(super) const BEGIN: char = '\r';

/// A terminal on which every drawing is written at once, as a whole.
#[derive(Debug)]
pub(super) struct Screen {
    term: Term,
    drawn: Mutex<String>,
}

impl Screen {
    pub(super) fn new() -> Screen {
        Screen { term: Term::stderr(), drawn: Mutex::default() }
    }

    fn draw(&self, text: &str) {
        self.drawn.lock().unwrap_or_else(PoisonError::into_inner).push_str(text);
    }
}

/// The bars, from the cursor back to the cursor.
fn frame(bars: &[&str]) -> String {
    // Makes room below by going down, where the terminal scrolls if it must, and up again in the same column: that can be kept, since nothing scrolls any more.
    let mut text = "\x1bD".repeat(bars.len());
    if !bars.is_empty() {
        text.push_str(&format!("\x1b[{}A", bars.len()));
    }
    text.push_str("\x1b7");
    text.push_str(ERASE_BELOW);
    for bar in bars {
        text.push_str("\r\n");
        text.push_str(bar);
    }
    text.push_str("\x1b8");
    text
}

/// What moves the cursor is not asked for: a drawing begins and ends where the cursor is.
impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.term.size().1
    }

    /// One line less: that of the cursor.
    fn height(&self) -> u16 {
        self.term.size().0.saturating_sub(1)
    }

    fn move_cursor_up(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_down(&self, _lines: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_right(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn move_cursor_left(&self, _columns: usize) -> io::Result<()> {
        Ok(())
    }

    fn write_line(&self, text: &str) -> io::Result<()> {
        self.draw(text);
        Ok(())
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.draw(text);
        Ok(())
    }

    fn clear_line(&self) -> io::Result<()> {
        Ok(())
    }

    fn flush(&self) -> io::Result<()> {
        let drawn = std::mem::take(&mut *self.drawn.lock().unwrap_or_else(PoisonError::into_inner));
        let bars: Vec<&str> = drawn.split(BEGIN).map(str::trim_end).filter(|bar| !bar.is_empty()).collect();
        let had = SHOWN.swap(!bars.is_empty(), Relaxed);
        if !had && bars.is_empty() {
            return Ok(());
        }
        // With one call, and under the lock of standard error: nothing of others comes in between.
        io::stderr().lock().write_all(frame(&bars).as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_drawing_begins_and_ends_where_the_cursor_is() {
        assert_eq!(frame(&["one", "two"]), "\x1bD\x1bD\x1b[2A\x1b7\x1b[J\r\none\r\ntwo\x1b8");
        assert_eq!(frame(&[]), "\x1b7\x1b[J\x1b8", "what was there is gone");
    }
}
