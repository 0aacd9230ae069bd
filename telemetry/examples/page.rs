//! A program with something of everything that the endpoint's page shows, for who wants to look at the page: `cargo run -p telemetry --example page`.
//!
//! It runs until it is interrupted. `-- 10000` adds so many functions, `-- 0 hostile` names that try to become markup. `TELEMETRY_LISTEN` says where.

use std::io;
use std::thread;
use std::time::{Duration, Instant};
use telemetry::__private::{CallSite, Ending, enter};
use telemetry::alloc::Tracking;
use telemetry::{Job, backfill_job, measured, metric};

#[global_allocator]
static ALLOCATOR: Tracking = Tracking::system();

metric! {
    /// Orders that came in, by country.
    counter orders_total(country: &str);
    /// Orders that wait.
    gauge orders_waiting();
    /// How large an order is.
    histogram order_size_bytes() [256, 1_024, 4_096, 16_384, 65_536];
}

fn spin(time: Duration) {
    let start = Instant::now();
    while start.elapsed() < time {
        std::hint::spin_loop();
    }
}

#[measured]
fn parse(order: u64) -> Vec<u8> {
    spin(Duration::from_micros(40 + order % 90));
    vec![0; usize::try_from(order % 8_000).unwrap_or(0)]
}

#[measured]
fn price(order: u64) -> Result<u64, io::Error> {
    spin(Duration::from_micros(15));
    if order % 97 == 0 { Err(io::Error::other("no price")) } else { Ok(order % 1_000) }
}

#[measured]
fn store(bytes: &[u8]) {
    thread::sleep(Duration::from_micros(200));
    order_size_bytes().observe(bytes.len() as f64);
}

#[measured]
fn handle(order: u64) {
    let bytes = parse(order);
    if price(order).is_ok() {
        store(&bytes);
    }
    orders_total(["de", "fr", "it", "pl"][usize::try_from(order % 4).unwrap_or(0)]).inc();
}

#[backfill_job(name = "orders", unit = "pages", total = 20_000)]
fn backfill(job: &Job, beginning: Instant) {
    let queue = job.queue("parsed").capacity(500u64);
    for page in 0u64.. {
        if job.is_cancelled() || beginning.elapsed() > Duration::from_secs(3_600) {
            break;
        }
        let answer = job.request_blocking("pages", || {
            thread::sleep(Duration::from_millis(4));
            if page % 50 == 49 { Err(io::Error::from(io::ErrorKind::TimedOut)) } else { Ok(()) }
        });
        if answer.is_err() {
            job.fail(1u64);
            continue;
        }
        queue.pushed(20u64);
        let batch = job.batch(20u64);
        (0..5).for_each(|step| handle(page * 5 + step));
        drop(batch);
        queue.popped(if page % 10 == 0 { 10u64 } else { 20 });
        orders_waiting().set(queue.len() as f64);
        job.advance(1u64);
    }
}

/// Calls call sites that no attribute made, all in one.
fn call_many(sites: &'static [CallSite]) {
    static ROOT: CallSite = CallSite::new("many", || "", "page", "", 0);
    loop {
        let all = enter(&ROOT, true);
        sites.iter().for_each(|site| enter(site, true).end(Ending::ok_if(&(), |()| true)));
        all.end(Ending::ok_if(&(), |()| true));
        thread::sleep(Duration::from_millis(20));
    }
}

const HOSTILE: &[&str] = &[
    "<img src=x onerror=\"window.harmed=1\">",
    "</script><script>window.harmed=1</script>",
    "\"><svg onload=window.harmed=1>",
    "javascript:window.harmed=1",
    "{{constructor.constructor('window.harmed=1')()}}",
    "a very long name without any blank ________________________________________________________________________________________",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let many: usize = arguments.next().map_or(Ok(0), |many| many.parse())?;
    let is_hostile = arguments.next().is_some();
    let telemetry = telemetry::init()?;
    if let Some(address) = telemetry.address() {
        println!("http://{address}/");
    }
    let mut names: Vec<String> = (0..many).map(|place| format!("function_{place:05}")).collect();
    if is_hostile {
        names.extend(HOSTILE.iter().map(|name| (*name).to_owned()));
        HOSTILE.iter().for_each(|name| orders_total(name).inc());
    }
    if !names.is_empty() {
        let site = |name: String| CallSite::new(String::leak(name), || "", "page::many", "", 0);
        let sites = Vec::leak(names.into_iter().map(site).collect());
        thread::spawn(|| call_many(sites));
    }
    backfill(Instant::now());
    Ok(())
}
