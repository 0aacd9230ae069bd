//! The words in the attribute's parentheses. What two of them, or one and the function, have to do with each other is checked in `words`.

use crate::arguments;
use crate::diagnostics::Diagnostics;
use crate::measured::spans::{self, SpanValue};
use crate::measured::thresholds;
use crate::names;
use crate::objective::{Objective, On};
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The value of the label `function`.
    pub(crate) name: Option<LitStr>,
    /// Labels of the calls, in the order in which they are given.
    pub(crate) labels: Vec<Label>,
    /// Values on its span, in the order in which they are given, and the word.
    pub(crate) span: Vec<SpanValue>,
    pub(crate) span_word: Option<Ident>,
    /// From the output to whether it is no error, and to whether it is one.
    pub(crate) ok_if: Option<Expr>,
    pub(crate) error_if: Option<Expr>,
    /// From the error to what it is called.
    pub(crate) error_type: Option<Expr>,
    /// In seconds.
    pub(crate) thresholds: Vec<f64>,
    /// Each where it was given, to be pointed at.
    pub(crate) count: Option<Ident>,
    pub(crate) types: Option<Ident>,
    pub(crate) second_condition: Option<Ident>,
    /// The word that set thresholds.
    pub(crate) timed: Option<Ident>,
    /// What share of the calls is to go well, and the word.
    pub(crate) objective: Option<(Ident, Objective)>,
    /// Not to be measured, in what is measured as a whole.
    pub(crate) skip: Option<Ident>,
    /// The path of the library.
    pub(crate) root: Option<Path>,
}

/// `carrier`, or `carrier = expression`.
pub(crate) struct Label {
    pub(crate) name: Ident,
    /// `None` where the parameter of that name is meant.
    pub(crate) value: Option<Expr>,
}

const TAKEN: [&str; 12] = [
    "name",
    "labels",
    "span",
    "ok_if",
    "error_if",
    "error_type",
    "buckets",
    "objective",
    "count",
    "types",
    "skip",
    "crate",
];

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        arguments::all(tokens, diagnostics, |word, input, diagnostics| args.parse_one(word, input, diagnostics));
        args
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "name" => match value(word, "\"load\"", input)? {
                Expr::Lit(ExprLit { lit: Lit::Str(name), .. }) if !name.value().is_empty() => self.name = Some(name),
                other => diagnostics.at(other, "`name` takes a text that is not empty, such as `name = \"load\"`"),
            },
            "labels" => self.labels = labels(word, input, diagnostics)?,
            "span" => {
                self.span = spans::parse(word, input, diagnostics)?;
                self.span_word = Some(word.clone());
            }
            "ok_if" | "error_if" => {
                if self.ok_if.is_some() || self.error_if.is_some() {
                    self.second_condition = Some(word.clone());
                }
                let example = if word == "ok_if" { "|output| output.is_some()" } else { "|output| output.is_none()" };
                let condition = value(word, example, input)?;
                if word == "ok_if" { self.ok_if = Some(condition) } else { self.error_if = Some(condition) }
            }
            "error_type" => self.error_type = Some(value(word, "|error| error.kind()", input)?),
            "buckets" => {
                let list = value(word, "[0.1, 0.5, 1]", input)?;
                self.thresholds.extend(thresholds::of_list(&list, diagnostics));
                self.timed = Some(word.clone());
            }
            "objective" => {
                let objective = Objective::parse(word, On::Function, input, diagnostics)?;
                if let Some(seconds) = objective.latency {
                    self.thresholds.push(seconds);
                    self.timed = Some(word.clone());
                }
                self.objective = Some((word.clone(), objective));
            }
            "count" | "types" | "skip" => {
                if let Ok(equals) = input.parse::<Token![=]>() {
                    diagnostics.at(equals, format!("`{word}` stands alone; write `#[measured({word})]`"));
                    arguments::skip_value(input)?;
                }
                let place = match word {
                    word if word == "count" => &mut self.count,
                    word if word == "types" => &mut self.types,
                    _ => &mut self.skip,
                };
                *place = Some(word.clone());
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.root = Some(input.call(Path::parse_mod_style)?);
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                let message = format!("unknown argument `{other}`{meant} `#[measured]` takes {}", names::list(&TAKEN));
                diagnostics.at(word, message);
                arguments::skip_value(input)?;
            }
        }
        Ok(())
    }

    /// Whether an argument says what an error is, whatever the output's type.
    pub(crate) fn has_condition(&self) -> bool {
        self.ok_if.is_some() || self.error_if.is_some()
    }

    /// Whether calls are counted and not timed.
    pub(crate) fn only_counts(&self) -> bool {
        self.count.is_some()
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

/// What stands behind `word =`.
fn value(word: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(word.span(), format!("`{word}` takes a value; write `{word} = {example}`")));
    }
    input.parse::<Token![=]>()?;
    input.parse()
}

fn labels(word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<Label>> {
    if !input.peek(syn::token::Paren) {
        let message = "`labels` takes names in parentheses, such as `labels(carrier, pages = page.len())`";
        return Err(syn::Error::new(word.span(), message));
    }
    let content;
    parenthesized!(content in input);
    let labels = Punctuated::<Label, Token![,]>::parse_terminated(&content)?;
    if labels.is_empty() {
        diagnostics.at(word, "`labels` names none; write some, such as `labels(carrier)`, or leave it out");
    }
    Ok(labels.into_iter().collect())
}

impl syn::parse::Parse for Label {
    fn parse(input: ParseStream<'_>) -> syn::Result<Label> {
        // Keywords too: `type` is a good name for a label.
        let name: Ident = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(
                error.span(),
                "a label is a name, such as `carrier`, or a name and a value: `pages = page.len()`",
            )
        })?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        if !input.is_empty() && !input.peek(Token![,]) {
            let message = format!("a value stands behind `=`; write `{name} = …`");
            return Err(syn::Error::new(input.span(), message));
        }
        Ok(Label { name, value })
    }
}
