//! `measure!`: a block, a closure or an `async` block, measured where it stands.
//!
//! ```text
//! measure!("parse", {                  { let __block = { static __CALL_SITE: …; enter_block(&__CALL_SITE) };
//!     read()?.len()                      __block.end({
//! })                                         match read() { __tried => { __block.leaves(…); __tried } }?.len()
//!                                        }, |__output| …) }
//! ```
//! The block stays a block, so `return`, `?` and `break` mean what they meant. What they leave it with is seen before they do.

use crate::diagnostics::Diagnostics;
use crate::measured::body;
use crate::measured::ending::{self, Shows};
use proc_macro2::{Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprAsync, ExprClosure, ExprLit, ExprTry, Ident, Item, Lit, LitStr, Path, ReturnType, Token, parse_quote,
};

/// What stands in the parentheses.
struct Block {
    root: Path,
    name: LitStr,
    expression: Expr,
}

const TAKES: &str = "`measure!` takes a name and what to measure, such as `measure!(\"parse\", text.parse())`";

impl Parse for Block {
    fn parse(input: ParseStream<'_>) -> syn::Result<Block> {
        let root = if input.peek(Token![crate]) && input.peek2(Token![=]) {
            input.call(Ident::parse_any)?;
            input.parse::<Token![=]>()?;
            let root = input.call(Path::parse_mod_style)?;
            input.parse::<Token![;]>()?;
            root
        } else {
            parse_quote!(::telemetry)
        };
        if input.is_empty() {
            return Err(input.error(TAKES));
        }
        let name = match input.parse()? {
            Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if !name.value().is_empty() => name,
            other => return Err(syn::Error::new_spanned(&other, not_a_name(&other, input.is_empty()))),
        };
        if input.is_empty() {
            return Err(syn::Error::new_spanned(&name, TAKES));
        }
        input.parse::<Token![,]>()?;
        if input.is_empty() {
            return Err(syn::Error::new_spanned(&name, TAKES));
        }
        let expression = input.parse()?;
        input.parse::<Option<Token![,]>>()?;
        if !input.is_empty() {
            return Err(input.error("`measure!` takes one expression; write a block around several: `{ … }`"));
        }
        Ok(Block { root, name, expression })
    }
}

fn not_a_name(name: &Expr, alone: bool) -> &'static str {
    match name {
        Expr::Lit(_) => "the name of a block is a text that is not empty, such as `\"parse\"`",
        _ if alone => TAKES,
        _ => {
            "the name of a block is a text, such as `\"parse\"`; for one that only the running program knows write `let _running = telemetry::span(name);`"
        }
    }
}

/// Expands the macro.
pub(crate) fn measure(input: TokenStream) -> TokenStream {
    let mut diagnostics = Diagnostics::new();
    let expansion = match syn::parse2(input) {
        Ok(block) => expand(block, &mut diagnostics),
        Err(error) => {
            diagnostics.add(error);
            TokenStream::new()
        }
    };
    match diagnostics.finish() {
        Ok(()) => expansion,
        Err(error) => error.to_compile_error(),
    }
}

fn expand(block: Block, diagnostics: &mut Diagnostics) -> TokenStream {
    let Block { root, name, expression } = block;
    let call_site = call_site(&root, &name);
    match expression {
        Expr::Closure(closure) => measured_closure(&root, &call_site, closure),
        Expr::Async(block) => future(&root, &call_site, &block),
        mut expression => {
            let mut exits = Exits { root: &root, awaits: Vec::new(), returns: Returns::Leave };
            exits.visit_expr_mut(&mut expression);
            for awaited in exits.awaits {
                diagnostics.at_span(
                    awaited,
                    format!(
                        "a block that awaits is measured as a future; write `measure!({}, async {{ … }}).await`",
                        quote!(#name)
                    ),
                );
            }
            quiet(&mut expression);
            match expression {
                // It has no value to look at, and what comes after it is never reached.
                Expr::Break(_) | Expr::Continue(_) | Expr::Return(_) => leaving(&root, &call_site, &expression),
                _ => running(&root, &call_site, &quote!(#expression)),
            }
        }
    }
}

/// Has the braces of a block stand for ours: around an argument, the user's own would be called superfluous. A label, as a function's body
/// has, would not do: a `break` without one could not leave the loop around the block.
fn quiet(expression: &mut Expr) {
    if let Expr::Block(block) = expression {
        let span = block.block.brace_token.span.join();
        block.block.brace_token = syn::token::Brace(Span::mixed_site().located_at(span));
    }
}

fn call_site(root: &Path, name: &LitStr) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        static __CALL_SITE: #root::__private::CallSite = #root::__private::CallSite::new(
            #name,
            || "",
            #root::__private::core::module_path!(),
            #root::__private::core::file!(),
            #root::__private::core::line!(),
        );
    }
}

