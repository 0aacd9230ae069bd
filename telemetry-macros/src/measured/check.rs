//! What cannot be measured.

use crate::diagnostics::Diagnostics;
use crate::measured::model::Model;

/// Checks the function.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    if let Some(constness) = &model.function.sig.constness {
        diagnostics
            .at(constness, "a `const fn` cannot be measured, since it may run in the compiler; remove `#[measured]`");
    }
    let naked = |attribute: &&syn::Attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("unsafe") => list.tokens.to_string() == "naked",
        meta => meta.path().is_ident("naked"),
    };
    if let Some(attribute) = model.function.attrs.iter().find(naked) {
        diagnostics.at(
            &attribute.meta,
            "a naked function cannot be measured, since its body is one block of assembly; remove `#[measured]`",
        );
    }
    if let Some(variadic) = &model.function.sig.variadic {
        diagnostics.at(variadic, "a function with variadic arguments cannot be measured, since they cannot be passed on; remove `#[measured]`");
    }
}
