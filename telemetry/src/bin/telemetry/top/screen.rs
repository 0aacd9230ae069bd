//! What is looked at, and what keys do to it.

use super::rates::Readings;
use super::tables::{Cell, Table, View};
use ratatui::termion::event::Key;

/// What is looked at.
pub(super) struct Screen {
    pub(super) view: View,
    sorted: [(usize, bool); 4],
    /// The row that is marked, and the first that is seen; of each view.
    marked: [usize; 4],
    pub(super) filter: String,
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    pub(super) is_help: bool,
    /// Since the program started, instead of since the last reading.
    pub(super) totals: bool,
    /// What went wrong with the last reading.
    pub(super) trouble: Option<String>,
    /// The first row that is seen.
    first: [usize; 4],
    /// As they were drawn.
    rows: usize,
    seen: usize,
    columns: usize,
}

/// Whether it goes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    On,
    Quit,
}

impl Screen {
    pub(super) fn new() -> Screen {
        Screen {
            view: View::Functions,
            sorted: View::ALL.map(View::sorted),
            marked: [0; 4],
            filter: String::new(),
            is_typing: false,
            is_paused: false,
            is_help: false,
            totals: false,
            trouble: None,
            first: [0; 4],
            rows: 0,
            seen: 1,
            columns: 1,
        }
    }

    pub(super) fn sorted(&self) -> (usize, bool) {
        self.sorted[self.view as usize]
    }

    /// What of the readings is shown: sorted, and of what is searched for.
    pub(super) fn table<'a>(&mut self, readings: &'a Readings) -> Table<'a> {
        // Before there are two readings there is nothing else to show.
        let mut table = Table::of(self.view, readings, self.totals || readings.seconds().is_none());
        let wanted = self.filter.to_lowercase();
        if !wanted.is_empty() {
            let has = |cell: &Cell<'_>| matches!(cell, Cell::Text(text) if text.to_lowercase().contains(&wanted));
            table.rows.retain(|row| row.iter().any(has));
            table.empty = "Nothing has what is searched for.";
        }
        let (column, descends) = self.sorted();
        // Rows that are equal keep the order of their names.
        table.rows.sort_by(|a, b| {
            let order = a[column].order(&b[column]);
            if descends { order.reverse() } else { order }.then_with(|| a[0].order(&b[0]))
        });
        (self.rows, self.columns) = (table.rows.len(), table.columns.len());
        table
    }

    /// The first row that is seen and the one that is marked, where `seen` rows have room.
    pub(super) fn window(&mut self, seen: usize) -> (usize, usize) {
        let (marked, first) = (&mut self.marked[self.view as usize], &mut self.first[self.view as usize]);
        self.seen = seen.max(1);
        *marked = (*marked).min(self.rows.saturating_sub(1));
        *first =
            (*first).clamp((*marked + 1).saturating_sub(self.seen), *marked).min(self.rows.saturating_sub(self.seen));
        (*first, *marked)
    }

    pub(super) fn press(&mut self, key: Key) -> Next {
        if key == Key::Ctrl('c') {
            return Next::Quit;
        }
        if self.is_typing {
            self.type_in(key);
            return Next::On;
        }
        if self.is_help {
            self.is_help = false;
            return Next::On;
        }
        let page = isize::try_from(self.seen).unwrap_or(1);
        match key {
            Key::Esc if !self.filter.is_empty() => self.filter.clear(),
            Key::Char('q') | Key::Esc => return Next::Quit,
            Key::Char('\t') | Key::Right => self.turn(1),
            Key::BackTab | Key::Left => self.turn(View::ALL.len() - 1),
            Key::Char(digit @ '1'..='4') => self.turn_to(digit as usize - '1' as usize),
            Key::Char('j') | Key::Down => self.go(1),
            Key::Char('k') | Key::Up => self.go(-1),
            Key::PageDown | Key::Char(' ') => self.go(page),
            Key::PageUp => self.go(-page),
            Key::Home | Key::Char('g') => self.go(isize::MIN),
            Key::End | Key::Char('G') => self.go(isize::MAX),
            Key::Char('s') => self.sort_by(1),
            Key::Char('S') => self.sort_by(self.columns.saturating_sub(1)),
            Key::Char('r') => self.sorted[self.view as usize].1 ^= true,
            Key::Char('/') => self.is_typing = true,
            Key::Char('t') => self.totals ^= true,
            Key::Char('p') => self.is_paused ^= true,
            Key::Char('?' | 'h') => self.is_help = true,
            _ => {}
        }
        Next::On
    }

    fn type_in(&mut self, key: Key) {
        match key {
            Key::Char('\n') => self.is_typing = false,
            Key::Esc => {
                self.filter.clear();
                self.is_typing = false;
            }
            Key::Backspace => drop(self.filter.pop()),
            Key::Ctrl('u') => self.filter.clear(),
            Key::Char(character) if !character.is_control() => self.filter.push(character),
            _ => {}
        }
    }

    fn turn(&mut self, by: usize) {
        self.turn_to((self.view as usize + by) % View::ALL.len());
    }

    fn turn_to(&mut self, index: usize) {
        self.view = View::ALL.get(index).copied().unwrap_or(self.view);
    }

    fn go(&mut self, by: isize) {
        let marked = &mut self.marked[self.view as usize];
        *marked = marked.saturating_add_signed(by).min(self.rows.saturating_sub(1));
    }

    /// By another column: figures from the greatest, names from the least.
    fn sort_by(&mut self, step: usize) {
        let (column, _) = self.sorted();
        let column = (column + step) % self.columns.max(1);
        self.sorted[self.view as usize] = (column, column > 0);
    }
}
