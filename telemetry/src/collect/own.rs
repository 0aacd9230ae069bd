//! What the library says of itself.

use crate::builtin::own as families;
use crate::metric::{self, Descriptor};
use crate::record::{clock, dropped};
use crate::registry::{Collection, Collector};
use crate::snapshot::{Family, Series, Value};

pub(crate) struct Own;

impl Collector for Own {
    fn describe(&self) -> &[Descriptor] {
        families::CATALOG
    }

    fn collect(&self, out: &mut Collection) {
        out.info(&families::telemetry_build_info::DESCRIPTOR, &[env!("CARGO_PKG_VERSION")]);
        out.info(&families::telemetry_clock_info::DESCRIPTOR, &[clock::clock().source]);
        out.counter(&families::telemetry_dropped_observations_total::DESCRIPTOR, &[], dropped::observations());
        for family in metric::families() {
            let name = family.shown().name;
            if family.capped() > 0 {
                out.counter(&families::telemetry_capped_lookups_total::DESCRIPTOR, &[name], family.capped());
            }
            if family.cut() > 0 {
                out.counter(&families::telemetry_cut_lookups_total::DESCRIPTOR, &[name], family.cut());
            }
        }
    }
}

/// Adds the family that counts the others, itself included.
pub(crate) fn add_series_count(families: &mut Vec<Family>) {
    let descriptor = &families::telemetry_series::DESCRIPTOR;
    families.retain(|family| family.name != descriptor.name);
    let count = 1 + families.iter().map(|family| family.series.len()).sum::<usize>();
    let mut family = Family::declared(descriptor);
    #[expect(clippy::cast_precision_loss, reason = "series fit in memory")]
    family.series.push(Series { labels: Vec::new(), value: Value::Float(count as f64) });
    let place = families.partition_point(|other| other.name < family.name);
    families.insert(place, family);
}
