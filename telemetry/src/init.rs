//! Start and end of a program: what [`init`] sets up, its guard takes down.

#[cfg(feature = "system")]
use crate::collect::process;
use crate::collect::sampler::{self, Sampler};
use crate::collect::target::Target;
use crate::config::{Builder, Config, builder};
use crate::error::Error;
#[cfg(feature = "grafana")]
use crate::grafana::runs::{self, Annotator};
#[cfg(feature = "__send")]
use crate::last_report;
use crate::last_report::Reporter;
use crate::metric;
#[cfg(any(feature = "otel", feature = "otlp"))]
use crate::notice::say;
use crate::record::budget;
use crate::registry::{self, How};
#[cfg(feature = "prometheus")]
use crate::server::start;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

static INITIALISED: AtomicBool = AtomicBool::new(false);

/// Starts what the environment asks for: the endpoint, and the report at the end. The same as `builder().init()`.
///
/// ```no_run
/// fn main() -> Result<(), Box<dyn std::error::Error>> {
///     let _telemetry = telemetry::init()?; // serves 127.0.0.1:8000, reports when dropped
///     // …
///     Ok(())
/// }
/// ```
///
/// # Errors
/// A variable that cannot be read; names of metrics that stand for two things, all of them at once ([`CatalogError`](crate::CatalogError)); a prefix that
/// cannot be given ([`PrefixError`](crate::PrefixError)); a certificate or key that cannot be used; and a second call in a process. A port that is taken is no
/// error, unless [`strict`](Builder::strict) asks for one: a line on standard error says so, and the program goes on.
pub fn init() -> Result<Telemetry, Error> {
    builder().init()
}

impl Builder {
    /// Starts what was set, and what the environment asks for besides.
    ///
    /// # Errors
    /// Those of [`init`](crate::init()).
    pub fn init(self) -> Result<Telemetry, Error> {
        #[cfg(feature = "grafana")]
        let annotates = self.annotates.clone();
        let mut config = self.config(|name| std::env::var_os(name))?;
        config.prefixes = registry::of_program().check(config.prefixes)?;
        // Last of what can fail: a start that was refused may be mended and tried again.
        if INITIALISED.swap(true, Ordering::Relaxed) {
            return Err(Error::AlreadyInitialised);
        }
        #[cfg(feature = "otel")]
        config.notes.iter().for_each(|note| say(format_args!("{note}")));
        #[cfg(feature = "otlp")]
        tell_of_variables();
        #[cfg(feature = "grafana")]
        let service = config.resource.get("service.name").cloned().unwrap_or_default();
        let started = Telemetry::start(
            config,
            #[cfg(feature = "grafana")]
            annotates.map(|client| (client, service)),
        );
        if started.is_err() {
            INITIALISED.store(false, Ordering::Relaxed);
        }
        started
    }
}

/// What runs beside a program until this is dropped: then the endpoint ends, and the report is printed.
///
/// Keep it in a variable of `main`: `let _telemetry = telemetry::init()?;` (with `let _ = …` it would be dropped at once).
#[must_use = "the endpoint ends and the report is printed when this is dropped; keep it in a variable"]
pub struct Telemetry {
    #[cfg(feature = "__send")]
    armed: Option<crate::exit::Armed>,
    #[cfg(feature = "__send")]
    exit_signals: bool,
    #[cfg(feature = "__send")]
    pusher: Option<Arc<crate::push::Pusher>>,
    /// And how long the end waits for it.
    #[cfg(feature = "grafana")]
    annotator: Option<(Arc<Annotator>, Duration)>,
    #[cfg(feature = "prometheus")]
    published: Option<crate::discovery::Published>,
    sampler: Option<Sampler>,
    #[cfg(feature = "prometheus")]
    server: Option<crate::server::Server>,
    #[cfg(feature = "__send")]
    armed_report: Option<last_report::Armed>,
    reporter: Arc<Reporter>,
}

