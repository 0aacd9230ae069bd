//! The prefixes of [`Builder::prefix_crate`](crate::Builder::prefix_crate): under which names a crate's families are shown.
//!
//! A declaration is a constant, and so is what the crate itself calls it. The prefix is put on where a name leaves: in the snapshot, hence in
//! every exposition, and in the catalogue.

use crate::metric::{Descriptor, Family};
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::OnceLock;

/// Packages, written as Rust writes crates, and their prefixes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Prefixes(BTreeMap<String, String>);

/// Those of the program, from its `init` on.
static PREFIXES: OnceLock<Prefixes> = OnceLock::new();

/// Why `init` refused a [`Builder::prefix_crate`](crate::Builder::prefix_crate).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PrefixError {
    /// The prefix would not make names in lower_snake_case.
    Form {
        /// The package, as it was given.
        package: String,
        /// The prefix, as it was given.
        prefix: String,
    },
    /// No metric of such a package is linked into the program.
    UnknownPackage {
        /// The package, as it was given.
        package: String,
        /// The packages whose metrics are linked.
        linked: Vec<&'static str>,
    },
    /// The package is this library, whose families keep the names that dashboards and alert rules have for them.
    BuiltIn,
}

impl fmt::Display for PrefixError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            PrefixError::Form { package, prefix } => write!(
                f,
                "the prefix of `prefix_crate({package:?}, {prefix:?})` does not make a metric's name; it takes lower_snake_case ASCII \
                 that ends in one `_`, such as {:?}",
                suggestion(package)
            ),
            PrefixError::UnknownPackage { package, linked } => {
                write!(f, "`prefix_crate({package:?}, …)` names a package of which no metric is linked into the program; ")?;
                match linked.as_slice() {
                    [] => f.write_str("there is none besides this library's own, so leave it out"),
                    linked => write!(f, "it takes one of `{}`", linked.join("`, `")),
                }
            }
            PrefixError::BuiltIn => f.write_str(
                "`prefix_crate(\"telemetry\", …)` names this library, whose families keep their names; where another crate's metric \
                 clashes with one of them, give that crate a prefix",
            ),
        }
    }
}

impl std::error::Error for PrefixError {}

impl Prefixes {
    /// The last word on a package counts.
    pub(crate) fn insert(&mut self, package: &str, prefix: String) {
        self.0.insert(package.to_owned(), prefix);
    }

    /// Refuses what is no prefix, and packages that none of these descriptors is of.
    pub(crate) fn check(self, known: &[Descriptor]) -> Result<Prefixes, PrefixError> {
        let linked: BTreeSet<_> = known.iter().map(|descriptor| descriptor.origin.package).collect();
        let mut checked = Prefixes::default();
        for (package, prefix) in self.0 {
            let name = crate_name(&package);
            if name == env!("CARGO_PKG_NAME") {
                return Err(PrefixError::BuiltIn);
            }
            if !linked.iter().any(|linked| crate_name(linked) == name) {
                let linked = linked.into_iter().filter(|linked| *linked != env!("CARGO_PKG_NAME")).collect();
                return Err(PrefixError::UnknownPackage { package, linked });
            }
            if !is_prefix(&prefix) {
                return Err(PrefixError::Form { package, prefix });
            }
            checked.0.insert(name.into_owned(), prefix);
        }
        Ok(checked)
    }

    /// Has names shown so from now on. Called once.
    pub(crate) fn apply(self) {
        let _ = PREFIXES.set(self);
    }

    fn of(&self, package: &str) -> Option<&str> {
        // The usual program has none: no name is rewritten to look for it.
        if self.0.is_empty() { None } else { self.0.get(&*crate_name(package)).map(String::as_str) }
    }

    /// The name under which a family is shown.
    pub(crate) fn shown_name(&self, descriptor: &Descriptor) -> Cow<'static, str> {
        match self.of(descriptor.origin.package) {
            None => Cow::Borrowed(descriptor.name),
            Some(prefix) => Cow::Owned(format!("{prefix}{}", descriptor.name)),
        }
    }
}

/// Those of the program: none before `init`.
pub(crate) fn current() -> &'static Prefixes {
    static NONE: Prefixes = Prefixes(BTreeMap::new());
    PREFIXES.get().unwrap_or(&NONE)
}

