//! The endpoint under attack. A child process serves and records; what is hostile comes from here, and each time its memory stays within what is
//! said and a good scrape is answered within a second.

#[path = "attacks/target.rs"]
mod target;

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};
use target::{GOOD, GROWTH, Target, alone, more_files, read, status};
use telemetry_tests::http::{Request, get};

#[test]
fn a_thousand_idle_connections_keep_nobody_out() {
    let _alone = alone();
    more_files();
    let target = Target::start(100, false);
    let idle: Vec<_> = (0..1_000).map(|_| target.connect()).collect();
    target.is_well(GROWTH);
    let open = std::fs::read_dir(format!("/proc/{}/fd", target.program.id())).unwrap().count();
    assert!(open < 100, "{open} files are open in the target");
    drop(idle);
}

#[test]
fn bursts_of_connections_cut_off_nobody_who_asks() {
    let _alone = alone();
    more_files();
    let target = Target::start(100, false);
    let until = Instant::now() + Duration::from_secs(3);
    let good = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while Instant::now() < until {
                    drop((0..200).map(|_| target.connect()).collect::<Vec<_>>());
                }
            });
        }
        for _ in 0..4 {
            scope.spawn(|| {
                while Instant::now() < until {
                    get(target.address, "/metrics");
                    good.fetch_add(1, Relaxed);
                }
            });
        }
    });
    let good = good.into_inner();
    assert!(good > 20, "{good}");
    target.is_well(GROWTH);
}

#[test]
fn who_sends_one_byte_a_second_is_ended_after_five() {
    let _alone = alone();
    let target = Target::start(100, false);
    let start = Instant::now();
    let mut clients: Vec<_> = (0..60).map(|_| target.connect()).collect();
    let head = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for byte in head.iter().take(7) {
        for client in &mut clients {
            let _ = client.write_all(&[*byte]);
        }
        target.is_well(GROWTH);
        std::thread::sleep(Duration::from_secs(1));
    }
    for client in &mut clients {
        read(client);
    }
    let took = start.elapsed();
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
fn endless_headers_and_a_request_line_of_ten_megabytes_are_refused() {
    let _alone = alone();
    let target = Target::start(100, false);
    let line = [b"GET /".as_slice(), &b"a".repeat(10_000_000), b" HTTP/1.1\r\nHost: localhost\r\n\r\n"].concat();
    let mut endless = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n".to_vec();
    endless.extend(b"X-Endless: and on\r\n".repeat(500_000));
    let mut value = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\nX: ".to_vec();
    value.extend(b"v".repeat(10_000_000));
    for request in [&line, &endless, &value] {
        for _ in 0..5 {
            // 414 or 431, where the client got to read it before its own writing failed.
            let status = target.status(request);
            assert!(matches!(status, None | Some(414 | 431)), "{status:?}");
        }
        target.is_well(GROWTH);
    }
}

#[test]
fn of_pipelined_requests_the_first_is_answered() {
    let _alone = alone();
    let target = Target::start(100, false);
    let one = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for count in [2, 1_000, 50_000] {
        let answer = String::from_utf8(target.ask(&one.repeat(count))).unwrap();
        // With that much unread the end is a reset, which may overtake the answer.
        assert!(answer.matches("HTTP/1.1").count() <= 1, "{answer}");
        assert!(count > 2 || answer.ends_with("ok\n"), "{answer}");
        target.is_well(GROWTH);
    }
}

#[test]
fn other_methods_and_paths_get_nothing() {
    let _alone = alone();
    let target = Target::start(1, false);
    let ask = |line: &str| target.status(format!("{line}\r\nHost: localhost\r\n\r\n").as_bytes());
    for method in ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "GETS", "M-SEARCH"] {
        assert_eq!(ask(&format!("{method} /metrics HTTP/1.1")), Some(405), "{method}");
    }
    for path in [
        "//metrics",
        "/metrics/",
        "/metrics//",
        "/metrics/..",
        "/metrics/../",
        "/metrics/../metrics",
        "/../metrics",
        "/./metrics",
        "/%2e/metrics",
        "/%2e%2e/metrics",
        "/metrics%2f",
        "/%6detrics",
        "/metrics%00",
        "/metrics;x=1",
        "/METRICS",
        "/metrics.",
        "/etc/passwd",
        "/../../../../etc/passwd",
        "/api/snapshot/..",
        "*",
        "http://localhost//metrics",
        "http://localhost/metrics/..",
        "/healthz/../metrics",
    ] {
        assert_eq!(ask(&format!("GET {path} HTTP/1.1")), Some(404), "{path}");
    }
    for line in [
        "GET metrics HTTP/1.1",
        "GET \\metrics HTTP/1.1",
        "GET  /metrics HTTP/1.1",
        "GET /me trics HTTP/1.1",
        "GET /metrics HTTP/3.0",
        "GET /metrics",
        "G\0T / HTTP/1.1",
        "",
    ] {
        let status = ask(line);
        assert!(matches!(status, None | Some(400 | 404 | 505)), "{line:?}: {status:?}");
    }
    for line in [
        "GET http://localhost/metrics HTTP/1.1",
        "GET /metrics?a=/../ HTTP/1.1",
        "GET http://evil.example/metrics HTTP/1.0",
    ] {
        assert_eq!(ask(line), Some(200), "{line}");
    }
    assert_eq!(ask("GET http://evil.example/ HTTP/1.1"), Some(403));
    assert_eq!(ask("CONNECT localhost:80 HTTP/1.1"), Some(404));
    target.is_well(GROWTH);
}

