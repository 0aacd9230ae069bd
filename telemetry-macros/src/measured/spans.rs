//! Values on the span of a call: `span(day, rows = page.len(), request = ?request)`.

use crate::diagnostics::Diagnostics;
use crate::measured::args::Args;
use crate::measured::shape::Shape;
use crate::measured::{body, site, words};
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, FnArg, Ident, ItemFn, LitStr, Path, Token, parenthesized};

/// `day`, `%day`, `rows = page.len()` or `http.route = ?route`.
pub(crate) struct SpanValue {
    /// As it will stand on the span.
    name: LitStr,
    shown: Shown,
    value: Value,
}

enum Value {
    /// The parameter of the same name.
    Parameter(Ident),
    Expression(Box<Expr>),
}

/// How it becomes the value of an attribute.
#[derive(Clone, Copy)]
enum Shown {
    AsIs,
    /// `%`
    Display,
    /// `?`
    Debug,
}

const TAKES: &str = "`span` takes values in parentheses, such as `span(day, rows = page.len(), request = ?request)`";
const VALUE: &str = "a value on a span is a parameter, such as `day`, `%day` or `?day`, or a name and an expression: `rows = page.len()`";

/// What stands behind `span`.
pub(crate) fn parse(
    word: &Ident,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Vec<SpanValue>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(word.span(), TAKES));
    }
    let content;
    parenthesized!(content in input);
    let values = Punctuated::<SpanValue, Token![,]>::parse_terminated(&content)?;
    if values.is_empty() {
        diagnostics.at(word, "`span` names no value; write some, such as `span(day)`, or leave it out");
    }
    Ok(values.into_iter().collect())
}

impl syn::parse::Parse for SpanValue {
    fn parse(input: ParseStream<'_>) -> syn::Result<SpanValue> {
        let shown = Shown::parse(input)?;
        let (name, alone) = name(input)?;
        let has_value = input.peek(Token![=]);
        let (shown, value) = match (shown, alone) {
            (Shown::AsIs, _) if has_value => {
                input.parse::<Token![=]>()?;
                (Shown::parse(input)?, Value::Expression(Box::new(input.parse()?)))
            }
            (_, _) if has_value => {
                let message = format!("`%` and `?` stand before the value; write `{} = ?…`", name.value());
                return Err(syn::Error::new(input.span(), message));
            }
            (shown, Some(parameter)) => (shown, Value::Parameter(parameter)),
            (_, None) => {
                let message = format!("`{0}` is no parameter; write what it is to be: `{0} = …`", name.value());
                return Err(syn::Error::new(name.span(), message));
            }
        };
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(syn::Error::new(input.span(), VALUE));
        }
        Ok(SpanValue { name, shown, value })
    }
}

impl Shown {
    fn parse(input: ParseStream<'_>) -> syn::Result<Shown> {
        Ok(if input.parse::<Option<Token![%]>>()?.is_some() {
            Shown::Display
        } else if input.parse::<Option<Token![?]>>()?.is_some() {
            Shown::Debug
        } else {
            Shown::AsIs
        })
    }
}

/// `day`, which may stand alone, `http.route` or `"http.route"`.
fn name(input: ParseStream<'_>) -> syn::Result<(LitStr, Option<Ident>)> {
    if input.peek(LitStr) {
        return Ok((input.parse()?, None));
    }
    // Keywords too: `type` is a good name.
    let one = |input: ParseStream<'_>| {
        let name: syn::Result<Ident> = input.call(Ident::parse_any);
        name.map_err(|error| syn::Error::new(error.span(), VALUE))
    };
    let first = one(input)?;
    let mut text = first.unraw().to_string();
    let mut alone = Some(first.clone());
    while input.parse::<Option<Token![.]>>()?.is_some() {
        let next = one(input)?;
        text = format!("{text}.{}", next.unraw());
        alone = None;
    }
    Ok((LitStr::new(&text, first.span()), alone))
}

/// Names that spans of calls have by themselves.
const OURS: [&str; 2] = ["telemetry", "code"];

