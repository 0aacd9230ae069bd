//! An answer with a code of 400 or more as an error that still knows what the answer asked for.

use crate::job::ErrorKind;
use crate::job::adapters::Answer;
use crate::job::outcome::Outcome;
use std::error::Error;
use std::fmt;
use std::time::Duration;

pub(crate) mod sealed {
    use super::Answer;

    pub trait Sealed: Sized {
        #[doc(hidden)]
        fn says(&self) -> Said;
    }

    /// What an answer says, for nobody else to read.
    #[derive(Debug)]
    pub struct Said(pub(crate) Answer);
}

/// An answer of an HTTP client: `reqwest`'s or `ureq`'s.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no answer of `reqwest` or `ureq`",
    note = "the features `reqwest` and `ureq` each bring their client's answer"
)]
pub trait HttpAnswer: sealed::Sealed {}

impl<T: sealed::Sealed> HttpAnswer for T {}

/// Why [`checked`] gave no answer: its code, or the client's error.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum HttpError<E> {
    /// The source answered with a code of 400 or more.
    #[non_exhaustive]
    Status {
        /// The code.
        code: u16,
        /// How long the source asked to wait.
        retry_after: Option<Duration>,
    },
    /// There was no answer, or its body could not be read.
    Client(E),
}

/// Makes an answer with a code of 400 or more an error, as `reqwest`'s `error_for_status` does, but one that still knows how long the source
/// asked to wait.
///
/// For a request that reads the body too: its duration is then that of the whole answer, and a body that breaks off is a try that failed.
#[cfg_attr(
    all(feature = "reqwest", not(feature = "ureq")),
    doc = r#"
```no_run
use telemetry::job::{HttpError, checked};

async fn fetch(client: &reqwest::Client) -> Result<String, HttpError<reqwest::Error>> {
    let answer = checked(client.get("https://source.example/flights").send().await)?;
    Ok(answer.text().await?)
}
```"#
)]
#[cfg_attr(
    feature = "ureq",
    doc = r#"
```no_run
use telemetry::job::{HttpError, checked};

fn fetch(agent: &ureq::Agent) -> Result<String, HttpError<ureq::Error>> {
    let mut answer = checked(agent.get("https://source.example/flights").call())?;
    Ok(answer.body_mut().read_to_string()?)
}
```
An agent of `ureq` makes the code an error by itself and forgets the rest: make it with `http_status_as_error(false)`."#
)]
///
/// # Errors
/// The code, or the client's error.
pub fn checked<A: HttpAnswer, E>(answer: Result<A, E>) -> Result<A, HttpError<E>> {
    let answer = answer.map_err(HttpError::Client)?;
    let sealed::Said(said) = answer.says();
    if said.is_error() {
        return Err(HttpError::Status { code: said.code, retry_after: said.retry_after });
    }
    Ok(answer)
}

impl<E> From<E> for HttpError<E> {
    fn from(error: E) -> HttpError<E> {
        HttpError::Client(error)
    }
}

impl<E: Outcome> Outcome for HttpError<E> {
    fn code(&self) -> Option<u16> {
        match self {
            HttpError::Status { code, .. } => Some(*code),
            HttpError::Client(error) => error.code(),
        }
    }

    fn error_kind(&self) -> Option<&'static str> {
        match self {
            HttpError::Status { .. } => Some(ErrorKind::Status.as_str()),
            HttpError::Client(error) => error.error_kind(),
        }
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            HttpError::Status { retry_after, .. } => *retry_after,
            HttpError::Client(error) => error.retry_after(),
        }
    }

    fn is_retryable(&self) -> bool {
        match self {
            HttpError::Status { code, retry_after } => Answer { code: *code, retry_after: *retry_after }.is_retryable(),
            HttpError::Client(error) => error.is_retryable(),
        }
    }

    fn ok_code() -> Option<u16> {
        E::ok_code()
    }
}

impl<E> fmt::Display for HttpError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::Status { code, retry_after: None } => write!(f, "the source answered with {code}"),
            HttpError::Status { code, retry_after: Some(wait) } => {
                write!(f, "the source answered with {code} and asks to wait {} s", wait.as_secs_f64())
            }
            HttpError::Client(_) => f.write_str("the source was asked and gave no answer"),
        }
    }
}

impl<E: Error + 'static> Error for HttpError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            HttpError::Status { .. } => None,
            HttpError::Client(error) => Some(error),
        }
    }
}
