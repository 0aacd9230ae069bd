use super::source::{Fate, Source};
use super::*;
use crate::job::run::Run;
use crate::job::{ErrorKind, Job, Outcome, RetryPolicy, checked};
#[cfg(feature = "ureq")]
use crate::job::{HttpError, Rate};
use crate::testing::value;
use std::net::TcpListener;
#[cfg(feature = "reqwest")]
use std::sync::Arc;
#[cfg(feature = "ureq")]
use std::time::Instant;

fn job(name: &str) -> Job {
    Job::of(Run::new(0, name, "days", None, None))
}

fn of(job: &Job, family: &str, labels: &[(&str, &str)]) -> f64 {
    let mut all = vec![("job_name", job.name()), ("endpoint_name", "flights")];
    all.extend_from_slice(labels);
    value(family, &all).unwrap_or_default()
}

#[expect(clippy::cast_precision_loss, reason = "a handful")]
fn requests(job: &Job, code: &str, seen: u64) {
    assert_eq!(of(job, "backfill_requests_total", &[("code", code)]), seen as f64, "{code}");
}

fn quick(attempts: u32) -> RetryPolicy {
    RetryPolicy::new().attempts(attempts).backoff(Duration::from_millis(1), Duration::from_millis(2))
}

/// A port on which nobody listens.
fn nobody() -> String {
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    format!("http://{address}/")
}

const BUSY: Fate = Fate::Answer(503, "");
const FINE: Fate = Fate::Answer(200, "");
const GONE: Fate = Fate::Answer(404, "");
const LIMIT: Fate = Fate::Answer(429, "Retry-After: 1\r\n");
/// A source whose clock stands still since 1994 asks for a second.
const LIMIT_BY_DATE: Fate =
    Fate::Answer(429, "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\nRetry-After: Sun, 06 Nov 1994 08:49:38 GMT\r\n");

#[cfg(feature = "ureq")]
mod ureq {
    use super::*;
    use ::ureq::{Agent, Error};

    type Answered = Result<crate::job::adapters::ureq::Response, Error>;

    fn agent() -> Agent {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .proxy(None)
            .timeout_global(Some(Duration::from_secs(10)));
        Agent::new_with_config(config.build())
    }

    #[test]
    fn a_busy_source_is_asked_until_it_answers_and_each_answer_is_counted() {
        let (source, job, agent) = (Source::of(|n| if n < 3 { BUSY } else { FINE }), job("ureq_busy"), agent());
        let answer: Answered = job.retry_blocking(&quick(9), "flights", || agent.get(source.url()).call());
        assert_eq!(answer.unwrap().status(), 200);
        requests(&job, "503", source.seen(BUSY));
        requests(&job, "200", source.seen(FINE));
        assert_eq!(of(&job, "backfill_retries_total", &[("reason", "503")]), 3.0);
        assert_eq!(of(&job, "backfill_waits_total", &[("reason", "backoff")]), 3.0);
        assert_eq!(of(&job, "backfill_rate_limit_hits_total", &[]), 0.0);
        for reason in crate::job::retry::GIVEN_UP {
            assert_eq!(of(&job, "backfill_requests_given_up_total", &[("reason", reason)]), 0.0, "{reason}");
        }
    }

    #[test]
    fn how_long_the_source_asks_to_wait_is_read_as_seconds_and_as_a_date_by_its_own_clock() {
        let fate = |n: usize| [LIMIT, LIMIT_BY_DATE, Fate::Trickle][n.min(2)];
        let (source, job, agent, start) = (Source::of(fate), job("ureq_limited"), agent(), Instant::now());
        let answer: Answered = job.retry_blocking(&quick(9), "flights", || agent.get(source.url()).call());
        assert_eq!(answer.unwrap().status(), 200);
        assert!(start.elapsed() >= Duration::from_secs(2));
        requests(&job, "429", 2);
        assert_eq!(of(&job, "backfill_rate_limit_hits_total", &[]), 2.0);
        assert_eq!(of(&job, "backfill_waits_total", &[("reason", "rate_limited")]), 2.0);
        let waited = of(&job, "backfill_wait_seconds_total", &[("reason", "rate_limited")]);
        // Two seconds, and two draws of at most two milliseconds; a late timer is not counted.
        assert!((2.0..2.01).contains(&waited), "{waited}");
        let for_the_source = of(&job, "backfill_rate_limit_wait_seconds_total", &[]);
        assert!((waited - for_the_source).abs() < 1e-6, "{waited} and {for_the_source}");
    }

