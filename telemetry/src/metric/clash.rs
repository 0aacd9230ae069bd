//! What may not be among the declarations of one program.
//!
//! A name stands for one family. Equal declarations (kind, labels, bounds, help) are one where they are the same declaration several
//! times: in two versions of a package, in two doctests, or at one place of the source that is compiled into a library and
//! into a binary. All else is refused: the name in two packages, at two places of one version, with two meanings, and two names that
//! the exposition formats make one of, such as the gauge `x` and the counter `x_total`.
//!
//! # Why not earlier
//! All crates meet when the program is linked, not before: a macro sees its own crate alone. A linker would refuse two symbols of one name,
//! but also those of two versions of a crate and of its doctests, which are honest; it would speak of object files; and a
//! symbol of a chosen name is `unsafe` to declare, which `#![forbid(unsafe_code)]` refuses. So `init` says it, before anything is shown under a wrong name, and any
//! test that calls `init` says it before the program runs. Within one module the compiler itself refuses the second function of a name.

use crate::metric::catalog::place;
use crate::metric::prefix::{self, Prefixes};
use crate::metric::{Descriptor, Kind, registered};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt::{self, Write};

/// Names that stand for two things in one program: all that there are, each with both places and with what to do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CatalogError {
    /// At least one, by name.
    pub clashes: Vec<Clash>,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clashes.as_slice() {
            [clash] => clash.fmt(f),
            clashes => {
                write!(f, "{} names of metrics stand for two things each:", clashes.len())?;
                clashes.iter().try_for_each(|clash| write!(f, "\n- {clash}"))
            }
        }
    }
}

impl std::error::Error for CatalogError {}

/// Two declarations that cannot be in one program.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Clash {
    /// The name in which they meet: a family's, or a sample's.
    pub name: String,
    /// One of the two, as declared.
    pub first: Descriptor,
    /// The other.
    pub second: Descriptor,
    /// The names under which they are shown: the declared ones, unless their packages have prefixes.
    shown: [Cow<'static, str>; 2],
}

/// A declaration and the name under which it is shown.
struct Shown {
    declared: Descriptor,
    name: Cow<'static, str>,
}

/// Refuses a program in which a name stands for two things.
pub(crate) fn check(all: &[Descriptor], prefixes: &Prefixes) -> Result<(), CatalogError> {
    let clashes = clashes(all, prefixes).into_iter().map(|(_, clash)| clash).collect();
    refuse(clashes)
}

/// Refuses what a collector describes where that clashes with `known`, or with itself.
pub(crate) fn check_new(known: &[Descriptor], new: &[Descriptor]) -> Result<(), CatalogError> {
    let all = [known, new].concat();
    // What clashed before is not this collector's fault.
    let clashes = clashes(&all, prefix::current()).into_iter();
    refuse(clashes.filter(|(index, _)| *index >= known.len()).map(|(_, clash)| clash).collect())
}

fn refuse(mut clashes: Vec<Clash>) -> Result<(), CatalogError> {
    clashes.sort_by(|a, b| a.name.cmp(&b.name));
    if clashes.is_empty() { Ok(()) } else { Err(CatalogError { clashes }) }
}

/// Every declaration of every linked crate, in the order of their places.
pub(crate) fn declared() -> Vec<Descriptor> {
    let mut all: Vec<_> = registered().map(|family| *family.descriptor()).collect();
    all.sort_by_key(|descriptor| (place(descriptor), descriptor.name));
    all
}

/// The clashes with their second one's index. A declaration that clashes with several before it is told once.
fn clashes(all: &[Descriptor], prefixes: &Prefixes) -> Vec<(usize, Clash)> {
    let all: Vec<_> =
        all.iter().map(|declared| Shown { declared: *declared, name: prefixes.shown_name(declared) }).collect();
    let mut claimed = HashMap::<String, Vec<&Shown>>::new();
    let mut clashes = Vec::new();
    for (index, second) in all.iter().enumerate() {
        let mut told = false;
        for name in second.claims() {
            let before = claimed.entry(name.clone()).or_default();
            if let Some(first) = before.iter().find(|first| !told && !first.is_one_family_with(second)) {
                let shown = [first.name.clone(), second.name.clone()];
                clashes.push((index, Clash { name, first: first.declared, second: second.declared, shown }));
                told = true;
            }
            before.push(second);
        }
    }
    clashes
}

impl Shown {
    /// Every name that the family takes in any of the exposition formats: its own first, then the one of OpenMetrics, then its samples'.
    /// <https://prometheus.io/docs/specs/om/open_metrics_spec/#suffixes>
    fn claims(&self) -> Vec<String> {
        let name = &*self.name;
        let suffixes: &[&str] = match self.declared.kind {
            Kind::Counter => &["_created"],
            Kind::Histogram => &["_bucket", "_count", "_sum", "_created"],
            Kind::Summary => &["_count", "_sum", "_created"],
            Kind::Gauge | Kind::Info | Kind::Unknown => &[],
        };
        let family = openmetrics_name(self.declared.kind, name);
        let mut claims = vec![name.to_owned()];
        claims.extend((family != name).then(|| family.to_owned()));
        claims.extend(suffixes.iter().map(|suffix| format!("{family}{suffix}")));
        claims
    }

    /// Whether both are one declaration, seen twice.
    fn is_one_family_with(&self, other: &Shown) -> bool {
        let (a, b) = (&self.declared, &other.declared);
        let seen_twice = a.origin.version != b.origin.version
            || (a.origin.file, a.origin.line) == (b.origin.file, b.origin.line)
            || are_two_doctests(a, b);
        a.agrees_with(b) && a.origin.package == b.origin.package && seen_twice
    }
}

