//! The enum, its variants, and what their attributes say. Keeps the user's syntax, so that a rule can point at it.

use crate::diagnostics::Diagnostics;
use crate::label::args::{Args, Place};
use proc_macro2::{Span, TokenStream};
use syn::ext::IdentExt;
use syn::{Data, DeriveInput, Fields, Generics, Ident, Path};

/// What the derive was given.
pub(crate) struct Model {
    pub(crate) name: Ident,
    pub(crate) generics: Generics,
    /// The path of the library.
    pub(crate) root: Path,
    pub(crate) variants: Vec<Variant>,
}

pub(crate) struct Variant {
    pub(crate) name: Ident,
    pub(crate) fields: Fields,
    /// The value of the label.
    pub(crate) value: String,
    /// Where the value is said: the text of `rename`, else the name.
    pub(crate) span: Span,
}

impl Model {
    /// `None` where it is no enum, with the reason in the diagnostics.
    pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Option<Model> {
        let input: DeriveInput = diagnostics.given(syn::parse2(input))?;
        let (kind, span) = match input.data {
            Data::Enum(data) => {
                let args = Args::parse(&input.attrs, Place::Enum, diagnostics);
                let variant = |variant: syn::Variant| {
                    let own = Args::parse(&variant.attrs, Place::Variant, diagnostics);
                    let value = own.value.as_ref().map(syn::LitStr::value);
                    Variant {
                        value: value.unwrap_or_else(|| args.rule.value(&variant.ident.unraw().to_string())),
                        span: own.value.map_or_else(|| variant.ident.span(), |value| value.span()),
                        name: variant.ident,
                        fields: variant.fields,
                    }
                };
                return Some(Model {
                    variants: data.variants.into_iter().map(variant).collect(),
                    name: input.ident,
                    generics: input.generics,
                    root: args.root.clone().unwrap_or_else(|| syn::parse_quote!(::telemetry)),
                });
            }
            Data::Struct(data) => ("a struct", data.struct_token.span),
            Data::Union(data) => ("a union", data.union_token.span),
        };
        let message = format!(
            "`{}` is {kind}, and `Label` is for an enum, whose variants are the label's values; write an enum",
            input.ident
        );
        diagnostics.at_span(span, message);
        None
    }
}
