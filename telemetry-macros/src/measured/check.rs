//! What cannot be measured.

use crate::diagnostics::Diagnostics;
use crate::measured::model::Model;
use crate::measured::words;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{Attribute, Meta, Signature};

/// Checks the function.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    words::all(&model.args, diagnostics);
    words::of_function(&model.args, &model.function, diagnostics);
    if let Some((tokens, why)) = refusal(&model.function.sig, &model.function.attrs) {
        diagnostics.at(tokens, format!("{why}; remove `#[measured]`"));
    }
}

/// Why a function cannot be measured, and the tokens that say so.
pub(crate) fn refusal(signature: &Signature, attributes: &[Attribute]) -> Option<(TokenStream, &'static str)> {
    if let Some(constness) = &signature.constness {
        let why = "a `const fn` cannot be measured, since it may run in the compiler";
        return Some((constness.to_token_stream(), why));
    }
    if let Some(variadic) = &signature.variadic {
        let why = "a function with variadic arguments cannot be measured, since they cannot be passed on";
        return Some((variadic.to_token_stream(), why));
    }
    let naked = attributes.iter().find(|attribute| match &attribute.meta {
        Meta::List(list) if list.path.is_ident("unsafe") => list.tokens.to_string() == "naked",
        meta => meta.path().is_ident("naked"),
    })?;
    let why = "a naked function cannot be measured, since its body is one block of assembly";
    Some((naked.meta.to_token_stream(), why))
}
