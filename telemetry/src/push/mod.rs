//! Pushing, for programs that nobody scrapes: a thread for each receiver takes a snapshot every period and sends it.
//!
//! Threads that record wait for none of this. What cannot be sent waits in a queue with an end, the oldest makes room for the newest, and what
//! was dropped is counted. A receiver that hangs delays neither another receiver nor, beyond the deadline, the end of the program: the
//! guard asks the threads to end, waits that long, and leaves.

mod backoff; // how long until the next attempt
mod client; // one request
#[cfg(feature = "push")]
mod gateway; // a Pushgateway's group
mod queue; // what waits
#[cfg(feature = "push")]
mod remote; // remote write
mod worker; // the thread of a receiver

use crate::config::push::Settings;
use crate::notice::say;
use crate::record::fork::{self, Process};
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::time::{Duration, Instant};
use worker::{Ask, Worker};

/// How much earlier than the guard its threads give up: long enough to write a line on a machine that is busy.
const MARGIN: Duration = Duration::from_millis(50);

/// Somewhere to push to: what makes requests of snapshots.
trait Receiver: Send {
    /// The value of the label `receiver` of the families about pushing.
    fn name(&self) -> &'static str;

    /// Where it is, without secrets.
    fn shown(&self) -> String;

    /// The requests that carry this state.
    fn pack(&mut self, snapshot: Snapshot) -> Vec<Parcel>;

    /// The requests that carry the last state of the program.
    fn pack_last(&mut self, snapshot: Snapshot) -> Vec<Parcel>;

    /// Whether a newer state takes the place of one that still waits.
    fn keeps_latest_only(&self) -> bool;

    /// What every request has besides its parcel.
    fn endpoint(&self) -> &crate::config::push::access::Endpoint;
}

/// A request that waits to be sent.
#[derive(Debug)]
struct Parcel {
    verb: Verb,
    url: Arc<str>,
    headers: &'static [(&'static str, &'static str)],
    body: Vec<u8>,
    samples: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verb {
    Post,
    Put,
    Delete,
}

/// What pushes, as long as it lives: the threads of all receivers.
pub(crate) struct Pusher {
    /// A child of a fork has this value and none of the threads.
    process: Process,
    deadline: Duration,
    threads: Vec<Thread>,
}

struct Thread {
    asks: Sender<Ask>,
    shown: String,
}

impl Pusher {
    /// Starts a thread for each receiver; `None` where there is none. `listens` is where the endpoint is, if anywhere.
    pub(crate) fn start(
        settings: &Settings,
        resource: &BTreeMap<String, String>,
        listens: Option<SocketAddr>,
        take_snapshot: fn() -> Snapshot,
    ) -> Option<Pusher> {
        let mut receivers = Vec::<Box<dyn Receiver>>::new();
        #[cfg(feature = "push")]
        if let Some(settings) = &settings.gateway {
            receivers.push(Box::new(gateway::Group::new(settings.clone())));
        }
        #[cfg(feature = "push")]
        if let Some(settings) = &settings.remote {
            let instance = instance(resource, listens);
            receivers.push(Box::new(remote::Writer::new(settings.clone(), crate::config::job(resource), instance)));
        }
        if receivers.is_empty() {
            return None;
        }
        fork::watch();
        let start = |receiver: Box<dyn Receiver>| {
            let (asks, asked) = mpsc::channel();
            let shown = receiver.shown();
            let worker = Worker::new(receiver, settings, asked, take_snapshot);
            let thread = std::thread::Builder::new().name("telemetry-push".to_owned());
            match thread.spawn(move || worker.run()) {
                Ok(_) => Some(Thread { asks, shown }),
                Err(error) => {
                    say(format_args!("nothing is pushed to {shown}: no thread could be started ({error})"));
                    None
                }
            }
        };
        let threads = receivers.into_iter().filter_map(start).collect();
        Some(Pusher { process: Process::current(), deadline: settings.pace.deadline, threads })
    }

    /// Sends the state of now, and what waits, and waits for that until the deadline: the setting's, or this one. Whether all of it was taken.
    pub(crate) fn flush(&self, deadline: Option<Duration>) -> bool {
        self.ask(deadline.unwrap_or(self.deadline), |until, done| Ask::Flush { until, done })
    }

    /// Has all threads do something, side by side, and waits for them, but not beyond the deadline.
    fn ask(&self, deadline: Duration, ask: impl Fn(Instant, Sender<bool>) -> Ask) -> bool {
        // A child of a fork has no threads, and what they were to send is its parent's.
        if self.process != Process::current() {
            return true;
        }
        // Durations that the clock cannot hold are as good as ten years.
        let now = Instant::now();
        let until = now.checked_add(deadline).unwrap_or(now + Duration::from_secs(315_360_000));
        // The threads are to be done a little earlier, so that what they have to say is heard.
        let theirs = until - MARGIN.min(until.saturating_duration_since(now) / 10);
        let asked = self.threads.iter().map(|thread| {
            let (done, wait) = mpsc::channel();
            // It cannot have ended; if it did, the wait ends at once.
            let _ = thread.asks.send(ask(theirs, done));
            (thread, wait)
        });
        // All are asked before the first is waited for, and all are waited for, whatever the first one says.
        let asked: Vec<_> = asked.collect();
        let mut all = true;
        for (thread, wait) in asked {
            let answer = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
            if answer.is_err() {
                let shown = &thread.shown;
                say(format_args!("the push to {shown} was not finished within {deadline:?}"));
            }
            all &= answer.unwrap_or(false);
        }
        all
    }
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.ask(self.deadline, |until, done| Ask::End { until, done });
    }
}

impl fmt::Debug for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> = self.threads.iter().map(|thread| &thread.shown).collect();
        f.debug_struct("Pusher").field("receivers", &shown).finish_non_exhaustive()
    }
}

#[cfg(feature = "push")]
/// Another name for a series' label, whose own name the receiver's label has: `exported_` before it, as at a scrape, until nobody has that.
fn exported(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let mut name = format!("exported_{name}");
    while is_taken(&name) {
        name.insert_str(0, "exported_");
    }
    name
}

#[cfg(feature = "push")]
/// The label `instance`: `service.instance.id`, else the host with the endpoint's port, else with the process' number, so that no two processes write
/// to the same series.
fn instance(resource: &BTreeMap<String, String>, listens: Option<SocketAddr>) -> String {
    if let Some(id) = resource.get("service.instance.id").filter(|id| !id.is_empty()) {
        return id.clone();
    }
    let host = resource.get("host.name").filter(|host| !host.is_empty()).cloned();
    let host = host.or_else(crate::host::name).unwrap_or_else(|| "localhost".to_owned());
    match listens {
        Some(address) => format!("{host}:{}", address.port()),
        None => format!("{host}:{}", std::process::id()),
    }
}
