//! Visits of one thread with a made-up clock, made-up CPU time and made-up I/O.

use super::*;
use crate::record::callsite::CallSite;
use crate::record::guard::{self, Visit};
use crate::record::outcome::Outcome;
use crate::record::thread;
use std::time::Duration;

const MICROSECOND: Duration = Duration::from_micros(1);
const MILLISECOND: Duration = Duration::from_millis(1);

/// Runs a test on a thread of its own: the clocks are made up per thread, and each thread begins with no calls.
fn on_a_thread(test: impl FnOnce() + Send) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            fake::start();
            thread::with(|thread| thread.random.set(11));
            test();
        });
    });
}

fn site(name: &'static str) -> &'static CallSite {
    Box::leak(Box::new(CallSite::new(name, || "", "probes", "", 0)))
}

fn cell(site: &'static CallSite) -> &'static SiteCell {
    thread::with(|thread| crate::record::shard::site_cell(thread, site))
}

fn call<R>(site: &'static CallSite, body: impl FnOnce() -> R) -> R {
    let guard = guard::enter(site, false);
    let value = body();
    guard.end(crate::record::Ending { outcome: Outcome::Ok, fallible: false });
    value
}

/// A clock of whole ticks is off by one now and then.
fn assert_cpu(site: &'static CallSite, expected: u64) {
    let seen = cpu(site);
    assert!(seen.abs_diff(expected) <= 20, "{seen} ns for {expected}");
}

fn cpu(site: &'static CallSite) -> u64 {
    cell(site).probes().cpu.load(Relaxed)
}

fn own(site: &'static CallSite) -> u64 {
    clock::nanoseconds(cell(site).own.load(Relaxed))
}

#[test]
fn a_call_that_computes_and_waits_has_the_cpu_time_of_the_computing() {
    on_a_thread(|| {
        let site = site("computes_and_waits");
        for _ in 0..10 {
            call(site, || {
                fake::work(3 * MILLISECOND);
                fake::wait(5 * MILLISECOND);
            });
        }
        assert_cpu(site, 30_000_000);
        assert_eq!(cell(site).probes().variance(Probe::Cpu), 0.0, "all were read");
    });
}

#[test]
fn what_a_callee_s_readings_cost_is_neither_the_caller_s_cpu_time_nor_its_own_time() {
    on_a_thread(|| {
        let (outer, inner) = (site("calls_many"), site("is_called_often"));
        let mut calls = 0;
        call(outer, || {
            fake::work(10 * MILLISECOND);
            for _ in 0..20_000 {
                call(inner, || fake::work(10 * MICROSECOND));
                calls += 1;
            }
        });
        let spent: u64 = cell(inner).probes().plan.spent.iter().map(|spent| spent.load(Relaxed)).sum();
        assert!(clock::nanoseconds(spent) > 1_000_000, "there were readings: {spent}");
        assert_eq!(calls, 20_000);
        let truth = 10_000_000 + 200_000_000;
        assert!(cpu(outer).abs_diff(truth) < 50_000, "{} ns of {truth}", cpu(outer));
        assert!(own(outer).abs_diff(10_000_000) < 50_000, "{} ns own", own(outer));
        let inner = cpu(inner);
        assert!(inner.abs_diff(200_000_000) < 20_000_000, "{inner} ns of 0.2 s, estimated");
    });
}

#[test]
fn recursion_counts_once() {
    on_a_thread(|| {
        let site = site("recurses");
        fn recurse(site: &'static CallSite, depth: u32) {
            call(site, || {
                fake::work(MILLISECOND);
                if depth > 1 {
                    recurse(site, depth - 1);
                }
            });
        }
        for _ in 0..4 {
            recurse(site, 5);
        }
        assert_cpu(site, 20_000_000);
    });
}

#[test]
fn bytes_are_those_of_the_call_and_not_of_the_readings() {
    on_a_thread(|| {
        let (outer, inner) = (site("copies"), site("reads"));
        for _ in 0..3 {
            call(outer, || {
                fake::work(20 * MILLISECOND);
                call(inner, || {
                    fake::work(20 * MILLISECOND);
                    fake::read_and_write(70_000, 0);
                });
                fake::read_and_write(0, 50_000);
            });
        }
        let bytes = |site| {
            let probes = cell(site).probes();
            (probes.io_read.load(Relaxed), probes.io_written.load(Relaxed))
        };
        assert_eq!((bytes(outer), bytes(inner)), ((210_000, 150_000), (210_000, 0)));
    });
}

#[test]
fn visits_shorter_than_the_clock_can_tell_do_not_add_up_to_more_than_they_are() {
    on_a_thread(|| {
        let site = site("is_short");
        // The clocks of an empty visit are 420 ns apart here on average, sometimes more and sometimes less: as if calls took -100 or +300 ns.
        let probes = cell(site).probes();
        for _ in 0..1_000 {
            probes.add_cpu(cell(site), 320, 420, 3);
            probes.add_cpu(cell(site), 720, 420, 3);
        }
        assert_eq!(cpu(site), 1_000 * 8 * 200);
    });
}

#[test]
fn a_clock_that_steps_back_counts_no_time_and_is_counted() {
    on_a_thread(|| {
        let site = site("meets_a_step");
        let before = dropped::clock_steps();
        call(site, || fake::work(MILLISECOND));
        fake::wait(Duration::from_secs(10));
        call(site, || {
            clock::fake::NOW.set(clock::fake::NOW.get().map(|now| now - clock::fake::ticks(Duration::from_secs(5))));
            fake::CPU.set(Some(0));
        });
        fake::CPU.set(Some(1_000_000));
        call(site, || fake::CPU.set(Some(5)));
        assert_cpu(site, 1_000_000);
        assert!(clock::nanoseconds(cell(site).busy.load(Relaxed)) <= 1_000_000);
        assert!(dropped::clock_steps() >= before + 2);
        call(site, || fake::work(MILLISECOND));
        assert_cpu(site, 2_000_000);
    });
}

#[test]
fn a_guard_that_is_leaked_takes_no_later_call_with_it() {
    let site = site("is_leaked");
    on_a_thread(|| {
        std::mem::forget(guard::enter(site, false));
        call(site, || fake::work(MILLISECOND));
        assert_cpu(site, 0);
        let outer = self::site("calls_a_leak");
        call(outer, || {
            std::mem::forget(guard::enter(site, false));
            fake::work(MILLISECOND);
        });
        assert_cpu(outer, 1_000_000);
    });
}

#[test]
fn polls_on_two_threads_add_up() {
    let site = site("moves");
    let poll = || {
        fake::start();
        thread::with(|thread| {
            let visit = Visit::begin(thread, cell(site), 0);
            fake::work(2 * MILLISECOND);
            visit.end(thread);
        });
        assert_cpu(site, 2_000_000);
    };
    // Both live at once, so that each has a shard of its own.
    let together = std::sync::Barrier::new(2);
    let polled = || {
        poll();
        together.wait();
    };
    std::thread::scope(|scope| {
        scope.spawn(polled);
        scope.spawn(polled);
    });
}

#[test]
fn the_real_clock_agrees_with_what_a_call_computes() {
    let site = site("computes");
    std::thread::spawn(move || {
        let before = cpu::now();
        // So long that each is read, however much a loaded machine makes a reading cost.
        for _ in 0..8 {
            call(site, || {
                let start = cpu::now().unwrap_or(0);
                while cpu::now().unwrap_or(u64::MAX) < start + 5_000_000 {}
            });
        }
        let Some(all) = cpu::now().zip(before).map(|(now, before)| now - before) else { return };
        let seen = cpu(site);
        assert!((39_000_000..=all).contains(&seen), "{seen} of {all} ns");
    })
    .join()
    .unwrap();
}
