//! The source API of the examples, over HTTP: pages, the rate limit, faults that can be repeated, and its own counts.

use serde_json::Value;
use std::net::TcpStream;
use std::time::Duration;
use telemetry_examples::day::Day;
use telemetry_examples::source::{BURST, FAULTY_ATTEMPTS, Page, Settings, Source};
use telemetry_tests::http::{Request, Response};

/// Neither faults nor a limit that anybody meets.
const CALM: Settings = Settings { faults: 0.0, seed: 1, per_second: 1e6, page_size: 250, trouble: None };

fn get(source: &Source, path: &str) -> Response {
    Request::new("GET", path).send(source.address()).unwrap_or_else(|error| panic!("GET {path}: {error}"))
}

fn json(response: &Response) -> Value {
    serde_json::from_str(&response.body).unwrap_or_else(|error| panic!("{error} in {}", response.body))
}

/// All pages of a day, each asked for until it comes.
fn day(source: &Source, day: Day) -> Vec<Page> {
    let mut pages: Vec<Page> = Vec::new();
    let mut next = Some(1);
    while let Some(page) = next {
        let answer = get(source, &format!("/v1/flights?day={day}&page={page}"));
        if answer.status == 200 {
            pages.push(serde_json::from_str(&answer.body).unwrap());
            next = pages.last().unwrap().next;
        }
    }
    pages
}

#[test]
fn a_day_comes_in_pages_that_make_up_the_day() {
    let source = Source::start(CALM).unwrap();
    let first = Day::all().next().unwrap();
    let pages = day(&source, first);
    assert_eq!(pages.iter().map(|page| page.flights.len()).collect::<Vec<_>>(), [250, 250, 250, 92]);
    assert_eq!(pages.iter().map(|page| page.next).collect::<Vec<_>>(), [Some(2), Some(3), Some(4), None]);
    assert!(pages.iter().all(|page| (page.day, page.total) == (first, 842)));
    assert!(pages.iter().flat_map(|page| &page.flights).all(|flight| (flight.month, flight.day) == (1, 1)));
    let mut keys: Vec<_> = pages
        .iter()
        .flat_map(|page| &page.flights)
        .map(|flight| (&flight.carrier, flight.flight, &flight.origin))
        .collect();
    keys.sort();
    let all = keys.len();
    keys.dedup();
    assert_eq!((keys.len(), source.stats().flights), (all, 842), "no flight comes twice");
}

#[test]
fn a_flight_has_the_columns_of_its_origin_and_null_for_what_is_not_known() {
    let source = Source::start(CALM).unwrap();
    let page = json(&get(&source, "/v1/flights?day=2013-01-01"));
    let flights = page["flights"].as_array().unwrap();
    let known = flights.iter().find(|flight| flight["carrier"] == "UA" && flight["flight"] == 1545).unwrap();
    let expected = serde_json::json!({
        "year": 2013, "month": 1, "day": 1, "dep_time": 517, "sched_dep_time": 515, "dep_delay": 2, "arr_time": 830,
        "sched_arr_time": 819, "arr_delay": 11, "carrier": "UA", "flight": 1545, "tailnum": "N14228", "origin": "EWR",
        "dest": "IAH", "air_time": 227, "distance": 1400, "hour": 5, "minute": 15, "time_hour": "2013-01-01T10:00:00Z"
    });
    assert_eq!(*known, expected);
    let days =
        Day::all().take(1).flat_map(|first| day(&source, first)).flat_map(|page| page.flights).collect::<Vec<_>>();
    let cancelled = days.iter().filter(|flight| flight.dep_time.is_none()).collect::<Vec<_>>();
    assert_eq!(cancelled.len(), 4);
    assert!(cancelled.iter().all(|flight| flight.arr_delay.is_none()));
}

