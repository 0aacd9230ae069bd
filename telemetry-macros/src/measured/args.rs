//! The words in the attribute's parentheses.

use crate::arguments;
use crate::diagnostics::Diagnostics;
use crate::names;
use proc_macro2::TokenStream;
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The value of the label `function`.
    pub(crate) name: Option<LitStr>,
    /// The path of the library.
    pub(crate) root: Option<Path>,
    /// Not to be measured, in what is measured as a whole.
    pub(crate) skip: Option<Ident>,
}

const TAKEN: [&str; 3] = ["name", "skip", "crate"];

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        let parsed = |input: ParseStream<'_>| {
            arguments::each(input, diagnostics, |word, input, diagnostics| args.parse_one(word, input, diagnostics))
        };
        if let Err(error) = parsed.parse2(tokens) {
            diagnostics.add(error);
        }
        args
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "name" => {
                input.parse::<Token![=]>()?;
                match input.parse()? {
                    Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if !name.value().is_empty() => {
                        self.name = Some(name)
                    }
                    other => diagnostics.at(other, "`name` takes a text that is not empty, such as `name = \"load\"`"),
                }
            }
            "skip" => self.skip = Some(word.clone()),
            "crate" => {
                input.parse::<Token![=]>()?;
                self.root = Some(input.call(Path::parse_mod_style)?);
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                let message = format!("unknown argument `{other}`{meant} `#[measured]` takes {}", names::list(&TAKEN));
                diagnostics.at(word, message);
                skip_value(input)?;
            }
        }
        Ok(())
    }
}

/// Whether the words say where the library is.
pub(crate) fn names_crate(words: &TokenStream) -> bool {
    let mut diagnostics = Diagnostics::new();
    let args = Args::parse(words.clone(), &mut diagnostics);
    // What is wrong with them is said where they are expanded.
    drop(diagnostics.finish());
    args.root.is_some()
}

/// Passes over what belongs to a word that is not known.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
