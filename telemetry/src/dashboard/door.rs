//! What the expansion of `dashboards!` calls.

pub use super::ask::{Ask, At, Comparison, Reads, Sample, Suffix};
pub use super::families::{Entry, Families, count, entries};
use super::finding::{Finding, Severity};
pub use super::sources::Sources;
use super::{sentence, verdict};
pub use crate::metric::Descriptor;
pub use ::core;
use std::fmt;

/// Refuses to compile where what is asked is not true.
///
/// # Panics
/// With the sentence, in the compiler.
#[track_caller]
pub const fn must(families: &Families<'_>, at: &At<'_>, ask: &Ask<'_>) {
    if let Some(fault) = verdict::fault(families, ask) {
        refuse(families, at, &fault, None);
    }
}

/// Whether a series is given, and else what was probably meant: worked out once for all that ask for it.
#[derive(Clone, Copy)]
pub struct Given<'a>(Option<sentence::Meant<'a>>);

impl<'a> Given<'a> {
    /// Asks the families.
    #[must_use]
    pub const fn new(families: &Families<'a>, sample: &Sample<'a>) -> Given<'a> {
        match families.gives(sample) {
            Some(_) => Given(None),
            None => Given(Some(sentence::meant(families, sample))),
        }
    }
}

/// As [`must`], of an [`Ask::Series`] whose answer is known.
///
/// # Panics
/// With the sentence, in the compiler.
#[track_caller]
pub const fn must_be_given(families: &Families<'_>, at: &At<'_>, sample: &Sample<'_>, given: &Given<'_>) {
    if let Some(meant) = &given.0
        && let Some(fault) = verdict::fault(families, &Ask::Series(*sample))
    {
        refuse(families, at, &fault, Some(meant));
    }
}

#[cold]
#[track_caller]
const fn refuse(
    families: &Families<'_>,
    at: &At<'_>,
    fault: &verdict::Fault<'_>,
    meant: Option<&sentence::Meant<'_>>,
) -> ! {
    panic!("{}", sentence::line(at, families, fault, meant).as_str())
}

/// What the test checks, begun: globs begin in a folder of the package.
#[must_use]
pub fn sources(package: &str, root: &str) -> Sources {
    Sources::new(std::path::Path::new(package).join(root))
}

/// The test that the macro leaves: the same files once more, with those that are new since the last compilation.
///
/// # Errors
/// What does not agree.
pub fn test(sources: &Sources) -> Result<(), Failed> {
    let findings = super::check(sources);
    let (errors, notes): (Vec<_>, Vec<_>) =
        findings.into_iter().partition(|finding| finding.severity == Severity::Error);
    for note in notes {
        eprintln!("{note}");
    }
    if errors.is_empty() { Ok(()) } else { Err(Failed(errors)) }
}

/// Findings as a test shows them: one a line.
pub struct Failed(Vec<Finding>);

impl fmt::Debug for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dashboards or rules do not agree with the declared metrics")?;
        self.0.iter().try_for_each(|finding| write!(f, "\n{finding}"))
    }
}
