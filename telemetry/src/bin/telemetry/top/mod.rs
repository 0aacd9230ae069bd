//! `telemetry top`: a running program in the terminal, each second anew.

mod draw; // how it looks
mod live; // what a program's endpoint says
mod rates; // what happened between two readings
mod screen; // what is looked at, and what keys do to it
mod tables; // columns and rows
#[cfg(test)]
mod tests;

use crate::Failed;
use crate::ask::Top;
use crate::files::print;
use crate::source::Place;
use crate::terminal;
use draw::{Look, draw};
use live::Live;
use ratatui::Terminal;
use ratatui::backend::{TermionBackend, TestBackend};
use ratatui::buffer::Buffer;
use ratatui::termion::event::Key;
use ratatui::termion::input::TermRead;
use ratatui::termion::raw::IntoRawMode;
use ratatui::termion::screen::IntoAlternateScreen;
use rates::Readings;
use screen::{Next, Screen};
use std::io::IsTerminal;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread;
use std::time::Duration;

/// How long a terminal that was made larger or smaller may look wrong.
const REDRAW: Duration = Duration::from_millis(250);

/// Columns and lines of `--once` where standard output is no terminal.
const WIDTH: usize = 120;
const MOST_LINES: usize = 1_000;

enum Event {
    Key(Key),
    Reading(Result<Box<Live>, Failed>),
    /// No key comes any more.
    Closed,
}

pub(crate) fn run(ask: &Top) -> Result<(), Failed> {
    let has_scheme = ask.from.contains("://");
    let from = if has_scheme { ask.from.clone() } else { format!("http://{}", ask.from) };
    let place = Place::new(&from, ask.token.as_deref(), "/api/live");
    if !place.is_address() {
        return Err(format!(
            "{}: it takes the address of a running program, such as http://127.0.0.1:8000",
            place.shown
        ));
    }
    if !ask.once && !std::io::stdout().is_terminal() {
        return Err(String::from("standard output is no terminal; --once prints what a terminal would show"));
    }
    // What cannot be read at all is told before anything is drawn.
    let readings = Readings::new(read(&place)?);
    if ask.once { once(&place, readings, ask.interval) } else { watch(place, readings, ask.interval) }
}

fn read(place: &Place) -> Result<Live, Failed> {
    let text = place.read()?;
    Live::parse(&text).map_err(|error| format!("{}: {error}", place.shown))
}

fn once(place: &Place, mut readings: Readings, interval: Duration) -> Result<(), Failed> {
    thread::sleep(interval);
    readings.take(read(place)?);
    let width = terminal::width().unwrap_or(WIDTH);
    let rows = readings.now.functions.function.len() + readings.now.jobs.len() * 3 + 8;
    let text = frame(&mut Screen::new(), &readings, width, rows.clamp(24, MOST_LINES));
    print(text.as_bytes())
}

/// What is drawn, as text without the line of keys.
fn frame(screen: &mut Screen, readings: &Readings, width: usize, height: usize) -> String {
    let size = |size| u16::try_from(size).unwrap_or(u16::MAX);
    let Ok(mut terminal) = Terminal::new(TestBackend::new(size(width), size(height)));
    let Ok(drawn) = terminal.draw(|frame| draw(frame, screen, readings, Look { color: false }));
    let mut lines = lines(drawn.buffer);
    lines.pop();
    while lines.last().is_some_and(String::is_empty) {
        lines.pop();
    }
    lines.join("\n") + "\n"
}

fn lines(buffer: &Buffer) -> Vec<String> {
    let width = usize::from(buffer.area.width).max(1);
    let line = |cells: &[ratatui::buffer::Cell]| {
        let mut line = String::new();
        let mut covered = 0;
        for cell in cells {
            if covered > 0 {
                covered -= 1;
                continue;
            }
            line.push_str(cell.symbol());
            // A character that is two columns wide has an empty cell behind it.
            covered = ratatui::text::Span::raw(cell.symbol()).width().saturating_sub(1);
        }
        line.trim_end().to_owned()
    };
    buffer.content.chunks(width).map(line).collect()
}

fn watch(place: Place, mut readings: Readings, interval: Duration) -> Result<(), Failed> {
    let failed = |error: std::io::Error| format!("the terminal: {error}");
    let keys = ratatui::termion::get_tty().map_err(failed)?;
    let (sender, events) = mpsc::channel();
    let for_keys = sender.clone();
    thread::spawn(move || {
        for key in keys.keys() {
            let Ok(key) = key else { break };
            if for_keys.send(Event::Key(key)).is_err() {
                return;
            }
        }
        // Nobody may be there any more.
        let _ = for_keys.send(Event::Closed);
    });
    thread::spawn(move || ask_on(&place, interval, &sender));
    // Dropped in this order: the screen comes back, then the way in which lines are typed.
    let raw = std::io::stdout().into_raw_mode().map_err(failed)?;
    let output = raw.into_alternate_screen().map_err(failed)?;
    let mut terminal = Terminal::new(TermionBackend::new(output)).map_err(failed)?;
    let look = Look { color: terminal::has_color() };
    let mut screen = Screen::new();
    let watched = loop {
        if let Err(error) = terminal.draw(|frame| draw(frame, &mut screen, &readings, look)) {
            break Err(failed(error));
        }
        match events.recv_timeout(REDRAW) {
            Ok(Event::Key(key)) => {
                if screen.press(key) == Next::Quit {
                    break Ok(());
                }
            }
            Ok(Event::Reading(Ok(live))) => {
                screen.trouble = None;
                if !screen.is_paused {
                    readings.take(*live);
                }
            }
            Ok(Event::Reading(Err(trouble))) => screen.trouble = Some(trouble),
            Err(RecvTimeoutError::Timeout) => {}
            Ok(Event::Closed) | Err(RecvTimeoutError::Disconnected) => break Ok(()),
        }
    };
    // Gone with the screen: what matters is why it ended.
    let _ = terminal.show_cursor();
    watched
}

/// Reads on until nobody looks any more.
fn ask_on(place: &Place, interval: Duration, events: &Sender<Event>) {
    loop {
        thread::sleep(interval);
        if events.send(Event::Reading(read(place).map(Box::new))).is_err() {
            return;
        }
    }
}
