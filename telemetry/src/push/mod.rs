//! Pushing, for programs that nobody scrapes: a thread for each receiver takes what is to be sent, and a second one sends it.
//!
//! Threads that record wait for none of this. What cannot be sent waits in a queue with an end, the oldest makes room for the newest, and what
//! was dropped is counted. A receiver that hangs delays neither another receiver nor, beyond the deadline, the end of the program: a request is
//! waited for by the second thread alone, so that the first goes on to take, to count and to answer, and leaves that one behind at the end.

pub(crate) mod client; // one request, by HTTP
mod each; // what each process has for itself
#[cfg(feature = "push")]
mod gateway; // a Pushgateway's group
mod queue; // what waits
#[cfg(feature = "push")]
mod remote; // remote write
mod sender; // the thread that waits for answers
#[cfg(feature = "push")]
mod state; // what is pushed of snapshots
mod worker; // the thread of a receiver

pub(crate) use each::PerProcess;
pub(crate) use worker::Event;
#[cfg(feature = "otlp")]
pub(crate) use worker::flush;

use crate::config::push::{Pace, Settings};
use crate::notice::say;
#[cfg(feature = "otlp")]
use crate::otlp::{self, Spans};
use crate::record::fork;
use crate::snapshot::Snapshot;
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::mpsc::{self, Sender};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use worker::{Ask, Worker};

/// How much earlier than the guard its threads give up: long enough to write a line on a machine that is busy.
const MARGIN: Duration = Duration::from_millis(50);

/// Somewhere to push to: what takes what is to be sent, and makes requests of it.
pub(crate) trait Receiver: Send {
    /// The value of the label `receiver` of the families about pushing.
    fn name(&self) -> &'static str;

    /// Where it is, without secrets.
    fn shown(&self) -> String;

    /// What its samples are called.
    fn samples(&self) -> &'static str {
        "samples"
    }

    /// How often, how long, how much.
    fn pace(&self) -> Pace;

    /// Which settings say how much may wait.
    fn bounds(&self) -> &'static str {
        "TELEMETRY_PUSH_QUEUE_SAMPLES and TELEMETRY_PUSH_QUEUE_BYTES are its size"
    }

    /// Whether the first state is sent at the start, rather than after a period.
    fn begins_at_once(&self) -> bool {
        true
    }

    /// What is to be sent now. May panic: that costs what was to be sent.
    fn take(&mut self, when: When) -> Vec<Parcel>;

    /// Whether a newer state takes the place of one that still waits.
    fn keeps_latest_only(&self) -> bool {
        false
    }

    /// How many samples wait at the receiver itself, which takes in what it is given as long as there is room, and hands on no more than is sent
    /// soon. `None` for one that makes its samples when it is asked.
    fn held(&self) -> Option<u64> {
        None
    }

    /// Whether enough is held for a request before the period is over.
    fn is_ready(&self) -> bool {
        false
    }

    /// Samples that it dropped itself since this was last asked, and counted.
    fn missing(&mut self) -> Missing {
        Missing::default()
    }

    /// Takes nothing in any more: how many samples it held.
    fn close(&mut self) -> u64 {
        0
    }

    /// How requests get there.
    ///
    /// # Errors
    /// What is wrong with the settings, such as a certificate.
    fn transport(&self) -> Result<Box<dyn Transport>, String>;
}

/// Samples that a receiver had to drop.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Missing {
    /// For which there was no room.
    pub(crate) no_room: u64,
    /// Which could not be written.
    pub(crate) unwritten: u64,
}

/// Why something is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    /// It is time.
    Due,
    /// Somebody waits for it.
    Asked,
    /// The program ends.
    Last,
}

/// What carries requests.
pub(crate) trait Transport: Send {
    /// Sends a parcel, within this time.
    fn send(&mut self, parcel: &Parcel, timeout: Duration) -> Outcome;
}

