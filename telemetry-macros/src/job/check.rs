//! Which parameter is the job, and what cannot be one's function.

use crate::diagnostics::Diagnostics;
use crate::job::model::{self, Model};
use quote::ToTokens;
use syn::{PatType, ReturnType, Type, TypeParamBound, TypeReference};

/// Checks the function.
pub(crate) fn all(model: &Model, diagnostics: &mut Diagnostics) {
    let signature = &model.function.sig;
    if let Some(constness) = &signature.constness {
        diagnostics.at(constness, "a `const fn` cannot be a job, since it may run in the compiler; remove `const`");
    }
    if let Some(variadic) = &signature.variadic {
        diagnostics.at(
            variadic,
            "a function with variadic arguments cannot be a job, since they cannot be passed on; call a job from it",
        );
    }
    if let (Some(state), ReturnType::Default) = (&model.args.state, &signature.output) {
        diagnostics.at(
            state,
            "another run may have the state, so the function has to return a `Result`; write `-> Result<(), telemetry::job::StateError>`",
        );
    }
    match &signature.output {
        ReturnType::Type(_, ty) if signature.asyncness.is_none() && is_future(ty) => diagnostics.at(
            ty,
            "this function returns before its future has run, and the job would end with it; write an `async fn`",
        ),
        _ => {}
    }
}

/// Whether a type is written as a future: `impl Future`, `Pin<Box<dyn Future>>`, `BoxFuture`.
fn is_future(ty: &Type) -> bool {
    match ty {
        Type::ImplTrait(ty) => ty.bounds.iter().any(is_future_bound),
        Type::TraitObject(ty) => ty.bounds.iter().any(is_future_bound),
        Type::Group(group) => is_future(&group.elem),
        Type::Paren(paren) => is_future(&paren.elem),
        Type::Path(path) => path.path.segments.last().is_some_and(|segment| {
            let inside =
                |argument: &syn::GenericArgument| matches!(argument, syn::GenericArgument::Type(ty) if is_future(ty));
            match &segment.arguments {
                _ if segment.ident == "BoxFuture" || segment.ident == "LocalBoxFuture" => true,
                syn::PathArguments::AngleBracketed(arguments) if segment.ident == "Pin" || segment.ident == "Box" => {
                    arguments.args.iter().any(inside)
                }
                _ => false,
            }
        }),
        _ => false,
    }
}

fn is_future_bound(bound: &TypeParamBound) -> bool {
    matches!(bound, TypeParamBound::Trait(bound) if bound.path.segments.last().is_some_and(|segment| segment.ident == "Future"))
}

/// The place of the parameter that the attribute supplies; `None` where that cannot be told, which is then among the diagnostics.
pub(crate) fn job_parameter(model: &Model, diagnostics: &mut Diagnostics) -> Option<usize> {
    let (place, parameter) = match &model.args.job {
        Some(name) => named(model, name, diagnostics)?,
        None => by_type(model, diagnostics)?,
    };
    match model::as_reference(&parameter.ty) {
        None => diagnostics.at(&parameter.ty, "a job is supplied by reference; write `&Job`"),
        Some(TypeReference { mutability: Some(mutability), .. }) => {
            diagnostics.at(mutability, "a job is shared, and its methods take `&self`; write `&Job`");
        }
        Some(TypeReference { lifetime: Some(lifetime), .. }) => {
            diagnostics.at(lifetime, format!("the job lives as long as the call; write `&Job` without `{lifetime}`"));
        }
        Some(_) => {}
    }
    Some(place)
}

fn named<'a>(model: &'a Model, name: &syn::Ident, diagnostics: &mut Diagnostics) -> Option<(usize, &'a PatType)> {
    let found = model.parameters().find(|(_, parameter)| model::is_called(parameter, name));
    if found.is_none() {
        diagnostics
            .at(name, format!("no parameter is called `{name}`; `job` takes the name of the one whose type is `&Job`"));
    }
    found
}

fn by_type<'a>(model: &'a Model, diagnostics: &mut Diagnostics) -> Option<(usize, &'a PatType)> {
    let is_reference = |ty: &Type| model::as_reference(ty).is_some_and(|reference| model::is_job(&reference.elem));
    let mut jobs = model.parameters().filter(|(_, parameter)| is_reference(&parameter.ty));
    let Some(first) = jobs.next() else {
        let by_value = model.parameters().find(|(_, parameter)| model::is_job(&parameter.ty));
        if by_value.is_none() {
            let name = &model.function.sig.ident;
            diagnostics.at(
                name,
                format!("`{name}` has no parameter for its job; add `job: &Job`, which `#[backfill_job]` supplies"),
            );
        }
        return by_value;
    };
    for (_, second) in jobs {
        let name = second.pat.to_token_stream();
        diagnostics.at(
            &second.ty,
            format!("a second parameter is `&Job`; say which one `#[backfill_job]` supplies, such as `job = {name}`"),
        );
    }
    Some(first)
}
