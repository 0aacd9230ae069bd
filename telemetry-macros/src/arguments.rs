//! The words in an attribute's parentheses: `word`, `word = value`, with commas. Each attribute says what its words mean; that a word is
//! given twice is said here, so that none can forget it.

use crate::diagnostics::Diagnostics;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, Ident, Token};

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
