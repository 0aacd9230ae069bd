//! What an attribute with `objective(…)` leaves behind: a link-time entry, found without a call.

use crate::job::lifetime::JobSpec;
use crate::objective::{Objective, WINDOW_DAYS};
use crate::record::CallSite;
use std::time::Duration;

/// A declaration, in terms of the static that records what it is about: so its names cannot be others than those of the series.
pub struct Declared {
    what: What,
    success: Option<f64>,
    /// In seconds, and the share.
    latency: Option<(f64, f64)>,
    of_records: bool,
    window_days: u32,
}

enum What {
    Function(&'static CallSite),
    Job(&'static JobSpec),
}

impl Declared {
    const fn new(what: What) -> Declared {
        Declared { what, success: None, latency: None, of_records: false, window_days: WINDOW_DAYS }
    }

    /// Of a measured function.
    #[must_use]
    pub const fn function(site: &'static CallSite) -> Declared {
        Declared::new(What::Function(site))
    }

    /// Of a job.
    #[must_use]
    pub const fn job(spec: &'static JobSpec) -> Declared {
        Declared::new(What::Job(spec))
    }

    /// The share that is to go well.
    #[must_use]
    pub const fn success(mut self, share: f64) -> Declared {
        self.success = Some(share);
        self
    }

    /// The share that is to take no longer than so many seconds.
    #[must_use]
    pub const fn latency(mut self, seconds: f64, share: f64) -> Declared {
        self.latency = Some((seconds, share));
        self
    }

    /// A job's records are meant, whatever its unit.
    #[must_use]
    pub const fn of_records(mut self) -> Declared {
        self.of_records = true;
        self
    }

    /// The days over which it is to hold.
    #[must_use]
    pub const fn window(mut self, days: u32) -> Declared {
        self.window_days = days;
        self
    }

    pub(crate) fn objective(&self) -> Objective {
        let (mut objective, (file, line)) = match self.what {
            What::Function(site) => (Objective::function(site.module(), site.function()), site.location()),
            What::Job(spec) => {
                let objective = Objective::job(spec.name());
                let records = self.of_records || spec.counts_records();
                (if records { objective } else { objective.of_units() }, spec.location())
            }
        };
        objective.success = self.success;
        if let Some((seconds, share)) = self.latency {
            objective = objective.latency(Duration::from_secs_f64(seconds), share);
        }
        objective.window_days(self.window_days).declared_at(file, line)
    }
}

inventory::collect!(Declared);

/// Every declaration that is linked into the program, in no particular order.
pub(crate) fn all() -> impl Iterator<Item = &'static Declared> {
    inventory::iter::<Declared>.into_iter()
}

/// The call sites of functions that have an objective.
pub(crate) fn call_sites() -> impl Iterator<Item = &'static CallSite> {
    all().filter_map(|declared| match declared.what {
        What::Function(site) => Some(site),
        What::Job(_) => None,
    })
}
