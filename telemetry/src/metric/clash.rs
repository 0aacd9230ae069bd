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
use crate::metric::{Descriptor, Kind, Origin, registered};
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;

/// Names that stand for two things in one program: all that there are, each with both places and with what to do.
///
/// `init` says so because nobody can earlier: crates meet when a program is linked, and a linker could not tell a clash from two
/// versions of a crate that agree. A test that calls `init` finds it before the program runs.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct CatalogError {
    /// At least one; those with the same remedy stand together, by name.
    pub clashes: Vec<Clash>,
}

impl fmt::Display for CatalogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.clashes.as_slice() {
            [clash] => clash.fmt(f),
            clashes => {
                write!(f, "{} names of metrics stand for two things each:", clashes.len())?;
                let mut rest = clashes.iter().peekable();
                while let Some(clash) = rest.next() {
                    write!(f, "\n- {}", clash.finding())?;
                    let remedy = clash.remedy();
                    if rest.peek().is_none_or(|next| next.remedy() != remedy) {
                        write!(f, "\n  {remedy}")?;
                    }
                }
                Ok(())
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
    clashes.sort_by_cached_key(|clash| (clash.remedy(), clash.name.clone()));
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

/// Every name that a family takes in any of the exposition formats: its own first, then the one of OpenMetrics, then its samples'.
/// <https://prometheus.io/docs/specs/om/open_metrics_spec/#suffixes>
pub(crate) fn claims(kind: Kind, name: &str) -> Vec<String> {
    let suffixes: &[&str] = match kind {
        Kind::Counter => &["_created"],
        Kind::Histogram => &["_bucket", "_count", "_sum", "_created"],
        Kind::Summary => &["_count", "_sum", "_created"],
        Kind::Gauge | Kind::Info | Kind::Unknown => &[],
    };
    let family = openmetrics_name(kind, name);
    let mut claims = vec![name.to_owned()];
    claims.extend((family != name).then(|| family.to_owned()));
    claims.extend(suffixes.iter().map(|suffix| format!("{family}{suffix}")));
    claims
}

impl Shown {
    fn claims(&self) -> Vec<String> {
        claims(self.declared.kind, &self.name)
    }

    /// Whether both are one declaration, seen twice.
    fn is_one_family_with(&self, other: &Shown) -> bool {
        let (a, b) = (&self.declared, &other.declared);
        let seen_twice = a.origin.version != b.origin.version
            || (a.origin.line == b.origin.line && same_file(a.origin.file, b.origin.file))
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

/// `src/bin/../both.rs` is `src/both.rs`: so a binary has it by a `#[path]`, and the library by its name.
fn same_file(a: &str, b: &str) -> bool {
    fn plain(file: &str) -> Vec<&str> {
        let mut plain = Vec::new();
        for part in file.split(['/', '\\']).filter(|part| *part != ".") {
            if part == ".." && plain.last().is_some_and(|last| *last != "..") {
                plain.pop();
            } else {
                plain.push(part);
            }
        }
        plain
    }
    a == b || plain(a) == plain(b)
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
        write!(f, "{}; {}", self.finding(), self.remedy())
    }
}

impl Clash {
    fn finding(&self) -> String {
        if self.shown[0] != self.shown[1] {
            return self.of_two_names();
        }
        let (name, a, b) = (&self.name, &self.first.origin, &self.second.origin);
        let differences = self.differences();
        let Origin { package, version, .. } = a;
        if package != &b.package {
            format!("the metric `{name}` is declared in {} and in {}", self.place(0), self.place(1))
        } else if version != &b.version {
            format!(
                "the metric `{name}` is declared by two versions of `{package}` that do not agree, {version} ({}:{}) and {} ({}:{}): \
                 they differ in {differences}",
                a.file, a.line, b.version, b.file, b.line
            )
        } else if self.is_of_doctests() {
            format!(
                "the metric `{name}` is declared by two doctests of {package} {version} that do not agree: they differ in {differences}"
            )
        } else {
            let but = if differences.is_empty() { "" } else { ", and they differ in " };
            format!(
                "the metric `{name}` is declared twice in {package} {version}, in {}:{} and in {}:{}{but}{differences}",
                a.file, a.line, b.file, b.line
            )
        }
    }

    fn remedy(&self) -> String {
        let (a, b) = (&self.first.origin, &self.second.origin);
        let rename = "give one of them another name".to_owned();
        let one_name = self.shown[0] == self.shown[1];
        if a.package != b.package {
            if self.prefix(0).is_some() || self.prefix(1).is_some() {
                return rename + ", or its crate another prefix";
            }
            // This library's own families keep their names.
            let package = if b.package == env!("CARGO_PKG_NAME") { a.package } else { b.package };
            let prefix = prefix::suggestion(package);
            format!("{rename}, or its crate a prefix: `telemetry::builder().prefix_crate({package:?}, {prefix:?})`")
        } else if a.version != b.version {
            format!(
                "have one version of `{}` in the tree (`cargo tree --invert {0}@{}` shows who asks for that one), or give the metric \
                 another name in one of them",
                a.package, a.version
            )
        } else if one_name && self.is_of_doctests() {
            format!("doctests are linked into one program; {rename}, or mark its code block `standalone_crate`")
        } else if one_name && self.differences().is_empty() {
            "declare it in one place and use it in both".to_owned()
        } else {
            rename
        }
    }

    fn is_of_doctests(&self) -> bool {
        are_two_doctests(&self.first, &self.second)
    }

    /// Two names that the formats make one of.
    fn of_two_names(&self) -> String {
        let (a, b) = (&self.first, &self.second);
        let both = format!(
            "the {} `{}` of {} and the {} `{}` of {}",
            a.kind,
            self.shown[0],
            self.place(0),
            b.kind,
            self.shown[1],
            self.place(1)
        );
        let one_family = |kind, shown| openmetrics_name(kind, shown) == self.name;
        if one_family(a.kind, &self.shown[0]) && one_family(b.kind, &self.shown[1]) {
            format!("{both} are one family to OpenMetrics, `{}`", self.name)
        } else {
            format!("{both} both have samples called `{}`", self.name)
        }
    }

    /// Where one of them was declared, and under which other name if it has a prefix.
    fn place(&self, index: usize) -> String {
        let declared = [&self.first, &self.second][index];
        match self.prefix(index) {
            None => declared.origin.to_string(),
            Some(prefix) => {
                let Origin { package, version, file, line, .. } = declared.origin;
                format!("{package} {version} ({file}:{line}, as `{}` with the prefix `{prefix}`)", declared.name)
            }
        }
    }

    fn prefix(&self, index: usize) -> Option<&str> {
        let declared = [&self.first, &self.second][index];
        self.shown[index].strip_suffix(declared.name).filter(|prefix| !prefix.is_empty())
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

#[cfg(test)]
mod tests {
    use super::*;

    const ALPHA: Origin =
        Origin { package: "alpha", version: "1.0.0", module: "alpha", file: "alpha/src/lib.rs", line: 3 };
    const ALPHA_2: Origin = Origin { version: "2.0.0", file: "alpha2/src/lib.rs", ..ALPHA };
    const BETA: Origin = Origin { package: "beta", file: "beta/src/lib.rs", ..ALPHA };

    fn gauge(name: &'static str, origin: Origin) -> Descriptor {
        Descriptor { name, kind: Kind::Gauge, help: "A.", unit: "", labels: &[], bounds: &[], origin }
    }

    fn counter(name: &'static str, origin: Origin) -> Descriptor {
        Descriptor { kind: Kind::Counter, ..gauge(name, origin) }
    }

    fn histogram(name: &'static str, origin: Origin) -> Descriptor {
        Descriptor { kind: Kind::Histogram, bounds: &[1.0, 2.5], ..gauge(name, origin) }
    }

    fn in_doctest(number: &'static str, line: u32) -> Origin {
        Origin { module: number, file: "/tmp/doctest_bundle_2024.rs", line, ..ALPHA }
    }

    fn message(all: &[Descriptor]) -> String {
        check(all, &Prefixes::default()).unwrap_err().to_string()
    }

    fn accepted(all: &[Descriptor]) -> bool {
        check(all, &Prefixes::default()).is_ok()
    }

    #[test]
    fn two_packages_are_refused_even_where_they_agree() {
        assert_eq!(
            message(&[gauge("queue_records", ALPHA), gauge("queue_records", BETA)]),
            "the metric `queue_records` is declared in alpha 1.0.0 (alpha/src/lib.rs:3) and in beta 1.0.0 (beta/src/lib.rs:3); \
             give one of them another name, or its crate a prefix: `telemetry::builder().prefix_crate(\"beta\", \"beta_\")`"
        );
    }

    #[test]
    fn no_prefix_is_suggested_for_this_library() {
        let ours = Origin { package: "telemetry", ..BETA };
        assert!(message(&[gauge("x", ALPHA), gauge("x", ours)]).ends_with("prefix_crate(\"alpha\", \"alpha_\")`"));
        assert!(message(&[gauge("x", ours), gauge("x", ALPHA)]).ends_with("prefix_crate(\"alpha\", \"alpha_\")`"));
    }

    #[test]
    fn two_versions_are_one_family_where_they_agree() {
        assert!(accepted(&[histogram("x_records", ALPHA), histogram("x_records", ALPHA_2)]));
        let other = Descriptor { labels: &["table", "kind"], help: "B.", ..counter("x", ALPHA_2) };
        assert_eq!(
            message(&[histogram("x", ALPHA), other]),
            "the metric `x` is declared by two versions of `alpha` that do not agree, 1.0.0 (alpha/src/lib.rs:3) and 2.0.0 \
             (alpha2/src/lib.rs:3): they differ in kind (`histogram` and `counter`), in labels (none and `table`, `kind`), in bounds \
             ([1.0, 2.5] and []) and in help (\"A.\" and \"B.\"); have one version of `alpha` in the tree (`cargo tree --invert \
             alpha@1.0.0` shows who asks for that one), or give the metric another name in one of them"
        );
    }

    #[test]
    fn one_place_compiled_twice_is_one_family_and_two_places_are_not() {
        let binary = Origin { module: "main", ..ALPHA };
        assert!(accepted(&[gauge("x", ALPHA), gauge("x", binary)]));
        let elsewhere = Origin { file: "alpha/src/other.rs", line: 9, ..ALPHA };
        assert_eq!(
            message(&[gauge("x", ALPHA), gauge("x", elsewhere)]),
            "the metric `x` is declared twice in alpha 1.0.0, in alpha/src/lib.rs:3 and in alpha/src/other.rs:9; declare it in one \
             place and use it in both"
        );
        assert_eq!(
            message(&[gauge("x", ALPHA), Descriptor { help: "B.", ..gauge("x", elsewhere) }]),
            "the metric `x` is declared twice in alpha 1.0.0, in alpha/src/lib.rs:3 and in alpha/src/other.rs:9, and they differ in \
             help (\"A.\" and \"B.\"); give one of them another name"
        );
    }

    #[test]
    fn a_third_declaration_is_compared_with_all_before_it() {
        // The second and the third each agree with the first, being of another version, but are two places of one version.
        let elsewhere = Origin { line: 9, ..ALPHA_2 };
        let error =
            check(&[gauge("x", ALPHA), gauge("x", ALPHA_2), gauge("x", elsewhere)], &Prefixes::default()).unwrap_err();
        assert_eq!(error.clashes.len(), 1);
        assert_eq!((error.clashes[0].first.origin.line, error.clashes[0].second.origin.line), (3, 9));
    }

    #[test]
    fn two_doctests_are_one_family_where_they_agree() {
        let (one, two) = (
            in_doctest("doctest_bundle_2024::__doctest_0", 6),
            in_doctest("doctest_bundle_2024::__doctest_1::inner", 20),
        );
        assert!(accepted(&[gauge("x", one), gauge("x", two)]));
        assert_eq!(
            message(&[gauge("x", one), counter("x", two)]),
            "the metric `x` is declared by two doctests of alpha 1.0.0 that do not agree: they differ in kind (`gauge` and `counter`); \
             doctests are linked into one program; give one of them another name, or mark its code block `standalone_crate`"
        );
        let again = in_doctest("doctest_bundle_2024::__doctest_0", 9);
        assert!(message(&[gauge("x", one), gauge("x", again)]).contains("declared twice in alpha 1.0.0"));
    }

    #[test]
    fn names_that_the_formats_make_one_of_are_refused() {
        assert_eq!(
            message(&[gauge("rows", ALPHA), counter("rows_total", BETA)]),
            "the gauge `rows` of alpha 1.0.0 (alpha/src/lib.rs:3) and the counter `rows_total` of beta 1.0.0 (beta/src/lib.rs:3) are one \
             family to OpenMetrics, `rows`; give one of them another name, or its crate a prefix: \
             `telemetry::builder().prefix_crate(\"beta\", \"beta_\")`"
        );
        assert_eq!(
            message(&[histogram("wait_seconds", ALPHA), gauge("wait_seconds_count", ALPHA)]),
            "the histogram `wait_seconds` of alpha 1.0.0 (alpha/src/lib.rs:3) and the gauge `wait_seconds_count` of alpha 1.0.0 \
             (alpha/src/lib.rs:3) both have samples called `wait_seconds_count`; give one of them another name"
        );
        let info = |name| Descriptor { kind: Kind::Info, ..gauge(name, BETA) };
        for (a, b) in [
            (gauge("x", ALPHA), info("x_info")),
            (histogram("x", ALPHA), counter("x_total", ALPHA)),
            (counter("x_total", ALPHA), info("x_info")),
            (counter("x_total", ALPHA), gauge("x_created", ALPHA)),
            (histogram("x", ALPHA), gauge("x_bucket", ALPHA)),
            (histogram("x", ALPHA), gauge("x_sum", ALPHA)),
        ] {
            assert!(!accepted(&[a, b]) && !accepted(&[b, a]), "{} and {}", a.name, b.name);
        }
        assert!(accepted(&[
            histogram("x_seconds", ALPHA),
            counter("x_seconds_errors_total", ALPHA),
            gauge("x", ALPHA)
        ]));
    }

    #[test]
    fn all_clashes_are_told_at_once_and_each_remedy_once() {
        let all = [
            gauge("z", ALPHA),
            gauge("a", ALPHA),
            gauge("fine", ALPHA),
            gauge("m", ALPHA),
            counter("m", ALPHA_2),
            gauge("a", BETA),
            gauge("z", BETA),
        ];
        assert_eq!(
            message(&all),
            "3 names of metrics stand for two things each:\n\
             - the metric `a` is declared in alpha 1.0.0 (alpha/src/lib.rs:3) and in beta 1.0.0 (beta/src/lib.rs:3)\n\
             - the metric `z` is declared in alpha 1.0.0 (alpha/src/lib.rs:3) and in beta 1.0.0 (beta/src/lib.rs:3)\n  \
             give one of them another name, or its crate a prefix: `telemetry::builder().prefix_crate(\"beta\", \"beta_\")`\n\
             - the metric `m` is declared by two versions of `alpha` that do not agree, 1.0.0 (alpha/src/lib.rs:3) and 2.0.0 \
             (alpha2/src/lib.rs:3): they differ in kind (`gauge` and `counter`)\n  \
             have one version of `alpha` in the tree (`cargo tree --invert alpha@1.0.0` shows who asks for that one), or give the \
             metric another name in one of them"
        );
    }

    #[test]
    fn the_built_in_families_do_not_clash() {
        check(&declared(), &Prefixes::default()).unwrap();
    }

    #[test]
    fn one_file_may_be_written_in_two_ways() {
        assert!(same_file("src/bin/../both.rs", "src/both.rs") && same_file("./src/both.rs", "src/both.rs"));
        assert!(!same_file("../src/both.rs", "src/both.rs") && !same_file("src/a.rs", "src/b.rs"));
    }

    #[test]
    fn a_prefix_parts_two_names_and_may_join_two_others() {
        let mut prefixes = Prefixes::default();
        prefixes.insert("beta", "beta_".to_owned());
        assert!(check(&[gauge("x", ALPHA), gauge("x", BETA)], &prefixes).is_ok());
        assert_eq!(
            check(&[gauge("beta_x", ALPHA), gauge("x", BETA)], &prefixes).unwrap_err().to_string(),
            "the metric `beta_x` is declared in alpha 1.0.0 (alpha/src/lib.rs:3) and in beta 1.0.0 (beta/src/lib.rs:3, as `x` with \
             the prefix `beta_`); give one of them another name, or its crate another prefix"
        );
    }

    #[test]
    fn a_collector_answers_for_its_own_clashes_alone() {
        let known = [gauge("x", ALPHA), gauge("x", BETA), counter("rows_total", ALPHA)];
        assert!(check_new(&known, &[gauge("y", BETA), counter("rows_total", ALPHA)]).is_ok());
        let error = check_new(&known, &[gauge("y", BETA), gauge("rows", ALPHA)]).unwrap_err();
        assert_eq!(error.clashes.len(), 1);
        assert_eq!(error.clashes[0].name, "rows");
    }
}
