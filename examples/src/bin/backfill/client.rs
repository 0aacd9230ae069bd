//! Reads the source: a page is a request that is sent again until it comes, a day is all of its pages.

use crate::store::FetchedDay;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use telemetry::job::{Outcome, RetryPolicy};
use telemetry::{Job, measured};
use telemetry_examples::day::Day;
use telemetry_examples::source::Page;

/// As the job's metrics name what is asked for.
const ENDPOINT: &str = "flights";

/// The wait before a request is sent again is drawn up to the first, doubled each time up to the second.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// A page is given up after so many errors. That the source asked to wait is no error, and is borne as often as it takes.
const ERRORS_BORNE: u32 = 8;

/// No answer takes so long, unless it never comes.
const TIMEOUT: Duration = Duration::from_secs(30);

pub struct Client {
    http: reqwest::Client,
    url: String,
}

impl Client {
    pub fn new(url: String) -> Result<Client, Error> {
        // Nothing between this program and loopback.
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build().map_err(Error::Http)?;
        Ok(Client { http, url })
    }

    /// All flights of a day.
    #[measured]
    pub async fn day(&self, job: &Job, day: Day) -> Result<FetchedDay, Error> {
        let mut flights = Vec::new();
        let mut next = Some(1);
        let mut total = 0;
        while let Some(number) = next {
            let page = job.retry(&patience(), ENDPOINT, || self.page(job, day, number)).await?;
            flights.extend(page.flights);
            (next, total) = (page.next, page.total);
        }
        if flights.len() != total {
            return Err(Error::Incomplete { day, total, got: flights.len() });
        }
        Ok(FetchedDay { day, flights })
    }

    /// One request.
    #[measured]
    async fn page(&self, job: &Job, day: Day, number: u32) -> Result<Page, Error> {
        let url = format!("{}/v1/flights?day={day}&page={number}", self.url);
        let response = self.http.get(url).send().await.map_err(Error::Http)?;
        if let Some(left) = whole_number(response.headers(), "x-ratelimit-remaining") {
            job.tokens(ENDPOINT, left);
        }
        let code = response.status().as_u16();
        if code != 200 {
            let retry_after = whole_number(response.headers(), RETRY_AFTER.as_str()).map(Duration::from_secs);
            return Err(Error::Status { day, number, code, retry_after });
        }
        response.json().await.map_err(Error::Http)
    }
}

/// The number in a header. (`Retry-After` may also hold a date; this source sends seconds.)
fn whole_number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.parse().ok()
}

/// For one page: it counts the page's errors.
fn patience() -> RetryPolicy {
    let errors = AtomicU32::new(0);
    let (first, longest) = BACKOFF;
    RetryPolicy::new().attempts(u32::MAX).backoff(first, longest).retry_if(move |outcome| {
        let is_limit = outcome.code() == Some(429);
        outcome.is_retryable() && (is_limit || errors.fetch_add(1, Ordering::Relaxed) < ERRORS_BORNE)
    })
}

/// Why a day could not be fetched.
#[derive(Debug)]
pub enum Error {
    /// The source answered with an error, and did so again until its page was given up.
    Status { day: Day, number: u32, code: u16, retry_after: Option<Duration> },
    /// No answer, or one that cannot be read.
    Http(reqwest::Error),
    /// The pages do not make up what the source said that there is.
    Incomplete { day: Day, total: usize, got: usize },
}

impl Outcome for Error {
    fn code(&self) -> Option<u16> {
        match self {
            Error::Status { code, .. } => Some(*code),
            Error::Http(_) | Error::Incomplete { .. } => None,
        }
    }

    fn error_kind(&self) -> Option<&'static str> {
        Some(match self {
            Error::Status { .. } => "status",
            Error::Http(error) if error.is_timeout() => "timeout",
            // Also what broke off on the way: the same request may arrive the next time.
            Error::Http(error) if error.is_connect() || error.is_request() || error.is_body() => "connect",
            Error::Http(_) | Error::Incomplete { .. } => "decode",
        })
    }

    fn retry_after(&self) -> Option<Duration> {
        match self {
            Error::Status { retry_after, .. } => *retry_after,
            Error::Http(_) | Error::Incomplete { .. } => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Status { day, number, code, .. } => {
                write!(f, "page {number} of {day}: the source answered {code} until it was given up")
            }
            Error::Http(error) => {
                write!(f, "the source could not be read: {error}")?;
                let causes = std::iter::successors(std::error::Error::source(error), |cause| cause.source());
                causes.into_iter().try_for_each(|cause| write!(f, ": {cause}"))
            }
            Error::Incomplete { day, total, got } => {
                write!(f, "{day} has {total} flights by the source's own word, and {got} on its pages")
            }
        }
    }
}

impl std::error::Error for Error {}
