//! The attribute's words and the function under it.

use crate::diagnostics::Diagnostics;
use crate::measured::args::Args;
use crate::measured::container::Container;
use crate::measured::shape;
use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Block, Expr, Item, ItemFn, Path, Stmt, braced, parse_quote};

/// What the attribute stands on.
pub(crate) enum Subject {
    Function(Box<Model>),
    Container(Box<Container>),
    /// It is to be left out.
    Skipped,
}

impl Subject {
    /// `None` where it is neither; the mistake is then among the diagnostics.
    pub(crate) fn parse(words: TokenStream, item: &TokenStream, diagnostics: &mut Diagnostics) -> Option<Subject> {
        let args = Args::parse(words.clone(), diagnostics);
        if args.skip.is_some() {
            return Some(Subject::Skipped);
        }
        let error = match function.parse2(item.clone()) {
            Ok(function) => return Some(Subject::Function(Box::new(Model { args, function }))),
            Err(error) => error,
        };
        let container = syn::parse2::<Item>(item.clone())
            .ok()
            .and_then(|item| Container::parse(words, &args, &item, diagnostics))
            .map(|container| Subject::Container(Box::new(container)));
        if container.is_none() {
            explain(item, error, diagnostics);
        }
        container
    }
}

/// A function that is measured, and how.
pub(crate) struct Model {
    pub(crate) args: Args,
    /// A method of an `impl` or a trait parses as a function too: the attribute sees no further than its item.
    pub(crate) function: ItemFn,
}

impl Model {
    /// The path of the library.
    pub(crate) fn root(&self) -> Path {
        self.args.root.clone().unwrap_or_else(|| parse_quote!(::telemetry))
    }
}

/// A function. Its body is left as it is, unless its shape depends on what is in there: to parse it is most of what a body costs here.
fn function(input: ParseStream<'_>) -> syn::Result<ItemFn> {
    let mut attrs = input.call(Attribute::parse_outer)?;
    let (vis, sig) = (input.parse()?, input.parse()?);
    let body;
    let brace_token = braced!(body in input);
    attrs.extend(body.call(Attribute::parse_inner)?);
    let stmts = if shape::may_look_inside(&attrs, &sig) {
        body.call(Block::parse_within)?
    } else {
        vec![Stmt::Expr(Expr::Verbatim(body.parse()?), None)]
    };
    Ok(ItemFn { attrs, vis, sig, block: Box::new(Block { brace_token, stmts }) })
}

/// Says why this item cannot be measured, or passes on why it does not parse.
fn explain(item: &TokenStream, error: syn::Error, diagnostics: &mut Diagnostics) {
    if let Ok(method) = syn::parse2::<syn::TraitItemFn>(item.clone()) {
        diagnostics.at(
            &method.sig.ident,
            format!(
                "`{}` has no body to measure; put `#[measured]` on the method where it is implemented, or on a default body",
                method.sig.ident
            ),
        );
        return;
    }
    let (what, tokens): (_, TokenStream) = match syn::parse2::<Item>(item.clone()) {
        Ok(Item::Struct(item)) => ("a struct", quote::ToTokens::into_token_stream(item.struct_token)),
        Ok(Item::Enum(item)) => ("an enum", quote::ToTokens::into_token_stream(item.enum_token)),
        Ok(Item::Mod(item)) => {
            let message = "a module in another file cannot be measured as a whole; put `#[measured]` on what is in it";
            return diagnostics.at(item.mod_token, message);
        }
        Ok(_) => ("this", item.clone().into_iter().take(1).collect()),
        Err(_) if syn::Block::parse_within.parse2(item.clone()).is_ok() => {
            let first: TokenStream = item.clone().into_iter().take(1).collect();
            return diagnostics.at(
                first,
                "`#[measured]` goes on functions, `impl` blocks, traits and modules; `measure!(\"name\", …)` measures an expression",
            );
        }
        Err(_) => return diagnostics.add(error),
    };
    diagnostics.at(
        tokens,
        format!(
            "{what} cannot be measured; put `#[measured]` on functions, or on an `impl` block, a trait or a module"
        ),
    );
}
