//! What a run is told. In tests of this module somebody listens.

use crate::comet::{Config, Error, Experiment};
use crate::notice;
use serde::Serialize;
use std::sync::Once;
use std::thread;

pub(super) struct Told {
    experiment: Experiment,
    #[cfg(test)]
    witness: super::witness::Witness,
}

impl Told {
    /// Starts a run, or one that keeps nothing where the settings cannot be read.
    pub(super) fn start(config: Config) -> Told {
        #[cfg(test)]
        if let Some(witness) = super::witness::Witness::listening() {
            witness.note(format_args!("start"));
            return Told { experiment: Experiment::off(), witness };
        }
        Told::unless_refused(Experiment::start(config))
    }

    fn unless_refused(started: Result<Experiment, Error>) -> Told {
        /// A function may be called a thousand times, and the settings are the program's.
        static SAID: Once = Once::new();
        let experiment = started.unwrap_or_else(|error| {
            SAID.call_once(|| notice::say(format_args!("experiments are not logged: {error}")));
            Experiment::off()
        });
        Told {
            experiment,
            #[cfg(test)]
            witness: super::witness::Witness::default(),
        }
    }

    pub(super) fn experiment(&self) -> &Experiment {
        &self.experiment
    }

    pub(super) fn parameter<T: Serialize + ?Sized>(&self, name: &str, value: &T) {
        #[cfg(test)]
        self.witness.note_value("parameter", name, value);
        self.experiment.log_parameter(name, value);
    }

    pub(super) fn other(&self, key: &str, value: impl Serialize) {
        #[cfg(test)]
        self.witness.note_value("other", key, &value);
        self.experiment.log_other(key, value);
    }

    pub(super) fn metric(&self, name: &str, value: f64) {
        #[cfg(test)]
        self.witness.note_value("metric", name, &value);
        self.experiment.log_metric(name, value);
    }

    pub(super) fn fail(&self, error: &str) {
        #[cfg(test)]
        self.witness.note(format_args!("fail: {error}"));
        self.experiment.fail(error);
    }

    pub(super) fn abort(&self, reason: &str) {
        #[cfg(test)]
        self.witness.note(format_args!("abort: {reason}"));
        self.experiment.abort(reason);
    }

    pub(super) fn end(&self) {
        #[cfg(test)]
        self.witness.note(format_args!("end"));
        self.experiment.end();
    }

    /// Ends it on a thread of its own, and does something after that. Whether there is such a thread: where none can be had, the run ends with its
    /// last clone.
    pub(super) fn end_elsewhere(&self, then: impl FnOnce() + Send + 'static) -> bool {
        let experiment = self.experiment.clone();
        #[cfg(test)]
        let witness = self.witness.clone();
        let end = move || {
            experiment.end();
            #[cfg(test)]
            witness.note(format_args!("end, on {}", thread::current().name().unwrap_or_default()));
            then();
        };
        thread::Builder::new().name("telemetry-comet-end".to_owned()).spawn(end).is_ok()
    }
}
