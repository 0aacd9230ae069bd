//! A source API on loopback: the flights that left New York in 2013, by day, over real HTTP, with what real sources do to those
//! who read them: pages, a rate limit, slow answers and errors.
//!
//! ```text
//! GET /v1/flights?day=2013-01-17&page=1
//!   200 {"day": "2013-01-17", "page": 1, "next": 2, "total": 928, "flights": […]}   `next` is null on the last page
//!   400, 404                                                                        no such day or page
//!   429 with Retry-After                                                            the rate limit
//!   500, 502, 503                                                                   the share `faults` of the rest
//! GET /v1/stats
//!   200 {"answers": {"200": 1543, "429": 12}, "flights": 336776}                    what was answered so far
//! ```
//!
//! Each answer from `/v1/flights` says in `x-ratelimit-remaining` how many requests may follow at once. It runs on a thread and a
//! runtime of its own, so that it takes nothing from the workers of the program that reads it.

mod faults;
mod flights;
mod limit;
mod trouble;

use crate::day::Day;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Query, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
pub use faults::FAULTY_ATTEMPTS;
use flights::Flights;
use limit::TokenBucket;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
pub use trouble::{Kind, Trouble};
use trouble::{Lines, When};

/// One flight, with the columns and the units of the origin; what it does not know is `null` in JSON.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the columns are described beside the data")]
pub struct Flight {
    pub year: i32,
    pub month: i32,
    pub day: i32,
    pub dep_time: Option<i32>,
    pub sched_dep_time: i32,
    pub dep_delay: Option<i32>,
    pub arr_time: Option<i32>,
    pub sched_arr_time: i32,
    pub arr_delay: Option<i32>,
    pub carrier: String,
    pub flight: i32,
    pub tailnum: Option<String>,
    pub origin: String,
    pub dest: String,
    pub air_time: Option<i32>,
    pub distance: i32,
    pub hour: i32,
    pub minute: i32,
    pub time_hour: String,
}

/// One page of a day's flights: as it is read by default, and borrowed where it is written.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Page<F = Vec<Flight>> {
    /// The day that was asked for.
    pub day: Day,
    /// The page that was asked for; the first is 1.
    pub page: u32,
    /// The page that follows.
    pub next: Option<u32>,
    /// How many flights the day has on all its pages.
    pub total: usize,
    /// The flights on this page.
    pub flights: F,
}

/// What the source answered so far.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stats {
    /// Answers from `/v1/flights` by their code.
    pub answers: BTreeMap<u16, u64>,
    /// Flights in them.
    pub flights: u64,
}

/// Requests that were not sent may be sent later, at once, up to those of so much time; one always may.
pub const BURST: Duration = Duration::from_millis(750);

/// How the source behaves.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// The share (0 to 1) of a page's first [`FAULTY_ATTEMPTS`] requests that is answered with an error.
    pub faults: f64,
    /// Where the faults are drawn from: the same seed gives the same ones.
    pub seed: u64,
    /// Requests a second that the rate limit allows in the long run; after a rest, those of [`BURST`] at once.
    pub per_second: f64,
    /// Flights on a page.
    pub page_size: usize,
    /// What goes wrong for a while, if anything.
    pub trouble: Option<Trouble>,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings { faults: 0.05, seed: 2013, per_second: 40.0, page_size: 250, trouble: None }
    }
}

/// The running source. It stops when this is dropped.
pub struct Source {
    address: SocketAddr,
    api: Arc<Api>,
    /// Dropped, it ends the thread.
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Source {
    /// Starts to serve on a free port of the loopback interface.
    ///
    /// # Errors
    /// When there is no free port, no room for a temporary file, or no thread to be had.
    pub fn start(settings: Settings) -> Result<Source, Error> {
        let burst = (settings.per_second * BURST.as_secs_f64()).max(1.0);
        let when = When::from_now(settings.trouble);
        let api = Arc::new(Api {
            settings,
            when,
            flights: Flights::open()?,
            limit: TokenBucket::new(settings.per_second, burst, Instant::now()),
            attempts: Mutex::default(),
            stats: Mutex::default(),
        });
        let (listener, address) = listen().map_err(Error::Start)?;
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(Error::Start)?;
        let (stop, stopped) = oneshot::channel();
        let router = router(Arc::clone(&api));
        let serve = move || {
            runtime.block_on(async {
                let serving = async { axum::serve(Lines::new(TcpListener::from_std(listener)?, when), router).await };
                tokio::select! {
                    _ = serving => {} // does not end by itself
                    _ = stopped => {}
                }
            });
        };
        let thread = std::thread::Builder::new().name("source".into()).spawn(serve).map_err(Error::Start)?;
        Ok(Source { address, api, stop: Some(stop), thread: Some(thread) })
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What its paths follow, such as `http://127.0.0.1:40001`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What it answered so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        lock(&self.api.stats).clone()
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of that thread has been printed, and must not become one of this.
            let _ = thread.join();
        }
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("address", &self.address).finish_non_exhaustive()
    }
}

