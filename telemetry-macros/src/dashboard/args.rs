//! The words between the braces of `dashboards! { … }`.

use crate::arguments;
use crate::diagnostics::Diagnostics;
use crate::names;
use proc_macro2::{Span, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Expr, ExprLit, ExprPath, Ident, Lit, LitStr, Path, Token};

/// What the macro was told.
#[derive(Default)]
pub(crate) struct Args {
    /// The folder that globs begin in, relative to the package's.
    pub(crate) root: Option<LitStr>,
    /// Globs of dashboards.
    pub(crate) files: Vec<LitStr>,
    /// Globs of rules.
    pub(crate) rules: Vec<LitStr>,
    /// Constants that list families.
    pub(crate) catalogs: Vec<ExprPath>,
    /// Beginnings of the names of other exporters' series.
    pub(crate) foreign: Vec<LitStr>,
    /// The labels that the server adds.
    pub(crate) target_labels: Option<Vec<LitStr>>,
    /// The labels that functions are measured with.
    pub(crate) function_labels: Vec<LitStr>,
    /// Whether a test is left behind.
    pub(crate) test: Option<bool>,
    /// The path of the library.
    pub(crate) crate_path: Option<Path>,
}

const TAKEN: [&str; 9] =
    ["files", "rules", "catalogs", "foreign", "target_labels", "function_labels", "root", "test", "crate"];

impl Args {
    /// Parses word by word: one that is wrong does not hide the next.
    pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Args {
        let mut args = Args::default();
        let mut given = Vec::new();
        let parser = |input: ParseStream<'_>| {
            arguments::each(input, diagnostics, |word, input, diagnostics| {
                given.push(word.to_string());
                args.parse_one(word, input, diagnostics)
            })
        };
        if let Err(error) = parser.parse2(input) {
            diagnostics.add(error);
            return args;
        }
        let lacks = |word: &str| given.iter().all(|given| given != word);
        if lacks("files") && lacks("rules") {
            let message = "nothing is read; write `files = \"dashboards/*.json\"`, `rules = \"rules/*.yml\"`, or both";
            diagnostics.at_span(Span::call_site(), message);
        }
        if lacks("catalogs") {
            let message = "`catalogs` is missing, so no family is declared; write `catalogs = [CATALOG]`";
            diagnostics.at_span(Span::call_site(), message);
        }
        args
    }

    fn parse_one(&mut self, word: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<()> {
        match word.to_string().as_str() {
            "files" => self.files = texts(word, "dashboards/*.json", input, diagnostics)?,
            "rules" => self.rules = texts(word, "dashboards/rules/*.yml", input, diagnostics)?,
            "catalogs" => self.catalogs = paths(input, diagnostics)?,
            "foreign" => self.foreign = texts(word, "node_", input, diagnostics)?,
            "target_labels" => self.target_labels = Some(texts(word, "instance", input, diagnostics)?),
            "function_labels" => self.function_labels = texts(word, "carrier", input, diagnostics)?,
            "root" => self.root = texts(word, "..", input, diagnostics)?.into_iter().next(),
            "test" => match arguments::value(input)? {
                Expr::Lit(ExprLit { lit: Lit::Bool(test), .. }) => self.test = Some(test.value),
                other => diagnostics.at(other, "`test` takes `true` or `false`; write `test = false`"),
            },
            "crate" => {
                input.parse::<Token![=]>()?;
                self.crate_path = Some(input.call(Path::parse_mod_style)?);
            }
            other => {
                let meant = names::did_you_mean(other, &TAKEN);
                diagnostics
                    .at(word, format!("unknown argument `{other}`{meant} `dashboards!` takes {}", names::list(&TAKEN)));
                arguments::skip_value(input)?;
            }
        }
        Ok(())
    }
}

/// The elements of an array, or the one that stands there without brackets.
fn elements(input: ParseStream<'_>) -> syn::Result<Vec<Expr>> {
    Ok(match arguments::value(input)? {
        Expr::Array(array) => array.elems.into_iter().collect(),
        one => vec![one],
    })
}

/// One text or several in brackets, none empty.
fn texts(
    word: &Ident,
    example: &str,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Vec<LitStr>> {
    let mut texts = Vec::new();
    for element in elements(input)? {
        match element {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) if !text.value().trim().is_empty() => texts.push(text),
            other => {
                let several = if word == "root" { "" } else { ", or several in brackets" };
                let message =
                    format!("`{word}` takes a text that is not empty, such as `{word} = \"{example}\"`{several}");
                diagnostics.at(other, message);
            }
        }
    }
    Ok(texts)
}

/// Paths of constants, in brackets or one without.
fn paths(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Vec<ExprPath>> {
    let mut paths = Vec::new();
    for element in elements(input)? {
        match element {
            Expr::Path(path) => paths.push(path),
            other => diagnostics.at(
                other,
                "`catalogs` takes paths of constants, such as `catalogs = [CATALOG, telemetry::builtin::CATALOG]`",
            ),
        }
    }
    Ok(paths)
}
