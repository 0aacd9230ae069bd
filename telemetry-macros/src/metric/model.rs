//! A block of declarations, as the user wrote it.

use crate::diagnostics::Diagnostics;
use crate::names;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, Ident, Lit, Meta, Path, Token, Type, Visibility, bracketed, parenthesized, parse_quote};

/// All that one `metric!` says.
pub(crate) struct Block {
    /// The path of the library.
    pub(crate) root: Path,
    /// The name of the constant that lists the block's families.
    pub(crate) catalog: Ident,
    /// What must hold for the families to be part of the program; always, where it is not given. For the library alone, whose
    /// catalogue has the families of all its features.
    pub(crate) registered: Option<TokenStream>,
    pub(crate) declarations: Vec<Declaration>,
}

pub(crate) struct Declaration {
    pub(crate) attributes: Vec<Attribute>,
    pub(crate) visibility: Visibility,
    pub(crate) kind: Kind,
    pub(crate) name: Ident,
    pub(crate) labels: Vec<Label>,
    /// `None` where there are no brackets.
    pub(crate) bounds: Option<Bounds>,
    /// Set by the checks: what is wrong is not expanded in part.
    pub(crate) wrong: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

pub(crate) struct Label {
    pub(crate) name: Ident,
    pub(crate) ty: Type,
}

pub(crate) struct Bounds {
    pub(crate) span: Span,
    pub(crate) bounds: Vec<Bound>,
}

/// A bound that is a number, as all must be.
pub(crate) struct Bound {
    pub(crate) expression: Expr,
    pub(crate) value: Option<f64>,
}

const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "info"];

impl Kind {
    fn parse(word: &Ident) -> syn::Result<Kind> {
        match word.to_string().as_str() {
            "counter" => Ok(Kind::Counter),
            "gauge" => Ok(Kind::Gauge),
            "histogram" => Ok(Kind::Histogram),
            "info" => Ok(Kind::Info),
            "summary" => Err(syn::Error::new(
                word.span(),
                "a `summary` cannot be declared, since its quantiles cannot be aggregated; write `histogram`",
            )),
            other => {
                let meant = names::did_you_mean(other, &KINDS);
                let message = format!("unknown kind `{other}`{meant} `metric!` takes {}", names::list(&KINDS));
                Err(syn::Error::new(word.span(), message))
            }
        }
    }

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Info => "info",
        }
    }

    /// With its article.
    pub(crate) fn with_article(self) -> &'static str {
        match self {
            Kind::Counter => "a counter",
            Kind::Gauge => "a gauge",
            Kind::Histogram => "a histogram",
            Kind::Info => "an info",
        }
    }
}

impl Block {
    /// Parses declaration by declaration: after one that does not parse, goes on behind its semicolon.
    pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Block {
        let mut block = Block {
            root: parse_quote!(::telemetry),
            catalog: Ident::new("CATALOG", Span::call_site()),
            registered: None,
            declarations: Vec::new(),
        };
        let mut given: Vec<Ident> = Vec::new();
        for statement in statements(input) {
            let parsed = if Setting::is_one(&statement) {
                Setting::parse
                    .parse2(statement)
                    .map(|(word, setting)| block.set(word, setting, &mut given, diagnostics))
            } else {
                syn::parse2(statement).map(|declaration| block.declarations.push(declaration))
            };
            if let Err(error) = parsed {
                diagnostics.add(error);
            }
        }
        block
    }

    fn set(&mut self, word: Ident, setting: Setting, given: &mut Vec<Ident>, diagnostics: &mut Diagnostics) {
        if given.contains(&word) {
            diagnostics.at(&word, format!("`{word}` is given twice; leave one out"));
        } else if !self.declarations.is_empty() {
            diagnostics.at(&word, format!("`{word}` stands behind a declaration; write it first in the block"));
        }
        given.push(word);
        match setting {
            Setting::Root(root) => self.root = root,
            Setting::Catalog(catalog) => self.catalog = catalog,
            Setting::Registered(condition) => self.registered = Some(condition),
        }
    }
}

/// What stands before the declarations: `crate = path;`, `catalog = NAME;`, and in the library itself `registered = condition;`.
enum Setting {
    Root(Path),
    Catalog(Ident),
    Registered(TokenStream),
}

impl Setting {
    /// Whether a statement is a setting: a word and `=`.
    fn is_one(statement: &TokenStream) -> bool {
        let mut tokens = statement.clone().into_iter();
        let word = matches!(tokens.next(), Some(TokenTree::Ident(_)));
        word && matches!(tokens.next(), Some(TokenTree::Punct(equals)) if equals.as_char() == '=')
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<(Ident, Setting)> {
        let word: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        input.parse::<Token![=]>()?;
        let setting = match word.to_string().as_str() {
            "crate" => Setting::Root(input.call(Path::parse_mod_style)?),
            "catalog" => Setting::Catalog(input.parse()?),
            "registered" => Setting::Registered(input.parse::<Meta>()?.into_token_stream()),
            other => {
                let message = format!("unknown setting `{other}`; a block takes `crate = path;` and `catalog = NAME;`");
                return Err(syn::Error::new(word.span(), message));
            }
        };
        input.parse::<Token![;]>()?;
        Ok((word, setting))
    }
}

/// Cuts at the semicolons, each of which stays with what it ends.
fn statements(input: TokenStream) -> Vec<TokenStream> {
    let mut statements = vec![TokenStream::new()];
    for token in input {
        let ends = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == ';');
        if let Some(last) = statements.last_mut() {
            last.extend([token]);
        }
        if ends {
            statements.push(TokenStream::new());
        }
    }
    statements.retain(|statement| !statement.is_empty());
    statements
}

