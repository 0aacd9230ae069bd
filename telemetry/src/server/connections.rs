//! The connections that are open: how many there may be, and which goes when there are more.

use crate::builtin::endpoint::telemetry_cut_connections_total;
use crate::sync::{Mutex, lock};
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::task::AbortHandle;
use tokio::time::timeout;

/// More than all scrapers and browsers that look at one program, and few enough that each could be slow at no harm.
pub(super) const MAX_CONNECTIONS: usize = 64;
/// How long a newcomer waits for one to end where all of them wait for their answer: longer than most snapshots take.
const BUSY_WAIT: Duration = Duration::from_millis(250);

/// How long each may take to ask before it may be cut off: more than a request on its way needs, and so little that a flood of a thousand is over
/// in a third of a second.
const MOMENT: Duration = Duration::from_millis(20);

/// How far a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(super) enum Phase {
    /// Has not said what it wants.
    Asking,
    /// Waits for us.
    Waiting,
    /// Is being sent its answer.
    Reading,
}

#[derive(Default)]
pub(super) struct Connections {
    open: Mutex<Vec<Arc<Connection>>>,
    ended: Notify,
}

/// One connection, in the order in which they came.
pub(super) struct Connection {
    peer: IpAddr,
    since: Instant,
    phase: AtomicU8,
    /// The number of the answer that it is being sent.
    pub(super) answer: AtomicU64,
    pub(super) task: OnceLock<AbortHandle>,
}

/// An open connection; it is no longer open when this is dropped.
pub(super) struct Open {
    connections: Arc<Connections>,
    pub(super) connection: Arc<Connection>,
}

impl Connection {
    fn new(peer: IpAddr, phase: Phase) -> Connection {
        let (phase, answer) = (AtomicU8::new(phase as u8), AtomicU64::new(0));
        Connection { peer, since: Instant::now(), phase, answer, task: OnceLock::new() }
    }

    pub(super) fn enter(&self, phase: Phase) {
        self.phase.store(phase as u8, Relaxed);
    }

    fn is(&self, phase: Phase) -> bool {
        self.phase.load(Relaxed) == phase as u8
    }
}

impl Connections {
    /// Takes a connection in. Where there are too many, another is cut off.
    pub(super) async fn admit(self: &Arc<Connections>, peer: IpAddr) -> Open {
        while lock(&self.open).len() >= MAX_CONNECTIONS {
            // Who has asked by now is known to have, and who was cut off gives its socket back.
            tokio::task::yield_now().await;
            let Some((victim, phase)) = self.victim() else { break };
            let patience = match phase {
                // Who waits for us has done nothing wrong.
                Phase::Waiting => BUSY_WAIT,
                Phase::Asking | Phase::Reading => MOMENT.saturating_sub(victim.since.elapsed()),
            };
            if !patience.is_zero() && timeout(patience, self.ended.notified()).await.is_ok() {
                continue;
            }
            if victim.is(phase) {
                self.cut(&victim, "full");
            }
        }
        let connection = Arc::new(Connection::new(peer, Phase::Asking));
        lock(&self.open).push(Arc::clone(&connection));
        Open { connections: Arc::clone(self), connection }
    }

    /// Who has to go, and how far that one is; `None` while there is room. Of the peer that has most connections, the oldest
    /// that has asked for nothing yet, else the oldest that is slow to read, else the oldest: so a flood cuts off its own, and an idle
    /// connection goes before one at work.
    fn victim(&self) -> Option<(Arc<Connection>, Phase)> {
        let open = lock(&self.open);
        if open.len() < MAX_CONNECTIONS {
            return None;
        }
        let mut of_peer = BTreeMap::<IpAddr, usize>::new();
        open.iter().for_each(|connection| *of_peer.entry(connection.peer).or_default() += 1);
        let most = of_peer.values().max().copied()?;
        let candidates = || open.iter().filter(|connection| of_peer.get(&connection.peer) == Some(&most));
        let oldest = |phase| Some((candidates().find(|connection| connection.is(phase))?, phase));
        let phases = [Phase::Asking, Phase::Reading, Phase::Waiting];
        phases.into_iter().find_map(oldest).map(|(victim, phase)| (Arc::clone(victim), phase))
    }

    /// Cuts off who still reads this answer.
    pub(super) fn cut_readers(&self, answer: u64) {
        let readers: Vec<_> =
            lock(&self.open).iter().filter(|connection| connection.answer.load(Relaxed) == answer).cloned().collect();
        readers.iter().for_each(|reader| self.cut(reader, "memory"));
    }

    fn cut(&self, connection: &Arc<Connection>, reason: &str) {
        lock(&self.open).retain(|other| !Arc::ptr_eq(other, connection));
        if let Some(task) = connection.task.get() {
            task.abort();
        }
        telemetry_cut_connections_total(reason).inc();
    }

    /// Waits until none is open.
    pub(super) async fn all_ended(&self) {
        while !lock(&self.open).is_empty() {
            // A connection that ends between the look and the wait has left its notice.
            self.ended.notified().await;
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        lock(&self.connections.open).retain(|other| !Arc::ptr_eq(other, &self.connection));
        self.connections.ended.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn connection(peer: &str, phase: Phase) -> Arc<Connection> {
        Arc::new(Connection::new(peer.parse().unwrap(), phase))
    }

    fn victim(open: Vec<Arc<Connection>>) -> Option<usize> {
        let connections = Connections { open: Mutex::new(open.clone()), ended: Notify::new() };
        let (victim, _) = connections.victim()?;
        open.iter().position(|connection| Arc::ptr_eq(connection, &victim))
    }

    #[test]
    fn there_is_room_up_to_the_cap() {
        let some = (1..MAX_CONNECTIONS).map(|_| connection("10.0.0.1", Phase::Asking)).collect();
        assert_eq!(victim(some), None);
    }

    #[test]
    fn idle_ones_go_before_slow_ones_and_those_before_who_waits() {
        let open: Vec<_> = (0..MAX_CONNECTIONS).map(|_| connection("10.0.0.1", Phase::Waiting)).collect();
        assert_eq!(victim(open.clone()), Some(0));
        open[9].enter(Phase::Reading);
        assert_eq!(victim(open.clone()), Some(9));
        open[30].enter(Phase::Asking);
        assert_eq!(victim(open), Some(30));
    }

    #[test]
    fn a_flood_cuts_off_its_own() {
        let mut open = vec![connection("10.0.0.1", Phase::Asking)];
        open.extend((1..MAX_CONNECTIONS).map(|_| connection("10.0.0.2", Phase::Waiting)));
        assert_eq!(victim(open), Some(1), "the other peer's is idle, and stays");
    }
}