/// Whether names are shown as they will be from now on.
pub(crate) fn are_set() -> bool {
    PREFIXES.get().is_some()
}

/// The name under which the program shows a family.
pub(crate) fn shown_name(descriptor: &Descriptor) -> Cow<'static, str> {
    current().shown_name(descriptor)
}

impl Family {
    /// What was declared, under the name that the program shows.
    pub(crate) fn shown(&self) -> &'static Descriptor {
        match shown_name(self.descriptor()) {
            Cow::Borrowed(_) => self.descriptor(),
            // Leaked once for each family of a prefixed package: descriptors are constants, and users hold them as such.
            Cow::Owned(name) => self.prefixed.get_or_init(|| {
                Box::leak(Box::new(Descriptor { name: Box::leak(name.into_boxed_str()), ..*self.descriptor() }))
            }),
        }
    }
}

/// `my-crate` as `my_crate`: both are right, since code writes one and the manifest the other.
fn crate_name(package: &str) -> Cow<'_, str> {
    if package.contains('-') { Cow::Owned(package.replace('-', "_")) } else { Cow::Borrowed(package) }
}

/// A prefix for a package that has none: its name.
pub(crate) fn suggestion(package: &str) -> String {
    let name: String =
        package.chars().map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '_' }).collect();
    let words: Vec<_> = name.split('_').filter(|word| !word.is_empty()).collect();
    let prefix = words.join("_") + "_";
    if is_prefix(&prefix) { prefix } else { "other_".to_owned() }
}

/// Whether names in lower_snake_case stay so behind it.
fn is_prefix(prefix: &str) -> bool {
    prefix.starts_with(|c: char| c.is_ascii_lowercase())
        && prefix.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
        && prefix.ends_with('_')
        && !prefix.contains("__")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metric::{Kind, Origin};

    fn declared(package: &'static str) -> Descriptor {
        let origin = Origin { package, version: "1.0.0", module: "", file: "src/lib.rs", line: 1 };
        Descriptor { name: "rows", kind: Kind::Gauge, help: "", unit: "", labels: &[], bounds: &[], origin }
    }

    fn checked(package: &str, prefix: &str) -> Result<Prefixes, String> {
        let mut prefixes = Prefixes::default();
        prefixes.insert(package, prefix.to_owned());
        let known = ["my-crate", "telemetry", "alpha"].map(declared);
        prefixes.check(&known).map_err(|error| error.to_string())
    }

    #[test]
    fn a_package_is_found_as_the_manifest_and_as_code_writes_it() {
        for package in ["my-crate", "my_crate"] {
            let prefixes = checked(package, "mine_").unwrap();
            assert_eq!(prefixes.shown_name(&declared("my-crate")), "mine_rows");
            assert_eq!(prefixes.shown_name(&declared("alpha")), "rows");
        }
    }

    #[test]
    fn what_is_no_prefix_is_refused_with_one_that_is() {
        for prefix in ["", "_", "mine", "mine__", "_mine_", "Mine_", "mi-ne_", "1_", "größe_", "a__b_", "a b_"] {
            let message = format!(
                "the prefix of `prefix_crate(\"my-crate\", {prefix:?})` does not make a metric's name; it takes lower_snake_case \
                 ASCII that ends in one `_`, such as \"my_crate_\""
            );
            assert_eq!(checked("my-crate", prefix), Err(message));
        }
        for prefix in ["a_", "a1_", "a_b_"] {
            assert!(checked("my-crate", prefix).is_ok(), "{prefix}");
        }
    }

    #[test]
    fn a_package_without_metrics_is_refused_with_those_that_have_some() {
        let message = "`prefix_crate(\"apha\", …)` names a package of which no metric is linked into the program; it takes one of \
                       `alpha`, `my-crate`";
        assert_eq!(checked("apha", "a_"), Err(message.to_owned()));
        assert!(checked("telemetry", "a_").unwrap_err().contains("keep their names"));
    }

    #[test]
    fn the_suggested_prefix_is_one() {
        for (package, prefix) in [("beta", "beta_"), ("My--Crate", "my_crate_"), ("3d", "other_"), ("-", "other_")] {
            assert_eq!(suggestion(package), prefix);
        }
    }
}
