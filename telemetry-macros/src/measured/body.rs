//! Moves a function's body inward without changing when anything is dropped.
//!
//! The body runs in a closure or an `async` block that owns the parameters. They are bound again in order at its top, unused ones and
//! `_` too, so that they are dropped at its end in the order in which the function would have dropped them.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use std::cell::LazyCell;
use std::ops::Deref;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Attribute, Block, Expr, ExprAsync, ExprClosure, ExprConst, ExprReturn, ExprTry, FnArg, Ident, Item, Lifetime, Pat,
    PatIdent, Path, ReturnType, Signature, Token, Type, TypeInfer, TypeParamBound, parse_quote,
};

/// Gives each parameter of the signature a plain name, and returns the statements that bind the user's patterns again.
///
/// What decides whether a parameter is there (`cfg`) goes along with its statement, and what decides about lints moves there.
///
/// `uses` is all that may name a parameter. Few parameters ask for it, and to print a body is dear.
pub(crate) fn rebind(signature: &mut Signature, uses: impl FnOnce() -> TokenStream) -> TokenStream {
    let mut statements = TokenStream::new();
    let body = LazyCell::new(|| uses().to_string());
    for (index, input) in signature.inputs.iter_mut().enumerate() {
        match input {
            // A receiver cannot be bound again; the reference has it moved in whole, also where only a field is used.
            FnArg::Receiver(receiver) => {
                let this = &receiver.self_token;
                statements.extend(quote_spanned!(Span::mixed_site()=> let _ = &#this;));
            }
            FnArg::Typed(parameter) => {
                let along: Vec<_> = parameter.attrs.iter().filter(|attribute| goes_along(attribute)).cloned().collect();
                parameter.attrs.retain(|attribute| !is_lint(attribute));
                for statement in rebind_one(index, &mut parameter.pat, &body) {
                    statements.extend(quote!(#(#along)* #statement));
                }
            }
        }
    }
    statements
}

fn is_lint(attribute: &Attribute) -> bool {
    ["allow", "expect", "warn", "deny", "forbid"].iter().any(|lint| attribute.path().is_ident(lint))
}

fn goes_along(attribute: &Attribute) -> bool {
    is_lint(attribute) || attribute.path().is_ident("cfg")
}

/// Whether a name that begins with `_`, as those of unused parameters do, stands nowhere in the body, not even in a text to be formatted.
/// Then no token of ours needs to meet the user's, and no lint takes our binding for a use of theirs.
fn is_unused(name: &Ident, body: &impl Deref<Target = String>) -> bool {
    let name = name.to_string();
    name.starts_with('_') && !body.contains(&name)
}

fn rebind_one(index: usize, pattern: &mut Pat, body: &impl Deref<Target = String>) -> Vec<TokenStream> {
    match pattern {
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) if is_unused(ident, body) => {
            ident.set_span(Span::mixed_site().located_at(ident.span()));
        }
        _ => {}
    }
    let name = match pattern {
        // A plain name stays what it is, so that documentation shows it; `mut` moves inward.
        Pat::Ident(PatIdent { by_ref: None, subpat: None, ident, .. }) => ident.clone(),
        _ => format_ident!("__argument_{index}", span = Span::mixed_site()),
    };
    let plain =
        Pat::Ident(PatIdent { attrs: Vec::new(), by_ref: None, mutability: None, ident: name.clone(), subpat: None });
    let bound = std::mem::replace(pattern, plain);
    let moved = quote_spanned!(Span::mixed_site()=> let #name = #name;);
    match bound {
        // `let _ = x` would not move `x`.
        Pat::Wild(_) => vec![moved],
        Pat::Ident(PatIdent { by_ref: None, subpat: None, .. }) => vec![quote!(let #bound = #name;)],
        // What a pattern leaves unbound is dropped right after what it binds.
        _ => vec![moved, quote!(let #bound = #name;)],
    }
}

/// The declared output with `_` for every opaque type, which can be named in a signature alone.
pub(crate) fn nameable(output: &ReturnType) -> Type {
    match output {
        ReturnType::Default => parse_quote!(()),
        ReturnType::Type(_, ty) => nameable_type(ty),
    }
}

/// The type with `_` for every opaque type.
pub(crate) fn nameable_type(ty: &Type) -> Type {
    let mut ty = ty.clone();
    Erase.visit_type_mut(&mut ty);
    ty
}

struct Erase;

impl VisitMut for Erase {
    fn visit_type_mut(&mut self, ty: &mut Type) {
        match ty {
            Type::ImplTrait(_) => *ty = parse_quote!(_),
            _ => visit_mut::visit_type_mut(self, ty),
        }
    }
}

/// The statements and the body in one block. The body is that block's last expression, and the block is of our edition: what the body's
/// own last expression borrows is freed after the body's locals or before them, as its edition has it, and before the parameters.
pub(crate) fn moved(statements: &TokenStream, block: &Block) -> TokenStream {
    let body = labelled(block);
    quote!({ #statements #body })
}

/// The block with a label, so that `unused_braces` does not ask users to remove its braces. The label is where a block begins: as a token
/// of the user's it leaves the block in their edition.
pub(crate) fn labelled(block: &Block) -> TokenStream {
    labelled_as("'__body", block)
}

/// As [`labelled`], where the block stays in the function: another of ours may be in it.
pub(crate) fn labelled_in_place(block: &Block) -> TokenStream {
    let inside = block.to_token_stream().to_string();
    labelled_as(if inside.contains("'__body") { "'__outer_body" } else { "'__body" }, block)
}

fn labelled_as(label: &str, block: &Block) -> TokenStream {
    let label = Lifetime::new(label, block.brace_token.span.open());
    quote!(#label: #block)
}

/// A return that never runs, and that tells the `async` block its type: a block cannot be annotated.
pub(crate) fn pinned_type(root: &Path, ty: &Type) -> TokenStream {
    quote_spanned! {Span::mixed_site()=>
        if false {
            return #root::__private::never::<#ty>();
        }
    }
}

/// Puts something else in the place of each `return` of the body itself, not of a closure or an item in it.
pub(crate) fn each_return(block: &mut Block, give: impl FnMut(&ExprReturn) -> TokenStream) {
    Returns { give }.visit_block_mut(block);
}

struct Returns<F> {
    give: F,
}

impl<F: FnMut(&ExprReturn) -> TokenStream> VisitMut for Returns<F> {
    fn visit_expr_mut(&mut self, node: &mut Expr) {
        visit_mut::visit_expr_mut(self, node);
        if let Expr::Return(returned) = node {
            *node = Expr::Verbatim((self.give)(returned));
        }
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// Each `?` of the body itself, not of a closure or an item in it.
pub(crate) fn question_marks(block: &Block) -> Vec<Token![?]> {
    let mut tried = Tried(Vec::new());
    tried.visit_block_mut(&mut block.clone());
    tried.0
}

struct Tried(Vec<Token![?]>);

impl VisitMut for Tried {
    fn visit_expr_try_mut(&mut self, node: &mut ExprTry) {
        visit_mut::visit_expr_try_mut(self, node);
        self.0.push(node.question_token);
    }

    fn visit_expr_closure_mut(&mut self, _: &mut ExprClosure) {}
    fn visit_expr_async_mut(&mut self, _: &mut ExprAsync) {}
    fn visit_expr_const_mut(&mut self, _: &mut ExprConst) {}
    fn visit_item_mut(&mut self, _: &mut Item) {}
}

/// The `async` block of a function that never returns. `!` cannot be written where the block needs a type; this type, which has no
/// value, can, and what never ends passes for it.
pub(crate) fn endless(root: &Path, statements: &TokenStream, block: &Block) -> TokenStream {
    let pin = pinned_type(root, &parse_quote!(#root::__private::core::convert::Infallible));
    let moved = moved(&quote!(#pin #statements), block);
    quote!(async move #moved)
}

/// Whether a type has no `_` in it, as one has that was opaque.
pub(crate) fn is_complete(ty: &Type) -> bool {
    let mut holes = Holes(false);
    holes.visit_type_mut(&mut ty.clone());
    !holes.0
}

struct Holes(bool);

impl VisitMut for Holes {
    fn visit_type_infer_mut(&mut self, _: &mut TypeInfer) {
        self.0 = true;
    }
}

/// Whether a type is none that has a name, hence no `Result`: what need not be asked is not compiled.
pub(crate) fn cannot_fail(ty: &Type) -> bool {
    matches!(
        ungrouped(ty),
        Type::Array(_)
            | Type::BareFn(_)
            | Type::Never(_)
            | Type::Ptr(_)
            | Type::Reference(_)
            | Type::Slice(_)
            | Type::TraitObject(_)
            | Type::Tuple(_)
    )
}

/// Whether the output is an opaque closure: only as the function's own last expression does it learn its parameters' types from there.
pub(crate) fn is_closure(output: &ReturnType) -> bool {
    let is_fn = |bound: &TypeParamBound| match bound {
        TypeParamBound::Trait(bound) => bound.path.segments.last().is_some_and(|segment| {
            ["Fn", "FnMut", "FnOnce", "AsyncFn", "AsyncFnMut", "AsyncFnOnce"].iter().any(|name| segment.ident == name)
        }),
        _ => false,
    };
    let ReturnType::Type(_, ty) = output else { return false };
    matches!(ungrouped(ty), Type::ImplTrait(ty) if ty.bounds.iter().any(is_fn))
}

/// Whether a function cannot return.
pub(crate) fn never_returns(output: &ReturnType) -> bool {
    matches!(output, ReturnType::Type(_, ty) if matches!(ungrouped(ty), Type::Never(_)))
}

/// The type without brackets around it, and without the invisible ones of a `macro_rules!`.
pub(crate) fn ungrouped(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => ungrouped(&group.elem),
        Type::Paren(paren) => ungrouped(&paren.elem),
        _ => ty,
    }
}

/// A name of ours that cannot meet one of the user's.
pub(crate) fn own(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// The inner attributes of a body, which stay with the function.
pub(crate) fn inner_attributes(attributes: &[syn::Attribute]) -> TokenStream {
    let inner = attributes.iter().filter(|attribute| matches!(attribute.style, syn::AttrStyle::Inner(_)));
    inner.map(ToTokens::to_token_stream).collect()
}
