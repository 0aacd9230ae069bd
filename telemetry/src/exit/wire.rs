//! From a signal's handler, which may do next to nothing, to a thread that may do anything: a socket, at whose other end the thread waits.

use crate::sync::{Mutex, lock};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::net::UnixStream;
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering::SeqCst};

pub(super) struct Wire {
    /// Where the handler writes to; it is never closed, since a handler may be about to write.
    write_to: AtomicI32,
    /// The process whose thread reads it.
    reader: AtomicU32,
    /// Keeps it open.
    socket: Mutex<Option<UnixStream>>,
}

impl Wire {
    pub(super) const fn new() -> Wire {
        Wire { write_to: AtomicI32::new(-1), reader: AtomicU32::new(0), socket: Mutex::new(None) }
    }

    /// Starts the thread that waits, if this process has none.
    pub(super) fn listen(&self, thread: &str, wait: fn(UnixStream)) -> io::Result<()> {
        let mut socket = lock(&self.socket);
        if self.reader.load(SeqCst) == std::process::id() {
            return Ok(());
        }
        // In a child of a fork, what is there leads to its parent.
        let (read, write) = UnixStream::pair()?;
        write.set_nonblocking(true)?;
        std::thread::Builder::new().name(thread.to_owned()).spawn(move || wait(read))?;
        self.write_to.store(write.as_raw_fd(), SeqCst);
        self.reader.store(std::process::id(), SeqCst);
        *socket = Some(write);
        Ok(())
    }

    /// Whether the thread is in this process: a child of a fork has the handler alone. Async-signal-safe.
    pub(super) fn is_of_this_process(&self) -> bool {
        // SAFETY: cannot fail, and async-signal-safe.
        let process = u32::try_from(unsafe { libc::getpid() });
        process == Ok(self.reader.load(SeqCst))
    }

    /// Hands a byte over; whether there was room for it. Async-signal-safe.
    pub(super) fn send(&self, byte: u8) -> bool {
        // SAFETY: one byte is read, of a variable of ours; async-signal-safe. The socket is not closed while its number stands there.
        unsafe { libc::write(self.write_to.load(SeqCst), (&raw const byte).cast(), 1) == 1 }
    }
}
