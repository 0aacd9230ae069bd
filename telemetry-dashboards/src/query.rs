//! A query on its way from a file to the analysis.

use crate::demand::Place;
use std::collections::BTreeMap;

/// One expression of PromQL, with what belongs to it.
#[derive(Clone, Debug)]
pub(crate) struct Query {
    /// Where it stands; `place.query` is the text as written, with Grafana's variables.
    pub(crate) place: Place,
    pub(crate) role: Role,
    /// Label names that a legend or an annotation reads of the result, each with the template that it stands in.
    pub(crate) reads: Vec<(String, String)>,
    /// The dashboard's variables by name; empty in rules.
    pub(crate) variables: BTreeMap<String, Variable>,
}

/// What a query is for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    /// A panel shows it.
    Panel,
    /// A variable's values, or an annotation's events, come from it.
    Helper,
    /// An alert's condition.
    Alert,
    /// A recording rule: the name that it gives, and the labels that it adds.
    Record { name: String, labels: Vec<String> },
}

/// A dashboard's variable, as far as it decides what can stand in its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Variable {
    /// `interval`: a duration.
    Duration,
    /// `custom`, `constant`, `textbox`: one of these texts.
    Texts(Vec<String>),
    /// `query` and others: values that only the server knows.
    Unknown,
}