impl Telemetry {
    fn start(
        config: Config,
        #[cfg(feature = "grafana")] annotates: Option<(crate::grafana::Client, String)>,
    ) -> Result<Telemetry, Error> {
        // Changes nothing where it fails.
        #[cfg(feature = "prometheus")]
        let listening = start::listen(&config)?;
        if let Some(progress) = config.progress {
            crate::job::progress(progress);
        }
        metric::set_max_series(config.max_series);
        config.prefixes.apply();
        budget::set_share(config.overhead_budget);
        config.formats.apply();
        let registry = registry::of_program();
        registry::set_limit(config.collect.timeout);
        registry.add(Target::new(&config.resource, config.collect.build_info), How::Here);
        #[cfg(feature = "tokio")]
        crate::collect::tokio::watch_current();
        #[cfg(feature = "prometheus")]
        registry.add(crate::export::bridge::DefaultRegistry, How::Elsewhere);
        #[cfg(feature = "prometheus")]
        let listens = listening.as_ref().map(crate::server::Listening::address);
        #[cfg(all(feature = "__send", not(feature = "prometheus")))]
        let listens = None;
        #[cfg(feature = "prometheus")]
        let has_tls = config.server.tls.is_some();
        #[cfg(feature = "otel")]
        let theirs = crate::trace::provider::application_has_one();
        #[cfg(feature = "otlp")]
        let otlp = {
            let mut otlp = config.otlp;
            // Spans go where the application's go.
            otlp.traces = otlp.traces.filter(|_| !theirs);
            otlp
        };
        #[cfg(feature = "otlp")]
        let (is_disabled, sampler, limits) = (otlp.is_disabled, otlp.sampler.of_sdk(), otlp.limits.of_sdk());
        #[cfg(all(feature = "otel", not(feature = "otlp")))]
        let is_disabled = false;
        #[cfg(feature = "grafana")]
        let annotator = annotates
            .and_then(|(client, service)| Some((Annotator::start(client, &service)?, config.push.pace.deadline)));
        #[cfg(feature = "__send")]
        let pusher = crate::push::Pusher::start(crate::push::Plan {
            push: config.push,
            resource: config.resource.clone(),
            listens,
            take_snapshot: registry::snapshot,
            #[cfg(feature = "otlp")]
            otlp: Some(otlp),
            #[cfg(feature = "otlp")]
            otlp_resource: crate::otlp::resource::resource,
        })
        .map(Arc::new);
        #[cfg(feature = "otel")]
        {
            crate::trace::propagator::choose(config.propagators);
            crate::trace::process::adopt_parent();
            crate::collect::otel::begin();
            if theirs && !is_disabled {
                crate::trace::use_tracer_provider(&opentelemetry::global::tracer_provider());
            }
        }
        #[cfg(feature = "otlp")]
        if let Some(spans) = pusher.as_ref().and_then(|pusher| pusher.spans()) {
            let resource = crate::otlp::resource::resource(&config.resource);
            crate::trace::provider::begin(&crate::trace::provider::own(spans, resource, sampler, limits));
        }
        let reporter = Reporter::new(config.report, config.color, config.history);
        Ok(Telemetry {
            #[cfg(feature = "grafana")]
            armed: arm_both(pusher.as_ref(), annotator.as_ref(), config.exit_signals),
            #[cfg(all(feature = "__send", not(feature = "grafana")))]
            armed: pusher.as_ref().map(|pusher| arm(pusher, config.exit_signals)),
            #[cfg(feature = "grafana")]
            annotator,
            #[cfg(feature = "__send")]
            exit_signals: config.exit_signals,
            sampler: config.collect.period.and_then(sample),
            #[cfg(feature = "__send")]
            pusher,
            #[cfg(feature = "prometheus")]
            published: config
                .discovery
                .and_then(|place| crate::discovery::Published::start(place, &config.resource, listens, has_tls)),
            #[cfg(feature = "prometheus")]
            server: listening.map(crate::server::Listening::serve),
            #[cfg(feature = "__send")]
            armed_report: reporter.arm(config.exit_signals),
            reporter,
        })
    }

    /// Where the endpoint listens, if it does: the way to learn which port was free when port 0 was asked for.
    #[must_use]
    pub fn address(&self) -> Option<SocketAddr> {
        #[cfg(feature = "prometheus")]
        let address = self.server.as_ref().map(crate::server::Server::address);
        #[cfg(not(feature = "prometheus"))]
        let address = None;
        address
    }

    /// Has every exporter send the state of now and what it holds back, and waits for that, up to the deadline that was set for pushing. The endpoint
    /// and the report hold nothing back: they show the state of the moment at which they are asked.
    pub fn flush(&self) {
        #[cfg(feature = "grafana")]
        let annotated = self.annotator.as_ref().map(|(annotator, deadline)| (annotator, runs::after(*deadline)));
        #[cfg(feature = "__send")]
        if let Some(pusher) = &self.pusher {
            // What could not be sent is kept and counted.
            let _ = pusher.flush(None);
        }
        #[cfg(feature = "grafana")]
        if let Some((annotator, until)) = annotated {
            let _ = annotator.flush(until);
        }
    }

    /// [`flush`](Telemetry::flush) with a deadline of its own: whether all that was to be sent was taken. What was not is kept for later.
    #[cfg_attr(not(feature = "__send"), expect(unused_variables, reason = "nothing is held back"))]
    pub fn flush_within(&self, deadline: Duration) -> bool {
        #[cfg(feature = "grafana")]
        let until = runs::after(deadline);
        #[cfg(feature = "__send")]
        let taken = self.pusher.as_ref().is_none_or(|pusher| pusher.flush(Some(deadline)));
        #[cfg(not(feature = "__send"))]
        let taken = true;
        // What waits is given its time whatever became of the rest.
        #[cfg(feature = "grafana")]
        let taken = self.annotator.as_ref().is_none_or(|(annotator, _)| annotator.flush(until)) && taken;
        taken
    }

