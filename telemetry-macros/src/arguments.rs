//! The words in an attribute's parentheses: `word`, `word = value`, with commas. Each attribute says what its words mean; that a word is
//! given twice is said here, so that none can forget it.

use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Token};

/// Gives each word of an attribute's tokens to `take`; what does not parse is among the diagnostics.
pub(crate) fn all(
    tokens: TokenStream,
    diagnostics: &mut Diagnostics,
    take: impl FnMut(&Ident, ParseStream<'_>, &mut Diagnostics) -> syn::Result<()>,
) {
    let parsed = (|input: ParseStream<'_>| each(input, diagnostics, take)).parse2(tokens);
    if let Err(error) = parsed {
        diagnostics.add(error);
    }
}

/// Gives each word to `take`, which parses what belongs to it. What `take` only reports does not hide the next word.
pub(crate) fn each(
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
    mut take: impl FnMut(&Ident, ParseStream<'_>, &mut Diagnostics) -> syn::Result<()>,
) -> syn::Result<()> {
    let mut given: Vec<Ident> = Vec::new();
    while !input.is_empty() {
        let word: Ident = input.call(Ident::parse_any)?;
        if given.contains(&word) {
            diagnostics.at(&word, format!("`{word}` is given twice; leave one out"));
        }
        take(&word, input, diagnostics)?;
        given.push(word);
        if !input.is_empty() {
            input.parse::<Token![,]>()?;
        }
    }
    Ok(())
}

/// The value behind a word and its `=`.
pub(crate) fn value(input: ParseStream<'_>) -> syn::Result<Expr> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// Passes over what belongs to a word that is not known.
pub(crate) fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}

/// A text that is not empty, after `=`.
pub(crate) fn text(
    word: &Ident,
    such_as: &str,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<LitStr>> {
    input.parse::<Token![=]>()?;
    match input.parse()? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => Ok(Some(text)),
        other => {
            diagnostics.at(other, format!("`{word}` takes a text that is not empty, such as `{word} = \"{such_as}\"`"));
            Ok(None)
        }
    }
}

/// A duration of a millisecond or more.
pub(crate) fn millis(word: &Ident, such_as: &str, text: &LitStr, diagnostics: &mut Diagnostics) -> Option<u64> {
    match duration::parse(&text.value()) {
        Ok(duration) => {
            // Held to be a year at most by the parser.
            let millis = u64::try_from(duration.as_millis()).ok().filter(|millis| *millis > 0);
            if millis.is_none() {
                diagnostics.at(text, format!("`{word}` takes a millisecond or more, such as `{word} = \"{such_as}\"`"));
            }
            millis
        }
        Err(message) => {
            diagnostics.at(text, message);
            None
        }
    }
}
