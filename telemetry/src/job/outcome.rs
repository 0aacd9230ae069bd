//! What the result of a request says: its code, what went wrong, and whether to try again.

use crate::job::ErrorKind;
use crate::job::adapters::answer_of;
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

    /// What went wrong, as one of a few words: those of [`ErrorKind`], or of your own. `None` where nothing did.
    fn error_kind(&self) -> Option<&'static str>;

    /// How long the source asked to wait before the next request: the header `Retry-After`.
    fn retry_after(&self) -> Option<Duration> {
        None
    }

    /// Whether the same request may succeed later. By default for the codes 408, 425, 429, 500, 502, 503 and 504, and without
    /// a code for the kinds `timeout`, `connect`, `dns` and `reset`.
    fn is_retryable(&self) -> bool {
        match (self.code(), self.error_kind()) {
            (Some(code), _) => is_retryable_code(code),
            (None, kind) => matches!(kind, Some("timeout" | "connect" | "dns" | "reset")),
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

/// The error's, or where there is none that of a request that went well; but where the value is an answer of `reqwest` or `ureq` (behind the
/// features of these names), the answer's own code, which may be that of an error.
impl<T, E: Outcome> Outcome for Result<T, E> {
    fn code(&self) -> Option<u16> {
        match self {
            Ok(value) => answer_of(value).map(|answer| answer.code).or_else(E::ok_code),
            Err(error) => error.code(),
        }
    }

    fn error_kind(&self) -> Option<&'static str> {
        match self {
            Ok(value) => answer_of(value)?.is_error().then_some(ErrorKind::Status.as_str()),
            Err(error) => error.error_kind().or(Some(ErrorKind::Other.as_str())),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Ok(value) => answer_of(value)?.retry_after,
            Err(error) => error.retry_after(),
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            Ok(value) => answer_of(value).is_some_and(|answer| answer.is_retryable()),
            Err(error) => error.is_retryable(),
        }
    }
}

/// Whether what a code says may pass: the source is busy or broken, or was asked too often.
pub(crate) fn is_retryable_code(code: u16) -> bool {
    matches!(code, 408 | 425 | 429 | 500 | 502 | 503 | 504)
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
        Some(ErrorKind::of(self).as_str())
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
        let cut_off: Result<(), io::Error> = Err(io::ErrorKind::UnexpectedEof.into());
        assert_eq!((code_label(&cut_off), cut_off.is_retryable()), ("reset".into(), true));
        let denied: Result<(), io::Error> = Err(io::ErrorKind::PermissionDenied.into());
        assert!(!denied.is_retryable());
        let fine: Result<u8, io::Error> = Ok(7);
        assert_eq!((code_label(&fine), fine.is_retryable()), ("ok".into(), false));
    }
}
