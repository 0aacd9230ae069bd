//! The words in the parentheses of `#[profiled_connection(…)]`.

use crate::arguments;
use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use crate::names;
use std::time::Duration;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The value of the label `database`.
    pub(crate) name: Option<LitStr>,
    /// From how long on a statement is slow.
    pub(crate) slow: Option<Duration>,
    /// Whether DuckDB profiles the statements.
    pub(crate) profile: Option<bool>,
    /// Whether slow statements are told with their literals.
    pub(crate) literals: Option<bool>,
    /// Whether DuckDB tracks how far a statement is.
    pub(crate) progress: Option<bool>,
    /// The path of the library.
    pub(crate) root: Option<Path>,
}

const TAKEN: [&str; 6] = ["name", "slow", "profile", "literals", "progress", "crate"];

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(attribute: &Attribute, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        let list = match &attribute.meta {
            Meta::Path(_) => return args,
            Meta::List(list) => list,
            Meta::NameValue(pair) => {
                diagnostics
                    .at(pair, "arguments stand in parentheses; write `#[profiled_connection(name = \"warehouse\")]`");
                return args;
            }
        };
        let parsed = list.parse_args_with(|input: ParseStream<'_>| {
            arguments::each(input, diagnostics, |word, input, diagnostics| args.parse_one(word, input, diagnostics))
        });
        if let Err(error) = parsed {
            diagnostics.add(error);
        }
        args
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "name" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if !name.value().trim().is_empty() => {
                    self.name = Some(name)
                }
                other => diagnostics.at(other, "`name` takes a text that is not empty, such as `name = \"warehouse\"`"),
            },
            "slow" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => match duration::parse(&text.value()) {
                    Ok(slow) => self.slow = Some(slow),
                    Err(reason) => diagnostics.at(text, reason),
                },
                other => diagnostics.at(other, "`slow` takes a duration in quotes, such as `slow = \"250ms\"`"),
            },
            "profile" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Bool(profile), .. }) => self.profile = Some(profile.value),
                other => diagnostics.at(other, "`profile` takes `true` or `false`; write `profile = false`"),
            },
            "literals" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Bool(literals), .. }) => self.literals = Some(literals.value),
                other => diagnostics.at(other, "`literals` takes `true` or `false`; write `literals = true`"),
            },
            "progress" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Bool(progress), .. }) => self.progress = Some(progress.value),
                other => diagnostics.at(other, "`progress` takes `true` or `false`; write `progress = true`"),
            },
            "crate" => {
                input.parse::<Token![=]>()?;
                self.root = Some(input.call(Path::parse_mod_style)?);
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                let taken = names::list(&TAKEN);
                diagnostics
                    .at(word, format!("unknown argument `{other}`{meant} `#[profiled_connection]` takes {taken}"));
                arguments::skip_value(input)?;
            }
        }
        Ok(())
    }
}