/// A block that runs here and now.
fn running(root: &Path, call_site: &TokenStream, expression: &TokenStream) -> TokenStream {
    let (enter, block, output) = (enter(root, call_site), body::own(BLOCK), body::own("__output"));
    let ending = ending::by_type(root, &quote!(#output), Shows::Type);
    // The value's type is looked at in a closure, which the compiler reads last: by then it knows what the value is to be.
    quote_spanned! {Span::mixed_site()=>
        {
            #enter
            #block.end(#expression, |#output| #ending)
        }
    }
}

fn enter(root: &Path, call_site: &TokenStream) -> TokenStream {
    let block = body::own(BLOCK);
    quote_spanned! {Span::mixed_site()=>
        let #block = {
            #call_site
            #root::__private::enter_block(&__CALL_SITE)
        };
    }
}

/// A block that does nothing but leave.
fn leaving(root: &Path, call_site: &TokenStream, expression: &Expr) -> TokenStream {
    let (enter, block) = (enter(root, call_site), body::own(BLOCK));
    quote_spanned!(Span::mixed_site()=> { #enter let _ = &#block; #expression })
}

const BLOCK: &str = "__block";

/// The closure with each of its calls measured: its body is, so what it captures and which of `Fn`, `FnMut` and `FnOnce` it is stays.
fn measured_closure(root: &Path, call_site: &TokenStream, mut closure: ExprClosure) -> TokenStream {
    let body = match &mut *closure.body {
        body if closure.asyncness.is_some() => {
            let ty = match &closure.output {
                ReturnType::Default => quote!(_),
                ReturnType::Type(_, ty) => quote!(#ty),
            };
            let inner = quote_spanned!(Span::mixed_site()=> async { #body });
            let future = measured_future(root, &inner, &ty);
            quote_spanned!(Span::mixed_site()=> #call_site #future.await)
        }
        Expr::Async(block) => future(root, call_site, block),
        body => {
            let mut exits = Exits { root, awaits: Vec::new(), returns: Returns::Break { any: false } };
            exits.visit_expr_mut(body);
            quiet(body);
            let body = match exits.returns {
                Returns::Break { any: true } => quote_spanned!(Span::mixed_site()=> '__body: { #body }),
                _ => quote!(#body),
            };
            running(root, call_site, &body)
        }
    };
    // Also where the body was no block: a declared output asks for one.
    *closure.body = Expr::Verbatim(quote_spanned!(Span::mixed_site()=> { #body }));
    quote!(#closure)
}

/// An `async` block as a future whose polls are measured. It captures what it captured, when it did.
fn future(root: &Path, call_site: &TokenStream, block: &ExprAsync) -> TokenStream {
    let inner = body::own("__inner");
    let future = measured_future(root, &quote!(#inner), &quote!(_));
    quote_spanned! {Span::mixed_site()=>
        {
            let #inner = #block;
            {
                #call_site
                #future
            }
        }
    }
}

fn measured_future(root: &Path, future: &TokenStream, ty: &TokenStream) -> TokenStream {
    let value = body::own("__output");
    let ending = ending::by_type(root, &quote!(#value), Shows::Type);
    quote_spanned! {Span::mixed_site()=>
        #root::__private::measured_future::<#ty, _, _>(&__CALL_SITE, false, #future, |#value| #ending)
    }
}

/// What leaves the block besides its end.
struct Exits<'a> {
    root: &'a Path,
    /// Where it awaits.
    awaits: Vec<Span>,
    returns: Returns,
}

enum Returns {
    /// `return` leaves the function around the block.
    Leave,
    /// `return` leaves the closure whose body this is: its value is the body's.
    Break { any: bool },
}

impl VisitMut for Exits<'_> {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        match expression {
            // What is left there is left by itself.
            Expr::Closure(_) | Expr::Async(_) | Expr::Const(_) => return,
            _ => visit_mut::visit_expr_mut(self, expression),
        }
        match expression {
            Expr::Await(awaited) => self.awaits.push(awaited.await_token.span),
            Expr::Try(tried) => self.note_tried(tried),
            Expr::Return(_) => self.note_return(expression),
            _ => {}
        }
    }

    /// An item inside is none of the block's doing.
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

impl Exits<'_> {
    /// `f()?` as `match f() { tried => { …; tried } }?`: what is borrowed in there lives as long as it did.
    fn note_tried(&self, tried: &mut ExprTry) {
        let (block, value) = (body::own(BLOCK), body::own("__tried"));
        let (inner, root) = (&tried.expr, self.root);
        let ending = ending::by_type(root, &quote!(&#value), Shows::Type);
        let noted = quote_spanned! {inner.span().resolved_at(Span::mixed_site())=>
            match #inner {
                #value => {
                    #block.leaves(#ending);
                    #value
                }
            }
        };
        *tried.expr = Expr::Verbatim(noted);
    }

    fn note_return(&mut self, expression: &mut Expr) {
        let Expr::Return(returned) = expression else { return };
        let span = returned.return_token.span;
        match &mut self.returns {
            Returns::Break { any } => {
                *any = true;
                let value = &returned.expr;
                let leave = quote_spanned!(span.resolved_at(Span::mixed_site())=> break '__body #value);
                *expression = Expr::Verbatim(leave);
            }
            Returns::Leave => {
                let Some(value) = returned.expr.as_ref().filter(|value| is_error(value)) else { return };
                let block = body::own(BLOCK);
                let noted = quote_spanned!(Span::mixed_site()=> { #block.leaves_with_error(); #value });
                returned.expr = Some(Box::new(Expr::Verbatim(noted)));
            }
        }
    }
}

/// Whether an expression is written as an error: `Err(…)`. Its type is the function's to know.
fn is_error(expression: &Expr) -> bool {
    match expression {
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == "Err"),
            _ => false,
        },
        Expr::Paren(paren) => is_error(&paren.expr),
        Expr::Group(group) => is_error(&group.expr),
        _ => false,
    }
}
