//! What to check, and against what.

use crate::catalog::Catalog;
use crate::metric::Descriptor;
use std::borrow::Borrow;
use std::path::PathBuf;

/// The dashboards and rules to check, the families that they may read, and what else is allowed in them.
///
/// The same settings as those of [`dashboards!`](crate::dashboards).
#[derive(Clone, Debug)]
pub struct Sources {
    pub(super) read: telemetry_dashboards::Sources,
    pub(super) families: Vec<Descriptor>,
}

impl Sources {
    /// Nothing yet; globs begin in this folder.
    #[must_use]
    pub fn new(root: impl Into<PathBuf>) -> Sources {
        let read = telemetry_dashboards::Sources {
            root: root.into(),
            target_labels: ["job", "instance"].map(String::from).into(),
            ..telemetry_dashboards::Sources::default()
        };
        Sources { read, families: Vec::new() }
    }

    /// Adds dashboards: a glob such as `dashboards/*.json`.
    #[must_use]
    pub fn files(mut self, glob: impl Into<String>) -> Sources {
        self.read.files.push(glob.into());
        self
    }

    /// Adds rules: a glob such as `dashboards/rules/*.yml`.
    #[must_use]
    pub fn rules(mut self, glob: impl Into<String>) -> Sources {
        self.read.rules.push(glob.into());
        self
    }

    /// Adds declared families: a `CATALOG`, or the whole program's [`catalog()`](crate::catalog()).
    #[must_use]
    pub fn catalog(mut self, families: impl IntoIterator<Item = impl Borrow<Descriptor>>) -> Sources {
        self.families.extend(families.into_iter().map(|family| *family.borrow()));
        self
    }

    /// Adds all that a program's catalogue knows: its families, and the labels that its functions are measured with.
    #[must_use]
    pub fn program(mut self, catalog: &Catalog) -> Sources {
        self.families.extend(catalog.families().into_iter().copied());
        self.function_labels(catalog.function_labels())
    }

    /// Allows series of other exporters, by the beginnings of their names: `node_`, `up`.
    #[must_use]
    pub fn foreign(mut self, beginnings: impl IntoIterator<Item = impl Into<String>>) -> Sources {
        self.read.foreign.extend(beginnings.into_iter().map(Into::into));
        self
    }

    /// The labels that the server adds to every target, instead of `job` and `instance`.
    #[must_use]
    pub fn target_labels(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Sources {
        self.read.target_labels = labels.into_iter().map(Into::into).collect();
        self
    }

    /// Allows the labels that functions are measured with: those of `#[measured(labels(…))]`.
    #[must_use]
    pub fn function_labels(mut self, labels: impl IntoIterator<Item = impl Into<String>>) -> Sources {
        self.read.function_labels.extend(labels.into_iter().map(Into::into));
        self
    }
}
