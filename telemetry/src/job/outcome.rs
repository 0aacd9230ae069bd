//! What the result of a request says: its code, what went wrong, and whether to try again.

use std::convert::Infallible;
use std::io;
use std::time::Duration;

/// What a request's output says about how the request went.
///
/// Implement it for your client's error; [`Result`] then has it. An error that has a response code says so with
/// [`code`](Outcome::code), one that has none (no connection, no answer in time) with [`error_kind`](Outcome::error_kind).
///
/// ```
/// use std::time::Duration;
/// use telemetry::job::Outcome;
///
/// enum Error {
///     Status { code: u16, retry_after: Option<Duration> },
///     TimedOut,
/// }
///
/// impl Outcome for Error {
///     fn code(&self) -> Option<u16> {
///         match self {
///             Error::Status { code, .. } => Some(*code),
///             Error::TimedOut => None,
///         }
///     }
///     fn error_kind(&self) -> Option<&'static str> {
///         match self {
///             Error::Status { .. } => Some("status"),
///             Error::TimedOut => Some("timeout"),
///         }
///     }
///     fn retry_after(&self) -> Option<Duration> {
///         match self {
///             Error::Status { retry_after, .. } => *retry_after,
///             Error::TimedOut => None,
///         }
///     }
/// }
///
/// let page: Result<u8, Error> = Err(Error::Status { code: 429, retry_after: Some(Duration::from_secs(2)) });
/// assert_eq!(page.code(), Some(429));
/// assert!(page.is_retryable());
/// assert!(Result::<u8, Error>::Err(Error::TimedOut).is_retryable());
/// assert_eq!(Result::<u8, Error>::Ok(1).code(), Some(200));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how a request went",
    label = "`telemetry::job::Outcome` is not implemented for this",
    note = "a request returns a `Result<T, E>`; implement `telemetry::job::Outcome` for its `E`"
)]
pub trait Outcome {
    /// The response's code, where there was a response.
    fn code(&self) -> Option<u16> {
        None
    }

    /// What went wrong, as one of a few words: `timeout`, `connect`, `decode`. `None` where nothing did.
    fn error_kind(&self) -> Option<&'static str>;

    /// How long the source asked to wait before the next request: the header `Retry-After`.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Whether the same request may succeed later. By default for the codes 408, 425, 429, 500, 502, 503 and 504, and without
    /// a code for the kinds `timeout` and `connect`.
    fn is_retryable(&self) -> bool {
        match (self.code(), self.error_kind()) {
            (Some(code), _) => matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504),
            (None, kind) => matches!(kind, Some("timeout" | "connect")),
        }
    }

    /// Implemented for an error: the code of a request that returned `Ok`. 200 by default; `None` where the protocol has no
    /// codes, which is then shown as `ok`.
    #[must_use]
    fn ok_code() -> Option<u16>
    where
        Self: Sized,
    {
        Some(200)
    }
}

impl<T, E: Outcome> Outcome for Result<T, E> {
    fn code(&self) -> Option<u16> {
        match self {
            Ok(_) => E::ok_code(),
            Err(error) => error.code(),
        }
    }

    fn error_kind(&self) -> Option<&'static str> {
        match self {
            Ok(_) => None,
            Err(error) => error.error_kind().or(Some("error")),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        self.as_ref().err().and_then(Outcome::retry_after)
    }

    fn is_retryable(&self) -> bool {
        self.as_ref().is_err_and(Outcome::is_retryable)
    }
}

impl Outcome for Infallible {
    fn error_kind(&self) -> Option<&'static str> {
        match *self {}
    }

    fn ok_code() -> Option<u16> {
        None
    }
}

impl Outcome for io::Error {
    fn error_kind(&self) -> Option<&'static str> {
        use io::ErrorKind as Kind;
        Some(match self.kind() {
            Kind::TimedOut | Kind::WouldBlock => "timeout",
            Kind::ConnectionRefused
            | Kind::ConnectionReset
            | Kind::ConnectionAborted
            | Kind::NotConnected
            | Kind::BrokenPipe
            | Kind::HostUnreachable
            | Kind::NetworkUnreachable
            | Kind::NetworkDown => "connect",
            Kind::UnexpectedEof | Kind::InvalidData => "decode",
            _ => "io",
        })
    }

    fn ok_code() -> Option<u16> {
        None
    }
}

impl<T: Outcome + ?Sized> Outcome for Box<T> {
    fn code(&self) -> Option<u16> {
        (**self).code()
    }

    fn error_kind(&self) -> Option<&'static str> {
        (**self).error_kind()
    }

    fn retry_after(&self) -> Option<Duration> {
        (**self).retry_after()
    }

    fn is_retryable(&self) -> bool {
        (**self).is_retryable()
    }
}

/// The value of the label `code`.
pub(crate) fn code_label(outcome: &dyn Outcome) -> String {
    match (outcome.code(), outcome.error_kind()) {
        (Some(code), _) => code.to_string(),
        (None, kind) => kind.unwrap_or("ok").to_owned(),
    }
}

/// The value of the label `reason`: why a request is sent again.
pub(crate) fn reason_label(outcome: &dyn Outcome) -> String {
    match (outcome.code(), outcome.error_kind()) {
        (Some(code), _) if code >= 400 => code.to_string(),
        (_, Some(kind)) => kind.to_owned(),
        (Some(code), None) => code.to_string(),
        (None, None) => "asked".to_owned(),
    }
}

/// Whether the source said that it was asked too often, rather than that it failed.
pub(crate) fn is_rate_limited(outcome: &dyn Outcome) -> bool {
    match outcome.code() {
        Some(429) => true,
        Some(503) => outcome.retry_after().is_some(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_without_a_code_is_shown_by_its_kind() {
        let refused: Result<(), io::Error> = Err(io::ErrorKind::ConnectionRefused.into());
        assert_eq!((code_label(&refused), reason_label(&refused)), ("connect".into(), "connect".into()));
        assert!(refused.is_retryable());
        let denied: Result<(), io::Error> = Err(io::ErrorKind::PermissionDenied.into());
        assert!(!denied.is_retryable());
        let fine: Result<u8, io::Error> = Ok(7);
        assert_eq!((code_label(&fine), fine.is_retryable()), ("ok".into(), false));
    }
}