/// The name of the family in OpenMetrics, which leaves to the samples what the kind appends.
fn openmetrics_name(kind: Kind, name: &str) -> &str {
    let suffix = match kind {
        Kind::Counter => "_total",
        Kind::Info => "_info",
        _ => "",
    };
    name.strip_suffix(suffix).unwrap_or(name)
}

/// Edition 2024 compiles a crate's doctests into one crate, each in a module of its own: `doctest_bundle_2024::__doctest_7`.
fn doctest(descriptor: &Descriptor) -> Option<&'static str> {
    let mut path = descriptor.origin.module.split("::");
    path.next()?.starts_with("doctest_bundle_").then(|| path.next())?
}

fn are_two_doctests(a: &Descriptor, b: &Descriptor) -> bool {
    matches!((doctest(a), doctest(b)), (Some(a), Some(b)) if a != b)
}

impl fmt::Display for Clash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (&self.first.origin, &self.second.origin);
        if self.shown[0] != self.shown[1] {
            return self.of_two_names(f);
        }
        write!(f, "the metric `{}` is declared ", self.name)?;
        if a.package != b.package {
            write!(f, "in {} and in {}; give one of them another name", self.place(0), self.place(1))?;
            self.or_prefix(f)
        } else if a.version != b.version {
            let package = a.package;
            write!(f, "by two versions of `{package}` that do not agree, {} ({}:{}) and ", a.version, a.file, a.line)?;
            write!(f, "{} ({}:{}): they differ in {}; ", b.version, b.file, b.line, self.differences())?;
            write!(
                f,
                "have one version of `{package}` in the tree (`cargo tree --invert {package}@{}` shows who asks for it), or \
                 give the metric another name in one of them",
                a.version
            )
        } else if are_two_doctests(&self.first, &self.second) {
            write!(
                f,
                "by two doctests of {} {} that do not agree: they differ in {}; doctests are linked into one program, so give one of \
                 them another name, or mark its code block `standalone_crate`",
                a.package,
                a.version,
                self.differences()
            )
        } else {
            write!(f, "twice in {} {}, in {}:{} and in {}:{}", a.package, a.version, a.file, a.line, b.file, b.line)?;
            match self.differences() {
                none if none.is_empty() => f.write_str("; declare it in one place and use it in both"),
                differences => write!(f, ", and they differ in {differences}; give one of them another name"),
            }
        }
    }
}

impl Clash {
    /// Two names that the formats make one of.
    fn of_two_names(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (&self.first, &self.second);
        write!(f, "the {} `{}` of {} and ", a.kind, self.shown[0], self.place(0))?;
        write!(f, "the {} `{}` of {} ", b.kind, self.shown[1], self.place(1))?;
        let one_family = |kind, shown| openmetrics_name(kind, shown) == self.name;
        if one_family(a.kind, &self.shown[0]) && one_family(b.kind, &self.shown[1]) {
            write!(f, "are one family to OpenMetrics, `{}`; give one of them another name", self.name)?;
        } else {
            write!(f, "both have samples called `{}`; give one of them another name", self.name)?;
        }
        self.or_prefix(f)
    }

    /// Where one of them was declared, and under which other name if it has a prefix.
    fn place(&self, index: usize) -> String {
        let declared = [&self.first, &self.second][index];
        let mut place = declared.origin.to_string();
        if let Some(prefix) = self.prefix(index) {
            // Cannot fail: a `String` takes all.
            let _ = write!(place, ", which declares `{}` and has the prefix `{prefix}`,", declared.name);
        }
        place
    }

    fn prefix(&self, index: usize) -> Option<&str> {
        let declared = [&self.first, &self.second][index];
        self.shown[index].strip_suffix(declared.name).filter(|prefix| !prefix.is_empty())
    }

    /// What mends a clash of crates that are not the user's. This library's own families keep their names.
    fn or_prefix(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (a, b) = (self.first.origin.package, self.second.origin.package);
        if a == b {
            return Ok(());
        }
        if self.prefix(0).is_some() || self.prefix(1).is_some() {
            return f.write_str(", or its crate another prefix");
        }
        let package = if b == env!("CARGO_PKG_NAME") { a } else { b };
        let prefix = prefix::suggestion(package);
        write!(f, ", or its crate a prefix: `telemetry::builder().prefix_crate({package:?}, {prefix:?})`")
    }

    /// What two declarations of one name say differently, with both words for it. Empty where they agree.
    fn differences(&self) -> String {
        let (a, b) = (&self.first, &self.second);
        let labels = |labels: &[&str]| match labels {
            [] => "none".to_owned(),
            labels => format!("`{}`", labels.join("`, `")),
        };
        let mut all = Vec::new();
        if a.kind != b.kind {
            all.push(format!("kind (`{}` and `{}`)", a.kind, b.kind));
        }
        if a.labels != b.labels {
            all.push(format!("labels ({} and {})", labels(a.labels), labels(b.labels)));
        }
        if a.bounds != b.bounds {
            all.push(format!("bounds ({:?} and {:?})", a.bounds, b.bounds));
        }
        if a.help != b.help {
            all.push(format!("help ({:?} and {:?})", a.help, b.help));
        }
        match all.split_last() {
            Some((last, rest)) if !rest.is_empty() => format!("{} and in {last}", rest.join(", in ")),
            _ => all.concat(),
        }
    }
}
