//! How an output ended its call, as an expression over it: what `ok_if`, `error_if` and `error_type` say, else what its type says.

use crate::measured::args::Args;
use crate::measured::{body, site};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, Ident, Path, Type};

/// The ending that a value tells, behind the reference that `value` is. The type of its error is counted with it.
pub(crate) fn of(args: &Args, root: &Path, value: &TokenStream) -> TokenStream {
    let ending = match (&args.ok_if, &args.error_if) {
        (Some(condition), _) => told(root, "ok_if", value, condition),
        (None, Some(condition)) => told(root, "error_if", value, condition),
        (None, None) => by_type(root, value),
    };
    let Some(error_type) = &args.error_type else { return ending };
    let (name, site) = (body::own("__ending"), body::own(site::NAME));
    let span = error_type.span().resolved_at(Span::mixed_site());
    let count = quote_spanned!(span=> #root::__private::count_error);
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            let #name = #ending;
            if #name.is_error() {
                #count(#site, #root::__private::Inspect(#value).__error(), #error_type);
            }
            #name
        }
    }
}

/// What its type says of a value, behind the reference that `value` is.
pub(crate) fn by_type(root: &Path, value: &TokenStream) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            #root::__private::Inspect(#value).__ending()
        }
    }
}

fn told(root: &Path, word: &str, value: &TokenStream, condition: &Expr) -> TokenStream {
    let word = Ident::new(word, condition.span().resolved_at(Span::mixed_site()));
    quote!(#root::__private::Ending::#word(#value, #condition))
}

/// Whether an output of this type can be an error, as an expression. An opaque type has no name to ask; its first value tells.
pub(crate) fn fallible(args: &Args, root: &Path, ty: &Type) -> TokenStream {
    if matches!(body::ungrouped(ty), Type::Never(_)) {
        return quote!(false);
    }
    if args.has_condition() {
        return quote!(true);
    }
    if !body::is_complete(ty) || body::cannot_fail(ty) {
        return quote!(false);
    }
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::ReturnsOther as _;
            #root::__private::Returns::<#ty>::new().__fallible()
        }
    }
}