#[test]
fn lengths_and_codings_that_lie_cost_nothing() {
    let _alone = alone();
    let target = Target::start(100, false);
    for (headers, expected) in [
        // Nobody waits for a body, or makes room for it.
        ("Content-Length: 1000000000000\r\n", &[200][..]),
        ("Content-Length: 18446744073709551615\r\n", &[200, 400, 431]),
        ("Content-Length: 10\r\nExpect: 100-continue\r\n", &[200]),
        ("Transfer-Encoding: chunked\r\n", &[200]),
        ("Content-Length: -1\r\n", &[400]),
        ("Content-Length: 99999999999999999999999\r\n", &[400, 431]),
        ("Content-Length: 1\r\nContent-Length: 2\r\n", &[400]),
        ("Transfer-Encoding: gzip\r\n", &[400]),
        ("Transfer-Encoding: chunked, identity\r\n", &[400]),
        ("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", &[200, 400]),
        ("Accept-Encoding: identity;q=0\r\n", &[406]),
        ("Accept-Encoding: *;q=0\r\n", &[406]),
    ] {
        for method in ["GET", "POST"] {
            let request = format!("{method} /metrics HTTP/1.1\r\nHost: localhost\r\n{headers}\r\nffffffffffffffff\r\n");
            let status = target.status(request.as_bytes()).unwrap_or_else(|| panic!("no answer to {request:?}"));
            let is_refused = method == "POST" && status == 405;
            assert!(is_refused || expected.contains(&status), "{request:?}: {status}");
        }
    }
    let long =
        format!("GET /metrics HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: {}gzip\r\n\r\n", "x;q=0.1,".repeat(900));
    assert_eq!(target.status(long.as_bytes()), Some(200));
    target.is_well(GROWTH);
}

#[test]
fn clients_that_leave_at_once_leave_nothing() {
    let _alone = alone();
    let target = Target::start(100, false);
    for round in 0..2_000 {
        let mut stream = target.connect();
        let _ = stream.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n");
        if round % 2 == 0 {
            let _ = stream.shutdown(Shutdown::Both);
        }
    }
    target.is_well(GROWTH);
    let threads = status(target.program.id(), "Threads");
    assert!(threads < 12, "{threads} threads");
}