    #[test]
    fn an_agent_that_makes_codes_errors_is_understood_too() {
        let (source, job) = (Source::of(|n| if n < 1 { BUSY } else { GONE }), job("ureq_errors"));
        let agent = Agent::new_with_config(Agent::config_builder().proxy(None).build());
        let answer: Answered = job.retry_blocking(&quick(9), "flights", || agent.get(source.url()).call());
        assert!(matches!(answer, Err(Error::StatusCode(404))));
        requests(&job, "503", 1);
        requests(&job, "404", 1);
        assert_eq!(of(&job, "backfill_requests_given_up_total", &[("reason", "not_retryable")]), 1.0);
    }

    #[test]
    fn each_failure_of_the_network_has_its_word() {
        let agent = Agent::new_with_config(
            Agent::config_builder()
                .timeout_global(Some(Duration::from_millis(400)))
                .proxy(None)
                .max_redirects_will_error(true)
                .build(),
        );
        let kind = |url: String| {
            let outcome: Result<String, Error> =
                agent.get(url).call().and_then(|mut answer| answer.body_mut().read_to_string());
            outcome.error_kind()
        };
        let meet = |fate| kind(Source::of(move |_| fate).url());
        assert_eq!(meet(FINE), None);
        assert_eq!(meet(GONE), Some("status"));
        assert_eq!(meet(Fate::Reset), Some("reset"));
        assert_eq!(meet(Fate::CutOff), Some("reset"));
        assert_eq!(meet(Fate::Hang), Some("timeout"));
        assert_eq!(meet(Fate::Garbage), Some("protocol"));
        assert_eq!(meet(Fate::Circle), Some("redirect"));
        assert_eq!(kind(nobody()), Some("connect"));
        assert_eq!(kind("http://".into()), Some("request"));
        // With TLS the handshake fails, and without it there is none.
        assert_eq!(kind(Source::of(|_| Fate::Garbage).url().replace("http", "https")), Some("tls"));
        assert_eq!(ErrorKind::of(&Error::HostNotFound), ErrorKind::Dns);
        assert_eq!(ErrorKind::of(&std::io::Error::other(Error::HostNotFound)), ErrorKind::Dns);
    }

    #[test]
    fn a_value_that_borrows_is_asked_too_and_is_no_answer() {
        let text = String::from("page");
        let page: Result<&str, Error> = Ok(&text);
        assert_eq!((page.code(), page.error_kind()), (Some(200), None));
        assert_eq!(answer_of(&&text[..]), None);
    }

    #[test]
    fn what_was_checked_still_knows_how_long_to_wait() {
        let (source, agent) = (Source::of(|_| LIMIT), agent());
        let answer = checked(agent.get(source.url()).call());
        assert_eq!((answer.code(), answer.retry_after()), (Some(429), Some(Duration::from_secs(1))));
        assert!(answer.is_retryable());
        assert!(matches!(answer, Err(HttpError::Status { code: 429, .. })));
        let refused = checked(agent.get(nobody()).call());
        assert_eq!((refused.code(), refused.error_kind()), (None, Some("connect")));
        assert_eq!(refused.unwrap_err().to_string(), "the source was asked and gave no answer");
    }

    #[test]
    fn an_answer_of_429_makes_all_who_share_the_limiter_wait() {
        let (source, job, agent) = (Source::of(|n| if n < 1 { LIMIT } else { FINE }), job("ureq_shared"), agent());
        let limiter = job.limiter("flights", Rate::per_second(1_000_000).burst(100));
        let start = Instant::now();
        let answer: Answered = job.request_blocking("flights", || agent.get(source.url()).call());
        assert_eq!(answer.unwrap().status(), 429);
        assert_eq!((limiter.tokens(), limiter.try_take(1)), (0, false));
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| assert!(limiter.until_ready_blocking()));
            }
        });
        assert!(start.elapsed() >= Duration::from_secs(1), "{:?}", start.elapsed());
        assert_eq!(of(&job, "backfill_waits_total", &[("reason", "paused")]), 4.0);
        assert!(of(&job, "backfill_rate_limit_wait_seconds_total", &[]) >= 2.0);
    }

    #[test]
    fn a_wait_that_takes_too_long_and_tries_that_are_used_up_are_given_up_for_their_reasons() {
        let (source, job, agent) = (Source::of(|_| LIMIT), job("ureq_given_up"), agent());
        let ask = |policy: &RetryPolicy| -> Answered {
            job.retry_blocking(policy, "flights", || agent.get(source.url()).call())
        };
        assert_eq!(ask(&quick(9).deadline(Duration::from_millis(900))).unwrap().status(), 429);
        assert_eq!(ask(&quick(1)).unwrap().status(), 429);
        job.run.cancel.ask();
        assert_eq!(ask(&quick(9)).unwrap().status(), 429);
        for reason in ["deadline", "attempts", "cancelled"] {
            assert_eq!(of(&job, "backfill_requests_given_up_total", &[("reason", reason)]), 1.0, "{reason}");
        }
        requests(&job, "429", source.seen(LIMIT));
        assert_eq!(source.seen_in_all(), 3);
    }
}

