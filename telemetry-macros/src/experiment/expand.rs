//! What a run's function becomes. Cannot fail.

use crate::experiment::args::{Args, Param};
use crate::experiment::model::Model;
use crate::measured::body;
use crate::supplied;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr, Path, Signature};

/// Our own names. Their span keeps them from meeting the user's.
const RUN: &str = "__run";
/// The run, as the body's closure or block borrows it.
const WITHIN: &str = "__within";
const EXPERIMENT: &str = "__experiment";
const OUTPUT: &str = "__output";

/// The function without the parameter of its experiment, which is bound inside, and with its body as a run.
pub(crate) fn experiment(model: Model, parameter: Option<usize>) -> TokenStream {
    let root = model.root();
    let Model { args, mut function } = model;
    let supplied = parameter.map(|parameter| {
        supplied::bind(supplied::remove(&mut function.sig, parameter), |span| {
            Ident::new(EXPERIMENT, span).into_token_stream()
        })
    });
    let (start, params) = (start(&root, &args), params(&args.params));
    let uses = [start.clone(), params.clone(), function.block.to_token_stream()];
    let rebound = body::rebind(&mut function.sig, || quote!(#(#uses)*));
    let statements = quote!(#rebound #start #supplied #params);
    let run = if function.sig.asyncness.is_some() {
        asynchronous(&root, &function.sig, &statements, &function.block)
    } else {
        synchronous(&root, &function.sig, &statements, &function.block)
    };
    supplied::with_body(&function, &run)
}

/// The run starts where the parameters are bound as the user knows them.
fn start(root: &Path, args: &Args) -> TokenStream {
    let (experiment, within, every) = (body::own(EXPERIMENT), body::own(WITHIN), args.every_millis());
    let settings = [("workspace", &args.workspace), ("project", &args.project), ("name", &args.name)];
    let texts = settings.into_iter().filter_map(|(word, text)| Some((word, text.as_ref()?)));
    let texts = texts.chain(args.tags.iter().map(|tag| ("tag", tag))).map(|(word, text)| setting(word, text));
    quote_spanned! {Span::mixed_site()=>
        let #experiment = #within.start(#root::__private::experiment::Settings::new(#every) #(#texts)*);
    }
}

/// A method's name is where the user's expression is, so that a value which is no text is told there. By reference: the arguments are the body's.
fn setting(word: &str, text: &Expr) -> TokenStream {
    let span = Span::mixed_site().located_at(text.span());
    let method = Ident::new(word, span);
    quote_spanned!(span=> .#method(&(#text)))
}

fn params(params: &[Param]) -> TokenStream {
    let logged = params.iter().map(|Param { name, value }| {
        let text = LitStr::new(&name.unraw().to_string(), name.span());
        let (tokens, span) = match value {
            Some(value) => (value.to_token_stream(), value.span()),
            None => (name.to_token_stream(), name.span()),
        };
        let span = Span::mixed_site().located_at(span);
        let (within, method) = (Ident::new(WITHIN, span), Ident::new("parameter", span));
        quote_spanned!(span=> #within.#method(#text, &(#tokens));)
    });
    logged.collect()
}

fn synchronous(root: &Path, signature: &Signature, statements: &TokenStream, block: &syn::Block) -> TokenStream {
    let (run, within, value) = (body::own(RUN), body::own(WITHIN), body::own(OUTPUT));
    let ty = body::nameable(&signature.output);
    let begin = quote_spanned! {Span::mixed_site()=>
        let #run = #root::__private::experiment::Run::of_call();
        let #within = &#run;
    };
    let moved = body::moved(statements, block);
    let call = quote!(#within.caught(move || -> #ty #moved));
    if body::never_returns(&signature.output) {
        return quote! { #begin #call };
    }
    let returned = returned(root, &value);
    quote! { #begin let #value = #call; #returned #run.end(); #value }
}

fn asynchronous(root: &Path, signature: &Signature, statements: &TokenStream, block: &syn::Block) -> TokenStream {
    let (run, within, value) = (body::own(RUN), body::own(WITHIN), body::own(OUTPUT));
    let begin = quote_spanned! {Span::mixed_site()=>
        let #run = #root::__private::experiment::Run::of_future();
        let #within = &#run;
    };
    if body::never_returns(&signature.output) {
        let endless = body::endless(root, statements, block);
        return quote_spanned! {Span::mixed_site()=>
            #begin
            match #within.polled(#endless).await {}
        };
    }
    let ty = body::nameable(&signature.output);
    let pin = body::pinned_type(root, &ty);
    let moved = body::moved(&quote!(#pin #statements), block);
    let returned = returned(root, &value);
    quote! {
        #begin
        let #value = #within.polled(async move #moved).await;
        #returned
        #run.ended().await;
        #value
    }
}

/// What the output says of the run: how it ended, what it has to log, and of an error what it says. The last two are asked by the type.
fn returned(root: &Path, value: &Ident) -> TokenStream {
    let run = body::own(RUN);
    quote_spanned! {Span::mixed_site()=>
        {
            use #root::__private::Fallback as _;
            use #root::__private::experiment::{Logs as _, LogsNothing as _, SaysByDebug as _, SaysByDisplay as _};
            #run.returned(
                #root::__private::Inspect(&#value).__ending(),
                |__experiment| (&#root::__private::experiment::Returned(&#value)).__log_to(__experiment),
                || (&&#root::__private::experiment::Says(#root::__private::Inspect(&#value).__error())).__says(),
            );
        }
    }
}
