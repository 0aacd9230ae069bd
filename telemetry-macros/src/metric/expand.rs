//! What a block becomes. Cannot fail.

use crate::metric::model::{Block, Declaration, Kind};
use crate::metric::units;
use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::Path;

/// Every declaration that is right, and the constant that lists them.
pub(crate) fn block(block: &Block) -> TokenStream {
    let right = || block.declarations.iter().filter(|declaration| !declaration.wrong);
    let declarations = right().map(|declaration| expand(declaration, block));
    let names = right().map(|declaration| {
        let (name, conditions) = (&declaration.name, declaration.conditions());
        quote!(#(#conditions)* #name::DESCRIPTOR)
    });
    let (root, catalog) = (&block.root, &block.catalog);
    quote! {
        #(#declarations)*
        /// The families that are declared here.
        pub const #catalog: &[#root::__private::Descriptor] = &[#(#names),*];
        const _: &[#root::__private::Descriptor] = #catalog;
    }
}

fn expand(declaration: &Declaration, block: &Block) -> TokenStream {
    let registered = block.registered.as_ref().map(|condition| quote!(#[cfg(#condition)]));
    let (constants, function) = (constants(declaration, &block.root, registered), function(declaration, &block.root));
    quote! { #constants #function }
}

/// The type that bears the family's constant and its static.
fn constants(declaration: &Declaration, root: &Path, registered: Option<TokenStream>) -> TokenStream {
    let (name, visibility) = (&declaration.name, &declaration.visibility);
    let text = name.to_string();
    let help = declaration.help();
    let documentation = format!("The family of the {} [`{text}()`].", declaration.kind.as_str());
    let kind = match declaration.kind {
        Kind::Counter => quote!(Counter),
        Kind::Gauge => quote!(Gauge),
        Kind::Histogram => quote!(Histogram),
        Kind::Info => quote!(Info),
    };
    let stem = declaration.stem();
    let unit = units::of(&stem);
    let labels = declaration.labels.iter().map(crate::metric::model::Label::text);
    let conditions: Vec<_> = declaration.conditions().collect();
    let bounds = declaration.bounds.iter().flat_map(|bounds| &bounds.bounds).filter_map(|bound| bound.value);
    let line = line(name.span(), root);
    quote! {
        #(#conditions)*
        #[doc = #documentation]
        #[allow(non_camel_case_types, clippy::all, clippy::pedantic)]
        #visibility enum #name {}

        #(#conditions)*
        #[allow(clippy::all, clippy::pedantic)]
        impl #name {
            /// What was declared.
            #visibility const DESCRIPTOR: #root::__private::Descriptor = #root::__private::Descriptor {
                name: #text,
                kind: #root::__private::Kind::#kind,
                help: #help,
                unit: #unit,
                labels: &[#(#labels),*],
                bounds: &[#(#bounds),*],
                origin: #root::__private::Origin {
                    package: #root::__private::core::env!("CARGO_PKG_NAME"),
                    version: #root::__private::core::env!("CARGO_PKG_VERSION"),
                    module: #root::__private::core::module_path!(),
                    file: #root::__private::core::file!(),
                    line: #line,
                },
            };

            #[doc(hidden)]
            #[inline]
            fn __family() -> &'static #root::__private::Family {
                static FAMILY: #root::__private::Family = #root::__private::Family::new(&#name::DESCRIPTOR);
                #registered
                #root::__private::inventory::submit! { #root::__private::Registration(&FAMILY) }
                &FAMILY
            }
        }
    }
}

/// The line of the name. `line!()` tells that of the whole block; it serves where a macro of another file wrote the name.
fn line(name: Span, root: &Path) -> TokenStream {
    let block = quote!(#root::__private::core::line!());
    if !proc_macro::is_available() {
        return block;
    }
    let (file, line) = (name.unwrap().file(), u32::try_from(name.unwrap().line()).unwrap_or_default());
    quote!(#root::__private::line(#root::__private::core::file!(), #block, #file, #line))
}

/// The function that users call for a handle.
fn function(declaration: &Declaration, root: &Path) -> TokenStream {
    let (name, visibility, attributes) = (&declaration.name, &declaration.visibility, &declaration.attributes);
    let times = declaration.kind == Kind::Counter && units::of(&declaration.stem()) == "seconds";
    let (handle, method) = match declaration.kind {
        Kind::Counter if times => ("DurationCounter", "duration_counter"),
        Kind::Counter => ("Counter", "counter"),
        Kind::Gauge => ("Gauge", "gauge"),
        Kind::Histogram => ("Histogram", "histogram"),
        Kind::Info => ("Info", "info"),
    };
    let (handle, method) = (format_ident!("{handle}"), format_ident!("{method}"));
    let parameters = declaration.labels.iter().map(|label| {
        let (name, ty) = (label.parameter(), &label.ty);
        quote!(#name: #ty)
    });
    let values = declaration.labels.iter().map(|label| {
        // At the type: that is what is wrong where it cannot be a label.
        let span = syn::spanned::Spanned::span(&label.ty).resolved_at(Span::mixed_site());
        let name = label.parameter();
        quote_spanned!(span=> #root::__private::IntoLabel::as_label(&#name))
    });
    quote! {
        #(#attributes)*
        #[allow(clippy::all, clippy::pedantic)]
        #[inline]
        #visibility fn #name(#(#parameters),*) -> #root::__private::#handle {
            #name::__family().#method(&[#(#values),*])
        }
    }
}
