//! What cannot be measured.

use crate::diagnostics::Diagnostics;
use crate::measured::model::Model;
use crate::measured::words;

/// Checks the function.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    words::all(&model.args, &model.function.sig, diagnostics);
    if let Some(constness) = &model.function.sig.constness {
        diagnostics
            .at(constness, "a `const fn` cannot be measured, since it may run in the compiler; remove `#[measured]`");
    }
    let caller = |attribute: &&syn::Attribute| attribute.path().is_ident("track_caller");
    if let Some(attribute) = model.function.attrs.iter().find(caller) {
        diagnostics.at(
            attribute.path(),
            "a function with `#[track_caller]` cannot be measured yet, since its body would take itself for its caller; remove one of the two",
        );
    }
    if let Some(variadic) = &model.function.sig.variadic {
        diagnostics.at(variadic, "a function with variadic arguments cannot be measured, since they cannot be passed on; remove `#[measured]`");
    }
}
