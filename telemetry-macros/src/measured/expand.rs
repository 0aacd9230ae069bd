//! What a measured function becomes. Cannot fail.

use crate::measured::args::Args;
use crate::measured::model::Model;
use crate::measured::{body, ending, site};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::{AttrStyle, Attribute, Path, ReturnType};

/// The function with its body measured.
pub(crate) fn measured(model: Model) -> TokenStream {
    let root = model.root();
    let (call_site, find) = (call_site(&model, &root), site::find(&model.args, &root));
    let mut function = model.function;
    // The outer braces stay the user's: an item that ends in ours would be taken for one that a macro made, and not be warned about
    // where nobody calls it.
    let braces = function.block.brace_token;
    body::quiet_braces(&mut function.block);
    let (in_body, in_words) = (&function.block, site::uses(&model.args));
    let uses = quote!(#in_body #in_words);
    let mut statements = body::rebind(&mut function.sig, &uses);
    statements.extend(site::used(&model.args, &function.sig));
    let inner = body::inner_attributes(&function.attrs);
    let outer: Vec<&Attribute> =
        function.attrs.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Outer)).collect();
    let (visibility, signature, block) = (&function.vis, &function.sig, &function.block);
    let measured = if signature.asyncness.is_some() {
        asynchronous(&model.args, &root, &signature.output, &statements, block)
    } else {
        synchronous(&model.args, &root, &signature.output, &statements, block)
    };
    let mut tokens = quote!(#(#outer)* #visibility #signature);
    braces.surround(&mut tokens, |body| body.extend(quote!(#inner #call_site #find #measured)));
    tokens
}

/// The static, and an item whose path tells in which module, `impl` and function it stands.
fn call_site(model: &Model, root: &Path) -> TokenStream {
    let name = model.args.name.as_ref().map_or_else(String::new, syn::LitStr::value);
    let asked = site::asked(&model.args, root);
    quote_spanned! {Span::mixed_site()=>
        fn __path() -> &'static str {
            #root::__private::core::any::type_name_of_val(&__path)
        }
        static __CALL_SITE: #root::__private::CallSite = #root::__private::CallSite::new(
            #name,
            __path,
            #root::__private::core::module_path!(),
            #root::__private::core::file!(),
            #root::__private::core::line!(),
        )
        #asked;
    }
}

fn synchronous(
    args: &Args,
    root: &Path,
    output: &ReturnType,
    statements: &TokenStream,
    block: &syn::Block,
) -> TokenStream {
    let (guard, value) = (body::own("__guard"), body::own("__output"));
    let ty = body::nameable(output);
    let (site, fallible) = (site::named(args), ending::fallible(args, root, output));
    let enter = body::own(if args.only_counts() { "count" } else { "enter" });
    let enter = quote_spanned! {Span::mixed_site()=>
        let #guard = #root::__private::#enter(#site, #fallible);
    };
    // The type is the closure's, so that coercions, `?` and early returns mean what they meant in the function.
    if body::never_returns(output) {
        let call = quote!(#root::__private::call(move || -> #ty { #statements #block }));
        return quote! { #enter let _ = &#guard; #call };
    }
    let moved = body::moved(statements, &ty, block);
    let call = quote!(#root::__private::call(move || -> #ty #moved));
    let ending = ending::of(args, root, &value);
    let end = quote_spanned!(Span::mixed_site()=> #guard.end(#ending); #value);
    quote! { #enter let #value = #call; #end }
}

fn asynchronous(
    args: &Args,
    root: &Path,
    output: &ReturnType,
    statements: &TokenStream,
    block: &syn::Block,
) -> TokenStream {
    let (site, fallible) = (site::named(args), ending::fallible(args, root, output));
    let measured_future = body::own(if args.only_counts() { "counted_future" } else { "measured_future" });
    if body::never_returns(output) {
        return body::await_never(
            root,
            statements,
            block,
            |moved| quote!(#root::__private::#measured_future(#site, #fallible, async move #moved)),
        );
    }
    let (value, ended) = (body::own("__output"), body::own("__ended"));
    let (pin, ty) = (body::pinned_type(output), body::nameable(output));
    let moved = body::moved(&quote!(#pin #statements), &ty, block);
    let call = quote!(#root::__private::#measured_future(#site, #fallible, async move #moved).await);
    let ending = ending::of(args, root, &value);
    let end = quote_spanned!(Span::mixed_site()=> #ended.with(#ending); #value);
    quote! { let (#value, #ended) = #call; #end }
}
