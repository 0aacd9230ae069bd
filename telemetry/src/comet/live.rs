//! Runs that are on, and what becomes of them where the program ends without ending them.

use super::core::Core;
use crate::sync::{Mutex, lock};
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

/// Those that have not ended.
static LIVE: Mutex<Vec<Weak<Core>>> = Mutex::new(Vec::new());

/// What has the program's end noticed; while a run is on.
#[cfg(not(telemetry_off))]
static ARMED: Mutex<Option<crate::exit::Armed>> = Mutex::new(None);

/// From now on it ends with the program, if not before.
pub(super) fn add(core: &Arc<Core>) {
    let mut live = lock(&LIVE);
    live.retain(|core| core.strong_count() > 0);
    live.push(Arc::downgrade(core));
    let cores: Vec<_> = live.iter().filter_map(Weak::upgrade).collect();
    let deadline = cores.iter().map(|core| core.plan().deadline).max().unwrap_or_default();
    let takes_signals = cores.iter().all(|core| core.plan().takes_signals);
    drop(live);
    #[cfg(not(telemetry_off))]
    {
        let armed = crate::exit::arm_runs(end_all, deadline, takes_signals);
        // What was armed before goes after the lock is free.
        let before = lock(&ARMED).replace(armed);
        drop(before);
    }
    #[cfg(telemetry_off)]
    let _ = (deadline, takes_signals);
}

/// It has ended.
pub(super) fn remove(core: &Arc<Core>) {
    let mut live = lock(&LIVE);
    live.retain(|other| other.strong_count() > 0 && !std::ptr::eq(other.as_ptr(), Arc::as_ptr(core)));
    let is_last = live.is_empty();
    drop(live);
    #[cfg(not(telemetry_off))]
    if is_last {
        let armed = lock(&ARMED).take();
        drop(armed);
    }
    #[cfg(telemetry_off)]
    let _ = is_last;
}

/// The program ends: all at once, so that the longest alone is waited for.
#[cfg(not(telemetry_off))]
fn end_all(cause: crate::exit::Cause, time: Duration) -> bool {
    let all: Vec<_> = lock(&LIVE).iter().filter_map(Weak::upgrade).collect();
    let until = Instant::now() + time;
    for core in &all {
        if let Some(why) = cause.why() {
            core.fail(&format!("aborted: {why}"));
        }
        core.begin_end(time);
    }
    // Each is waited for, whatever became of the others.
    let mut is_delivered = true;
    for core in &all {
        is_delivered &= core.end(until.saturating_duration_since(Instant::now()));
    }
    is_delivered
}
