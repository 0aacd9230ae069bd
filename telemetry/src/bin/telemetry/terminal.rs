//! What is known of the terminal that is written to.

use ratatui::termion::terminal_size;
use std::env;
use std::io::IsTerminal;

/// Its columns: what `COLUMNS` says, or itself; `None` where standard output is none.
pub(crate) fn width() -> Option<usize> {
    if !std::io::stdout().is_terminal() {
        return None;
    }
    let said = env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    said.or_else(|| terminal_size().ok().map(|(columns, _)| usize::from(columns))).filter(|columns| *columns > 0)
}

/// Whether it is to be written to in colour: see <https://no-color.org>.
pub(crate) fn has_color() -> bool {
    let is_there = |name| env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = env::var_os("TERM").is_some_and(|term| term == "dumb");
    std::io::stdout().is_terminal() && !is_there("NO_COLOR") && !is_dumb
}
