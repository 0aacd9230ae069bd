//! `ureq`'s answers and errors.

use crate::job::ErrorKind;
use crate::job::adapters::checked::sealed::{Said, Sealed};
use crate::job::adapters::{Answer, asked_to_wait};
use crate::job::outcome::Outcome;
use std::io;
use std::time::Duration;
use ureq::Error;

/// What `ureq`'s requests return.
pub(crate) type Response = ureq::http::Response<ureq::Body>;

pub(crate) fn answer(response: &Response) -> Answer {
    let code = response.status().as_u16();
    // Only an answer that is no success asks for a wait that concerns us.
    let retry_after = (code >= 300).then(|| asked_to_wait(response.headers())).flatten();
    Answer { code, retry_after }
}

/// An answer by itself, for what cannot fail otherwise.
impl Outcome for Response {
    fn code(&self) -> Option<u16> {
        Some(self.status().as_u16())
    }

    fn error_kind(&self) -> Option<&'static str> {
        answer(self).is_error().then_some(ErrorKind::Status.as_str())
    }

    fn retry_after(&self) -> Option<Duration> {
        answer(self).retry_after
    }
}

impl Sealed for Response {
    fn says(&self) -> Said {
        Said(answer(self))
    }
}

/// The code of an error that has one, and the word of [`ErrorKind`] for all others.
///
/// `ureq` makes a code of 400 or more an error that has lost how long the source asked to wait. An agent that is made with
/// `http_status_as_error(false)` returns the answer instead, as `Ok`; it is counted by its code and, where the code may pass, sent again
/// after the time that the source asked for.
impl Outcome for Error {
    fn code(&self) -> Option<u16> {
        match self {
            Error::StatusCode(code) => Some(*code),
            _ => None,
        }
    }

    fn error_kind(&self) -> Option<&'static str> {
        Some(kind(self).as_str())
    }
}

pub(crate) fn kind(error: &Error) -> ErrorKind {
    match error {
        Error::StatusCode(_) => ErrorKind::Status,
        Error::Timeout(_) => ErrorKind::Timeout,
        Error::HostNotFound => ErrorKind::Dns,
        Error::ConnectionFailed | Error::ConnectProxyFailed(_) => ErrorKind::Connect,
        Error::Tls(_) | Error::TlsRequired => ErrorKind::Tls,
        Error::RedirectFailed | Error::TooManyRedirects => ErrorKind::Redirect,
        Error::Http(_) | Error::BadUri(_) | Error::InvalidProxyUrl | Error::RequireHttpsOnly(_) => ErrorKind::Request,
        Error::Protocol(_) | Error::LargeResponseHeader(..) | Error::BodyStalled => ErrorKind::Protocol,
        Error::BodyExceedsLimit(_) => ErrorKind::Decode,
        // What TLS says comes in an envelope (as does, seldom, that a SOCKS proxy speaks nonsense); what a body is, without one.
        Error::Io(error) if error.kind() == io::ErrorKind::InvalidData && error.get_ref().is_some() => ErrorKind::Tls,
        Error::Io(error) => ErrorKind::of(error),
        Error::Other(error) => ErrorKind::of(&**error),
        // The rest come with features of `ureq` that its user has chosen, and which may not be named here. Display is all they share.
        other => by_its_words(&other.to_string()),
    }
}

fn by_its_words(words: &str) -> ErrorKind {
    if ["rustls: ", "native-tls: ", "PEM: ", "der: "].iter().any(|start| words.starts_with(start)) {
        ErrorKind::Tls
    } else if words.starts_with("json: ")
        || words.contains("decompression failed")
        || words.starts_with("unknown character set")
    {
        ErrorKind::Decode
    } else if words.starts_with("cookie: ") || words.starts_with("invalid MIME type") {
        ErrorKind::Request
    } else {
        ErrorKind::Other
    }
}
