//! What a measured function becomes. Cannot fail.

use crate::measured::body;
use crate::measured::model::Model;
use crate::measured::shape::{self, Returned, Shape};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{AttrStyle, Attribute, Expr, ItemFn, Path, ReturnType, Signature, Stmt, Type, parse_quote};

/// The function with its body measured. `item` is the function as it was written.
pub(crate) fn measured(model: Model, item: TokenStream) -> TokenStream {
    let root = model.root();
    let shape = Shape::of(&model.function);
    let call_site = call_site(&model, &root);
    let mut function = model.function;
    // The outer braces stay the user's: an item that ends in ours would be taken for one that a macro made, and not be warned about
    // where nobody calls it.
    let braces = function.block.brace_token;
    let measured = match &shape {
        Shape::Call => synchronous(&root, &mut function),
        Shape::InPlace => in_place(&root, &mut function),
        Shape::Async => returned(&asynchronous(&root, &mut function)),
        Shape::Awaited => awaited(&root, &mut function),
        Shape::Block(future) => block(&root, &mut function, future),
        Shape::Made(future) => returned(&made(&root, &mut function, future)),
    };
    let inner = body::inner_attributes(&function.attrs);
    let outer: Vec<&Attribute> =
        function.attrs.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Outer)).collect();
    let (visibility, signature) = (&function.vis, signature(&root, &shape, &function.sig));
    let mut tokens = quote!(#(#outer)* #visibility #signature);
    braces.surround(&mut tokens, |body| body.extend(quote!(#inner #call_site #measured)));
    match shape {
        // Documentation is to show what the user wrote.
        Shape::Async => quote!(#[cfg(doc)] #item #[cfg(not(doc))] #tokens),
        _ => tokens,
    }
}

/// The user's signature; an `async fn` says what it returns.
fn signature(root: &Path, shape: &Shape, signature: &Signature) -> TokenStream {
    let Shape::Async = shape else { return signature.to_token_stream() };
    let mut signature = signature.clone();
    signature.asyncness = None;
    let output = declared(&signature.output);
    // The tokens are of our edition, in which an opaque type captures every lifetime, as an `async fn` does in each edition.
    let future = quote_spanned!(Span::mixed_site()=> -> impl #root::__private::core::future::Future<Output = #output>);
    signature.output = ReturnType::Default;
    let clause = signature.generics.where_clause.take();
    quote!(#signature #future #clause)
}

fn declared(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => (**ty).clone(),
    }
}

/// The static, and an item whose path tells in which module, `impl` and function it stands: in a block of their own, so that no name of
/// the user's can meet them.
fn call_site(model: &Model, root: &Path) -> TokenStream {
    let name = model.args.name.as_ref().map_or_else(String::new, syn::LitStr::value);
    let site = body::own("__site");
    quote_spanned! {Span::mixed_site()=>
        let #site = {
            fn __path() -> &'static str {
                #root::__private::core::any::type_name_of_val(&__path)
            }
            static __CALL_SITE: #root::__private::CallSite = #root::__private::CallSite::new(
                #name,
                __path,
                #root::__private::core::module_path!(),
                #root::__private::core::file!(),
                #root::__private::core::line!(),
            );
            &__CALL_SITE
        };
    }
}

fn synchronous(root: &Path, function: &mut ItemFn) -> TokenStream {
    let statements = body::rebind(&mut function.sig, &function.block);
    let output = &function.sig.output;
    let (site, guard, value) = (body::own("__site"), body::own("__guard"), body::own("__output"));
    let moved = body::moved(&statements, &function.block);
    let end = end(root, &guard, &value);
    let ty = body::nameable(output);
    let fallible = fallible(root, output);
    let enter = quote_spanned! {Span::mixed_site()=>
        let #guard = #root::__private::enter(#site, #fallible);
    };
    // The type is the closure's, so that coercions, `?` and early returns mean what they meant in the function.
    let call = quote!(#root::__private::call(move || -> #ty #moved));
    if body::never_returns(output) {
        return quote! { #enter let _ = &#guard; #call };
    }
    quote! { #enter let #value = #call; #end return #value; }
}

/// The body where it was, with what it returns looked at on each way out that can be seen: its end and each `return`. On the others, `?`
/// and what a macro hides, the guard knows no more than whether the thread unwinds.
fn in_place(root: &Path, function: &mut ItemFn) -> TokenStream {
    let (site, guard, value) = (body::own("__site"), body::own("__guard"), body::own("__output"));
    let output = &function.sig.output;
    let (ty, fallible) = (body::nameable(output), fallible(root, output));
    let enter = quote_spanned! {Span::mixed_site()=>
        let #guard = #root::__private::enter_in_place(#site, #fallible);
    };
    if body::never_returns(output) || body::is_closure(output) {
        let block = body::labelled_in_place(&function.block);
        return quote! { #enter let _ = &#guard; #block };
    }
    let end = end(root, &guard, &value);
    body::each_return(&mut function.block, |given| {
        let given = given.map_or_else(|| quote!(()), ToTokens::to_token_stream);
        quote!({ let #value: #ty = #given; #end #value })
    });
    let block = body::labelled_in_place(&function.block);
    // That there is another way out of it keeps a body that never returns from making what follows unreachable, which lints tell users.
    quote_spanned! {Span::mixed_site()=>
        #enter
        let #value: #ty = '__reachable: {
            if false {
                let __never = #root::__private::never::<#ty>();
                break '__reachable __never;
            }
            #block
        };
        #end
        return #value;
    }
}

fn asynchronous(root: &Path, function: &mut ItemFn) -> TokenStream {
    let statements = body::rebind(&mut function.sig, &function.block);
    let output = &function.sig.output;
    let pin = body::pinned_type(root, &body::nameable(output));
    let moved = body::moved(&quote!(#pin #statements), &function.block);
    measured_future(root, &quote!(measured_future), &body::nameable(output), &quote!(async move #moved))
}

fn awaited(root: &Path, function: &mut ItemFn) -> TokenStream {
    if body::never_returns(&function.sig.output) {
        let statements = body::rebind(&mut function.sig, &function.block);
        let endless = body::endless(root, &statements, &function.block);
        let never = parse_quote!(#root::__private::core::convert::Infallible);
        let future = measured_future(root, &quote!(measured_future), &never, &endless);
        return quote_spanned!(Span::mixed_site()=> match #future.await {});
    }
    let future = asynchronous(root, function);
    returned(&quote!(#future.await))
}

fn block(root: &Path, function: &mut ItemFn, returned: &Returned) -> TokenStream {
    if let Some(place) = shape::async_block_mut(&mut function.block) {
        if let Expr::Async(inside) = place
            && body::is_complete(&returned.output)
        {
            // An error in the block is then one, and there.
            let pin = body::pinned_type(root, &returned.output);
            inside.block.stmts.insert(0, Stmt::Expr(Expr::Verbatim(pin), None));
        }
        *place =
            Expr::Verbatim(measured_future(root, &quote!(measured_future), &returned.output, &place.to_token_stream()));
    }
    function.block.stmts.iter().map(ToTokens::to_token_stream).collect()
}

fn made(root: &Path, function: &mut ItemFn, returned: &Returned) -> TokenStream {
    let statements = body::rebind(&mut function.sig, &function.block);
    let ty = body::nameable(&function.sig.output);
    let moved = body::moved(&statements, &function.block);
    let wrap = if returned.boxed { quote!(boxed_future) } else { quote!(measured_future) };
    measured_future(root, &wrap, &returned.output, &quote!(#root::__private::call(move || -> #ty #moved)))
}

/// A last expression of ours, as a `return`: in a crate that asks for one by lint, ours are not to be complained of.
fn returned(value: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> return #value;)
}

/// The call that wraps a future whose output is a `ty`.
fn measured_future(root: &Path, wrap: &TokenStream, ty: &Type, future: &TokenStream) -> TokenStream {
    let (site, value) = (body::own("__site"), body::own("__output"));
    let output = parse_quote!(-> #ty);
    let fallible = fallible(root, &output);
    let call = |future: &TokenStream| {
        quote_spanned! {Span::mixed_site()=>
            #root::__private::#wrap::<#ty, _, _>(#site, #fallible, #future, |#value| {
                use #root::__private::Fallback as _;
                return #root::__private::Inspect(#value).__ending();
            })
        }
    };
    if body::is_complete(ty) {
        return call(future);
    }
    // The type is then the future's to tell, which is known once that has been seen.
    let first = body::own("__future");
    let call = call(&first.to_token_stream());
    quote_spanned!(Span::mixed_site()=> { let #first = #future; #call })
}

/// Tells the guard how the output ended the call.
fn end(root: &Path, guard: &syn::Ident, value: &syn::Ident) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            #guard.end(#root::__private::Inspect(&#value).__ending());
        }
    }
}

/// Whether the declared type can be an error, as an expression. An opaque type has no name to ask; its first value tells.
fn fallible(root: &Path, output: &ReturnType) -> TokenStream {
    let ty = body::nameable(output);
    if !body::is_complete(&ty) || body::cannot_fail(&ty) {
        return quote!(false);
    }
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::ReturnsOther as _;
            #root::__private::Returns::<#ty>::new().__fallible()
        }
    }
}
