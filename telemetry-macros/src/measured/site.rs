//! The call site of a call: the function's static, or what is found in it for the call's labels and types.

use crate::measured::args::Args;
use crate::measured::{body, spans, words};
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Path, Signature};

/// What the static is told besides, as the end of its expression. Empty where no argument asks for it.
pub(crate) fn asked(args: &Args, root: &Path) -> TokenStream {
    let mut asked = TokenStream::new();
    if !args.labels.is_empty() {
        let names = args.labels.iter().map(|label| label.name.unraw().to_string());
        asked.extend(quote!(.labels(&[#(#names),*])));
    }
    if !args.thresholds.is_empty() {
        let mut seconds = args.thresholds.clone();
        seconds.sort_by(f64::total_cmp);
        seconds.dedup();
        asked.extend(quote!(.thresholds(&[#(#seconds),*])));
    }
    if args.only_counts() {
        asked.extend(quote!(.counts()));
    }
    if asked.is_empty() && args.types.is_none() && args.error_type.is_none() {
        return asked;
    }
    quote_spanned! {Span::mixed_site()=>
        .asked({
            static __ASKED: #root::__private::Asked = #root::__private::Asked::new() #asked;
            &__ASKED
        })
    }
}

/// What finds the call's own call site, before the parameters are moved. Empty where the static is all.
pub(crate) fn find(args: &Args, root: &Path) -> TokenStream {
    let mut statements = TokenStream::new();
    let site = body::own(NAME);
    if args.types.is_some() {
        // A closure's type tells the types of all that it stands in, those of the `impl` included.
        statements.extend(quote_spanned! {Span::mixed_site()=>
            let #site = #root::__private::instantiation(#site, &|| ());
        });
    }
    if !args.labels.is_empty() {
        let values = args.labels.iter().map(|label| {
            let value = label.value.as_ref().map_or_else(|| label.name.to_token_stream(), ToTokens::to_token_stream);
            // At the value: that is what is wrong where it cannot be a label.
            let span = value.span().resolved_at(Span::mixed_site());
            quote_spanned!(span=> #root::__private::IntoLabel::as_label(&(#value)))
        });
        statements.extend(quote_spanned! {Span::mixed_site()=>
            let #site = if #root::__private::RECORDS {
                #root::__private::labelled(#site, &[#(#values),*])
            } else {
                #site
            };
        });
    }
    statements
}

/// The call site in the expansion.
pub(crate) const NAME: &str = "__site";

/// What the words name, for the rule of unused parameters.
pub(crate) fn uses(args: &Args) -> TokenStream {
    let labels = args.labels.iter().map(|label| {
        let (name, value) = (&label.name, &label.value);
        value.as_ref().map_or_else(|| quote!(#name), |value| quote!(#value))
    });
    let (ok_if, error_if, error_type) = (&args.ok_if, &args.error_if, &args.error_type);
    let span = spans::uses(args);
    quote!(#(#labels)* #span #ok_if #error_if #error_type)
}

/// Uses the parameters that the words name, once they are bound again: else one that only a label uses would be called unused.
pub(crate) fn used(args: &Args, signature: &Signature) -> TokenStream {
    let mut named = Vec::new();
    identifiers(uses(args), &mut named);
    let parameters = signature.inputs.iter().filter_map(words::plain_name);
    let used = parameters.filter(|parameter| named.contains(&parameter.to_string()));
    used.map(|parameter| quote_spanned!(Span::mixed_site()=> let _ = &#parameter;)).collect()
}

/// Every identifier in these tokens.
pub(crate) fn identifiers(tokens: TokenStream, into: &mut Vec<String>) {
    for token in tokens {
        match token {
            TokenTree::Ident(ident) => into.push(ident.to_string()),
            TokenTree::Group(group) => identifiers(group.stream(), into),
            _ => {}
        }
    }
}
