//! Which way a function is measured: what it says of itself decides, since the attribute sees nothing but the function.

use crate::measured::body;
use syn::{
    Attribute, Block, Expr, ExprAsync, GenericArgument, ItemFn, PathArguments, ReturnType, Signature, Stmt, Type,
    TypeParamBound, parse_quote,
};

/// The ways.
pub(crate) enum Shape {
    /// The body runs in a closure.
    Call,
    /// The body stays where it is: so that its caller stays its caller (`#[track_caller]`), or that a closure as its last expression has
    /// the type that the function declares.
    InPlace,
    /// An `async fn` becomes a function that returns its measured future: nothing is kept twice.
    Async,
    /// An `async fn` stays one and awaits its measured body: something else needs the `async`.
    Awaited,
    /// The body is one `async` block, or one in a box, which is measured where it stands.
    Block(Returned),
    /// The body makes a future in some other way; what it returns is measured.
    Made(Returned),
}

/// What a function that returns a future returns.
pub(crate) struct Returned {
    pub(crate) boxed: bool,
    /// The future's output, `_` where it cannot be named.
    pub(crate) output: Type,
}

impl Shape {
    pub(crate) fn of(function: &ItemFn) -> Shape {
        let signature = &function.sig;
        let tracks_caller = tracks_caller(&function.attrs, signature);
        if signature.asyncness.is_some() {
            let stays = tracks_caller
                || body::never_returns(&signature.output)
                || function.attrs.iter().any(|attribute| !leaves_async_alone(attribute));
            return if stays { Shape::Awaited } else { Shape::Async };
        }
        match returned_future(signature) {
            Some(returned) if async_block(&function.block).is_some() => Shape::Block(returned),
            _ if tracks_caller || body::is_closure(&signature.output) => Shape::InPlace,
            Some(returned) => Shape::Made(returned),
            None => Shape::Call,
        }
    }
}

/// Whether the shape of a function, or what is made of it, may depend on what is in its body.
pub(crate) fn may_look_inside(attributes: &[Attribute], signature: &Signature) -> bool {
    tracks_caller(attributes, signature)
        || body::is_closure(&signature.output)
        || (signature.asyncness.is_none() && returned_future(signature).is_some())
}

fn tracks_caller(attributes: &[Attribute], signature: &Signature) -> bool {
    attributes.iter().any(|attribute| attribute.path().is_ident("track_caller")) || is_index(signature)
}

/// Whether a function looks like one of `Index` or `IndexMut`: those traits declare `#[track_caller]`, so that their implementations need not.
fn is_index(signature: &Signature) -> bool {
    (signature.ident == "index" || signature.ident == "index_mut")
        && signature.receiver().is_some()
        && signature.inputs.len() == 2
}

/// Whether an attribute means on a function that returns a future what it means on an `async fn`. Not so `#[must_use]`, which there is
/// about the output, and not what may be a macro, such as `#[tokio::main]`.
fn leaves_async_alone(attribute: &Attribute) -> bool {
    const KNOWN: [&str; 14] = [
        "allow",
        "cfg",
        "cold",
        "coverage",
        "deny",
        "deprecated",
        "doc",
        "expect",
        "export_name",
        "forbid",
        "inline",
        "no_mangle",
        "target_feature",
        "warn",
    ];
    const TOOLS: [&str; 4] = ["clippy", "diagnostic", "rust_analyzer", "rustfmt"];
    let path = attribute.path();
    match path.get_ident() {
        Some(name) => KNOWN.iter().any(|known| name == known),
        None => path.segments.first().is_some_and(|tool| TOOLS.iter().any(|known| tool.ident == known)),
    }
}

