//! The attribute's words and the function under it.

use crate::diagnostics::Diagnostics;
use crate::measured::args::Args;
use proc_macro2::TokenStream;
use syn::{Item, ItemFn, Path, parse_quote};

/// What is measured, and how.
pub(crate) struct Model {
    pub(crate) args: Args,
    /// A method of an `impl` or a trait parses as a function too: the attribute sees no further than its item.
    pub(crate) function: ItemFn,
}

impl Model {
    /// `None` where there is no function with a body; the mistake is then among the diagnostics.
    pub(crate) fn parse(args: TokenStream, item: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Model> {
        let args = Args::parse(args, diagnostics);
        match syn::parse2::<ItemFn>(item.clone()) {
            Ok(function) => Some(Model { args, function }),
            Err(error) => {
                explain(item, error, diagnostics);
                None
            }
        }
    }

    /// The path of the library.
    pub(crate) fn root(&self) -> Path {
        self.args.root.clone().unwrap_or_else(|| parse_quote!(::telemetry))
    }
}

/// Says why this item cannot be measured, or passes on why it does not parse.
fn explain(item: &TokenStream, error: syn::Error, diagnostics: &mut Diagnostics) {
    if let Ok(method) = syn::parse2::<syn::TraitItemFn>(item.clone()) {
        diagnostics.at(
            &method.sig.ident,
            format!(
                "`{}` has no body to measure; put `#[measured]` on the method where it is implemented, or on a default body",
                method.sig.ident
            ),
        );
        return;
    }
    let (what, tokens): (_, TokenStream) = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => ("a struct", quote::ToTokens::into_token_stream(item.struct_token)),
        Ok(Item::Enum(item)) => ("an enum", quote::ToTokens::into_token_stream(item.enum_token)),
        Ok(Item::Trait(item)) => ("a trait", quote::ToTokens::into_token_stream(item.trait_token)),
        Ok(Item::Impl(item)) => ("an `impl` block", quote::ToTokens::into_token_stream(item.impl_token)),
        Ok(Item::Mod(item)) => ("a module", quote::ToTokens::into_token_stream(item.mod_token)),
        Ok(other) => ("this", quote::ToTokens::into_token_stream(other)),
        Err(_) => return diagnostics.add(error),
    };
    diagnostics.at(tokens, format!("{what} cannot be measured; put `#[measured]` on each function"));
}
