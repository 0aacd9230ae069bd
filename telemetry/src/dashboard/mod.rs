//! Dashboards and rules, checked against the declared families; and rules that are made of [objectives](crate::objective): [`rules`].
//!
//! The macro [`dashboards!`](crate::dashboards) does it when compiling and leaves a test that does it again; [`check`] is the same as a
//! function, for a program's own tools.
//!
//! ```
//! use telemetry::dashboard::{Severity, Sources, check};
//!
//! telemetry::metric! {
//!     /// Pages read.
//!     counter flights_pages_total(carrier: &str);
//! }
//!
//! # let folder = std::env::temp_dir().join("telemetry-dashboard-check");
//! # std::fs::create_dir_all(&folder)?;
//! std::fs::write(
//!     folder.join("flights.json"),
//!     r#"{ "panels": [{
//!         "title": "Pages", "type": "timeseries",
//!         "targets": [{ "expr": "sum by (carrier) (rate(flights_page_total[5m]))" }]
//!     }] }"#,
//! )?;
//! let findings = check(&Sources::new(&folder).files("*.json").catalog(CATALOG));
//! let errors: Vec<_> = findings.iter().filter(|finding| finding.severity == Severity::Error).collect();
//! assert_eq!(errors.len(), 1);
//! assert_eq!(errors[0].part, "panel \"Pages\"");
//! assert_eq!(
//!     errors[0].message,
//!     "no declared family gives the series `flights_page_total`; did you mean `flights_pages_total`?"
//! );
//! # std::io::Result::Ok(())
//! ```
//!
//! # The way of a check
//! ```text
//! telemetry-dashboards  files -> Demand -+-> dashboards!  one constant for each -> door::must -+-> verdict -> sentence -> error
//!                                        +-> check()      ask::lend ---------------------------+
//! ```

mod ask; // what is asked
#[doc(hidden)]
pub mod door; // what the macro's expansion calls
mod families; // what is declared
mod finding;
mod generate; // dashboards from a catalogue
mod nearest; // what was meant
mod number;
mod objectives; // rules that are made
mod retouch; // exports, data sources
mod sentence; // what is said
mod sources;
mod template; // dashboards with gaps
#[cfg(test)]
mod tests;
mod text;
mod verdict; // whether it is true

pub use finding::{Finding, Severity};
pub use generate::{BuiltIn, Options, generate};
pub use objectives::{RuleOptions, rules};
pub use retouch::{ImportError, Imported, import};
pub use sources::Sources;
pub use template::{DataSource, Template, TemplateError, TemplateValue};

use crate::metric::Descriptor;
use ask::{Ask, Made, Sample};
use families::{Families, gives_prefix};
use telemetry_dashboards as read;

/// Reads the files and says what does not agree with the declared families; then, as notes, which of those no file reads.
///
/// Sorted, each finding once. The library's own families are not noted: nobody reads all of them.
#[must_use]
pub fn check(sources: &Sources) -> Vec<Finding> {
    let reading = read::read(&sources.read);
    let catalogs: [&[Descriptor]; 1] = [&sources.families];
    let entries = families::sorted(&catalogs);
    let families = Families::new(&catalogs, &entries);
    let mistakes = reading.mistakes.iter().map(|mistake| error(&mistake.place, mistake.message.clone()));
    let mut findings: Vec<Finding> = mistakes.collect();
    let mut used = vec![false; sources.families.len()];
    for demand in &reading.demands {
        let made = Made::of(&demand.ask);
        let ask = Ask::lend(&demand.ask, &made);
        match verdict::fault(&families, &ask) {
            Some(fault) => {
                findings.push(error(&demand.place, sentence::sentence(&families, &fault).as_str().to_owned()))
            }
            None => mark(&sources.families, &families, &ask, &mut used),
        }
    }
    let unread = sources.families.iter().zip(used).filter(|(family, used)| !used && !is_ours(family));
    findings.extend(unread.map(|(family, _)| note(family)));
    findings.sort();
    findings.dedup();
    findings
}

/// Notes down which families are read.
fn mark(declared: &[Descriptor], families: &Families<'_>, ask: &Ask<'_>, used: &mut [bool]) {
    let by = |sample: &Sample<'_>| families.gives(sample).map(|given| given.family().name);
    let is_read: &dyn Fn(&Descriptor) -> bool = match ask {
        Ask::Series(sample) => {
            let name = by(sample);
            &move |family| Some(family.name) == name
        }
        Ask::Prefix(prefix) => &|family| gives_prefix(family, prefix),
        // Whatever else is asked of a series, that it is there is asked too.
        _ => return,
    };
    for (family, used) in declared.iter().zip(used) {
        *used |= is_read(family);
    }
}

fn error(place: &read::Place, message: String) -> Finding {
    let (file, part, query) = (place.file.clone(), place.part.clone(), place.query.clone());
    Finding { severity: Severity::Error, file, part, query, message }
}

fn note(family: &Descriptor) -> Finding {
    Finding {
        severity: Severity::Note,
        // Of one that comes from another program's catalogue that is not known.
        file: match family.origin.file {
            "" => String::new(),
            file => format!("{file}:{}", family.origin.line),
        },
        part: String::new(),
        query: String::new(),
        message: format!("no dashboard or rule reads the {} `{}`", family.kind, family.name),
    }
}

/// Whether the library itself declares it: also in another program, of whose families a catalogue tells the names.
fn is_ours(family: &Descriptor) -> bool {
    let module = family.origin.module;
    let here =
        family.origin.package == env!("CARGO_PKG_NAME") && (module == "telemetry" || module.starts_with("telemetry::"));
    here || family.origin.file.is_empty() && crate::builtin::CATALOG.iter().any(|ours| ours.name == family.name)
}
