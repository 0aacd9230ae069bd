//! A child has none of its parent's threads: its collectors are asked all the same, and one that hung in the parent does not hang in it.
#![cfg(unix)]

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::Duration;
use telemetry::{Collection, Collector, Descriptor, Report, metric, snapshot};

metric! {
    /// Given by a collector.
    gauge forked_idle();
    /// Given by one that hangs in the parent.
    gauge forked_stuck();
}

static HANGS: AtomicBool = AtomicBool::new(false);

struct Idle;

impl Collector for Idle {
    fn describe(&self) -> &[Descriptor] {
        const { &[forked_idle::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        out.gauge(&forked_idle::DESCRIPTOR, &[], 1.0);
    }
}

struct Stuck;

impl Collector for Stuck {
    fn describe(&self) -> &[Descriptor] {
        const { &[forked_stuck::DESCRIPTOR] }
    }

    fn collect(&self, out: &mut Collection) {
        while HANGS.load(SeqCst) {
            std::thread::sleep(Duration::from_millis(1));
        }
        out.gauge(&forked_stuck::DESCRIPTOR, &[], 1.0);
    }
}

#[test]
fn a_child_asks_its_collectors() {
    let builder = telemetry::builder().listen("off").report(Report::Off);
    let _telemetry = builder.collector_timeout(Duration::from_millis(500)).init().unwrap();
    telemetry::register(Idle).unwrap();
    telemetry::register(Stuck).unwrap();
    assert_eq!(snapshot().sum("forked_idle", &[]) + snapshot().sum("forked_stuck", &[]), 2.0);
    HANGS.store(true, SeqCst);
    assert!(snapshot().family("forked_stuck").is_none(), "now its thread hangs");
    // SAFETY: the child takes a snapshot and ends, without running anything of the test's harness.
    match unsafe { libc::fork() } {
        0 => {
            HANGS.store(false, SeqCst);
            let seen = snapshot();
            let whole = seen.sum("forked_idle", &[]) == 1.0 && seen.sum("forked_stuck", &[]) == 1.0;
            // SAFETY: ends this process at once.
            unsafe { libc::_exit(i32::from(!whole)) };
        }
        child => {
            let mut status = 0;
            // SAFETY: waits for the child that was just made.
            assert_eq!(unsafe { libc::waitpid(child, &mut status, 0) }, child);
            assert!(libc::WIFEXITED(status) && libc::WEXITSTATUS(status) == 0, "{status}");
        }
    }
    HANGS.store(false, SeqCst);
}
