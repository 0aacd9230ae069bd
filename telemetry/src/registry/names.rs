//! Whose a name is that this library did not declare: the first's who gave it, for as long as the program runs.
//!
//! What is declared goes before all foreign families. Of two sources that give one name, the one that came first keeps it also in a snapshot
//! in which it gives nothing: else the other's values would stand in its place for that moment, and a counter could fall.

use crate::metric;
use crate::notice::say;
use crate::registry::ask::Asked;
use crate::snapshot::Family;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// So many names are told on standard error when they clash; all are counted.
const TOLD: usize = 100;

/// A family of which no declaration is known, and who gave it.
pub(super) struct Foreign {
    pub(super) family: Family,
    pub(super) from: Arc<Asked>,
}

/// Names that foreign families have.
#[derive(Default)]
pub(super) struct Names {
    /// By each name that the family takes in a format.
    owners: HashMap<String, Owner>,
    told: HashSet<String>,
}

struct Owner {
    family: String,
    source: Arc<Asked>,
}

impl Names {
    /// Those whose names are theirs. `taken` are the names of what is declared.
    pub(super) fn let_in(&mut self, given: Vec<Foreign>, taken: &HashSet<String>) -> Vec<Family> {
        given.into_iter().filter_map(|foreign| self.let_one_in(foreign, taken)).collect()
    }

    fn let_one_in(&mut self, Foreign { family, from }: Foreign, taken: &HashSet<String>) -> Option<Family> {
        let claims = metric::claims(family.kind, &family.name);
        let clash = claims.iter().find_map(|name| {
            let owner = match self.owners.get(name) {
                _ if taken.contains(name) => "a family that is declared".to_owned(),
                // A source gives a family once in a snapshot.
                Some(owner) if owner.family != family.name || !Arc::ptr_eq(&owner.source, &from) => {
                    format!("`{}` of the collector `{}`", owner.family, owner.source.name())
                }
                _ => return None,
            };
            Some((name, owner))
        });
        let Some((name, owner)) = clash else {
            for name in claims {
                let owner = || Owner { family: family.name.to_string(), source: Arc::clone(&from) };
                self.owners.entry(name).or_insert_with(owner);
            }
            return Some(family);
        };
        from.standing().clashed();
        if self.told.len() < TOLD && self.told.insert(family.name.to_string()) {
            let (family, from) = (&family.name, from.name());
            say(format_args!(
                "`{family}` of the collector `{from}` is left out: the name `{name}` belongs to {owner}; rename one of them"
            ));
        }
        None
    }
}
