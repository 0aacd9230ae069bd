use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep};

/// What a connection shall do besides what HTTP asks of it.
#[derive(Clone, Copy, Debug, Default)]
struct Plan {
    /// How many bytes may still be written.
    left: Option<usize>,
    /// How long each byte takes.
    pause: Option<Duration>,
    reset: bool,
}

/// Who may make a connection misbehave.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    plan: Mutex<Plan>,
    ended: Notify,
    /// Bytes that came, with headers, frames and TLS.
    read: Arc<AtomicU64>,
}

impl Faults {
    pub fn new(read: Arc<AtomicU64>) -> Arc<Faults> {
        Arc::new(Faults { read, ..Faults::default() })
    }

    fn plan(&self) -> MutexGuard<'_, Plan> {
        self.plan.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// So many bytes more, and then the end.
    pub fn cut(&self, after: usize) {
        self.plan().left = Some(after);
        if after == 0 {
            self.close();
        }
    }

    /// A byte each time.
    pub fn drip(&self, pause: Duration) {
        self.plan().pause = Some(pause);
    }

    /// The end.
    pub fn close(&self) {
        self.ended.notify_one();
    }

    /// The end, told by a reset.
    pub fn reset(&self) {
        self.plan().reset = true;
        self.close();
    }

    /// Comes back when the connection is to end.
    pub async fn end(&self) {
        self.ended.notified().await;
    }
}

/// A socket that does what its [`Faults`] say.
#[derive(Debug)]
pub(crate) struct Wire {
    socket: TcpStream,
    faults: Arc<Faults>,
    waiting: Option<Pin<Box<Sleep>>>,
}

impl Wire {
    pub fn new(socket: TcpStream, faults: Arc<Faults>) -> Wire {
        Wire { socket, faults, waiting: None }
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        if self.faults.plan().reset {
            // A socket that is gone already has nothing left to reset.
            let _ = self.socket.set_zero_linger();
        }
    }
}

impl AsyncRead for Wire {
    fn poll_read(self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        let before = into.filled().len();
        ready!(Pin::new(&mut wire.socket).poll_read(context, into))?;
        wire.faults.read.fetch_add((into.filled().len() - before) as u64, Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        let plan = *wire.faults.plan();
        let mut allowed = bytes.len();
        if let Some(pause) = plan.pause {
            let waiting = wire.waiting.get_or_insert_with(|| Box::pin(sleep(pause)));
            ready!(waiting.as_mut().poll(context));
            wire.waiting = None;
            allowed = allowed.min(1);
        }
        if let Some(left) = plan.left {
            if left == 0 {
                wire.faults.close();
                return Poll::Pending;
            }
            allowed = allowed.min(left);
        }
        let written = ready!(Pin::new(&mut wire.socket).poll_write(context, &bytes[..allowed]))?;
        if let Some(left) = &mut wire.faults.plan().left {
            *left -= written;
        }
        Poll::Ready(Ok(written))
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let wire = self.get_mut();
        if wire.faults.plan().left == Some(0) {
            wire.faults.close();
        }
        Pin::new(&mut wire.socket).poll_flush(context)
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().socket).poll_shutdown(context)
    }
}
