//! Reads the source: a page is a request that is sent again until it comes, a day is all of its pages.

use crate::store::FetchedDay;
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use telemetry::job::{HttpError, Rate, RetryPolicy, checked};
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
    limit: u32,
    errors_borne: u32,
}

impl Client {
    /// Asks the source at this address, at most so often a second.
    pub fn new(url: String, limit: u32) -> Result<Client, reqwest::Error> {
        // Nothing between this program and loopback.
        let http = reqwest::Client::builder().no_proxy().timeout(TIMEOUT).build()?;
        Ok(Client { http, url, limit, errors_borne: ERRORS_BORNE })
    }

    /// Bears so many errors of one page.
    pub fn bearing(mut self, errors: u32) -> Client {
        self.errors_borne = errors;
        self
    }

    /// All flights of a day.
    #[measured]
    pub async fn day(&self, job: &Job, day: Day) -> Result<FetchedDay, Error> {
        let mut flights = Vec::new();
        let mut next = Some(1);
        let mut total = 0;
        while let Some(number) = next {
            let page = job.retry(&self.patience(job), ENDPOINT, || self.page(day, number)).await;
            let page: Page = page.map_err(|error| Error::Page { day, number, error })?;
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
    async fn page(&self, day: Day, number: u32) -> Result<Page, HttpError<reqwest::Error>> {
        let url = format!("{}/v1/flights?day={day}&page={number}", self.url);
        let answer = checked(self.http.get(url).send().await)?;
        Ok(answer.json().await?)
    }

    /// For one page: it counts the page's errors. All pages share the limit.
    fn patience(&self, job: &Job) -> RetryPolicy {
        // A quarter of a second's requests may go at once.
        let limiter = job.limiter(ENDPOINT, Rate::per_second(self.limit).burst((self.limit / 4).max(1)));
        let (errors, borne) = (AtomicU32::new(0), self.errors_borne);
        let (first, longest) = BACKOFF;
        RetryPolicy::new().limiter(&limiter).attempts(u32::MAX).backoff(first, longest).retry_if(move |outcome| {
            let is_limit = outcome.code() == Some(429);
            outcome.is_retryable() && (is_limit || errors.fetch_add(1, Ordering::Relaxed) < borne)
        })
    }
}

/// Why a day could not be fetched.
#[derive(Debug)]
pub enum Error {
    /// A page was asked for until it was given up.
    Page { day: Day, number: u32, error: HttpError<reqwest::Error> },
    /// The pages do not make up what the source said that there is.
    Incomplete { day: Day, total: usize, got: usize },
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Page { day, number, error } => {
                write!(f, "page {number} of {day} was given up: {error}")?;
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
