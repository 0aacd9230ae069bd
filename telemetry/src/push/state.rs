//! What is pushed of snapshots, one after the other.

use super::client::{Client, Judge};
use super::{Parcel, Receiver, Transport, When};
use crate::config::push::access::Endpoint;
use crate::config::push::{Authorities, Pace, Settings};
use crate::snapshot::Snapshot;

/// What makes requests of snapshots.
pub(super) trait Packer: Send {
    /// The value of the label `receiver` of the families about pushing.
    fn name(&self) -> &'static str;

    /// The requests that carry this state.
    fn pack(&mut self, snapshot: Snapshot) -> Vec<Parcel>;

    /// The requests that carry the last state of the program.
    fn pack_last(&mut self, snapshot: Snapshot) -> Vec<Parcel>;

    /// Whether a newer state takes the place of one that still waits.
    fn keeps_latest_only(&self) -> bool;

    /// Where it is.
    fn endpoint(&self) -> &Endpoint;

    /// By whose rules answers are read.
    fn judge(&self) -> Judge;
}

/// Takes a snapshot each time.
pub(super) struct States<P> {
    packer: P,
    /// Where others than Mozilla's are trusted.
    authorities: Option<Authorities>,
    pace: Pace,
    take_snapshot: fn() -> Snapshot,
}

impl<P: Packer> States<P> {
    pub(super) fn new(packer: P, settings: &Settings, take_snapshot: fn() -> Snapshot) -> States<P> {
        States { packer, authorities: settings.authorities.clone(), pace: settings.pace, take_snapshot }
    }
}

impl<P: Packer> Receiver for States<P> {
    fn name(&self) -> &'static str {
        self.packer.name()
    }

    fn shown(&self) -> String {
        self.packer.endpoint().shown()
    }

    fn pace(&self) -> Pace {
        self.pace
    }

    fn take(&mut self, when: When) -> Vec<Parcel> {
        let snapshot = (self.take_snapshot)();
        match when {
            When::Due | When::Asked => self.packer.pack(snapshot),
            When::Last => self.packer.pack_last(snapshot),
        }
    }

    fn keeps_latest_only(&self) -> bool {
        self.packer.keeps_latest_only()
    }

    fn transport(&self) -> Result<Box<dyn Transport>, String> {
        let client = Client::new(self.packer.endpoint().clone(), self.authorities.as_ref(), None, self.packer.judge())?;
        Ok(Box::new(client))
    }
}
