//! How far the running statements are, where DuckDB knows.

use crate::duckdb::fingerprint::Fingerprint;
use crate::sync::{Mutex, lock};
use ::duckdb::ProgressHandle;
use std::fmt;
use std::sync::{Arc, Weak};

/// A connection whose statements' progress is asked for.
pub(crate) struct Watched {
    handle: ProgressHandle,
    running: Mutex<Option<(Arc<str>, Arc<Fingerprint>)>>,
}

/// Every connection that is watched and may still be open.
static WATCHED: Mutex<Vec<Weak<Watched>>> = Mutex::new(Vec::new());

impl Watched {
    pub(crate) fn new(handle: ProgressHandle) -> Arc<Watched> {
        let watched = Arc::new(Watched { handle, running: Mutex::new(None) });
        let mut all = lock(&WATCHED);
        all.retain(|other| other.strong_count() > 0);
        all.push(Arc::downgrade(&watched));
        watched
    }

    /// A statement runs until the guard is dropped. The current job shows how far it is.
    pub(crate) fn runs(self: &Arc<Watched>, database: &Arc<str>, print: &Arc<Fingerprint>) -> Runs {
        *lock(&self.running) = Some((Arc::clone(database), Arc::clone(print)));
        if let Some(job) = crate::Job::current() {
            let watched = Arc::downgrade(self);
            job.run.shows_query(Box::new(move || watched.upgrade().and_then(|watched| watched.share())));
        }
        Runs(Arc::clone(self))
    }

    /// From 0 to 1; `None` where nothing runs, or DuckDB does not know.
    pub(crate) fn share(&self) -> Option<f64> {
        if lock(&self.running).is_none() {
            return None;
        }
        self.handle.query_progress().percentage().map(|percent| (percent / 100.0).clamp(0.0, 1.0))
    }
}

pub(crate) struct Runs(Arc<Watched>);

impl Drop for Runs {
    fn drop(&mut self) {
        *lock(&self.0.running) = None;
    }
}

/// Database, statement and progress of what runs. Of several runs of one statement the one that is least far.
pub(crate) fn all() -> Vec<(Arc<str>, Arc<Fingerprint>, f64)> {
    let watched: Vec<Arc<Watched>> = lock(&WATCHED).iter().filter_map(Weak::upgrade).collect();
    let mut all: Vec<(Arc<str>, Arc<Fingerprint>, f64)> = Vec::new();
    for watched in watched {
        let Some((database, print)) = lock(&watched.running).clone() else { continue };
        let Some(share) = watched.share() else { continue };
        match all.iter_mut().find(|(other, of, _)| *other == database && of.label == print.label) {
            Some((.., least)) => *least = least.min(share),
            None => all.push((database, print, share)),
        }
    }
    all
}

impl fmt::Debug for Watched {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Watched").finish_non_exhaustive()
    }
}