/// Why the source does not start, or cannot answer.
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The data could not be written to a temporary file.
    File(io::Error),
    /// The data could not be read.
    Data(duckdb::Error),
    /// There is no port, no runtime or no thread.
    Start(io::Error),
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::File(error) => write!(
                f,
                "the source cannot write its flights to a temporary file in {}: {error}; TMPDIR names another folder",
                std::env::temp_dir().display()
            ),
            Error::Data(error) => write!(f, "the source cannot read its flights: {error}"),
            Error::Start(error) => write!(f, "the source cannot serve on loopback: {error}"),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::File(error) | Error::Start(error) => Some(error),
            Error::Data(error) => Some(error),
        }
    }
}

impl From<duckdb::Error> for Error {
    fn from(error: duckdb::Error) -> Error {
        Error::Data(error)
    }
}

/// A free port. Not by way of the runtime: the caller may be inside of another one.
fn listen() -> io::Result<(std::net::TcpListener, SocketAddr)> {
    let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    Ok((listener, address))
}

struct Api {
    settings: Settings,
    when: When,
    flights: Flights,
    limit: TokenBucket,
    /// Requests by day and page, those left out that met the rate limit.
    attempts: Mutex<HashMap<(Day, u32), u32>>,
    stats: Mutex<Stats>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn router(api: Arc<Api>) -> Router {
    Router::new().route("/v1/flights", get(answer)).route("/v1/stats", get(stats)).with_state(api)
}

async fn stats(State(api): State<Arc<Api>>) -> Json<Stats> {
    Json(lock(&api.stats).clone())
}

#[derive(Deserialize)]
struct Asked {
    day: Day,
    #[serde(default = "first_page")]
    page: u32,
}

fn first_page() -> u32 {
    1
}

/// The rate limit, then the answer; counted when it leaves.
async fn answer(State(api): State<Arc<Api>>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    if api.when.is(Kind::Limited) {
        return counted(&api, too_many_requests(Duration::from_secs(1)), 0);
    }
    let (response, remaining) = match api.limit.take(Instant::now()) {
        Ok(remaining) => (page(&api, asked).await, remaining),
        Err(wait) => (too_many_requests(wait), 0),
    };
    counted(&api, response, remaining)
}

fn counted(api: &Api, mut response: Response, remaining: u32) -> Response {
    response.headers_mut().insert("x-ratelimit-remaining", HeaderValue::from(remaining));
    *lock(&api.stats).answers.entry(response.status().as_u16()).or_default() += 1;
    response
}

fn too_many_requests(wait: Duration) -> Response {
    // The header takes whole seconds, and who comes back too early is sent away again.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    let mut response = error(StatusCode::TOO_MANY_REQUESTS, "the rate limit is reached");
    response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    response
}

async fn page(api: &Arc<Api>, asked: Result<Query<Asked>, QueryRejection>) -> Response {
    let Asked { day, page } = match asked {
        Ok(Query(asked)) => asked,
        Err(rejection) => return error(StatusCode::BAD_REQUEST, &rejection.body_text()),
    };
    let attempt = {
        let mut attempts = lock(&api.attempts);
        let attempt = attempts.entry((day, page)).or_default();
        *attempt += 1;
        *attempt
    };
    let fate = faults::fate(api.settings.seed, api.settings.faults, day, page, attempt);
    tokio::time::sleep(fate.delay).await;
    if page == 1 && day.day() % 5 == 0 {
        api.when.ends(Kind::Hangs).await;
    }
    if let Some(code) = fate.error {
        let code = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        return error(code, "out of order; try again");
    }
    let flights = {
        let api = Arc::clone(api);
        tokio::task::spawn_blocking(move || api.flights.of_day(day)).await
    };
    match flights {
        Ok(Ok(flights)) => cut(api, day, page, &flights),
        Ok(Err(reason)) => error(StatusCode::INTERNAL_SERVER_ERROR, &reason.to_string()),
        Err(_) => error(StatusCode::INTERNAL_SERVER_ERROR, "the source failed while it read its flights"),
    }
}

fn cut(api: &Api, day: Day, page: u32, flights: &[Flight]) -> Response {
    let mut pages = flights.chunks(api.settings.page_size.max(1));
    let index = usize::try_from(page).ok().and_then(|page| page.checked_sub(1));
    let Some(on_page) = index.and_then(|index| pages.nth(index)) else {
        return error(StatusCode::NOT_FOUND, &format!("{day} has no page {page}"));
    };
    lock(&api.stats).flights += on_page.len() as u64;
    let next = pages.next().map(|_| page + 1);
    Json(Page { day, page, next, total: flights.len(), flights: on_page }).into_response()
}

fn error(code: StatusCode, reason: &str) -> Response {
    (code, Json(serde_json::json!({ "error": reason }))).into_response()
}
