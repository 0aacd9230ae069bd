//! Where Prometheus finds the endpoint: an entry for its `file_sd_configs`, as long as the program runs.
//! <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#file_sd_config>
//!
//! Several processes of one program on one machine each listen on a port of their own and publish it; Prometheus tells them apart. That needs neither
//! shared memory nor a process that outlives the others. Who ends removes its entry; who was killed is found out by the others, and by whoever starts
//! next. A child of a fork publishes nothing, since it serves nothing, and takes nothing of its parent's away.

mod entry; // what is published
mod process; // which process, and whether it lives
mod store; // the directory or the file

use crate::builtin::discovery as families;
use crate::config::Publication;
use crate::notice::say;
use crate::record::fork::{self, Process};
use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;
use std::fmt;
use std::net::SocketAddr;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::time::Duration;
use store::Store;

/// How often entries of the dead are looked for, and whether one's own is still there. Prometheus asks a dead target in vain for that long at most.
const PERIOD: Duration = Duration::from_secs(15);
/// How long the end of the program waits for the entry to be removed: a file system may hang.
const PATIENCE: Duration = Duration::from_secs(1);

/// A published endpoint. Its entry goes when this is dropped.
pub(crate) struct Published {
    process: Process,
    end: Option<Sender<()>>,
    /// In a mutex for the guard's sake, which is to be shared between threads.
    ended: Mutex<Receiver<()>>,
}

impl Published {
    /// Publishes what listens there, with or without TLS, from a thread named `telemetry-discovery`; `None` where there is nothing to publish.
    pub(crate) fn start(
        publication: Publication,
        resource: &BTreeMap<String, String>,
        listens: Option<SocketAddr>,
        has_tls: bool,
    ) -> Option<Published> {
        let place = publication.place;
        let Some(address) = listens else {
            say(format_args!("nothing is published in {}: this program has no endpoint", place.display()));
            return None;
        };
        fork::watch();
        let mark = process::mark();
        let entry = entry::entry(&entry::target(address, publication.host.as_deref()), has_tls, resource, &mark);
        let store = Store::new(place, mark, entry);
        let (end, asked) = mpsc::channel();
        let (tell, ended) = mpsc::channel();
        let thread = std::thread::Builder::new().name("telemetry-discovery".to_owned());
        let started = thread.spawn(move || {
            look_after(&store, &asked);
            // Who asked may have left.
            let _ = tell.send(());
        });
        if let Err(error) = started {
            say(format_args!("the endpoint is not published: no thread could be started ({error})"));
            return None;
        }
        Some(Published { process: Process::current(), end: Some(end), ended: Mutex::new(ended) })
    }
}

/// Publishes, and looks after what is published, until the sender is gone.
fn look_after(store: &Store, asked: &Receiver<()>) {
    let mut is_told = false;
    loop {
        match store.publish() {
            Ok(removed) => families::telemetry_discovery_removed_entries_total().add(removed),
            Err(error) => {
                families::telemetry_discovery_failures_total().inc();
                if !std::mem::replace(&mut is_told, true) {
                    say(format_args!("the endpoint is not published: {error}"));
                }
            }
        }
        match asked.recv_timeout(PERIOD) {
            Err(RecvTimeoutError::Timeout) => {}
            Ok(()) | Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    // Whoever starts next removes what could not be removed here.
    let _ = store.withdraw();
}

impl Drop for Published {
    fn drop(&mut self) {
        drop(self.end.take());
        // A child of a fork has a copy of this and no thread.
        if self.process == Process::current() {
            let _ = lock(&self.ended).recv_timeout(PATIENCE);
        }
    }
}

impl fmt::Debug for Published {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Published").finish_non_exhaustive()
    }
}
