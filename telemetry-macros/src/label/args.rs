//! The words in the parentheses of `#[label(…)]`: some belong on the enum, one on a variant.

use crate::arguments;
use crate::diagnostics::Diagnostics;
use crate::label::rename::Rule;
use crate::names;
use syn::parse::ParseStream;
use syn::{Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, Path, Token};

/// Where an attribute stands.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Enum,
    Variant,
}

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// How names become values: on the enum.
    pub(crate) rule: Rule,
    /// The path of the library: on the enum.
    pub(crate) root: Option<Path>,
    /// The value: on a variant.
    pub(crate) value: Option<LitStr>,
}

impl Place {
    fn taken(self) -> &'static [&'static str] {
        match self {
            Place::Enum => &["rename_all", "crate"],
            Place::Variant => &["rename"],
        }
    }

    fn example(self) -> &'static str {
        match self {
            Place::Enum => "`#[label(rename_all = \"kebab-case\")]`",
            Place::Variant => "`#[label(rename = \"not-found\")]`",
        }
    }
}

impl Args {
    /// Parses the `#[label(…)]` among the attributes of one place, word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(attributes: &[Attribute], place: Place, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        let mut ours = attributes.iter().filter(|attribute| attribute.path().is_ident("label"));
        let Some(first) = ours.next() else { return args };
        for second in ours {
            diagnostics.at(second, "`#[label]` is given twice here; write all arguments in one");
        }
        let list = match &first.meta {
            Meta::List(list) => list,
            Meta::Path(_) | Meta::NameValue(_) => {
                diagnostics
                    .at(&first.meta, format!("`label` takes arguments in parentheses; write {}", place.example()));
                return args;
            }
        };
        let parsed = list.parse_args_with(|input: ParseStream<'_>| {
            arguments::each(input, diagnostics, |word, input, diagnostics| {
                args.parse_one(word, place, input, diagnostics)
            })
        });
        if let Err(error) = parsed {
            diagnostics.add(error);
        }
        args
    }

    fn parse_one(
        &mut self,
        word: &Ident,
        place: Place,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<()> {
        let text = word.to_string();
        if !place.taken().contains(&text.as_str()) {
            let message = match (text.as_str(), place) {
                ("rename", Place::Enum) => {
                    format!("`rename` belongs on a variant; on the enum write {}", place.example())
                }
                ("rename_all" | "crate", Place::Variant) => format!("`{text}` belongs on the enum; move it there"),
                _ => {
                    let meant = names::did_you_mean(&text, place.taken());
                    let on = if place == Place::Enum { "an enum" } else { "a variant" };
                    format!("unknown argument `{text}`{meant} on {on} `#[label]` takes {}", names::list(place.taken()))
                }
            };
            diagnostics.at(word, message);
            return skip_value(input);
        }
        input.parse::<Token![=]>().map_err(|error| {
            syn::Error::new(error.span(), format!("`{text}` takes a value; write {}", place.example()))
        })?;
        match text.as_str() {
            "crate" => self.root = Some(input.call(Path::parse_mod_style)?),
            "rename_all" => match input.parse()? {
                Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) => match Rule::of(&name.value()) {
                    Some(rule) => self.rule = rule,
                    None => diagnostics.at(&name, unknown_rule(&name.value())),
                },
                other => {
                    diagnostics.at(other, format!("`rename_all` takes a rule in quotes; write {}", place.example()))
                }
            },
            _ => match input.parse()? {
                Expr::Lit(ExprLit { lit: Lit::Str(value), .. }) => self.value = Some(value),
                other => diagnostics.at(other, format!("`rename` takes a text; write {}", place.example())),
            },
        }
        Ok(())
    }
}

fn unknown_rule(name: &str) -> String {
    let meant = names::did_you_mean(name, &Rule::names());
    format!("unknown rule `{name}`{meant} `rename_all` takes {}", names::list(&Rule::names()))
}

/// Passes over what belongs to a word that is not known.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<proc_macro2::TokenTree>()?;
    }
    Ok(())
}
