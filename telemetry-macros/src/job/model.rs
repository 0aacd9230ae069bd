//! The attribute's words and the function under it.

use crate::diagnostics::Diagnostics;
use crate::job::args::Args;
use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{FnArg, Item, ItemFn, Pat, PatType, Path, Type, TypeReference, parse_quote};

/// The job's function, and what it was told.
pub(crate) struct Model {
    pub(crate) args: Args,
    /// A method of an `impl` parses as a function too: the attribute sees no further than its item.
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

    /// The value of the label `job_name`.
    pub(crate) fn name(&self) -> String {
        self.args.name.as_ref().map_or_else(|| plain(&self.function.sig.ident), syn::LitStr::value)
    }

    /// What the job counts.
    pub(crate) fn unit(&self) -> String {
        self.args.unit.as_ref().map_or_else(|| String::from("records"), syn::LitStr::value)
    }

    /// The parameters with their places, the receiver left out.
    pub(crate) fn parameters(&self) -> impl Iterator<Item = (usize, &PatType)> {
        self.function.sig.inputs.iter().enumerate().filter_map(|(index, input)| match input {
            FnArg::Typed(parameter) => Some((index, parameter)),
            FnArg::Receiver(_) => None,
        })
    }
}

/// A name without the `r#` of a keyword.
fn plain(ident: &syn::Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}

/// The reference that a type is, through the invisible brackets that a `macro_rules!` puts around it.
pub(crate) fn as_reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        Type::Group(group) => as_reference(&group.elem),
        Type::Paren(paren) => as_reference(&paren.elem),
        _ => None,
    }
}

/// Whether a type is written as a path that ends in `Job`.
pub(crate) fn is_job(ty: &Type) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Job"),
        Type::Group(group) => is_job(&group.elem),
        Type::Paren(paren) => is_job(&paren.elem),
        _ => false,
    }
}

/// Whether a parameter has this plain name.
pub(crate) fn is_called(parameter: &PatType, name: &syn::Ident) -> bool {
    matches!(&*parameter.pat, Pat::Ident(pattern) if pattern.ident == *name)
}

/// Says why this item cannot be a job, or passes on why it does not parse.
fn explain(item: &TokenStream, error: syn::Error, diagnostics: &mut Diagnostics) {
    if let Ok(method) = syn::parse2::<syn::TraitItemFn>(item.clone()) {
        let name = &method.sig.ident;
        diagnostics.at(
            name,
            format!("`{name}` has no body; put `#[backfill_job]` on a function that has one, and call that from where the trait is implemented"),
        );
        return;
    }
    let (what, tokens): (_, TokenStream) = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => ("a struct", item.struct_token.into_token_stream()),
        Ok(Item::Enum(item)) => ("an enum", item.enum_token.into_token_stream()),
        Ok(Item::Trait(item)) => ("a trait", item.trait_token.into_token_stream()),
        Ok(Item::Impl(item)) => ("an `impl` block", item.impl_token.into_token_stream()),
        Ok(Item::Mod(item)) => ("a module", item.mod_token.into_token_stream()),
        Ok(other) => ("this", other.into_token_stream()),
        Err(_) => return diagnostics.add(error),
    };
    diagnostics.at(tokens, format!("{what} is not a job; put `#[backfill_job]` on a function"));
}