/// The future that a function declares to return, if its type is written as one that can be wrapped.
pub(crate) fn returned_future(signature: &Signature) -> Option<Returned> {
    let ReturnType::Type(_, ty) = &signature.output else { return None };
    match body::ungrouped(ty) {
        Type::ImplTrait(ty) => {
            let output = ty.bounds.iter().find_map(future_output)?;
            ty.bounds.iter().all(is_kept).then(|| Returned { boxed: false, output: body::nameable_type(&output) })
        }
        Type::Path(path) => {
            let last = path.path.segments.last()?;
            let types = |arguments: &PathArguments| -> Vec<Type> {
                let PathArguments::AngleBracketed(arguments) = arguments else { return Vec::new() };
                let types = arguments.args.iter().filter_map(|argument| match argument {
                    GenericArgument::Type(ty) => Some(body::ungrouped(ty).clone()),
                    _ => None,
                });
                types.collect()
            };
            if last.ident == "BoxFuture" || last.ident == "LocalBoxFuture" {
                let output = types(&last.arguments).pop().unwrap_or_else(|| parse_quote!(_));
                return Some(Returned { boxed: true, output });
            }
            let [Type::Path(pinned)] = &types(&last.arguments)[..] else { return None };
            let pointer = pinned.path.segments.last()?;
            let [Type::TraitObject(object)] = &types(&pointer.arguments)[..] else { return None };
            if last.ident != "Pin" || pointer.ident != "Box" {
                return None;
            }
            object.bounds.iter().find_map(future_output).map(|output| Returned { boxed: true, output })
        }
        _ => None,
    }
}

/// The `T` of a bound `Future<Output = T>`.
fn future_output(bound: &TypeParamBound) -> Option<Type> {
    let TypeParamBound::Trait(bound) = bound else { return None };
    let last = bound.path.segments.last().filter(|segment| segment.ident == "Future")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return Some(parse_quote!(_)) };
    let output = arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::AssocType(output) if output.ident == "Output" => Some(output.ty.clone()),
        _ => None,
    });
    Some(output.unwrap_or_else(|| parse_quote!(_)))
}

/// Whether a measured future has this bound where the future has it.
fn is_kept(bound: &TypeParamBound) -> bool {
    const KEPT: [&str; 6] = ["Future", "Send", "Sync", "Unpin", "UnwindSafe", "RefUnwindSafe"];
    match bound {
        TypeParamBound::Trait(bound) => {
            bound.path.segments.last().is_some_and(|segment| KEPT.iter().any(|kept| segment.ident == kept))
        }
        _ => true,
    }
}

/// The `async` block that a body is: alone, in `Box::pin(…)`, or before `.boxed()`.
pub(crate) fn async_block(block: &Block) -> Option<&ExprAsync> {
    let [Stmt::Expr(expression, _)] = &block.stmts[..] else { return None };
    let expression = match ungrouped(expression) {
        Expr::Return(returned) => returned.expr.as_deref()?,
        expression => expression,
    };
    match ungrouped(expression) {
        Expr::Async(block) => Some(block),
        Expr::Call(call) if is_box_pin(&call.func) => match call.args.first().map(ungrouped) {
            Some(Expr::Async(block)) if call.args.len() == 1 => Some(block),
            _ => None,
        },
        Expr::MethodCall(call) if call.method == "boxed" || call.method == "boxed_local" => {
            match ungrouped(&call.receiver) {
                Expr::Async(block) => Some(block),
                _ => None,
            }
        }
        _ => None,
    }
}

/// The place of that block.
pub(crate) fn async_block_mut(block: &mut Block) -> Option<&mut Expr> {
    async_block(block)?;
    let [Stmt::Expr(expression, _)] = &mut block.stmts[..] else { return None };
    let expression = match ungrouped_mut(expression) {
        Expr::Return(returned) => returned.expr.as_deref_mut()?,
        expression => expression,
    };
    match ungrouped_mut(expression) {
        Expr::Call(call) => call.args.first_mut().map(ungrouped_mut),
        Expr::MethodCall(call) => Some(ungrouped_mut(&mut call.receiver)),
        other => Some(other),
    }
}

fn is_box_pin(function: &Expr) -> bool {
    let Expr::Path(path) = ungrouped(function) else { return false };
    let mut segments = path.path.segments.iter().rev();
    path.qself.is_none()
        && segments.next().is_some_and(|last| last.ident == "pin")
        && segments.next().is_some_and(|last| last.ident == "Box")
}

fn ungrouped(expression: &Expr) -> &Expr {
    match expression {
        Expr::Group(group) => ungrouped(&group.expr),
        Expr::Paren(paren) => ungrouped(&paren.expr),
        _ => expression,
    }
}

fn ungrouped_mut(expression: &mut Expr) -> &mut Expr {
    match expression {
        Expr::Group(group) => ungrouped_mut(&mut group.expr),
        Expr::Paren(paren) => ungrouped_mut(&mut paren.expr),
        _ => expression,
    }
}