/// What became of a request.
#[derive(Debug, PartialEq)]
pub(crate) enum Outcome {
    /// All was taken.
    Taken,
    /// It is done with, but so many samples were rejected, or there is something to be told.
    #[cfg_attr(all(not(feature = "otlp"), not(test)), expect(dead_code, reason = "what OTLP says"))]
    Partly { rejected: u64, why: String },
    /// It may be taken later: after this time, where the receiver said one.
    Later { after: Option<Duration>, kind: &'static str, why: String },
    /// It will never be taken; but so many samples of it were, where the receiver told.
    Refused { taken: u64, why: String },
}

/// A request that waits to be sent.
#[derive(Debug)]
pub(crate) struct Parcel {
    pub(crate) verb: Verb,
    /// For gRPC the path of the method.
    pub(crate) url: Arc<str>,
    pub(crate) headers: &'static [(&'static str, &'static str)],
    pub(crate) body: Vec<u8>,
    pub(crate) samples: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verb {
    Post,
    #[cfg(feature = "push")]
    Put,
    #[cfg(feature = "push")]
    Delete,
}

/// What is to be pushed, and where to.
pub(crate) struct Plan {
    pub(crate) push: Settings,
    pub(crate) resource: BTreeMap<String, String>,
    /// Where the endpoint is, if anywhere.
    pub(crate) listens: Option<SocketAddr>,
    pub(crate) take_snapshot: fn() -> Snapshot,
    #[cfg(feature = "otlp")]
    pub(crate) otlp: Option<crate::config::otlp::Settings>,
    /// The resource as OTLP has it. Asked once in each process, since no two are to be one `service.instance.id`.
    #[cfg(feature = "otlp")]
    pub(crate) otlp_resource: fn(&BTreeMap<String, String>) -> opentelemetry_sdk::Resource,
}

/// What pushes, as long as it lives: the threads of all receivers.
pub(crate) struct Pusher {
    plan: Plan,
    threads: PerProcess<Threads>,
    #[cfg(feature = "otlp")]
    spans: Option<Spans>,
}

struct Threads {
    all: Vec<Thread>,
    /// How long the end is waited for, from the first that asked for it on.
    end_until: OnceLock<Instant>,
}

impl From<Vec<Thread>> for Threads {
    fn from(all: Vec<Thread>) -> Threads {
        Threads { all, end_until: OnceLock::new() }
    }
}

struct Thread {
    events: Sender<Event>,
    shown: String,
    /// What became of its end: one of the numbers below.
    end: Arc<AtomicU8>,
}

const RUNS: u8 = 0;
const ENDED: u8 = 1;
const ENDED_WITH_LOSS: u8 = 2;

impl Pusher {
    /// Starts a thread for each receiver; `None` where there is none.
    pub(crate) fn start(plan: Plan) -> Option<Pusher> {
        #[cfg(feature = "otlp")]
        let spans = plan.otlp.as_ref().and_then(|otlp| otlp.traces.as_ref()).map(Spans::new);
        let is_idle = plan.is_idle();
        #[cfg(feature = "otlp")]
        let is_idle = is_idle && plan.otlp.as_ref().is_none_or(|otlp| otlp.metrics.is_none() && otlp.traces.is_none());
        if is_idle {
            return None;
        }
        fork::watch();
        #[cfg(feature = "otlp")]
        let started = plan.start(plan.listens, spans.as_ref());
        #[cfg(not(feature = "otlp"))]
        let started = plan.start(plan.listens);
        Some(Pusher {
            threads: PerProcess::new(started.into()),
            plan,
            #[cfg(feature = "otlp")]
            spans,
        })
    }

    /// In a child of a fork, which has none of its parent's threads: starts its own, unless it has them. Nothing of what the parent had to send is the
    /// child's.
    pub(crate) fn start_in_child(&self) {
        self.threads.get_or_make(|| {
            // The parent has the endpoint.
            #[cfg(feature = "otlp")]
            let started = self.plan.start(None, self.spans.as_ref());
            #[cfg(not(feature = "otlp"))]
            let started = self.plan.start(None);
            started.into()
        });
    }

    /// Where a tracer's spans are to be handed to, where spans are sent.
    #[cfg(feature = "otlp")]
    pub(crate) fn spans(&self) -> Option<Spans> {
        self.spans.clone()
    }

    /// How long the end is waited for.
    pub(crate) fn deadline(&self) -> Duration {
        self.plan.push.pace.deadline
    }

    /// Sends the state of now, and what waits, and waits for that until the deadline: the setting's, or this one. Whether all of it was taken.
    pub(crate) fn flush(&self, deadline: Option<Duration>) -> bool {
        let Some(threads) = self.threads.get() else { return true };
        let deadline = deadline.unwrap_or(self.plan.push.pace.deadline);
        ask(&threads.all, after(deadline), Some(deadline), |until, done| Ask::Flush { until, done })
    }

