//! A connection on a thread of its own, for asynchronous code: DuckDB's calls block.

use crate::duckdb::Connection;
use crate::sync::{Mutex, lock};
use ::duckdb::InterruptHandle;
use std::any::Any;
use std::fmt;
use std::future::Future;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::task::{Context, Poll, Waker};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// DuckDB forgets an interrupt that comes between two statements, so it is told again after this long, until the work is over.
const BETWEEN_INTERRUPTS: Duration = Duration::from_millis(10);

type Work<C> = Box<dyn FnOnce(&mut C) + Send>;

/// A [`Connection`], or a struct that holds one, on a thread of its own, which does what it is given one after the other: see [`Connection::background`] and
/// [`ProfiledConnection::background`](crate::ProfiledConnection::background).
///
/// Needs no runtime, and blocks no worker of one. It is shared by reference or in an [`Arc`].
/// Dropped, it ends the thread after the work that it has been given, and the connection with it.
///
/// ```no_run
/// use telemetry::duckdb::Connection;
///
/// # async fn late() -> Result<(), Box<dyn std::error::Error>> {
/// let flights = Connection::open("flights.duckdb")?.background()?;
/// let late: i64 = flights.run(|connection| {
///     connection.query_row("select count(*) from flights where delay > 15", [], |row| row.get(0))
/// }).await?;
/// println!("{late} flights were late");
/// # Ok(())
/// # }
/// ```
pub struct Background<C> {
    work: Sender<Work<C>>,
    interrupt: Arc<InterruptHandle>,
    thread: JoinHandle<C>,
}

impl<C: Send + 'static> Background<C> {
    pub(crate) fn start(connection: C, interrupt: Arc<InterruptHandle>) -> io::Result<Background<C>> {
        let (work, given) = mpsc::channel();
        let thread = thread::Builder::new().name("telemetry-duckdb".to_owned());
        let thread = thread.spawn(move || serve(connection, &given))?;
        Ok(Background { work, interrupt, thread })
    }

    /// Has something done with the connection, after what was given before. The work begins without being waited for.
    ///
    /// It works for the measured function, the span and the job that run where this is called.
    ///
    /// # Panics
    /// A panic of `work` goes on where it is waited for, and leaves the connection as it is.
    ///
    /// # Cancellation
    /// Dropped before it is ready, the future takes its work along: what has not begun is not done, and a statement that runs is interrupted, as are those that the same
    /// work runs after it. What a transaction of that work has done is rolled back where the work does not commit it in spite of the error.
    pub fn run<R: Send + 'static>(&self, work: impl FnOnce(&mut C) -> R + Send + 'static) -> Running<R> {
        let state = Arc::new(Mutex::new(State::Given(None)));
        let (current, of_thread) = (crate::current(), Arc::clone(&state));
        let work = move |connection: &mut C| {
            if !of_thread.begin() {
                return;
            }
            let result = catch_unwind(AssertUnwindSafe(|| current.scope(|| work(connection))));
            of_thread.end(result);
        };
        // The thread lives as long as this does, and ends by no panic.
        let _ = self.work.send(Box::new(work));
        Running { state, interrupt: Arc::clone(&self.interrupt) }
    }

    /// Gives the connection back, after the work that was given before. Blocks until then.
    ///
    /// # Panics
    /// Never: a panic of some work is that of who waits for it.
    #[must_use]
    pub fn into_inner(self) -> C {
        drop(self.work);
        self.thread.join().unwrap_or_else(|panic| resume_unwind(panic))
    }
}

fn serve<C>(mut connection: C, given: &Receiver<Work<C>>) -> C {
    for work in given {
        work(&mut connection);
    }
    connection
}

impl<C> fmt::Debug for Background<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Background").field("ended", &self.thread.is_finished()).finish_non_exhaustive()
    }
}

enum State<R> {
    /// Not begun; who waits, if anybody does yet.
    Given(Option<Waker>),
    Runs(Option<Waker>),
    Done(Result<R, Box<dyn Any + Send>>),
    /// Nobody waits any more, or the result was taken.
    Over,
}

/// What both sides do with the state.
trait Shared<R> {
    fn begin(&self) -> bool;
    fn end(&self, result: Result<R, Box<dyn Any + Send>>);
}

impl<R> Shared<R> for Mutex<State<R>> {
    /// Whether anybody wants it done.
    fn begin(&self) -> bool {
        let mut state = lock(self);
        let State::Given(waker) = &mut *state else { return false };
        let waker = waker.take();
        *state = State::Runs(waker);
        true
    }

    fn end(&self, result: Result<R, Box<dyn Any + Send>>) {
        let mut state = lock(self);
        match std::mem::replace(&mut *state, State::Over) {
            State::Runs(waker) => {
                *state = State::Done(result);
                drop(state);
                if let Some(waker) = waker {
                    waker.wake();
                }
            }
            // Not under the lock: what it holds may have a destructor that takes its time.
            _ => drop(state),
        }
    }
}

/// Work of a [`Background`] connection, until it is done.
#[must_use = "the work is given up when this is dropped"]
pub struct Running<R: Send + 'static> {
    state: Arc<Mutex<State<R>>>,
    interrupt: Arc<InterruptHandle>,
}

impl<R: Send + 'static> Future for Running<R> {
    type Output = R;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<R> {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Given(waker) | State::Runs(waker) => {
                *waker = Some(context.waker().clone());
                return Poll::Pending;
            }
            State::Done(_) => {}
            // Polled after its end.
            State::Over => return Poll::Pending,
        }
        let done = std::mem::replace(&mut *state, State::Over);
        drop(state);
        match done {
            State::Done(Ok(result)) => Poll::Ready(result),
            State::Done(Err(panic)) => resume_unwind(panic),
            _ => Poll::Pending,
        }
    }
}

impl<R: Send + 'static> Drop for Running<R> {
    fn drop(&mut self) {
        let mut state = lock(&self.state);
        if matches!(*state, State::Given(_)) {
            *state = State::Over;
            return;
        }
        if !matches!(*state, State::Runs(_)) {
            return;
        }
        // The thread asks for the lock to say that it is done: so what is interrupted is this work, and none after it.
        self.interrupt.interrupt();
        drop(state);
        let (state, interrupt) = (Arc::clone(&self.state), Arc::clone(&self.interrupt));
        let again = move || loop {
            thread::sleep(BETWEEN_INTERRUPTS);
            let mut state = lock(&state);
            if !matches!(*state, State::Runs(_)) {
                // Its result is nobody's.
                let nobodys = std::mem::replace(&mut *state, State::Over);
                drop(state);
                drop(nobodys);
                return;
            }
            interrupt.interrupt();
        };
        // Where there is no thread to be had, it was told once.
        let _ = thread::Builder::new().name("telemetry-interrupt".to_owned()).spawn(again);
    }
}

impl<R: Send + 'static> fmt::Debug for Running<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Running").finish_non_exhaustive()
    }
}

impl Connection {
    /// Puts the connection on a thread of its own, where asynchronous code has its statements run.
    ///
    /// # Errors
    /// Where the system has no thread to give.
    pub fn background(self) -> io::Result<Background<Connection>> {
        let interrupt = self.interrupt_handle();
        Background::start(self, interrupt)
    }
}