    /// Starts delivery in a child of a fork that does not `exec`: what pushes and what exports by OTLP, each with threads of its own, under an identity of
    /// its own (`service.instance.id`, the process' number). Call it in the child, once it may do more than what signal handlers may: before, the
    /// child delivers nothing. Nothing in the parent, and at a second call.
    ///
    /// The child's counts begin at zero when it was forked. What its parent had still to send is its parent's. The endpoint, discovery and the sampling of
    /// high points stay the parent's alone.
    ///
    /// ```no_run
    /// # fn main() -> Result<(), telemetry::Error> {
    /// let telemetry = telemetry::init()?;
    /// # unsafe extern "C" { fn fork() -> i32; }
    /// if unsafe { fork() } == 0 {
    ///     telemetry.after_fork();
    ///     // …
    ///     telemetry.shutdown(); // sends the child's last state
    ///     std::process::exit(0);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn after_fork(&self) {
        #[cfg(feature = "__send")]
        if let Some(pusher) = &self.pusher {
            pusher.start_in_child();
            // Until the child ends; what the guard disarms is its parent's.
            std::mem::forget(arm(pusher, self.exit_signals));
        }
    }

    /// Pushes the last state, ends the endpoint and prints the report now: the same as dropping.
    pub fn shutdown(self) {
        drop(self);
    }

    /// Prints the report of now, in the form and to the place of the one at the end. `kill -USR1` does the same where nobody else has taken that signal.
    ///
    /// ```no_run
    /// let telemetry = telemetry::init()?;
    /// // … after the first half:
    /// telemetry.print_report();
    /// # Ok::<(), telemetry::Error>(())
    /// ```
    pub fn print_report(&self) {
        self.reporter.print();
    }
}

impl Drop for Telemetry {
    fn drop(&mut self) {
        #[cfg(feature = "prometheus")]
        drop(self.published.take());
        // Both at once, so that the end waits for the longer one alone.
        #[cfg(feature = "grafana")]
        let annotated = self.annotator.take().map(|(annotator, deadline)| {
            annotator.begin_end();
            (annotator, runs::after(deadline))
        });
        #[cfg(feature = "__send")]
        if let Some(pusher) = self.pusher.take() {
            // Not by dropping it: an exit hook may hold it too.
            pusher.end(None);
        }
        #[cfg(feature = "grafana")]
        if let Some((annotator, until)) = annotated {
            annotator.end(until);
        }
        #[cfg(feature = "__send")]
        drop(self.armed.take());
        #[cfg(feature = "prometheus")]
        drop(self.server.take());
        if self.sampler.take().is_some() {
            #[cfg(feature = "system")]
            process::sampled(None);
        }
        #[cfg(feature = "__send")]
        drop(self.armed_report.take());
        self.reporter.end();
    }
}

/// Names the variables of OpenTelemetry's that are set and do nothing.
#[cfg(feature = "otlp")]
fn tell_of_variables() {
    let set = std::env::vars_os().filter(|(_, value)| !value.is_empty());
    let set: Vec<String> = set.filter_map(|(name, _)| name.into_string().ok()).collect();
    for note in crate::config::otlp::names::notes(set.iter().map(String::as_str)) {
        say(format_args!("{note}"));
    }
}

impl fmt::Debug for Telemetry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Telemetry").field("address", &self.address()).field("report", &self.reporter).finish()
    }
}

/// Has the last state delivered where the guard is not dropped.
#[cfg(feature = "__send")]
fn arm(pusher: &Arc<crate::push::Pusher>, takes_signals: bool) -> crate::exit::Armed {
    let (of_end, deadline) = (Arc::clone(pusher), pusher.deadline());
    crate::exit::arm(move |deadline| of_end.end(Some(deadline)), deadline, takes_signals)
}

/// The same for what annotates runs.
#[cfg(feature = "grafana")]
fn arm_both(
    pusher: Option<&Arc<crate::push::Pusher>>,
    annotator: Option<&(Arc<Annotator>, Duration)>,
    takes_signals: bool,
) -> Option<crate::exit::Armed> {
    let Some((annotator, deadline)) = annotator.cloned() else {
        return pusher.map(|pusher| arm(pusher, takes_signals));
    };
    let (of_end, deadline) = (pusher.cloned(), pusher.map_or(deadline, |pusher| pusher.deadline()));
    let deliver = move |deadline| {
        let until = runs::after(deadline);
        annotator.begin_end();
        let is_pushed = of_end.as_ref().is_none_or(|pusher| pusher.end(Some(deadline)));
        annotator.end(until) && is_pushed
    };
    Some(crate::exit::arm(deliver, deadline, takes_signals))
}

/// Starts the thread that samples, where there is something to sample.
fn sample(period: Duration) -> Option<Sampler> {
    let sampler = Sampler::start(period, sampler::samples());
    #[cfg(feature = "system")]
    process::sampled(sampler.as_ref().map(|_| period));
    sampler
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_guard_may_be_kept_in_a_static() {
        fn takes<T: Send + Sync + 'static>() {}
        takes::<Telemetry>();
    }
}