/// Checks the values among themselves, and against the function.
pub(crate) fn check(args: &Args, function: &ItemFn, diagnostics: &mut Diagnostics) {
    let Some(word) = args.span_word.as_ref().filter(|_| !args.span.is_empty()) else { return };
    if args.count.is_some() {
        diagnostics.at(word, "`count` makes no span of a call, so that `span` has nowhere to write; leave one out");
    }
    if let Shape::Made(_) = Shape::of(function) {
        diagnostics.at(
            word,
            "`span` is read when the call begins, and this body makes its future before that; write the body as one `async` block, or remove `span`",
        );
    }
    let mut seen: HashMap<String, ()> = HashMap::new();
    for value in &args.span {
        let name = value.name.value();
        if name.is_empty() || name.chars().any(|character| character.is_whitespace() || character.is_control()) {
            diagnostics.at(&value.name, "the name of a value on a span is a text without spaces, such as `http.route`");
        } else if name == "error.type" || OURS.contains(&name.split('.').next().unwrap_or_default()) {
            diagnostics
                .at(&value.name, format!("`{name}` is on the span of each call by itself; give yours another name"));
        } else if seen.insert(name.clone(), ()).is_some() {
            diagnostics.at(&value.name, format!("`{name}` is given twice; leave one out"));
        }
        if let Value::Parameter(parameter) = &value.value {
            is_there(parameter, function, diagnostics);
        }
    }
}

/// A value without an expression is a parameter, or what a parameter's pattern binds.
fn is_there(name: &Ident, function: &ItemFn, diagnostics: &mut Diagnostics) {
    let text = name.unraw().to_string();
    if matches!(text.as_str(), "self" | "Self" | "super" | "crate" | "_") {
        let message = format!("`{text}` is no name for a value on a span; write one, such as `reader = ?{text}`");
        return diagnostics.at(name, message);
    }
    let parameters: Vec<&Ident> = function.sig.inputs.iter().filter_map(words::plain_name).collect();
    let patterns = function.sig.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) if words::plain_name(input).is_none() => Some(parameter.pat.to_token_stream()),
        _ => None,
    });
    let mut bound = Vec::new();
    patterns.for_each(|pattern| site::identifiers(pattern, &mut bound));
    if parameters.iter().any(|parameter| **parameter == *name) || bound.contains(&name.to_string()) {
        return;
    }
    let known: Vec<String> = parameters.iter().map(|parameter| parameter.unraw().to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let message = match names::nearest(&text, &known) {
        Some(near) => {
            format!("no parameter is called `{text}`; did you mean `{near}`? Else write a value: `{text} = …`")
        }
        None => format!("no parameter is called `{text}`; write what it is to be: `{text} = …`"),
    };
    diagnostics.at(name, message);
}

/// The expressions, for the rule of unused parameters.
pub(crate) fn uses(args: &Args) -> TokenStream {
    args.span.iter().map(SpanValue::expression).collect()
}

/// What reads the values, as the first statement of the body, which is within the call. Empty where none is asked for.
pub(crate) fn annotate(args: &Args, root: &Path) -> TokenStream {
    if args.span.is_empty() {
        return TokenStream::new();
    }
    let span = body::own("__span");
    let values = args.span.iter().map(|value| {
        let (name, expression) = (value.name.value(), value.expression());
        let method = match value.shown {
            Shown::AsIs => "value",
            Shown::Display => "display",
            Shown::Debug => "debug",
        };
        // At the value: that is what is wrong where it cannot be one.
        let at = expression.span().resolved_at(Span::mixed_site());
        let method = Ident::new(method, at);
        quote_spanned!(at=> #span.#method(#name, &(#expression));)
    });
    quote_spanned!(Span::mixed_site()=> #root::__private::annotate(|#span| { #(#values)* });)
}

impl SpanValue {
    fn expression(&self) -> TokenStream {
        match &self.value {
            Value::Parameter(name) => name.to_token_stream(),
            Value::Expression(expression) => expression.to_token_stream(),
        }
    }
}
