//! A web service with metrics of its own: requests by route and code, how long they took, and what is in flight. It listens on
//! one port and telemetry on another, so that the metrics need not be open to whom the service is open to.

use axum::extract::{MatchedPath, Path, Query, Request};
use axum::http::StatusCode;
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use clap::Parser;
use serde::Deserialize;
use std::net::SocketAddr;
use std::time::{Duration, Instant};
use telemetry::{measured, metric};
use tokio::net::TcpListener;

#[global_allocator]
static ALLOC: telemetry::alloc::Tracking = telemetry::alloc::Tracking::system();

metric! {
    /// Requests that were answered, by route and code.
    pub counter web_requests_total(route: &str, code: u16);
    /// Seconds from a request to its answer.
    pub histogram web_request_duration_seconds(route: &str) [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1];
    /// Requests that wait for their answer.
    pub gauge web_requests_in_flight(route: &str);
}

/// A small web service that is measured.
///
///     curl 'http://127.0.0.1:3000/primes/100000'
///     curl 'http://127.0.0.1:3000/nap?ms=200'
///     curl http://127.0.0.1:8000/metrics
///
/// Ctrl-C ends it once the running requests are answered; the report follows.
#[derive(Parser)]
#[command(version, verbatim_doc_comment)]
struct Options {
    /// Where the service listens; where telemetry does is said by TELEMETRY_LISTEN
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:3000")]
    listen: SocketAddr,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let options = Options::parse();
    let telemetry = telemetry::init()?;
    let listener = TcpListener::bind(options.listen)
        .await
        .map_err(|error| format!("cannot listen on {}: {error}; --listen takes another address", options.listen))?;
    println!("listening on http://{}", listener.local_addr()?);
    if let Some(address) = telemetry.address() {
        println!("metrics on http://{address}/metrics");
    }
    axum::serve(listener, service()).with_graceful_shutdown(interrupted()).await?;
    Ok(())
}

async fn interrupted() {
    // Where no signal can be waited for, the service runs until it is killed.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending().await
    }
}

fn service() -> Router {
    Router::new()
        .route("/primes/{below}", get(primes))
        .route("/nap", get(nap))
        .fallback(not_found)
        .layer(middleware::from_fn(count))
}

/// Counts each request, its code and its duration under the route that it matched: a path would be a label without bound.
async fn count(request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let route = matched.as_ref().map_or("none", MatchedPath::as_str);
    let start = Instant::now();
    let response = {
        let _in_flight = InFlight::enter(route);
        next.run(request).await
    };
    web_request_duration_seconds(route).observe_duration(start.elapsed());
    web_requests_total(route, response.status().as_u16()).inc();
    response
}

/// One more in flight until dropped, which also happens when the client hangs up.
struct InFlight(telemetry::Gauge);

impl InFlight {
    fn enter(route: &str) -> InFlight {
        let gauge = web_requests_in_flight(route);
        gauge.inc();
        InFlight(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

const MOST: usize = 10_000_000;

#[measured]
async fn primes(Path(below): Path<usize>) -> Result<Json<usize>, (StatusCode, String)> {
    if below > MOST {
        return Err((StatusCode::UNPROCESSABLE_ENTITY, format!("{below} is more than {MOST}\n")));
    }
    // Work that takes long would keep the other requests of its worker waiting.
    let primes = tokio::task::spawn_blocking(move || sieve(below)).await;
    primes.map(Json).map_err(|error| (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))
}

/// How many primes there are below a number.
#[measured]
fn sieve(below: usize) -> usize {
    let mut is_prime = vec![true; below];
    let mut primes = 0;
    for number in 2..below {
        if is_prime[number] {
            primes += 1;
            for multiple in (number * number..below).step_by(number) {
                is_prime[multiple] = false;
            }
        }
    }
    primes
}

#[derive(Deserialize)]
struct Nap {
    ms: u64,
}

#[measured]
async fn nap(Query(Nap { ms }): Query<Nap>) -> &'static str {
    tokio::time::sleep(Duration::from_millis(ms.min(10_000))).await;
    "awake\n"
}

async fn not_found() -> (StatusCode, &'static str) {
    (StatusCode::NOT_FOUND, "there are /primes/{below} and /nap?ms=…\n")
}
