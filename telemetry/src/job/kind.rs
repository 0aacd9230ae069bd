//! Why a request had no answer, as one of a few words.

use std::error::Error;
use std::fmt;
use std::io;

/// What went wrong with a request, as one of a few words: what [`Outcome::error_kind`](crate::job::Outcome::error_kind) returns for the
/// clients that this library knows, and what your own errors can return with [`ErrorKind::of`].
///
/// | word | what happened | may succeed later |
/// |---|---|---|
/// | `dns` | the host's name could not be resolved | yes |
/// | `connect` | nobody took the connection: refused, unreachable, a proxy that would not | yes |
/// | `tls` | the connection could not be made secure: a certificate, a handshake, a host that speaks no TLS | no |
/// | `timeout` | no answer, or no whole one, in time | yes |
/// | `reset` | the connection ended before the answer did | yes |
/// | `protocol` | what came was no HTTP | no |
/// | `decode` | the answer came, but its body was not what it should be: JSON, compression, text | no |
/// | `redirect` | too many redirects, or one that must not be followed | no |
/// | `request` | the request could not be sent as it was made: its URL, a header, its body | no |
/// | `status` | the source answered with a code of 400 or more, which is then what is shown | by its code |
/// | `io` | another error of the system: a file, a permission | no |
/// | `error` | none of these | no |
///
/// ```
/// use std::{error::Error, fmt, io};
/// use telemetry::job::{ErrorKind, Outcome};
///
/// #[derive(Debug)]
/// struct FetchError(io::Error);
///
/// impl fmt::Display for FetchError {
///     fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
///         f.write_str("cannot fetch the page")
///     }
/// }
/// impl Error for FetchError {
///     fn source(&self) -> Option<&(dyn Error + 'static)> {
///         Some(&self.0)
///     }
/// }
/// impl Outcome for FetchError {
///     fn error_kind(&self) -> Option<&'static str> {
///         Some(ErrorKind::of(self).as_str())
///     }
/// }
///
/// let refused = FetchError(io::ErrorKind::ConnectionRefused.into());
/// assert_eq!(refused.error_kind(), Some("connect"));
/// assert!(refused.is_retryable());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// `dns`
    Dns,
    /// `connect`
    Connect,
    /// `tls`
    Tls,
    /// `timeout`
    Timeout,
    /// `reset`
    Reset,
    /// `protocol`
    Protocol,
    /// `decode`
    Decode,
    /// `redirect`
    Redirect,
    /// `request`
    Request,
    /// `status`
    Status,
    /// `io`
    Io,
    /// `error`
    Other,
}

/// 32: no chain of causes is as long, unless it is a circle.
const DEEPEST: usize = 32;

impl ErrorKind {
    /// The word: the value of the labels `code` and `reason`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            ErrorKind::Dns => "dns",
            ErrorKind::Connect => "connect",
            ErrorKind::Tls => "tls",
            ErrorKind::Timeout => "timeout",
            ErrorKind::Reset => "reset",
            ErrorKind::Protocol => "protocol",
            ErrorKind::Decode => "decode",
            ErrorKind::Redirect => "redirect",
            ErrorKind::Request => "request",
            ErrorKind::Status => "status",
            ErrorKind::Io => "io",
            ErrorKind::Other => "error",
        }
    }

    /// What an error says, or the first of its causes that this library knows: an [`io::Error`], and those of the clients whose
    /// features are on.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> ErrorKind {
        known(error, 0).unwrap_or(ErrorKind::Other)
    }
}

impl fmt::Display for ErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The errors of a chain of causes, the outermost first.
#[cfg(feature = "reqwest")]
pub(crate) fn causes<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |&error: &&'a (dyn Error + 'static)| error.source()).take(DEEPEST)
}

fn known(error: &(dyn Error + 'static), depth: usize) -> Option<ErrorKind> {
    if depth == DEEPEST {
        return None;
    }
    #[cfg(feature = "reqwest")]
    if let Some(error) = error.downcast_ref::<reqwest::Error>() {
        return Some(super::adapters::reqwest::kind(error));
    }
    #[cfg(feature = "ureq")]
    if let Some(error) = error.downcast_ref::<ureq::Error>() {
        return Some(super::adapters::ureq::kind(error));
    }
    match error.downcast_ref::<io::Error>() {
        Some(error) => Some(of_io(error, depth)),
        None => error.source().and_then(|cause| known(cause, depth + 1)),
    }
}

/// An error of input or output may be the envelope of another one.
fn of_io(error: &io::Error, depth: usize) -> ErrorKind {
    use io::ErrorKind as Kind;
    match error.kind() {
        Kind::TimedOut | Kind::WouldBlock => ErrorKind::Timeout,
        Kind::ConnectionRefused
        | Kind::NotConnected
        | Kind::HostUnreachable
        | Kind::NetworkUnreachable
        | Kind::NetworkDown
        | Kind::AddrNotAvailable => ErrorKind::Connect,
        Kind::ConnectionReset | Kind::ConnectionAborted | Kind::BrokenPipe | Kind::UnexpectedEof => ErrorKind::Reset,
        // What the standard library says of `getaddrinfo` has no kind of its own.
        _ if error.to_string().starts_with("failed to lookup address information") => ErrorKind::Dns,
        kind => {
            let within = error.get_ref().and_then(|within| known(within, depth + 1));
            within.unwrap_or(if kind == Kind::InvalidData { ErrorKind::Decode } else { ErrorKind::Io })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_does_not_resolve_is_one_whoever_says_it() {
        let error = std::net::TcpStream::connect("no-such-host.invalid:80").unwrap_err();
        assert_eq!(ErrorKind::of(&error), ErrorKind::Dns, "{error}");
    }

    #[test]
    fn an_error_is_known_by_its_innermost_envelope() {
        let reset = io::Error::from(io::ErrorKind::ConnectionReset);
        let twice = io::Error::other(io::Error::other(reset));
        assert_eq!(ErrorKind::of(&twice), ErrorKind::Reset);
        assert_eq!(ErrorKind::of(&io::Error::other("no disk")), ErrorKind::Io);
        assert_eq!(ErrorKind::of(&fmt::Error), ErrorKind::Other);
    }

    #[test]
    fn a_circle_of_causes_has_an_end() {
        #[derive(Debug)]
        struct Circle;
        impl fmt::Display for Circle {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("circle")
            }
        }
        impl Error for Circle {
            fn source(&self) -> Option<&(dyn Error + 'static)> {
                Some(&Circle)
            }
        }
        assert_eq!(ErrorKind::of(&Circle), ErrorKind::Other);
    }
}
