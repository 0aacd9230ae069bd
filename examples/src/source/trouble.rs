//! What goes wrong for a while, as it does with real sources, and then is over.

use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::str::FromStr;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{Sleep, sleep};

/// A trouble, from two seconds after the source's start on. As a text: `down`, or `down:60` for a minute.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trouble {
    /// What goes wrong.
    pub kind: Kind,
    /// For so long.
    pub lasts: Duration,
}

/// What goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Connections are cut, and no new ones are held.
    Down,
    /// Every request is answered with 429 and a second to wait.
    Limited,
    /// Answers trickle, at some 40 kB a second.
    Slow,
    /// The first page of each fifth day of a month gets no answer.
    Hangs,
}

const KINDS: [(&str, Kind); 4] =
    [("down", Kind::Down), ("limited", Kind::Limited), ("slow", Kind::Slow), ("hangs", Kind::Hangs)];

/// How long it lasts where nothing is said.
const LASTS: u64 = 60;
const BEGINS: Duration = Duration::from_secs(2);

impl FromStr for Trouble {
    type Err = String;

    fn from_str(text: &str) -> Result<Trouble, String> {
        let (kind, seconds) =
            text.split_once(':').map_or((text, Some(LASTS)), |(kind, rest)| (kind, rest.parse().ok()));
        let kind = KINDS.iter().find(|(name, _)| *name == kind).map(|(_, kind)| *kind);
        match (kind, seconds) {
            (Some(kind), Some(seconds @ 1..=3_600)) => Ok(Trouble { kind, lasts: Duration::from_secs(seconds) }),
            _ => Err(format!(
                "it takes {} with a colon and 1 to 3600 seconds behind it, such as down:60",
                KINDS.map(|(name, _)| name).join(", ")
            )),
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(KINDS.iter().find(|(_, kind)| kind == self).map_or("", |(name, _)| name))
    }
}

/// When there is trouble.
#[derive(Clone, Copy, Debug)]
pub(super) struct When(Option<(Kind, Instant, Instant)>);

impl When {
    pub(super) fn from_now(trouble: Option<Trouble>) -> When {
        let begins = Instant::now() + BEGINS;
        When(trouble.map(|trouble| (trouble.kind, begins, begins + trouble.lasts)))
    }

    /// Whether there is this trouble now.
    pub(super) fn is(&self, kind: Kind) -> bool {
        let now = Instant::now();
        self.0.is_some_and(|(is, begins, ends)| is == kind && (begins..ends).contains(&now))
    }

    /// Waits until this trouble is over, if there is it.
    pub(super) async fn ends(&self, kind: Kind) {
        if let (true, Some((_, _, ends))) = (self.is(kind), self.0) {
            sleep(ends.saturating_duration_since(Instant::now())).await;
        }
    }
}

/// Takes connections, on which the troubles of lines come about.
pub(super) struct Lines {
    listener: TcpListener,
    when: When,
}

impl Lines {
    pub(super) fn new(listener: TcpListener, when: When) -> Lines {
        Lines { listener, when }
    }
}

impl axum::serve::Listener for Lines {
    type Io = Line;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Line, SocketAddr) {
        loop {
            // By axum, which waits a little where there are too many open files.
            let (stream, address) = axum::serve::Listener::accept(&mut self.listener).await;
            if !self.when.is(Kind::Down) {
                return (Line { stream, when: self.when, rest: None }, address);
            }
        }
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }
}

/// A connection.
pub(super) struct Line {
    stream: TcpStream,
    when: When,
    /// Until the next bytes may go.
    rest: Option<Pin<Box<Sleep>>>,
}

/// So many bytes go at once where they trickle, and then nothing for so long.
const DROP: usize = 2_048;
const BETWEEN: Duration = Duration::from_millis(50);

impl AsyncRead for Line {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.stream).poll_read(context, into))?;
        // What was asked before is still answered.
        if self.when.is(Kind::Down) {
            Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()))
        } else {
            Poll::Ready(Ok(()))
        }
    }
}

impl AsyncWrite for Line {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(context));
            self.rest = None;
        }
        if !self.when.is(Kind::Slow) {
            return Pin::new(&mut self.stream).poll_write(context, bytes);
        }
        let written = ready!(Pin::new(&mut self.stream).poll_write(context, &bytes[..bytes.len().min(DROP)]));
        self.rest = Some(Box::pin(sleep(BETWEEN)));
        Poll::Ready(written)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trouble_is_a_kind_and_a_time() {
        let lasts = |seconds| Duration::from_secs(seconds);
        assert_eq!("down".parse(), Ok(Trouble { kind: Kind::Down, lasts: lasts(60) }));
        assert_eq!("hangs:5".parse(), Ok(Trouble { kind: Kind::Hangs, lasts: lasts(5) }));
        for wrong in ["", "up", "down:", "down:0", "down:1e3", "limited:3601"] {
            let error = wrong.parse::<Trouble>().unwrap_err();
            assert!(error.contains("down, limited, slow, hangs"), "{wrong}: {error}");
        }
    }
}
