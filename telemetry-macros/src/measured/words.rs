//! What the attribute's words have to do with each other, and with the function.

use crate::diagnostics::Diagnostics;
use crate::measured::args::{Args, Label};
use crate::measured::shape::Shape;
use crate::measured::{body, site, spans};
use crate::metric::check::RESERVED_LABELS;
use crate::names;
use quote::ToTokens;
use std::collections::HashMap;
use syn::ext::IdentExt;
use syn::{FnArg, Ident, ItemFn, Pat, Signature};

/// Labels that every measured function has, or that stand for what was too many.
const OURS: [&str; 4] = ["function", "module", "result", "otel_metric_overflow"];

/// Checks the words.
pub(crate) fn all(args: &Args, diagnostics: &mut Diagnostics) {
    if let Some(second) = &args.second_condition {
        diagnostics
            .at(second, "`ok_if` and `error_if` are both given, and each says what the other denies; leave one out");
    }
    if let (Some(count), Some(timed)) = (&args.count, &args.timed) {
        diagnostics.at(count, format!("`count` leaves the clock alone, and `{timed}` is about time; leave one out"));
    }
    if let (Some(types), Some((objective, _))) = (&args.types, &args.objective) {
        let message = format!(
            "`types` makes a function of each instantiation, and nobody knows which there will be before they are called; leave out `types` or `{objective}`"
        );
        diagnostics.at(types, message);
    }
    let mut seen: HashMap<String, ()> = HashMap::new();
    for label in &args.labels {
        let name = label.name.unraw().to_string();
        if let Some(mistake) = mistake_in(&name) {
            diagnostics.at(&label.name, mistake);
        } else if seen.insert(name.clone(), ()).is_some() {
            diagnostics.at(&label.name, format!("the label `{name}` is given twice; leave one out"));
        }
    }
}

/// Checks the words against the function.
pub(crate) fn of_function(args: &Args, function: &ItemFn, diagnostics: &mut Diagnostics) {
    for label in args.labels.iter().filter(|label| mistake_in(&label.name.unraw().to_string()).is_none()) {
        parameter(label, &function.sig, diagnostics);
    }
    spans::check(args, function, diagnostics);
    if let Shape::InPlace = Shape::of(function) {
        in_place(args, function, diagnostics);
    }
}

/// What is asked about the output where the body stays in place: it is to be seen on each way out.
fn in_place(args: &Args, function: &ItemFn, diagnostics: &mut Diagnostics) {
    let asks = [("ok_if", &args.ok_if), ("error_if", &args.error_if), ("error_type", &args.error_type)];
    let asks = asks.into_iter().filter_map(|(word, asked)| asked.as_ref().map(|asked| (word, asked)));
    if body::is_closure(&function.sig.output) {
        for (word, asked) in asks {
            diagnostics.at(asked, format!("a function that returns a closure is left as it was, so that `{word}` sees no output; remove `{word}`"));
        }
        return;
    }
    let Some((word, _)) = asks.into_iter().next() else { return };
    for tried in body::question_marks(&function.block) {
        diagnostics.at(
            tried,
            format!(
                "`?` leaves a function with `#[track_caller]` without `{word}` seeing its output; return the error with `return`, or remove `{word}`"
            ),
        );
    }
}

fn mistake_in(name: &str) -> Option<String> {
    if matches!(name, "self" | "Self" | "super" | "crate" | "_") {
        return Some(format!("`{name}` is no name for a label; write one with a value, such as `kind = …`"));
    }
    if OURS.contains(&name) {
        return Some(format!("the label `{name}` is there by itself; give yours another name"));
    }
    if let Some((_, whose)) = RESERVED_LABELS.iter().find(|(reserved, _)| *reserved == name) {
        return Some(format!("the label `{name}` is reserved: {whose}; give it another name"));
    }
    if name.starts_with("__") {
        let bare = name.trim_start_matches('_');
        return Some(format!("labels that start with `__` are Prometheus' own; write `{bare}`"));
    }
    let snake = names::not_snake_case(name)?;
    Some(format!("the label `{name}` is not lower_snake_case ASCII; write `{snake} = {name}`"))
}

/// A label without a value is a parameter.
fn parameter(label: &Label, signature: &Signature, diagnostics: &mut Diagnostics) {
    if label.value.is_some() {
        return;
    }
    let name = &label.name;
    let parameters: Vec<&Ident> = signature.inputs.iter().filter_map(plain_name).collect();
    if parameters.iter().any(|parameter| **parameter == *name) {
        return;
    }
    let known: Vec<String> = parameters.iter().map(|parameter| parameter.unraw().to_string()).collect();
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    let text = name.unraw().to_string();
    let message = match names::nearest(&text, &known) {
        _ if in_a_pattern(name, signature) => {
            format!(
                "`{text}` is taken out of its parameter later; give the parameter a name and write `{text} = …` over that"
            )
        }
        Some(near) => {
            format!("no parameter is called `{text}`; did you mean `{near}`? Else write a value: `{text} = …`")
        }
        None => format!("no parameter is called `{text}`; write what it is to be: `{text} = …`"),
    };
    diagnostics.at(name, message);
}

/// The name of a parameter that is no pattern.
pub(crate) fn plain_name(input: &FnArg) -> Option<&Ident> {
    match input {
        FnArg::Typed(parameter) => match &*parameter.pat {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        },
        FnArg::Receiver(_) => None,
    }
}

/// Whether a parameter that is a pattern binds this name.
fn in_a_pattern(name: &Ident, signature: &Signature) -> bool {
    let patterns = signature.inputs.iter().filter_map(|input| match input {
        FnArg::Typed(parameter) if plain_name(input).is_none() => Some(parameter.pat.to_token_stream()),
        _ => None,
    });
    let mut named = Vec::new();
    patterns.for_each(|pattern| site::identifiers(pattern, &mut named));
    named.contains(&name.to_string())
}
