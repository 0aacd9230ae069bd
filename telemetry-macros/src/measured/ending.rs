//! How an output ended its call, as an expression over it: what `ok_if`, `error_if` and `error_type` say, else what its type says.

use crate::measured::args::Args;
use crate::measured::{body, site};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path, ReturnType};

/// The ending that the value in `value` tells. The type of its error is counted with it.
pub(crate) fn of(args: &Args, root: &Path, value: &Ident) -> TokenStream {
    let ending = match (&args.ok_if, &args.error_if) {
        (Some(condition), _) => told(root, "ok_if", value, condition),
        (None, Some(condition)) => told(root, "error_if", value, condition),
        (None, None) => by_type(root, value),
    };
    let Some(error_type) = &args.error_type else { return ending };
    let (name, site) = (body::own("__ending"), site::named(args));
    let span = error_type.span().resolved_at(Span::mixed_site());
    let count = quote_spanned!(span=> #root::__private::count_error);
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            let #name = #ending;
            if #name.is_error() {
                #count(#site, #root::__private::Inspect(&#value).__error(), #error_type);
            }
            #name
        }
    }
}

/// What its type says of a value.
pub(crate) fn by_type(root: &Path, value: &Ident) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            #root::__private::Inspect(&#value).__ending()
        }
    }
}

fn told(root: &Path, word: &str, value: &Ident, condition: &Expr) -> TokenStream {
    let word = Ident::new(word, condition.span().resolved_at(Span::mixed_site()));
    quote!(#root::__private::Ending::#word(&#value, #condition))
}

/// Whether the declared type can be an error, as an expression. An opaque type has no name to ask; its first value tells.
pub(crate) fn fallible(args: &Args, root: &Path, output: &ReturnType) -> TokenStream {
    if body::never_returns(output) {
        return quote!(false);
    }
    if args.ok_if.is_some() || args.error_if.is_some() {
        return quote!(true);
    }
    if !body::has_a_name(output) {
        return quote!(false);
    }
    let ty = body::nameable(output);
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::ReturnsOther as _;
            #root::__private::Returns::<#ty>::new().__fallible()
        }
    }
}