    /// The same for the last state, after which nothing is sent any more. Whoever calls it again waits for the first end, no longer than that does, and
    /// is told the same.
    pub(crate) fn end(&self, deadline: Option<Duration>) -> bool {
        // A child of a fork has no threads unless it started some, and what its parent's were to send is its parent's.
        let Some(threads) = self.threads.get() else { return true };
        let deadline = deadline.unwrap_or(self.plan.push.pace.deadline);
        let own = after(deadline);
        let mut is_first = false;
        let first = *threads.end_until.get_or_init(|| {
            is_first = true;
            own
        });
        ask(&threads.all, own.min(first), is_first.then_some(deadline), |until, done| Ask::End { until, done })
    }
}

/// Has all threads do something, side by side, and waits for them, but not beyond that time. `told` is how long that was, where it is to be told.
fn ask(threads: &[Thread], until: Instant, told: Option<Duration>, ask: impl Fn(Instant, Sender<bool>) -> Ask) -> bool {
    // The threads are to be done a little earlier, so that what they have to say is heard.
    let theirs = until - MARGIN.min(until.saturating_duration_since(Instant::now()) / 10);
    let asked = threads.iter().map(|thread| {
        let (done, wait) = mpsc::channel();
        // Where it has ended, the wait does at once.
        let _ = thread.events.send(Event::Ask(ask(theirs, done)));
        (thread, wait)
    });
    // All are asked before the first is waited for, and all are waited for, whatever the first one says.
    let asked: Vec<_> = asked.collect();
    let mut all = true;
    for (thread, wait) in asked {
        let answer = wait.recv_timeout(until.saturating_duration_since(Instant::now()));
        all &= match (answer, thread.end.load(Ordering::Acquire)) {
            (Ok(all), _) => all,
            (Err(_), ENDED) => true,
            (Err(_), ENDED_WITH_LOSS) => false,
            (Err(_), _) => {
                if let Some(deadline) = told {
                    let shown = &thread.shown;
                    say(format_args!("the push to {shown} was not finished within {deadline:?}"));
                }
                false
            }
        };
    }
    all
}

/// In so long. Durations that the clock cannot hold are as good as ten years.
pub(crate) fn after(time: Duration) -> Instant {
    let now = Instant::now();
    now.checked_add(time).unwrap_or(now + Duration::from_secs(315_360_000))
}

impl Drop for Pusher {
    fn drop(&mut self) {
        self.end(None);
    }
}

impl Plan {
    /// Whether there is no receiver besides OTLP's.
    fn is_idle(&self) -> bool {
        #[cfg(feature = "push")]
        let is_idle = self.push.gateway.is_none() && self.push.remote.is_none();
        #[cfg(not(feature = "push"))]
        let is_idle = true;
        is_idle
    }

    #[cfg_attr(not(feature = "push"), expect(unused_variables, reason = "the instance of remote write"))]
    fn start(&self, listens: Option<SocketAddr>, #[cfg(feature = "otlp")] spans: Option<&Spans>) -> Vec<Thread> {
        let mut threads = Vec::new();
        #[cfg(feature = "push")]
        if let Some(settings) = &self.push.gateway {
            let group = gateway::Group::new(settings.clone());
            threads.extend(start(Box::new(state::States::new(group, &self.push, self.take_snapshot)), |_| ()));
        }
        #[cfg(feature = "push")]
        if let Some(settings) = &self.push.remote {
            let (job, instance) = (crate::config::job(&self.resource), instance(&self.resource, listens));
            let writer = remote::Writer::new(settings.clone(), job, instance);
            threads.extend(start(Box::new(state::States::new(writer, &self.push, self.take_snapshot)), |_| ()));
        }
        #[cfg(feature = "otlp")]
        if let Some(settings) = &self.otlp {
            let resource = (self.otlp_resource)(&self.resource);
            if let Some(metrics) = &settings.metrics {
                let metrics = otlp::Metrics::new(metrics, self.push.pace, &resource, self.take_snapshot)
                    .with_exemplars(!settings.without_exemplars);
                threads.extend(start(Box::new(metrics), |_| ()));
            }
            if let (Some(traces), Some(spans)) = (&settings.traces, spans) {
                let traces = otlp::Traces::new(traces, self.push.pace, &resource, spans);
                threads.extend(start(Box::new(traces), |events| spans.wakes(events)));
            }
        }
        threads
    }
}

/// Starts the threads of a receiver. `wakes` is given what wakes the first one.
fn start(receiver: Box<dyn Receiver>, wakes: impl FnOnce(Sender<Event>)) -> Option<Thread> {
    let shown = receiver.shown();
    let started = Worker::start(receiver);
    match started {
        Ok((events, end)) => {
            wakes(events.clone());
            Some(Thread { events, shown, end })
        }
        Err(why) => {
            say(format_args!("nothing is pushed to {shown}: {why}"));
            None
        }
    }
}

impl fmt::Debug for Pusher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown: Vec<_> =
            self.threads.get().into_iter().flat_map(|threads| &threads.all).map(|thread| &thread.shown).collect();
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

#[cfg(all(test, feature = "otlp"))]
pub(crate) mod sink;
#[cfg(test)]
pub(crate) mod tests;