#[test]
fn what_does_not_exist_is_said_to_be_so() {
    let source = Source::start(CALM).unwrap();
    for (query, code, reason) in [
        ("day=2013-02-29", 400, "2013-02-29"),
        ("day=2014-01-01", 400, "it takes a day of 2013"),
        ("day=2013-01-01&page=x", 400, "page"),
        ("", 400, "day"),
        ("day=2013-01-01&page=0", 404, "2013-01-01 has no page 0"),
        ("day=2013-01-01&page=5", 404, "2013-01-01 has no page 5"),
    ] {
        let answer = get(&source, &format!("/v1/flights?{query}"));
        assert_eq!(answer.status, code, "{query}: {}", answer.body);
        assert!(json(&answer)["error"].as_str().unwrap().contains(reason), "{query}: {}", answer.body);
    }
}

#[test]
fn the_rate_limit_says_when_to_come_back() {
    let source = Source::start(Settings { per_second: 0.5, ..CALM }).unwrap();
    let [first, second] = [(); 2].map(|()| get(&source, "/v1/flights?day=2013-01-01"));
    assert_eq!(
        (first.status, first.header("x-ratelimit-remaining"), first.header("retry-after")),
        (200, Some("0"), None)
    );
    assert_eq!((second.status, second.header("x-ratelimit-remaining")), (429, Some("0")));
    let wait: u64 = second.header("retry-after").unwrap().parse().unwrap();
    assert!((1..=2).contains(&wait), "{wait}");
    std::thread::sleep(Duration::from_secs(wait));
    assert_eq!(get(&source, "/v1/flights?day=2013-01-01").status, 200);
}

#[test]
fn each_answer_says_how_many_requests_may_follow_at_once() {
    let source = Source::start(Settings { per_second: 1000.0, ..CALM }).unwrap();
    for path in ["/v1/flights?day=2013-01-01", "/v1/flights?day=never"] {
        let left: f64 = get(&source, path).header("x-ratelimit-remaining").unwrap().parse().unwrap();
        assert!((1.0..1000.0 * BURST.as_secs_f64()).contains(&left), "{left}");
    }
}

#[test]
fn faults_are_the_same_for_the_same_seed_and_end() {
    let run = |seed| {
        let source = Source::start(Settings { faults: 0.6, seed, ..CALM }).unwrap();
        let pages: Vec<_> = Day::all().take(2).flat_map(|first| day(&source, first)).collect();
        (pages, source.stats())
    };
    let (pages, stats) = run(3);
    assert_eq!(pages.len(), 8);
    assert!(stats.answers.keys().any(|code| *code >= 500), "{stats:?}");
    assert_eq!(run(3), (pages, stats.clone()));
    assert_ne!(run(4).1, stats);
}

#[test]
fn with_all_faults_a_page_comes_after_as_many_attempts_as_may_fail() {
    let source = Source::start(Settings { faults: 1.0, ..CALM }).unwrap();
    let codes: Vec<_> = (0..=FAULTY_ATTEMPTS).map(|_| get(&source, "/v1/flights?day=2013-07-04").status).collect();
    let (last, failed) = codes.split_last().unwrap();
    assert!(failed.iter().all(|code| (500..=503).contains(code)), "{codes:?}");
    assert_eq!(*last, 200);
}

#[test]
fn the_source_counts_what_it_answered() {
    let (source, limited) =
        (Source::start(CALM).unwrap(), Source::start(Settings { per_second: 0.01, ..CALM }).unwrap());
    for path in ["/v1/flights?day=2013-01-01&page=4", "/v1/flights?day=never", "/v1/flights?day=2013-01-01&page=9"] {
        get(&source, path);
        get(&limited, path);
    }
    let stats = json(&get(&source, "/v1/stats"));
    assert_eq!(stats, serde_json::json!({"answers": {"200": 1, "400": 1, "404": 1}, "flights": 92}));
    assert_eq!(stats, serde_json::to_value(source.stats()).unwrap());
    let stats = json(&get(&limited, "/v1/stats"));
    assert_eq!(stats, serde_json::json!({"answers": {"200": 1, "429": 2}, "flights": 92}));
}

#[test]
fn a_dropped_source_serves_no_more() {
    let source = Source::start(CALM).unwrap();
    let address = source.address();
    assert!(TcpStream::connect(address).is_ok());
    drop(source);
    assert!(TcpStream::connect(address).is_err());
}
