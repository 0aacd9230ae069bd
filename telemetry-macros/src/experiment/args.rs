//! The words in the attribute's parentheses.

use crate::arguments;
use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use crate::names;
use proc_macro2::TokenStream;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::{Expr, ExprLit, Ident, Lit, Path, Token, parenthesized};

/// What the attribute was told.
#[derive(Default)]
pub(crate) struct Args {
    /// Where the run belongs, and what it is called: expressions over the parameters.
    pub(crate) workspace: Option<Expr>,
    pub(crate) project: Option<Expr>,
    pub(crate) name: Option<Expr>,
    pub(crate) tags: Vec<Expr>,
    /// What is logged as parameters.
    pub(crate) params: Vec<Param>,
    /// How many milliseconds lie between two readings of what is recorded; 0 for never.
    pub(crate) every_millis: Option<u64>,
    /// The parameter that is the experiment, where its type does not tell.
    pub(crate) experiment: Option<Ident>,
    /// The path of the library.
    pub(crate) root: Option<Path>,
}

/// A parameter of the run: one of the function's, or a value over them.
pub(crate) struct Param {
    pub(crate) name: Ident,
    pub(crate) value: Option<Expr>,
}

const TAKEN: [&str; 8] = ["project", "name", "workspace", "tags", "params", "every", "experiment", "crate"];

/// 10 s: by which a run of some minutes has curves, and one of a day no more points than are shown.
const EVERY_MILLIS: u64 = 10_000;

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(tokens: TokenStream, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        arguments::all(tokens, diagnostics, |word, input, diagnostics| args.parse_one(word, input, diagnostics));
        args
    }

    /// How many milliseconds lie between two readings; 0 for none.
    pub(crate) fn every_millis(&self) -> u64 {
        self.every_millis.unwrap_or(EVERY_MILLIS)
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "project" => self.project = text(word, "flights", input, diagnostics)?,
            "name" => self.name = text(word, "classify", input, diagnostics)?,
            "workspace" => self.workspace = text(word, "team", input, diagnostics)?,
            "tags" => self.tags = tags(word, input, diagnostics)?,
            "params" => self.params = params(word, input, diagnostics)?,
            "every" => self.every_millis = every(word, input, diagnostics)?,
            "experiment" => {
                input.parse::<Token![=]>()?;
                self.experiment = Some(input.parse()?);
            }
            "crate" => {
                input.parse::<Token![=]>()?;
                self.root = Some(input.call(Path::parse_mod_style)?);
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                let message =
                    format!("unknown argument `{other}`{meant} `#[experiment]` takes {}", names::list(&TAKEN));
                diagnostics.at(word, message);
                arguments::skip_value(input)?;
            }
        }
        Ok(())
    }
}

/// What stands behind `word =`.
fn value(word: &Ident, example: &str, input: ParseStream<'_>) -> syn::Result<Expr> {
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(word.span(), format!("`{word}` takes a value; write `{word} = {example}`")));
    }
    arguments::value(input)
}

/// A text, or an expression that gives one.
fn text(
    word: &Ident,
    such_as: &str,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<Expr>> {
    let text = value(word, &format!("\"{such_as}\""), input)?;
    if is_no_text(&text) {
        diagnostics.at(text, format!("`{word}` takes a text that is not empty, such as `{word} = \"{such_as}\"`"));
        return Ok(None);
    }
    Ok(Some(text))
}

/// Whether a literal is no text, or an empty one. Of an expression only the compiler knows.
fn is_no_text(value: &Expr) -> bool {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value().trim().is_empty(),
        Expr::Lit(_) => true,
        _ => false,
    }
}

fn tags(word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<Expr>> {
    let list = match value(word, "[\"rust\", \"batch\"]", input)? {
        Expr::Array(list) => list,
        other => {
            diagnostics.at(other, "`tags` takes texts in brackets, such as `tags = [\"rust\", \"batch\"]`");
            return Ok(Vec::new());
        }
    };
    for tag in list.elems.iter().filter(|tag| is_no_text(tag)) {
        diagnostics.at(tag, "a tag is a text that is not empty, such as `\"batch\"`");
    }
    Ok(list.elems.into_iter().collect())
}

fn every(word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Option<u64>> {
    let given = value(word, "\"10s\"", input)?;
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = given else {
        diagnostics.at(given, "`every` takes a duration in quotes, such as `every = \"10s\"`, or `every = \"off\"`");
        return Ok(None);
    };
    if text.value().trim() == "off" {
        return Ok(Some(0));
    }
    let millis = match duration::parse(&text.value()) {
        // Held to be a year at most by the parser.
        Ok(duration) => u64::try_from(duration.as_millis()).ok().filter(|millis| *millis > 0),
        Err(message) => {
            diagnostics.at(text, message);
            return Ok(None);
        }
    };
    if millis.is_none() {
        diagnostics
            .at(text, "`every` takes a millisecond or more; to log none of what is recorded, write `every = \"off\"`");
    }
    Ok(millis)
}

fn params(word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<Param>> {
    if !input.peek(syn::token::Paren) {
        let message = "`params` takes names in parentheses, such as `params(batch_size, threshold = cutoff * 2.0)`";
        return Err(syn::Error::new(word.span(), message));
    }
    let content;
    parenthesized!(content in input);
    let params = Punctuated::<Param, Token![,]>::parse_terminated(&content)?;
    if params.is_empty() {
        diagnostics.at(word, "`params` names none; write some, such as `params(batch_size)`, or leave it out");
    }
    Ok(params.into_iter().collect())
}

impl Parse for Param {
    fn parse(input: ParseStream<'_>) -> syn::Result<Param> {
        // Keywords too: `type` is a good name for a parameter of a run.
        let name: Ident = input.call(Ident::parse_any).map_err(|error| {
            syn::Error::new(
                error.span(),
                "a parameter is a name, such as `batch_size`, or a name and a value: `threshold = cutoff * 2.0`",
            )
        })?;
        let value = if input.parse::<Option<Token![=]>>()?.is_some() { Some(input.parse()?) } else { None };
        if !input.is_empty() && !input.peek(Token![,]) {
            return Err(syn::Error::new(input.span(), format!("a value stands behind `=`; write `{name} = …`")));
        }
        Ok(Param { name, value })
    }
}
