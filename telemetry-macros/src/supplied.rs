//! Functions that run as something, a job or an experiment, and the parameter by which they know it: the attribute supplies that parameter, and callers do
//! not pass it.

use crate::diagnostics::Diagnostics;
use crate::measured::body;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{
    FnArg, Ident, Item, ItemFn, Pat, PatType, ReturnType, Signature, Type, TypeParamBound, TypeReference, parse_quote,
};

/// What a function runs as, in the words of the messages.
pub(crate) struct Kind {
    /// The attribute's name.
    pub(crate) attribute: &'static str,
    /// The type whose reference is supplied.
    pub(crate) ty: &'static str,
    /// What it is called, which is also the argument that names the parameter.
    pub(crate) word: &'static str,
    /// The same with its article.
    pub(crate) one: &'static str,
}

impl Kind {
    /// The function, or nothing: why it cannot be one, or does not parse, is then among the diagnostics.
    pub(crate) fn function(&self, item: &TokenStream, diagnostics: &mut Diagnostics) -> Option<ItemFn> {
        match syn::parse2::<ItemFn>(item.clone()) {
            Ok(function) => Some(function),
            Err(error) => {
                self.explain(item, error, diagnostics);
                None
            }
        }
    }

    fn explain(&self, item: &TokenStream, error: syn::Error, diagnostics: &mut Diagnostics) {
        let Kind { attribute, one, .. } = self;
        if let Ok(method) = syn::parse2::<syn::TraitItemFn>(item.clone()) {
            let name = &method.sig.ident;
            diagnostics.at(
                name,
                format!("`{name}` has no body; put `#[{attribute}]` on a function that has one, and call that from where the trait is implemented"),
            );
            return;
        }
        let (what, tokens): (_, TokenStream) = match syn::parse2::<Item>(item.clone()) {
            Ok(Item::Struct(item)) => ("a struct", item.struct_token.into_token_stream()),
            Ok(Item::Enum(item)) => ("an enum", item.enum_token.into_token_stream()),
            Ok(Item::Trait(item)) => ("a trait", item.trait_token.into_token_stream()),
            Ok(Item::Impl(item)) => ("an `impl` block", item.impl_token.into_token_stream()),
            Ok(Item::Mod(item)) => ("a module", item.mod_token.into_token_stream()),
            Ok(other) => ("this", other.into_token_stream()),
            Err(_) => return diagnostics.add(error),
        };
        diagnostics.at(tokens, format!("{what} is not {one}; put `#[{attribute}]` on a function"));
    }

    /// Checks what every such function has to be.
    pub(crate) fn check(&self, signature: &Signature, diagnostics: &mut Diagnostics) {
        let Kind { word, one, .. } = self;
        if let Some(constness) = &signature.constness {
            diagnostics.at(
                constness,
                format!("a `const fn` cannot be {one}, since it may run in the compiler; remove `const`"),
            );
        }
        if let Some(variadic) = &signature.variadic {
            diagnostics.at(
                variadic,
                format!("a function with variadic arguments cannot be {one}, since they cannot be passed on; call {one} from it"),
            );
        }
        match &signature.output {
            ReturnType::Type(_, ty) if signature.asyncness.is_none() && is_future(ty) => diagnostics.at(
                ty,
                format!(
                    "this function returns before its future has run, and the {word} would end with it; write an `async fn`"
                ),
            ),
            _ => {}
        }
    }

    /// The place of the parameter that is supplied: that of this name, else that of the type. `None` where there is none.
    pub(crate) fn parameter(
        &self,
        signature: &Signature,
        name: Option<&Ident>,
        diagnostics: &mut Diagnostics,
    ) -> Option<usize> {
        let Kind { ty, word, one, .. } = self;
        let (place, parameter) = match name {
            Some(name) => self.named(signature, name, diagnostics)?,
            None => self.by_type(signature, diagnostics)?,
        };
        match as_reference(&parameter.ty) {
            None => diagnostics.at(&parameter.ty, format!("{one} is supplied by reference; write `&{ty}`")),
            Some(TypeReference { mutability: Some(mutability), .. }) => {
                diagnostics.at(mutability, format!("{one} is shared, and its methods take `&self`; write `&{ty}`"));
            }
            Some(TypeReference { lifetime: Some(lifetime), .. }) => diagnostics
                .at(lifetime, format!("the {word} lives as long as the call; write `&{ty}` without `{lifetime}`")),
            Some(_) => {}
        }
        Some(place)
    }

