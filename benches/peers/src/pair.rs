//! Two threads, each on its own processor, that run the same call site at the same time.

use crate::contestant::{Contestant, Took};
use crate::machine;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// The calling thread and one other. Both live as long as the program: a peer that keeps something for each thread makes it once.
#[derive(Debug)]
pub struct Pair {
    turns: Sender<(&'static Contestant, u64)>,
    times: Receiver<Took>,
    /// Whether both stay on a processor of their own.
    pub pinned: bool,
}

/// How many threads have come to the line, over all turns.
static ARRIVED: AtomicUsize = AtomicUsize::new(0);

/// Waits, awake, until both have come: a sleeper would start late.
fn line_up() {
    let mine = ARRIVED.fetch_add(1, Ordering::AcqRel);
    let both = (mine / 2 + 1) * 2;
    while ARRIVED.load(Ordering::Acquire) < both {
        std::hint::spin_loop();
    }
}

impl Pair {
    /// Makes the calling thread one of the pair. To be called once, and after the peers' own threads are there: threads inherit the
    /// processor that their maker is kept on.
    #[must_use]
    pub fn new() -> Pair {
        let (turns, todo) = channel::<(&'static Contestant, u64)>();
        let (done, times) = channel();
        let (tell, pinned) = channel();
        thread::spawn(move || {
            let _ = tell.send(machine::pin(1));
            for (contestant, calls) in todo {
                line_up();
                let _ = done.send(contestant.run(calls));
            }
        });
        let other = pinned.recv().unwrap_or(false);
        Pair { turns, times, pinned: machine::pin(0) && other }
    }

    /// Has both make so many calls each, starting together; the mean of their times, and the longer absence. One that loses its
    /// processor just after the line may begin when the other has ended: at least four fifths of the longer turn are to be the other's too.
    #[must_use]
    pub fn run(&self, contestant: &'static Contestant, calls: u64) -> Took {
        self.turns.send((contestant, calls)).expect("the other thread waits for turns");
        line_up();
        let mine = contestant.run(calls);
        let theirs = self.times.recv().expect("the other thread ends its turn");
        let start = mine.start.max(theirs.start);
        let end = (mine.start + mine.wall).min(theirs.start + theirs.wall);
        let together = end.saturating_duration_since(start) * 5 >= mine.wall.max(theirs.wall) * 4;
        Took { wall: (mine.wall + theirs.wall) / 2, away: mine.away.max(theirs.away), start, together }
    }
}

impl Default for Pair {
    fn default() -> Pair {
        Pair::new()
    }
}