impl Parse for Declaration {
    fn parse(input: ParseStream<'_>) -> syn::Result<Declaration> {
        let attributes = input.call(Attribute::parse_outer)?;
        let visibility = input.parse()?;
        let word: Ident = input.parse().map_err(|error| {
            syn::Error::new(error.span(), "expected a declaration, such as `counter rows_read_total(table: &str);`")
        })?;
        let kind = Kind::parse(&word)?;
        let name: Ident = input
            .parse()
            .map_err(|error| syn::Error::new(error.span(), format!("expected the name of the {}", kind.as_str())))?;
        if !input.peek(syn::token::Paren) {
            let message = format!("the labels of `{name}` are missing; write `{name}()` where it has none");
            return Err(syn::Error::new(name.span(), message));
        }
        let labels;
        parenthesized!(labels in input);
        let labels: Vec<Label> = Punctuated::<Label, Token![,]>::parse_terminated(&labels)?.into_iter().collect();
        let bounds = input.peek(syn::token::Bracket).then(|| Bounds::parse(input)).transpose()?;
        if input.is_empty() {
            return Err(syn::Error::new(name.span(), format!("the declaration of `{name}` ends with `;`")));
        }
        input.parse::<Token![;]>().map_err(|error| {
            syn::Error::new(error.span(), "expected `;`, or a histogram's bounds such as `[0.1, 1, 10]`")
        })?;
        Ok(Declaration { attributes, visibility, kind, name, labels, bounds, wrong: false })
    }
}

impl Parse for Label {
    fn parse(input: ParseStream<'_>) -> syn::Result<Label> {
        // Keywords too: `type` is a good name for a label.
        let name: Ident = input.call(syn::ext::IdentExt::parse_any)?;
        if matches!(name.to_string().as_str(), "self" | "Self" | "super" | "crate" | "_") {
            let message = format!("the label `{name}` cannot be the name of a parameter; give it another name");
            return Err(syn::Error::new(name.span(), message));
        }
        if !input.peek(Token![:]) {
            let message = format!("the label `{name}` has no type; write `{name}: &str`, an integer or `bool`");
            return Err(syn::Error::new(name.span(), message));
        }
        input.parse::<Token![:]>()?;
        Ok(Label { name, ty: input.parse()? })
    }
}

impl Bounds {
    fn parse(input: ParseStream<'_>) -> syn::Result<Bounds> {
        let content;
        let bracket = bracketed!(content in input);
        let expressions = Punctuated::<Expr, Token![,]>::parse_terminated(&content)?;
        let bounds = expressions.into_iter().map(|expression| Bound { value: number(&expression), expression });
        Ok(Bounds { span: bracket.span.join(), bounds: bounds.collect() })
    }
}

/// The value of a literal, with a sign or without.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(value) if value.suffix().is_empty() => value.base10_parse().ok(),
            Lit::Float(value) if value.suffix().is_empty() => value.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, syn::UnOp::Neg(_)) => number(&unary.expr).map(|value| -value),
        Expr::Group(group) => number(&group.expr),
        _ => None,
    }
}

impl Declaration {
    /// The HELP text: the first paragraph of the doc comment, on one line.
    pub(crate) fn help(&self) -> String {
        let lines = self.attributes.iter().filter_map(doc_line);
        let text = lines.collect::<Vec<_>>().join("\n");
        let paragraph =
            text.lines().map(str::trim).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
        paragraph.collect::<Vec<_>>().join(" ")
    }

    /// The attributes that decide whether the declaration is there at all.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> + Clone {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// The name without what its kind appends.
    pub(crate) fn stem(&self) -> String {
        let name = self.name.to_string();
        match self.kind {
            Kind::Counter => name.strip_suffix("_total").unwrap_or(&name).to_owned(),
            Kind::Info => name.strip_suffix("_info").unwrap_or(&name).to_owned(),
            _ => name,
        }
    }

    /// Where a missing thing is pointed out.
    pub(crate) fn span(&self) -> Span {
        self.name.span()
    }
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(pair) = &attribute.meta else { return None };
    match &pair.value {
        Expr::Lit(literal) if pair.path.is_ident("doc") => match &literal.lit {
            Lit::Str(text) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

impl Label {
    /// The name as it is scraped: without the `r#` of a raw identifier.
    pub(crate) fn text(&self) -> String {
        syn::ext::IdentExt::unraw(&self.name).to_string()
    }

    /// The name as a parameter: raw where it is a keyword.
    pub(crate) fn parameter(&self) -> Ident {
        let text = self.text();
        match syn::parse_str::<Ident>(&text) {
            Ok(_) => Ident::new(&text, self.name.span()),
            Err(_) => Ident::new_raw(&text, self.name.span()),
        }
    }
}

impl Bound {
    pub(crate) fn span(&self) -> Span {
        self.expression.span()
    }
}
