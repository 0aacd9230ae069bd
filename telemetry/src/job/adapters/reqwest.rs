//! `reqwest`'s answers and errors.

use crate::job::ErrorKind;
use crate::job::adapters::checked::sealed::{Said, Sealed};
use crate::job::adapters::{Answer, asked_to_wait};
use crate::job::kind::causes;
use crate::job::outcome::Outcome;
use reqwest::{Error, Response};
use std::io;
use std::time::Duration;

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
/// In a [`Result`] an answer with a code such as 503 is counted by its code and, where the code may pass, sent again, though it is `Ok`.
/// `error_for_status` loses how long the source asked to wait; [`checked`](crate::job::checked) does not.
impl Outcome for Error {
    fn code(&self) -> Option<u16> {
        self.status().map(|code| code.as_u16())
    }

    fn error_kind(&self) -> Option<&'static str> {
        Some(kind(self).as_str())
    }
}

pub(crate) fn kind(error: &Error) -> ErrorKind {
    if error.is_status() {
        ErrorKind::Status
    } else if error.is_builder() {
        ErrorKind::Request
    } else if error.is_redirect() {
        ErrorKind::Redirect
    } else if error.is_timeout() {
        ErrorKind::Timeout
    } else if error.is_dns() {
        ErrorKind::Dns
    } else if error.is_connect() {
        while_connecting(error)
    } else if let Some(kind) = on_the_way(error) {
        kind
    } else if error.is_decode() || error.is_body() {
        ErrorKind::Decode
    } else if error.is_upgrade() {
        ErrorKind::Protocol
    } else {
        ErrorKind::Other
    }
}

fn input_or_output(error: &Error) -> Option<&io::Error> {
    causes(error).find_map(|cause| cause.downcast_ref::<io::Error>())
}

/// Whichever library makes the connection secure, what it says of a certificate or of a message is no error of the system's.
fn while_connecting(error: &Error) -> ErrorKind {
    let is_https = error.url().is_some_and(|url| url.scheme() == "https");
    let Some(error) = input_or_output(error) else {
        return if is_https { ErrorKind::Tls } else { ErrorKind::Connect };
    };
    match ErrorKind::of(error) {
        kind @ (ErrorKind::Connect | ErrorKind::Timeout | ErrorKind::Reset) => kind,
        _ if is_https && !is_of_the_system(error) => ErrorKind::Tls,
        _ => ErrorKind::Connect,
    }
}

fn is_of_the_system(error: &io::Error) -> bool {
    let within = error.get_ref().and_then(|within| within.downcast_ref::<io::Error>());
    within.map_or(error.raw_os_error().is_some(), is_of_the_system)
}

/// What became of a connection that was there.
fn on_the_way(error: &Error) -> Option<ErrorKind> {
    if let Some(error) = input_or_output(error) {
        let kind = ErrorKind::of(error);
        // Data that is not what it should be, under the request or in the body, has its own words below.
        return (!matches!(kind, ErrorKind::Decode | ErrorKind::Io)).then_some(kind);
    }
    let error = causes(error).find_map(|cause| cause.downcast_ref::<hyper::Error>())?;
    Some(
        if error.is_incomplete_message() || error.is_canceled() || error.is_closed() || error.is_body_write_aborted() {
            ErrorKind::Reset
        } else if error.is_user() {
            ErrorKind::Request
        } else {
            ErrorKind::Protocol
        },
    )
}
