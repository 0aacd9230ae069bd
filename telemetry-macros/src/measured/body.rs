//! Moves a function's body inward without changing when anything is dropped.
//!
//! The body runs in a closure or an `async` block that owns the parameters. They are bound again in order at its top, unused ones and
//! `_` too, so that they are dropped at its end in the order in which the function would have dropped them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::visit_mut::{self, VisitMut};
use syn::{Block, FnArg, Ident, Pat, PatIdent, ReturnType, Signature, Type, parse_quote};

/// Gives each parameter of the signature a plain name, and returns the statements that bind the user's patterns again.
pub(crate) fn rebind(signature: &mut Signature) -> TokenStream {
    let mut statements = TokenStream::new();
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        match input {
            // A receiver cannot be bound again; the reference has it moved in whole, also where only a field is used.
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                statements.extend(quote_spanned!(Span::mixed_site()=> let _ = &#this;));
            }
            FnArg::Typed(parameter) => statements.extend(rebind_one(index, &mut parameter.pat)),
        }
    }
    statements
}

fn rebind_one(index: usize, pattern: &mut Pat) -> TokenStream {
    let name = match pattern {
        // A plain name stays what it is, so that documentation shows it; `mut` moves inward.
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => ident.clone(),
        _ => format_ident!("__argument_{index}", span = Span::mixed_site()),
    };
    let plain =
        Pat::Ident(PatIdent { attrs: Vec::new(), by_ref: None, mutability: None, ident: name.clone(), subpat: None });
    let bound = std::mem::replace(pattern, plain);
    let moved = quote_spanned!(Span::mixed_site()=> let #name = #name;);
    match bound {
        // `let _ = x` would not move `x`.
        Pat::Wild(_) => moved,
        Pat::Ident(PatIdent { by_ref: None, subpat: None, .. }) => quote!(let #bound = #name;),
        // What a pattern leaves unbound is dropped right after what it binds.
        _ => quote!(#moved let #bound = #name;),
    }
}

/// The declared output with `_` for every opaque type, which can be named in a signature alone.
pub(crate) fn nameable(output: &ReturnType) -> Type {
    let mut ty = match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    };
    Erase.visit_type_mut(&mut ty);
    ty
}

struct Erase;

impl VisitMut for Erase {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// The statements and the body in one block. What the body's last expression borrows is freed before the parameters are, as in a
/// function; as the block's own last expression it would be freed after them (before edition 2024).
///
/// The value's type is written, so that it is coerced as a function's value is.
pub(crate) fn moved(statements: &TokenStream, ty: &Type, block: &Block) -> TokenStream {
    let value = own("__value");
    let give = quote_spanned! {Span::mixed_site()=>
        #[allow(unreachable_code, clippy::all, clippy::pedantic)]
        return #value;
    };
    // A body that never returns gives no value; clippy would say so of a line that the user did not write.
    let quiet = quote_spanned!(Span::mixed_site()=> #[allow(clippy::diverging_sub_expression)]);
    quote!({ #statements #quiet let #value: #ty = #block; #give })
}

/// A return that never runs, and that tells the `async` block its type: a block cannot be annotated.
pub(crate) fn pinned_type(output: &ReturnType) -> TokenStream {
    let ty = nameable(output);
    quote_spanned! {Span::mixed_site()=>
        #[allow(unreachable_code, unused_variables, clippy::all, clippy::pedantic)]
        if false {
            let __never: #ty = loop {};
            return __never;
        }
    }
}

/// Has the braces stand for ours: `unused_braces` would else ask users to remove them.
pub(crate) fn quiet_braces(block: &mut Block) {
    let span = block.brace_token.span.join();
    block.brace_token = syn::token::Brace(Span::mixed_site().located_at(span));
}

/// Whether a function cannot return.
pub(crate) fn never_returns(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(**ty, Type::Never(_)))
}

/// A name of ours that cannot meet one of the user's.
pub(crate) fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The inner attributes of a body, which stay with the function.
pub(crate) fn inner_attributes(attributes: &[syn::Attribute]) -> TokenStream {
    let inner = attributes.iter().filter(|attribute| matches!(attribute.style, syn::AttrStyle::Inner(_)));
    inner.map(ToTokens::to_token_stream).collect()
}
