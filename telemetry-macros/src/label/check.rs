//! The rules of an enum whose variants are the values of a label.

use crate::diagnostics::Diagnostics;
use crate::label::model::{Model, Variant};
use std::collections::HashMap;
use syn::spanned::Spanned;

/// The longest value in bytes: the library cuts longer ones.
const MAX_VALUE_BYTES: usize = 1_024;

/// Checks the enum, then each variant.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    let name = &model.name;
    if !model.generics.params.is_empty() {
        let message = format!("`{name}` has parameters, and a label's values do not depend on any; leave them out");
        diagnostics.at(&model.generics.params, message);
    }
    if model.variants.is_empty() {
        diagnostics.at(name, format!("`{name}` has no variants, so the label would have no value; write some"));
    }
    let mut seen: HashMap<&str, &Variant> = HashMap::new();
    for variant in &model.variants {
        fields(variant, diagnostics);
        value(variant, diagnostics);
        if let Some(other) = seen.insert(&variant.value, variant) {
            let message = format!(
                "`{}` and `{}` both have the value `{}`; give one another by `#[label(rename = \"…\")]`",
                other.name, variant.name, variant.value
            );
            diagnostics.at_span(variant.span, message);
        }
    }
}

fn fields(variant: &Variant, diagnostics: &mut Diagnostics) {
    if !matches!(variant.fields, syn::Fields::Unit) {
        let name = &variant.name;
        let message = format!("the variant `{name}` has fields, and a label's value is fixed; write `{name}` alone");
        diagnostics.at_span(variant.fields.span(), message);
    }
}

fn value(variant: &Variant, diagnostics: &mut Diagnostics) {
    if variant.value.is_empty() {
        diagnostics.at_span(variant.span, "a label whose value is empty is no label to Prometheus; write a text");
    } else if variant.value.len() > MAX_VALUE_BYTES {
        let length = variant.value.len();
        let message = format!("this value has {length} bytes, and a label's has {MAX_VALUE_BYTES} at most; shorten it");
        diagnostics.at_span(variant.span, message);
    }
}
