//! What is read at intervals rather than when somebody looks: one thread for all of it, and none where nothing needs one.

use crate::notice::say;
use crate::record::fork::{self, Process};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

/// The thread; it ends when this is dropped.
pub(crate) struct Sampler {
    /// A child of a fork has this value and not the thread.
    process: Process,
    /// Nothing is ever sent: that it is dropped is the message.
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Sampler {
    /// Begins with a first round at once, on the thread.
    pub(crate) fn start(period: Duration, samples: Vec<fn()>) -> Option<Sampler> {
        if samples.is_empty() {
            return None;
        }
        fork::watch();
        let (stop, stopped) = mpsc::channel();
        let run = move || {
            loop {
                samples.iter().for_each(|sample| sample());
                if stopped.recv_timeout(period) != Err(RecvTimeoutError::Timeout) {
                    return;
                }
            }
        };
        match thread::Builder::new().name("telemetry-sampler".to_owned()).spawn(run) {
            Ok(thread) => Some(Sampler { process: Process::current(), stop: Some(stop), thread: Some(thread) }),
            Err(error) => {
                say(format_args!(
                    "no thread could be started for samples ({error}); they are read when a snapshot is taken"
                ));
                None
            }
        }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take().filter(|_| self.process == Process::current()) {
            // A sample that panicked was told by the panic's own message.
            let _ = thread.join();
        }
    }
}

/// What this program has to sample.
pub(crate) fn samples() -> Vec<fn()> {
    let mut samples: Vec<fn()> = Vec::new();
    #[cfg(feature = "system")]
    samples.extend([super::process::sample as fn(), super::cgroup::sample]);
    if crate::metric::families().iter().any(|family| family.expiry().is_some()) {
        samples.push(crate::registry::look_for_expired);
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::time::Instant;

    #[test]
    fn one_thread_takes_all_samples_until_it_is_dropped() {
        static FIRST: AtomicU64 = AtomicU64::new(0);
        static SECOND: AtomicU64 = AtomicU64::new(0);
        let first = || {
            assert_eq!(thread::current().name(), Some("telemetry-sampler"));
            FIRST.fetch_add(1, Relaxed);
        };
        let second = || assert_eq!(FIRST.load(Relaxed), SECOND.fetch_add(1, Relaxed) + 1);
        let sampler = Sampler::start(Duration::from_millis(1), vec![first, second]).unwrap();
        let deadline = Instant::now() + Duration::from_secs(10);
        while SECOND.load(Relaxed) < 3 && Instant::now() < deadline {
            thread::yield_now();
        }
        drop(sampler);
        let taken = SECOND.load(Relaxed);
        assert!(taken >= 3);
        thread::sleep(Duration::from_millis(20));
        assert_eq!(SECOND.load(Relaxed), taken, "nothing is sampled after the drop");
        assert!(Sampler::start(Duration::from_millis(1), Vec::new()).is_none(), "nothing to do, no thread");
    }
}