#[cfg(all(feature = "reqwest", feature = "tokio"))]
mod reqwest {
    use super::*;
    use ::reqwest::dns::{Name, Resolve, Resolving};
    use ::reqwest::{Client, Error, Response};
    use std::future::Future;

    fn block_on<F: Future>(future: F) -> F::Output {
        tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
    }

    struct NoNames;

    impl Resolve for NoNames {
        fn resolve(&self, _name: Name) -> Resolving {
            Box::pin(async { Err("no such name".into()) })
        }
    }

    fn client() -> Client {
        Client::builder().no_proxy().build().unwrap()
    }

    #[test]
    fn a_busy_source_is_asked_until_it_answers_and_each_answer_is_counted() {
        let fate = |n: usize| [BUSY, Fate::Reset, LIMIT, Fate::Trickle][n.min(3)];
        let (source, job, client) = (Source::of(fate), job("reqwest_busy"), client());
        let answer: Result<Response, Error> =
            block_on(job.retry(&quick(9), "flights", || client.get(source.url()).send()));
        assert_eq!(answer.unwrap().status(), 200);
        requests(&job, "503", source.seen(BUSY));
        requests(&job, "429", source.seen(LIMIT));
        requests(&job, "reset", source.seen(Fate::Reset));
        requests(&job, "200", source.seen(Fate::Trickle));
        assert_eq!(source.seen_in_all(), 4);
        for reason in ["503", "429", "reset"] {
            assert_eq!(of(&job, "backfill_retries_total", &[("reason", reason)]), 1.0, "{reason}");
        }
        assert_eq!(of(&job, "backfill_rate_limit_hits_total", &[]), 1.0);
        assert!(of(&job, "backfill_rate_limit_wait_seconds_total", &[]) >= 1.0);
    }

    #[test]
    fn each_failure_of_the_network_has_its_word() {
        let client = Client::builder().no_proxy().timeout(Duration::from_millis(400)).build().unwrap();
        let kind = |url: String| {
            let read = async { client.get(url).send().await?.error_for_status()?.text().await };
            let outcome: Result<String, Error> = block_on(read);
            outcome.error_kind()
        };
        let meet = |fate| kind(Source::of(move |_| fate).url());
        assert_eq!(meet(FINE), None);
        assert_eq!(meet(GONE), Some("status"));
        assert_eq!(meet(Fate::Reset), Some("reset"));
        assert_eq!(meet(Fate::CutOff), Some("reset"));
        assert_eq!(meet(Fate::Hang), Some("timeout"));
        assert_eq!(meet(Fate::Garbage), Some("protocol"));
        assert_eq!(meet(Fate::Circle), Some("redirect"));
        assert_eq!(kind(nobody()), Some("connect"));
        assert_eq!(kind("nonsense".into()), Some("request"));
        // With TLS the handshake fails, and without it there is none.
        assert_eq!(kind(Source::of(|_| Fate::Garbage).url().replace("http", "https")), Some("tls"));
        let lost = Client::builder().no_proxy().dns_resolver(Arc::new(NoNames)).build().unwrap();
        let lost: Result<Response, Error> = block_on(lost.get("http://nowhere.invalid/").send());
        assert_eq!(lost.error_kind(), Some("dns"));
        let source = Source::of(|_| FINE);
        let json = block_on(async { client.get(source.url()).send().await?.json::<u8>().await });
        assert_eq!(json.map_err(|error| ErrorKind::of(&error)), Err(ErrorKind::Decode));
    }

    #[test]
    fn what_was_checked_still_knows_how_long_to_wait() {
        let (source, client) = (Source::of(|_| LIMIT_BY_DATE), client());
        let answer = block_on(async { checked(client.get(source.url()).send().await) });
        assert_eq!((answer.code(), answer.retry_after()), (Some(429), Some(Duration::from_secs(1))));
    }

    #[test]
    fn a_request_that_is_dropped_is_given_up_as_cancelled() {
        let (source, job, client) = (Source::of(|_| Fate::Hang), job("reqwest_dropped"), client());
        block_on(async {
            let policy = quick(9);
            let mut asked = Box::pin(job.retry(&policy, "flights", || client.get(source.url()).send()));
            while source.seen_in_all() == 0 {
                let short = tokio::time::timeout(Duration::from_millis(5), &mut asked).await;
                assert!(short.is_err(), "nobody answers");
            }
        });
        requests(&job, "cancelled", 1);
        assert_eq!(of(&job, "backfill_requests_in_flight", &[]), 0.0);
        assert_eq!(of(&job, "backfill_requests_given_up_total", &[("reason", "cancelled")]), 1.0);
    }
}
