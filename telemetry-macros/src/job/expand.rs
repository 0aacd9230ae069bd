//! What a job's function becomes. Cannot fail.

use crate::job::model::Model;
use crate::measured::{body, ending};
use crate::supplied;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Path, Signature};

/// Our own name for the job. The span keeps it from meeting one of the user's.
const JOB: &str = "__job";
const SPEC: &str = "__spec";

/// The function without its job parameter, which is bound inside, and with its body run as a job.
pub(crate) fn backfill_job(model: Model, parameter: usize) -> TokenStream {
    let (root, spec) = (model.root(), spec(&model));
    let mut function = model.function;
    let supplied = supplied::bind(supplied::remove(&mut function.sig, parameter), |span| {
        let job = Ident::new(JOB, span);
        quote_spanned!(span=> &#job)
    });
    let (state, total) = (state(&root, model.args.state.as_ref()), total(&root, model.args.total.as_ref()));
    let uses = [state.clone(), total.clone(), function.block.to_token_stream()];
    let rebound = body::rebind(&mut function.sig, || quote!(#(#uses)*));
    let statements = quote!(#supplied #rebound #state #total);
    let signature = &function.sig;
    let run = if signature.asyncness.is_some() {
        asynchronous(&root, signature, &statements, &function.block)
    } else {
        synchronous(&root, signature, &statements, &function.block)
    };
    supplied::with_body(&function, &quote!(#spec #run))
}

fn spec(model: &Model) -> TokenStream {
    let (root, name, unit) = (model.root(), model.name(), model.unit());
    let stalled_after = model.args.stalled_after_millis.unwrap_or(0);
    let deadline = model.args.deadline_millis.unwrap_or(0);
    let spec = body::own(SPEC);
    let objective = model
        .args
        .objective
        .as_ref()
        .map(|objective| objective.registration(&root, &quote_spanned!(Span::mixed_site()=> job(&__JOB))));
    // As a measured function's call site.
    quote_spanned! {Span::mixed_site()=>
        let #spec = {
            enum __Path {}
            static __JOB: #root::__private::JobSpec = #root::__private::JobSpec::new(
                #name,
                #unit,
                #stalled_after,
                #deadline,
                #root::__private::CallSite::new(
                    #name,
                    #root::__private::core::any::type_name::<__Path>,
                    #root::__private::core::module_path!(),
                    #root::__private::core::file!(),
                    #root::__private::core::line!(),
                ),
            );
            #objective
            &__JOB
        };
    }
}

/// After the parameters are bound as the user knows them. Refused, the function returns with that.
fn state(root: &Path, state: Option<&syn::Expr>) -> TokenStream {
    let Some(state) = state else { return TokenStream::new() };
    let job = body::own(JOB);
    let span = state.span();
    // All of it is where the user's expression is: an error of theirs that cannot be made from ours is told there. The place by a
    // method, so that a `&mut` among the parameters is borrowed and not moved.
    let open = Ident::new("__open_state", Span::mixed_site().located_at(span));
    let opened = quote_spanned!(span=> #open(&#job, (#state).as_state())?;);
    // A `&path` is what users write, and is not needed for a method.
    quote_spanned! {Span::mixed_site()=>
        #[allow(clippy::needless_borrow)]
        { use #root::__private::{AsState as _, open_state as #open}; #opened }
    }
}

/// Here, too.
fn total(root: &Path, total: Option<&syn::Expr>) -> TokenStream {
    let Some(total) = total else { return TokenStream::new() };
    let job = body::own(JOB);
    let expect = quote_spanned!(total.span()=> #root::__private::expect_units);
    quote!(#expect(&#job, #total);)
}

fn synchronous(root: &Path, signature: &Signature, statements: &TokenStream, block: &syn::Block) -> TokenStream {
    let (job, spec, guard, value) = (body::own(JOB), body::own(SPEC), body::own("__guard"), body::own("__output"));
    let ty = body::nameable(&signature.output);
    let start = quote_spanned! {Span::mixed_site()=>
        let #job = #root::__private::start_job(#spec);
        let #guard = #root::__private::enter_job(&#job, #spec);
    };
    let moved = body::moved(statements, block);
    if body::never_returns(&signature.output) {
        return quote! { #start let _ = &#guard; #root::__private::call(move || -> #ty #moved) };
    }
    let ending = ending::by_type(root, &quote!(&#value), ending::Shows::of(&ty));
    let end = quote_spanned!(Span::mixed_site()=> #guard.end(#ending); #value);
    quote! { #start let #value = #root::__private::call(move || -> #ty #moved); #end }
}

fn asynchronous(root: &Path, signature: &Signature, statements: &TokenStream, block: &syn::Block) -> TokenStream {
    let (job, outer, value, ended) =
        (body::own(JOB), body::own("__outer"), body::own("__output"), body::own("__ended"));
    let spec = body::own(SPEC);
    let start = quote_spanned! {Span::mixed_site()=>
        let #job = #root::__private::start_job(#spec);
        let #outer = #job.clone();
    };
    if body::never_returns(&signature.output) {
        let endless = body::endless(root, statements, block);
        return quote_spanned! {Span::mixed_site()=>
            #start
            let (#value, _) = #root::__private::job_future(#outer, #spec, #endless).await;
            match #value {}
        };
    }
    let ty = body::nameable(&signature.output);
    let pin = body::pinned_type(root, &ty);
    let moved = body::moved(&quote!(#pin #statements), block);
    let ending = ending::by_type(root, &quote!(&#value), ending::Shows::of(&ty));
    let end = quote_spanned!(Span::mixed_site()=> #ended.with(#ending); #value);
    quote! {
        #start
        let (#value, #ended) = #root::__private::job_future(#outer, #spec, async move #moved).await;
        #end
    }
}
