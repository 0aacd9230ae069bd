//! What cannot be a run's function, and what its parameters are.

use crate::diagnostics::Diagnostics;
use crate::experiment::args::Param;
use crate::experiment::model::{EXPERIMENT, Model};
use crate::names;
use std::collections::HashSet;
use syn::ext::IdentExt;
use syn::visit_mut::{self, VisitMut};
use syn::{FnArg, Ident, PatIdent, Signature};

/// Checks the function, and the words against it. `supplied` is the place of the parameter that is supplied.
pub(crate) fn all(model: &Model, supplied: Option<usize>, diagnostics: &mut Diagnostics) {
    EXPERIMENT.check(&model.function.sig, diagnostics);
    let mut seen = HashSet::new();
    for param in &model.args.params {
        let name = param.name.unraw().to_string();
        if matches!(name.as_str(), "self" | "Self" | "super" | "crate" | "_") {
            let message = format!("`{name}` is no name for a parameter; write one with a value, such as `model = …`");
            diagnostics.at(&param.name, message);
        } else if !seen.insert(name.clone()) {
            diagnostics.at(&param.name, format!("the parameter `{name}` is given twice; leave one out"));
        } else {
            known(param, &model.function.sig, supplied, diagnostics);
        }
    }
}

/// The place of the parameter that the attribute supplies, if there is one.
pub(crate) fn supplied(model: &Model, diagnostics: &mut Diagnostics) -> Option<usize> {
    EXPERIMENT.parameter(&model.function.sig, model.args.experiment.as_ref(), diagnostics)
}

/// A name without a value is one that the function's parameters bind.
fn known(param: &Param, signature: &Signature, supplied: Option<usize>, diagnostics: &mut Diagnostics) {
    if param.value.is_some() {
        return;
    }
    let bound = |place: usize| signature.inputs.iter().nth(place).map(names_in).unwrap_or_default();
    let (mut names, mut ours) = (Vec::new(), Vec::new());
    for place in 0..signature.inputs.len() {
        if Some(place) == supplied { &mut ours } else { &mut names }.extend(bound(place));
    }
    if names.contains(&param.name) {
        return;
    }
    let text = param.name.unraw().to_string();
    if ours.contains(&param.name) {
        let message = format!("`{text}` is the run itself; name parameters of the function, or leave it out");
        return diagnostics.at(&param.name, message);
    }
    let names: Vec<String> = names.iter().map(|name| name.unraw().to_string()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let there = match names.as_slice() {
        [] => String::from("the function has none"),
        names => format!("the function has {}", names::list(names)),
    };
    let meant = names::did_you_mean(&text, &names);
    diagnostics.at(
        &param.name,
        format!("no parameter is called `{text}`{meant} {there}; another value has a name of its own: `{text} = …`"),
    );
}

/// What a parameter's pattern binds.
fn names_in(input: &FnArg) -> Vec<Ident> {
    let FnArg::Typed(parameter) = input else { return Vec::new() };
    let mut bound = Bound(Vec::new());
    bound.visit_pat_mut(&mut parameter.pat.clone());
    bound.0
}

struct Bound(Vec<Ident>);

impl VisitMut for Bound {
    fn visit_pat_ident_mut(&mut self, pattern: &mut PatIdent) {
        self.0.push(pattern.ident.clone());
        visit_mut::visit_pat_ident_mut(self, pattern);
    }
}
