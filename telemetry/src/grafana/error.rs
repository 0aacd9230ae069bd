//! What can go wrong with a request, by what to do about it.

use std::fmt;
use std::time::Duration;

/// A request that the server refused, and its words. No secret of the client's is in them.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Method and path: `GET /api/folders/jobs`.
    pub request: String,
    /// The HTTP status.
    pub code: u16,
    /// Grafana's own message, as one line of at most 512 bytes; empty where it gave none.
    pub message: String,
    /// Grafana's word for it, where it gave one: `version-mismatch`, `name-exists`.
    pub status: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Refusal { request, code, message, .. } = self;
        match &**message {
            "" => write!(f, "{request} answered {code} without a message"),
            message => write!(f, "{request} answered {code}: {message}"),
        }
    }
}

/// Why a client could not be made, or an operation did not succeed.
///
/// The server's own words are in it wherever it said something.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Error {
    /// A variable of the environment, or what the builder was given, cannot be used.
    Setting {
        /// The variable or the builder's method.
        name: &'static str,
        /// What it holds, unless that is secret.
        value: String,
        /// What it takes, as the end of a sentence.
        takes: &'static str,
    },
    /// What was to be sent cannot be right, and was not sent.
    Argument {
        /// What it is: `the dashboard's uid`.
        what: &'static str,
        /// What it holds.
        value: String,
        /// What it takes, as the end of a sentence.
        takes: &'static str,
    },
    /// 401: there are no credentials, or the server does not know them.
    Unauthorized(Refusal),
    /// 403: a permission is missing; the message names it. Or what was to be changed is read-only.
    Forbidden(Refusal),
    /// 404: what was asked for, or what it was to be put into, is not there.
    NotFound(Refusal),
    /// 409 or 412: it was changed since it was read. Nothing was overwritten.
    Conflict {
        /// What it is: `dashboard jobs-backfill`.
        what: String,
        /// The version that was read.
        read: Option<String>,
        /// The version that is there now, where it could be read.
        now: Option<String>,
        /// What the server said.
        refusal: Box<Refusal>,
    },
    /// 409 or 412: a name or a uid belongs to something else.
    Taken(Refusal),
    /// 422: the server read the request and cannot do what it says.
    Unprocessable(Refusal),
    /// 400 and all other refusals.
    Refused(Refusal),
    /// 429, or 503 with a time to wait, more often or for longer than the client waits.
    Throttled {
        /// What the server said.
        refusal: Refusal,
        /// How long it asked to wait.
        after: Option<Duration>,
    },
    /// 5xx: the server, or a proxy before it, cannot answer.
    Server(Refusal),
    /// A dashboard of this uid is there, and does not carry the tag [`TAG`](super::TAG): somebody else made it.
    Foreign {
        /// Its uid.
        uid: String,
        /// Its title.
        title: String,
    },
    /// It comes from a file on the server, which would overwrite what is saved.
    Provisioned {
        /// What it is: `dashboard jobs-backfill`.
        what: String,
        /// The file, where the server tells.
        file: Option<String>,
    },
    /// The server sent the client elsewhere, where its credentials are not sent.
    Redirected {
        /// Method and path.
        request: String,
        /// Where to.
        to: String,
    },
    /// The answer is a web page: of a proxy, a login, or another program.
    Html {
        /// Method and path.
        request: String,
        /// The HTTP status.
        code: u16,
        /// The start of the page, as one line.
        start: String,
    },
    /// The answer ended before it was whole.
    Truncated {
        /// Method and path.
        request: String,
        /// How that was seen.
        why: String,
    },
    /// The answer is not one of Grafana's.
    NotGrafana {
        /// Method and path.
        request: String,
        /// The HTTP status.
        code: u16,
        /// What is wrong with it.
        why: String,
    },
    /// The server did not answer in time.
    TimedOut {
        /// Method and path.
        request: String,
        /// The time that it had.
        timeout: Duration,
    },
    /// The server cannot be reached.
    Unreachable {
        /// Where it was looked for, without secrets.
        url: String,
        /// What is in the way.
        why: String,
    },
    /// The client [only compares](super::Client::dry_run), and this would have written.
    DryRun {
        /// Method and path.
        request: String,
    },
    /// No thread could be started for an operation that is awaited, or it ended early.
    Thread {
        /// What is in the way.
        why: String,
    },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Setting { name, value, takes } => write!(f, "{name} is {value:?}; it takes {takes}"),
            Error::Argument { what, value, takes } => write!(f, "{what} is {value:?}; it takes {takes}"),
            Error::Unauthorized(refusal) => {
                write!(
                    f,
                    "Grafana does not know the credentials, or there are none: {refusal}; give a service account's token"
                )
            }
            Error::Forbidden(refusal) => write!(f, "Grafana does not permit that: {refusal}"),
            Error::NotFound(refusal) => write!(f, "Grafana has no such thing: {refusal}"),
            Error::Conflict { what, read, now, refusal } => {
                write!(f, "{what} was changed by somebody else")?;
                match (read, now) {
                    (Some(read), Some(now)) => write!(f, ": version {read} was read, and {now} is there now")?,
                    (Some(read), None) => write!(f, " after version {read} was read")?,
                    (None, Some(now)) => write!(f, ": version {now} is there now")?,
                    (None, None) => {}
                }
                write!(f, "; nothing was overwritten ({refusal})")
            }
            Error::Taken(refusal) => write!(f, "the name or the uid belongs to something else: {refusal}"),
            Error::Unprocessable(refusal) => write!(f, "Grafana cannot do that: {refusal}"),
            Error::Refused(refusal) => write!(f, "Grafana refuses: {refusal}"),
            Error::Throttled { refusal, after } => {
                write!(f, "Grafana is asked too often: {refusal}")?;
                after.map_or(Ok(()), |after| write!(f, "; it asks to wait {after:?}"))
            }
            Error::Server(refusal) => write!(f, "Grafana, or a proxy before it, cannot answer: {refusal}"),
            Error::Foreign { uid, title } => write!(
                f,
                "dashboard {uid} ({title:?}) is not ours, since it does not have the tag \"telemetry\"; give yours another uid, or ask for \
                 `overwrite_foreign`"
            ),
            Error::Provisioned { what, file } => {
                write!(f, "{what} comes from ")?;
                match file {
                    Some(file) => write!(f, "the file {file:?} on the server")?,
                    None => f.write_str("a file on the server")?,
                }
                f.write_str(", which would overwrite what is saved; change it there, or give yours another uid")
            }
            Error::Redirected { request, to } => write!(
                f,
                "{request} is redirected to {to:?}, where the credentials are not sent; give Grafana's own URL, as its setting `root_url` has it"
            ),
            Error::Html { request, code, start } => write!(
                f,
                "{request} answered {code} with a web page, so that a proxy or another program is there and not Grafana's API: {start:?}"
            ),
            Error::Truncated { request, why } => write!(f, "the answer to {request} ended before it was whole ({why})"),
            Error::NotGrafana { request, code, why } => {
                write!(f, "{request} answered {code}, but not as Grafana does: {why}")
            }
            Error::TimedOut { request, timeout } => write!(f, "{request} was not answered within {timeout:?}"),
            Error::Unreachable { url, why } => write!(f, "{url} cannot be reached ({why})"),
            Error::DryRun { request } => write!(f, "{request} was not sent, since the client only compares"),
            Error::Thread { why } => write!(f, "the request was not made, or its result is not known ({why})"),
        }
    }
}

impl std::error::Error for Error {}

impl Error {
    /// What the server said, where it refused.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Error::Unauthorized(refusal)
            | Error::Forbidden(refusal)
            | Error::NotFound(refusal)
            | Error::Taken(refusal)
            | Error::Unprocessable(refusal)
            | Error::Refused(refusal)
            | Error::Throttled { refusal, .. }
            | Error::Server(refusal) => Some(refusal),
            Error::Conflict { refusal, .. } => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same may succeed later.
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            // 501 says that it never will.
            Error::Server(refusal) => refusal.code != 501,
            Error::Throttled { .. } | Error::Truncated { .. } | Error::TimedOut { .. } | Error::Unreachable { .. } => {
                true
            }
            _ => false,
        }
    }

    /// The same conflict, with what it is about.
    pub(super) fn about(self, what: String, read: Option<String>, now: Option<String>) -> Error {
        match self {
            Error::Conflict { refusal, .. } => Error::Conflict { what, read, now, refusal },
            other => other,
        }
    }
}

/// `None` where what was asked for is not there.
pub(super) fn optional<T>(result: Result<T, Error>) -> Result<Option<T>, Error> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(error) => Err(error),
    }
}