#[test]
fn slow_readers_of_large_answers_share_them_or_are_cut_off() {
    let _alone = alone();
    let target = Target::start(60_000, false);
    let size = get(target.address, "/metrics").body.len();
    assert!(size > 3_000_000, "{size}");
    // Forty after each other, so that each has an answer of its own, and forty at once, who share theirs. Nobody reads.
    let ask = |client: &mut TcpStream| {
        client.write_all(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
        let mut first = [0];
        // Its answer is there; a busy machine may have cut it off by then.
        let _ = client.read(&mut first);
    };
    let mut most = 0;
    let mut slow = Vec::new();
    for _ in 0..40 {
        let mut client = target.connect();
        ask(&mut client);
        slow.push(client);
        most = most.max(status(target.program.id(), "VmRSS"));
    }
    let mut together: Vec<_> = (0..40).map(|_| target.connect()).collect();
    std::thread::scope(|scope| together.iter_mut().for_each(|client| drop(scope.spawn(|| ask(client)))));
    most = most.max(status(target.program.id(), "VmRSS"));
    let grown = most - target.resident;
    println!("{size} bytes an exposition, {} readers, {grown} KiB more", slow.len() + together.len());
    // What may be held, two answers more, and the snapshot and the answer that are being made.
    let bound = 64 * 1024 + 6 * size as u64 / 1024 + GROWTH;
    assert!(grown < bound, "{grown} KiB more than before, {bound} at most");
    let start = Instant::now();
    // The counts in it have grown by a digit or so.
    assert!(get(target.address, "/metrics").body.len() >= size);
    // The size of the exposition takes its time too.
    assert!(start.elapsed() < 5 * GOOD, "{:?}", start.elapsed());
}

#[test]
fn a_storm_of_scrapers_does_not_make_recording_dearer() {
    let _alone = alone();
    let mut target = Target::start(2_000, true);
    let cost = |target: &mut Target| {
        target.program.tell("cost");
        target.program.answer("cost ").parse::<f64>().unwrap()
    };
    cost(&mut target);
    std::thread::sleep(Duration::from_secs(2));
    let calm = cost(&mut target);
    let until = Instant::now() + Duration::from_secs(4);
    let (answers, longest) = (AtomicU64::new(0), AtomicU64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                while Instant::now() < until {
                    let start = Instant::now();
                    let answer = Request::new("GET", "/metrics").send(target.address).unwrap();
                    assert_eq!(answer.status, 200);
                    answers.fetch_add(1, Relaxed);
                    longest.fetch_max(start.elapsed().as_millis() as u64, Relaxed);
                }
            });
        }
    });
    let storm = cost(&mut target);
    let (answers, longest) = (answers.into_inner(), longest.into_inner());
    println!(
        "{calm:.0} ns of CPU a round in calm, {storm:.0} in a storm of {answers} scrapes, the longest {longest} ms"
    );
    assert!(answers >= 32, "{answers}");
    // Its cache is read and evicted, and its processor shared, but nothing waits for a scrape.
    assert!(storm < 2.0 * calm, "{storm} ns in a storm, {calm} without");
    target.is_slim(4 * GROWTH);
}

#[test]
fn nothing_wakes_up_while_nobody_looks() {
    let _alone = alone();
    let target = Target::start(100, false);
    let switches = || {
        let mut switches = Vec::new();
        for task in std::fs::read_dir(format!("/proc/{}/task", target.program.id())).unwrap() {
            let task = task.unwrap().path();
            // A thread may have ended meanwhile.
            let Ok(name) = std::fs::read_to_string(task.join("comm")) else { continue };
            let Ok(status) = std::fs::read_to_string(task.join("status")) else { continue };
            let count = status
                .lines()
                .filter_map(|line| line.split_once("ctxt_switches:")?.1.trim().parse::<u64>().ok())
                .sum::<u64>();
            switches.push((name.trim().to_owned(), count));
        }
        // The kernel keeps 15 characters of `telemetry-server` and `telemetry-snapshot`. What samples in the background does wake up.
        switches.retain(|(name, _)| name.starts_with("telemetry-serve") || name.starts_with("telemetry-snaps"));
        switches
    };
    // The thread of the last scrape ends, and then there is one.
    let start = Instant::now();
    while switches().len() != 1 {
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", switches());
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(200));
    let before = switches();
    std::thread::sleep(Duration::from_secs(5));
    assert_eq!(switches(), before, "how often each thread of ours ran");
}