    fn named<'a>(
        &self,
        signature: &'a Signature,
        name: &Ident,
        diagnostics: &mut Diagnostics,
    ) -> Option<(usize, &'a PatType)> {
        let Kind { ty, word, .. } = self;
        let found = parameters(signature).find(|(_, parameter)| is_called(parameter, name));
        if found.is_none() {
            diagnostics.at(
                name,
                format!("no parameter is called `{name}`; `{word}` takes the name of the one whose type is `&{ty}`"),
            );
        }
        found
    }

    fn by_type<'a>(&self, signature: &'a Signature, diagnostics: &mut Diagnostics) -> Option<(usize, &'a PatType)> {
        let Kind { attribute, ty, word, .. } = self;
        let is_reference = |ty: &Type| as_reference(ty).is_some_and(|reference| self.is_it(&reference.elem));
        let mut found = parameters(signature).filter(|(_, parameter)| is_reference(&parameter.ty));
        let Some(first) = found.next() else {
            return parameters(signature).find(|(_, parameter)| self.is_it(&parameter.ty));
        };
        for (_, second) in found {
            let name = second.pat.to_token_stream();
            diagnostics.at(
                &second.ty,
                format!(
                    "a second parameter is `&{ty}`; say which one `#[{attribute}]` supplies, such as `{word} = {name}`"
                ),
            );
        }
        Some(first)
    }

    /// Whether a type is written as a path that ends in this one's name.
    fn is_it(&self, ty: &Type) -> bool {
        match ty {
            Type::Path(path) => path.path.segments.last().is_some_and(|segment| segment.ident == self.ty),
            Type::Group(group) => self.is_it(&group.elem),
            Type::Paren(paren) => self.is_it(&paren.elem),
            _ => false,
        }
    }
}

/// The parameters with their places, the receiver left out.
fn parameters(signature: &Signature) -> impl Iterator<Item = (usize, &PatType)> {
    signature.inputs.iter().enumerate().filter_map(|(index, input)| match input {
        FnArg::Typed(parameter) => Some((index, parameter)),
        FnArg::Receiver(_) => None,
    })
}

/// The reference that a type is, through the invisible brackets that a `macro_rules!` puts around it.
fn as_reference(ty: &Type) -> Option<&TypeReference> {
    match ty {
        Type::Reference(reference) => Some(reference),
        Type::Group(group) => as_reference(&group.elem),
        Type::Paren(paren) => as_reference(&paren.elem),
        _ => None,
    }
}

/// Whether a parameter has this plain name.
fn is_called(parameter: &PatType, name: &Ident) -> bool {
    matches!(&*parameter.pat, Pat::Ident(pattern) if pattern.ident == *name)
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

/// Takes a parameter out of the signature.
pub(crate) fn remove(signature: &mut Signature, parameter: usize) -> FnArg {
    let mut inputs: Vec<FnArg> = std::mem::take(&mut signature.inputs).into_iter().collect();
    let removed = inputs.remove(parameter);
    signature.inputs = inputs.into_iter().collect();
    removed
}

/// The user's parameter as a binding in the body, with the type as they wrote it: where that is another type of the name, the error is there.
/// `value` gives the reference, with this span.
pub(crate) fn bind(parameter: FnArg, value: impl FnOnce(Span) -> TokenStream) -> TokenStream {
    match parameter {
        FnArg::Typed(PatType { pat, ty, .. }) => {
            let span = Span::mixed_site().located_at(ty.span());
            let supplied = value(span);
            quote_spanned!(span=> let #pat: #ty = #supplied;)
        }
        FnArg::Receiver(_) => TokenStream::new(),
    }
}

/// The function with its body as it was written. Calls of it do not pass the supplied parameter, so that one is not there either: no error
/// is to follow from another.
pub(crate) fn unchanged(mut function: ItemFn, parameter: Option<usize>) -> TokenStream {
    if let Some(parameter) = parameter {
        let supplied = remove(&mut function.sig, parameter).to_token_stream();
        let block = &function.block;
        *function.block = parse_quote!({ let #supplied = loop {}; #block });
        function.attrs.push(parse_quote!(#[allow(unreachable_code, unused_variables, clippy::all, clippy::pedantic)]));
    }
    function.into_token_stream()
}

/// The function, its outer attributes and signature as they are, with this in its braces, which stay the user's: an item that ends in ours would be taken for
/// one that a macro made.
pub(crate) fn with_body(function: &ItemFn, inside: &TokenStream) -> TokenStream {
    let inner = body::inner_attributes(&function.attrs);
    let outer = function.attrs.iter().filter(|attribute| matches!(attribute.style, syn::AttrStyle::Outer));
    let (visibility, signature) = (&function.vis, &function.sig);
    let mut tokens = quote!(#(#outer)* #visibility #signature);
    function.block.brace_token.surround(&mut tokens, |body| body.extend(quote!(#inner #inside)));
    tokens
}
