//! What a measured function becomes. Cannot fail.

use crate::measured::args::Args;
use crate::measured::model::Model;
use crate::measured::shape::{self, Returned, Shape};
use crate::measured::{body, ending, site, spans};
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::{AttrStyle, Attribute, Expr, ItemFn, LitStr, Path, ReturnType, Signature, Stmt, Type, parse_quote};

/// The function with its body measured. `item` is the function as it was written.
pub(crate) fn measured(model: Model, item: TokenStream) -> TokenStream {
    let root = model.root();
    let shape = Shape::of(&model.function);
    let Model { args, mut function } = model;
    let call = Call { args: &args, root: &root };
    let site = call.site();
    // The outer braces stay the user's: an item that ends in ours would be taken for one that a macro made, and not be warned about
    // where nobody calls it.
    let braces = function.block.brace_token;
    let measured = match &shape {
        Shape::Call => call.synchronous(&mut function),
        Shape::InPlace => call.in_place(&mut function),
        Shape::Async => returned(&call.asynchronous(&mut function)),
        Shape::Awaited => call.awaited(&mut function),
        Shape::Block(future) => call.block(&mut function, future),
        Shape::Made(future) => returned(&call.made(&mut function, future)),
    };
    let inner = body::inner_attributes(&function.attrs);
    let outer: Vec<&Attribute> =
        function.attrs.iter().filter(|attribute| matches!(attribute.style, AttrStyle::Outer)).collect();
    let (visibility, signature) = (&function.vis, signature(&root, &shape, &function.sig));
    let mut tokens = quote!(#(#outer)* #visibility #signature);
    braces.surround(&mut tokens, |body| body.extend(quote!(#inner #site #measured)));
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

/// A last expression of ours, as a `return`: in a crate that asks for one by lint, ours are not to be complained of.
fn returned(value: &TokenStream) -> TokenStream {
    quote_spanned!(Span::mixed_site()=> return #value;)
}

/// What the attribute was told, and where the library is.
struct Call<'a> {
    args: &'a Args,
    root: &'a Path,
}

impl Call<'_> {
    /// The call site: a static, and an item whose path tells in which module, `impl` and function it stands, in a block of their own, so
    /// that no name of the user's can meet them; then what is found in it for this call.
    fn site(&self) -> TokenStream {
        let (root, args) = (self.root, self.args);
        let name = args.name.as_ref().map_or_else(String::new, LitStr::value);
        let (site, asked, find) = (body::own(site::NAME), site::asked(args, root), site::find(args, root));
        let objective = args.objective.as_ref().map(|(_, objective)| {
            objective.registration(root, &quote_spanned!(Span::mixed_site()=> function(&__CALL_SITE)))
        });
        quote_spanned! {Span::mixed_site()=>
            let #site = {
                enum __Path {}
                static __CALL_SITE: #root::__private::CallSite = #root::__private::CallSite::new(
                    #name,
                    #root::__private::core::any::type_name::<__Path>,
                    #root::__private::core::module_path!(),
                    #root::__private::core::file!(),
                    #root::__private::core::line!(),
                )
                #asked;
                #objective
                &__CALL_SITE
            };
            #find
        }
    }

    /// The parameters bound again. Those that only the words name are used, since the words were read where they are bound no more.
    fn rebound(&self, function: &mut ItemFn) -> TokenStream {
        let (block, words) = (&function.block, site::uses(self.args));
        let mut statements = body::rebind(&mut function.sig, || quote!(#block #words));
        statements.extend(site::used(self.args, &function.sig));
        statements
    }

    fn synchronous(&self, function: &mut ItemFn) -> TokenStream {
        let root = self.root;
        let statements = self.rebound(function);
        let output = &function.sig.output;
        let (guard, value) = (body::own(GUARD), body::own(OUTPUT));
        let annotate = spans::annotate(self.args, root);
        let (moved, ty) = (body::moved(&quote!(#statements #annotate), &function.block), body::nameable(output));
        let enter = self.enter(if self.args.only_counts() { "count" } else { "enter" }, output);
        // The type is the closure's, so that coercions, `?` and early returns mean what they meant in the function.
        let call = quote!(#root::__private::call(move || -> #ty #moved));
        if body::never_returns(output) {
            return quote! { #enter let _ = &#guard; #call };
        }
        let end = self.end(&ty);
        quote! { #enter let #value = #call; #end return #value; }
    }

    /// The body where it was, with what it returns looked at on each way out that can be seen: its end and each `return`. On the others,
    /// `?` and what a macro hides, the guard knows no more than whether the thread unwinds.
    fn in_place(&self, function: &mut ItemFn) -> TokenStream {
        let root = self.root;
        let (guard, value) = (body::own(GUARD), body::own(OUTPUT));
        let output = &function.sig.output;
        let ty = body::nameable(output);
        let enter = self.enter(if self.args.only_counts() { "count_in_place" } else { "enter_in_place" }, output);
        let annotate = spans::annotate(self.args, root);
        if body::never_returns(output) || body::is_closure(output) {
            let block = body::labelled_in_place(&function.block);
            return quote! { #enter let _ = &#guard; #annotate #block };
        }
        let end = self.end(&ty);
        body::each_return(&mut function.block, |returned| {
            let (span, given) = (returned.return_token.span.resolved_at(Span::mixed_site()), &returned.expr);
            quote_spanned!(span=> break '__reachable #given)
        });
        let block = body::labelled_in_place(&function.block);
        // That there is another way out of it keeps a body that never returns from making what follows unreachable, which lints tell users.
        // And that it is an argument gives the output its type where the body has a wrong one: no error is to follow from that.
        quote_spanned! {Span::mixed_site()=>
            #enter
            #annotate
            let #value = #root::__private::core::convert::identity::<#ty>('__reachable: {
                if false {
                    let __never = #root::__private::never::<#ty>();
                    break '__reachable __never;
                }
                #block
            });
            #end
            return #value;
        }
    }

    fn asynchronous(&self, function: &mut ItemFn) -> TokenStream {
        let statements = self.rebound(function);
        let ty = body::nameable(&function.sig.output);
        let pin = body::pinned_type(self.root, &ty);
        let annotate = spans::annotate(self.args, self.root);
        let moved = body::moved(&quote!(#pin #statements #annotate), &function.block);
        self.future(false, &ty, &quote!(async move #moved))
    }

    fn awaited(&self, function: &mut ItemFn) -> TokenStream {
        let root = self.root;
        if body::never_returns(&function.sig.output) {
            let mut statements = self.rebound(function);
            statements.extend(spans::annotate(self.args, root));
            let endless = body::endless(root, &statements, &function.block);
            let never = parse_quote!(#root::__private::core::convert::Infallible);
            // No output is there to ask about.
            let args = Args { count: self.args.count.clone(), ..Args::default() };
            let future = Call { args: &args, root }.future(false, &never, &endless);
            return quote_spanned!(Span::mixed_site()=> match #future.await {});
        }
        let future = self.asynchronous(function);
        returned(&quote!(#future.await))
    }

    fn block(&self, function: &mut ItemFn, returned: &Returned) -> TokenStream {
        if let Some(place) = shape::async_block_mut(&mut function.block) {
            if let Expr::Async(inside) = place {
                let mut first = TokenStream::new();
                if body::is_complete(&returned.output) {
                    // An error in the block is then one, and there.
                    first.extend(body::pinned_type(self.root, &returned.output));
                }
                first.extend(spans::annotate(self.args, self.root));
                if !first.is_empty() {
                    inside.block.stmts.insert(0, Stmt::Expr(Expr::Verbatim(first), None));
                }
            }
            *place = Expr::Verbatim(self.future(false, &returned.output, &place.to_token_stream()));
        }
        function.block.stmts.iter().map(ToTokens::to_token_stream).collect()
    }

    fn made(&self, function: &mut ItemFn, returned: &Returned) -> TokenStream {
        let root = self.root;
        let statements = self.rebound(function);
        let ty = body::nameable(&function.sig.output);
        let moved = body::moved(&statements, &function.block);
        self.future(returned.boxed, &returned.output, &quote!(#root::__private::call(move || -> #ty #moved)))
    }

    /// Starts the call. `enter` is the library's function for it.
    fn enter(&self, enter: &str, output: &ReturnType) -> TokenStream {
        let (root, enter) = (self.root, body::own(enter));
        let (guard, site) = (body::own(GUARD), body::own(site::NAME));
        let fallible = ending::fallible(self.args, root, &body::nameable(output));
        quote_spanned!(Span::mixed_site()=> let #guard = #root::__private::#enter(#site, #fallible);)
    }

    /// Tells the guard how the output ended the call.
    fn end(&self, ty: &Type) -> TokenStream {
        let (guard, value) = (body::own(GUARD), body::own(OUTPUT));
        let ending = ending::of(self.args, self.root, &quote!(&#value), ty);
        quote_spanned!(Span::mixed_site()=> #guard.end(#ending);)
    }

    /// A future whose output is a `ty`, measured; in a box of its own if it is in one.
    fn future(&self, boxed: bool, ty: &Type, future: &TokenStream) -> TokenStream {
        let root = self.root;
        let wrap = body::own(match (self.args.only_counts(), boxed) {
            (false, false) => "measured_future",
            (false, true) => "boxed_future",
            (true, false) => "counted_future",
            (true, true) => "boxed_counted_future",
        });
        let (site, value) = (body::own(site::NAME), body::own(OUTPUT));
        let (ending, fallible) =
            (ending::of(self.args, root, &quote!(#value), ty), ending::fallible(self.args, root, ty));
        // Conditions may name parameters that were copied, as they may where no future is.
        let call = |future: &TokenStream| {
            quote_spanned! {Span::mixed_site()=>
                #root::__private::#wrap::<#ty, _, _>(#site, #fallible, #future, move |#value| {
                    return #ending;
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
}

const GUARD: &str = "__guard";
const OUTPUT: &str = "__output";
