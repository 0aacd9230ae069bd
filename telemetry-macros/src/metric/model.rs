//! A block of declarations, as the user wrote it. What is half written is taken as far as it goes: an editor shows what the macro expands
//! to at each keystroke, and one declaration that is being typed must not make the others vanish.

use crate::diagnostics::Diagnostics;
use crate::metric::expiry::Expiry;
use crate::names;
use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::discouraged::Speculative;
use syn::parse::{ParseStream, Parser};
use syn::spanned::Spanned;
use syn::visit_mut::VisitMut;
use syn::{
    Attribute, BinOp, Expr, Ident, Lit, LitFloat, Meta, Path, Token, Type, UnOp, Visibility, bracketed, parenthesized,
    parse_quote, token,
};

/// All that one `metric!` says.
pub(crate) struct Block {
    /// The path of the library.
    pub(crate) root: Path,
    /// The name of the constant that lists the block's families, where it is given.
    pub(crate) catalog: Option<Ident>,
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
    /// `None` where its series stay.
    pub(crate) expiry: Option<Expiry>,
    /// Something in it is wrong, so that the compiler need not judge the rest of it. It is expanded all the same: its uses are right.
    pub(crate) wrong: bool,
    /// Expanded, it would hide something else.
    pub(crate) left_out: bool,
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
    /// `None` where it is not written yet.
    pub(crate) ty: Option<Type>,
    /// The name as a parameter: raw where it is a keyword.
    pub(crate) parameter: Ident,
}

pub(crate) struct Bounds {
    pub(crate) span: Span,
    pub(crate) values: BoundValues,
}

pub(crate) enum BoundValues {
    /// `[0.1, FIRST, 2 * FIRST]`
    List(Vec<Bound>),
    /// `[..BOUNDS]`
    Constant(Expr),
}

/// An upper bound of a bucket.
pub(crate) struct Bound {
    pub(crate) expression: Expr,
    /// What the tokens alone tell.
    pub(crate) value: Option<f64>,
}

/// The HELP text.
pub(crate) enum Help {
    Text(String),
    /// The pieces of the documentation, with newlines between them, where only the compiler knows what they say.
    Computed(Vec<Expr>),
}

const KINDS: [&str; 4] = ["counter", "gauge", "histogram", "info"];

impl Kind {
    /// The kind that a word says, or probably means.
    fn parse(word: &Ident, diagnostics: &mut Diagnostics) -> Option<Kind> {
        let text = word.to_string();
        if let Some(kind) = Kind::of(&text) {
            return Some(kind);
        }
        if text == "summary" {
            diagnostics.at(
                word,
                "a `summary` cannot be declared, since its quantiles cannot be aggregated; write `histogram`",
            );
            return Some(Kind::Histogram);
        }
        if SETTINGS.contains(&text.as_str()) {
            diagnostics.at(word, format!("the setting `{text}` has no value; {TAKEN_SETTINGS}"));
            return None;
        }
        let meant = names::did_you_mean(&text, &KINDS);
        diagnostics.at(word, format!("unknown kind `{text}`{meant} `metric!` takes {}", names::list(&KINDS)));
        names::nearest(&text, &KINDS).and_then(Kind::of)
    }

    fn of(word: &str) -> Option<Kind> {
        match word {
            "counter" => Some(Kind::Counter),
            "gauge" => Some(Kind::Gauge),
            "histogram" => Some(Kind::Histogram),
            "info" => Some(Kind::Info),
            _ => None,
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
    /// Parses declaration by declaration: after what does not parse, goes on behind the next semicolon or at the next declaration.
    pub(crate) fn parse(input: TokenStream, diagnostics: &mut Diagnostics) -> Block {
        let mut block =
            Block { root: parse_quote!(::telemetry), catalog: None, registered: None, declarations: Vec::new() };
        let mut given: Vec<Ident> = Vec::new();
        let mut left = vec![input];
        while let Some(input) = left.pop() {
            let read = |input: ParseStream<'_>| block.read(input, &mut given, &mut left, diagnostics);
            if let Err(error) = read.parse2(input) {
                diagnostics.add(error);
            }
        }
        block
    }

    /// The name of the constant that lists the block's families.
    pub(crate) fn catalog(&self) -> Ident {
        self.catalog.clone().unwrap_or_else(|| Ident::new("CATALOG", Span::call_site()))
    }

    /// Reads to the end. What belongs to later declarations and was found inside of one comes to `left`.
    fn read(
        &mut self,
        input: ParseStream<'_>,
        given: &mut Vec<Ident>,
        left: &mut Vec<TokenStream>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<()> {
        while !input.is_empty() {
            if Setting::is_next(input) {
                match Setting::parse.parse2(Setting::tokens(input)?) {
                    Ok((word, setting)) => self.set(word, setting, given, diagnostics),
                    Err(error) => diagnostics.add(error),
                }
                continue;
            }
            let (declaration, inner) = Declaration::parse(input, diagnostics)?;
            self.declarations.extend(declaration);
            if let Some(inner) = inner {
                input.parse::<Option<Token![;]>>()?;
                // Before the rest of this input, so that declarations stay in their order.
                left.push(input.parse()?);
                left.push(inner);
            }
        }
        Ok(())
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
            Setting::Catalog(catalog) => self.catalog = Some(catalog),
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

const SETTINGS: [&str; 2] = ["crate", "catalog"];
const TAKEN_SETTINGS: &str = "a block takes `crate = path;` and `catalog = NAME;`";

impl Setting {
    /// Whether a setting comes: a word and `=`.
    fn is_next(input: ParseStream<'_>) -> bool {
        input.peek(Ident::peek_any) && input.peek2(Token![=])
    }

    /// The tokens of a setting, its semicolon included; where that is missing, up to the next declaration.
    fn tokens(input: ParseStream<'_>) -> syn::Result<TokenStream> {
        let mut tokens = TokenStream::new();
        while !input.is_empty() && !input.peek(Token![;]) && !starts_declaration(input) {
            tokens.extend([input.parse::<TokenTree>()?]);
        }
        tokens.extend(input.parse::<Option<Token![;]>>()?.map(ToTokens::into_token_stream));
        Ok(tokens)
    }

    fn parse(input: ParseStream<'_>) -> syn::Result<(Ident, Setting)> {
        let word: Ident = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        let missing = |_| {
            let message = format!("the setting `{word}` has no value; {TAKEN_SETTINGS}");
            syn::Error::new(word.span(), message)
        };
        let setting = match word.to_string().as_str() {
            "crate" => Setting::Root(input.call(Path::parse_mod_style).map_err(missing)?),
            "catalog" => Setting::Catalog(input.parse().map_err(missing)?),
            "registered" => Setting::Registered(input.parse::<Meta>()?.into_token_stream()),
            other => {
                let message =
                    format!("unknown setting `{other}`{} {TAKEN_SETTINGS}", names::did_you_mean(other, &SETTINGS));
                return Err(syn::Error::new(word.span(), message));
            }
        };
        if input.is_empty() {
            return Err(syn::Error::new(word.span(), format!("the setting `{word}` ends with `;`")));
        }
        input.parse::<Token![;]>()?;
        Ok((word, setting))
    }
}

/// Whether a declaration comes: documentation, or a kind and a word, with other attributes and a visibility before them or without.
/// Everything else may be the rest of the declaration before.
fn starts_declaration(input: ParseStream<'_>) -> bool {
    let input = input.fork();
    let Ok(attributes) = input.call(Attribute::parse_outer) else { return false };
    if attributes.iter().any(|attribute| attribute.path().is_ident("doc")) {
        return true;
    }
    match input.parse::<Visibility>() {
        Ok(Visibility::Inherited) => {}
        Ok(_) => return true,
        Err(_) => return false,
    }
    let kind = input.call(Ident::parse_any).is_ok_and(|word| Kind::of(&word.to_string()).is_some());
    kind && input.peek(Ident::peek_any)
}

/// Passes over what cannot be read, to behind the next semicolon or to the next declaration; one in parentheses that were not closed is
/// returned, with all that follows it.
fn skip(input: ParseStream<'_>) -> syn::Result<Option<TokenStream>> {
    while !input.is_empty() && !starts_declaration(input) {
        match input.parse()? {
            TokenTree::Punct(punct) if punct.as_char() == ';' => break,
            TokenTree::Group(group) => {
                if let Some(found) = declarations_in(group.stream()) {
                    return Ok(Some(found));
                }
            }
            _ => {}
        }
    }
    Ok(None)
}

/// Takes the attributes that come, where one of them has declarations in it, since it is not closed: those, and where it begins.
fn unclosed_attribute(input: ParseStream<'_>) -> Option<(Token![#], TokenStream)> {
    let ahead = input.fork();
    while ahead.peek2(token::Bracket) {
        let hash = ahead.parse().ok()?;
        let TokenTree::Group(group) = ahead.parse().ok()? else { return None };
        if let Some(inner) = declarations_in(group.stream()) {
            input.advance_to(&ahead);
            return Some((hash, inner));
        }
    }
    None
}

/// The first declaration within tokens that should have none, and all that follows it.
fn declarations_in(tokens: TokenStream) -> Option<TokenStream> {
    let find = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if starts_declaration(input) {
                return input.parse().map(Some);
            }
            if let Some(found) = inside(&input.parse()?) {
                input.parse::<TokenStream>()?;
                return Ok(Some(found));
            }
        }
        Ok(None)
    };
    find.parse2(tokens).ok().flatten()
}

/// The same where the tokens are those inside of a group.
fn inside(token: &TokenTree) -> Option<TokenStream> {
    match token {
        TokenTree::Group(group) => declarations_in(group.stream()),
        _ => None,
    }
}

impl Declaration {
    /// Takes at least one token. What is known of the declaration is returned where its kind and name are; and what was found inside of
    /// its parentheses or brackets that belongs to the declarations behind it.
    fn parse(
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<(Option<Declaration>, Option<TokenStream>)> {
        if let Some((hash, inner)) = unclosed_attribute(input) {
            diagnostics.at(hash, "this attribute has no end; write `]`");
            return Ok((None, Some(inner)));
        }
        let ahead = input.fork();
        let attributes = match ahead.call(Attribute::parse_outer) {
            Ok(attributes) => {
                input.advance_to(&ahead);
                attributes
            }
            Err(error) => {
                diagnostics.at_span(error.span(), "what stands above a declaration is `/// …` or `#[…]`");
                return Ok((None, skip(input)?));
            }
        };
        if let Some(last) = attributes.last().filter(|_| input.is_empty()) {
            diagnostics.at(last, format!("there is no declaration below; {EXAMPLE}"));
            return Ok((None, None));
        }
        let visibility: Visibility = input.parse()?;
        if !input.peek(Ident::peek_any) {
            let message = format!("expected a declaration; {EXAMPLE}");
            if input.is_empty() || starts_declaration(input) {
                diagnostics.at(&visibility, message);
            } else {
                diagnostics.at(input.fork().parse::<TokenTree>()?, message);
            }
            return Ok((None, skip(input)?));
        }
        let word: Ident = input.call(Ident::parse_any)?;
        let Some(kind) = Kind::parse(&word, diagnostics) else {
            return Ok((None, skip(input)?));
        };
        let Some(name) = Declaration::name(&word, input, diagnostics)? else {
            return Ok((None, skip(input)?));
        };
        let (labels, inner) = Label::all(&name, input, diagnostics)?;
        let (mut bounds, mut inner) = match inner {
            None if input.peek(token::Bracket) => {
                let (bounds, inner) = Bounds::parse(&name, input, diagnostics)?;
                (Some(bounds), inner)
            }
            inner => (None, inner),
        };
        let expiry = if inner.is_none() { Expiry::parse(input, diagnostics)? } else { None };
        if expiry.is_some() && bounds.is_none() && input.peek(token::Bracket) {
            let misplaced = Bounds::parse(&name, input, diagnostics)?;
            diagnostics.at_span(misplaced.0.span, "bounds stand before `expires`; write `[0.1, 1] expires = \"10m\"`");
            (bounds, inner) = (Some(misplaced.0), misplaced.1);
        }
        let wrong = inner.is_some() || expiry.as_ref().is_some_and(|expiry| expiry.after.is_none());
        if inner.is_none() && input.parse::<Option<Token![;]>>()?.is_none() {
            if input.is_empty() || starts_declaration(input) {
                diagnostics.at(&name, format!("the declaration of `{name}` ends with `;`"));
            } else {
                let token: TokenTree = input.parse()?;
                diagnostics.at(token, "expected `;`, or a histogram's bounds such as `[0.1, 1, 10]`");
                inner = skip(input)?;
            }
        }
        let declaration =
            Declaration { attributes, visibility, kind, name, labels, bounds, expiry, wrong, left_out: false };
        Ok((Some(declaration), inner))
    }

    /// The name, with underscores for the dots and dashes of other systems.
    fn name(kind: &Ident, input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Option<Ident>> {
        if starts_declaration(input) || !input.peek(Ident::peek_any) {
            // Of a kind that there is not, that was said.
            if Kind::of(&kind.to_string()).is_some() {
                diagnostics.at(kind, format!("the {kind} has no name; {EXAMPLE}"));
            }
            return Ok(None);
        }
        let first: Ident = input.call(Ident::parse_any)?;
        let mut whole = first.unraw().to_string();
        let mut divider = None;
        while (input.peek(Token![.]) || input.peek(Token![-]) || input.peek(Token![:])) && input.peek2(Ident::peek_any)
        {
            let token: TokenTree = input.parse()?;
            whole = format!("{whole}_{}", input.call(Ident::parse_any)?.unraw());
            divider.get_or_insert(token);
        }
        let Some(divider) = divider else { return Ok(Some(first)) };
        diagnostics.at(&divider, format!("a metric's name has no `{divider}`; write `{whole}`"));
        Ok(Some(names::identifier(&whole, first.span())))
    }
}

const EXAMPLE: &str = "write one such as `counter rows_read_total(table: &str);`";

impl Label {
    /// The labels in the parentheses; and what is in there that belongs to the declarations behind, where `)` is missing.
    fn all(
        metric: &Ident,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<(Vec<Label>, Option<TokenStream>)> {
        if !input.peek(token::Paren) {
            diagnostics
                .at(metric, format!("the labels of `{metric}` are missing; write `{metric}()` where it has none"));
            return Ok((Vec::new(), None));
        }
        let content;
        parenthesized!(content in input);
        let (own, inner) = up_to_a_declaration(content.parse()?);
        if inner.is_some() {
            diagnostics.at(metric, format!("the labels of `{metric}` have no end; write `)` behind the last"));
        }
        let read = |input: ParseStream<'_>| {
            let mut labels = Vec::new();
            while !input.is_empty() {
                labels.extend(Label::parse(input, diagnostics)?);
                comma(input, "expected `,` and the next label", diagnostics)?;
            }
            Ok(labels)
        };
        Ok((read.parse2(own)?, inner))
    }

    /// Takes at least one token.
    fn parse(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<Option<Label>> {
        // Keywords too: `type` is a good name for a label.
        if !input.peek(Ident::peek_any) {
            let token: TokenTree = input.parse()?;
            diagnostics.at(token, "expected a label, such as `table: &str`");
            to_comma(input)?;
            return Ok(None);
        }
        let name: Ident = input.call(Ident::parse_any)?;
        let mut parameter = names::identifier(&name.unraw().to_string(), name.span());
        if names::NEVER_RAW.contains(&name.to_string().as_str()) {
            let message = format!("the label `{name}` cannot be the name of a parameter; give it another name");
            diagnostics.at(&name, message);
            parameter = Ident::new("__label", name.span());
        }
        let mut ty = None;
        if input.parse::<Option<Token![:]>>()?.is_some() {
            let ahead = input.fork();
            if let Ok(parsed) = ahead.parse() {
                input.advance_to(&ahead);
                ty = Some(parsed);
            }
        }
        if ty.is_none() {
            diagnostics.at(
                &name,
                format!("the label `{name}` has no type; write `{name}: &str`, an integer, `bool`, or an enum"),
            );
            to_comma(input)?;
        }
        Ok(Some(Label { name, ty, parameter }))
    }

    /// The name as it is scraped: without the `r#` of a raw identifier.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }
}

/// Parts what stands between a declaration's parentheses from the declarations in there, which belong behind them.
fn up_to_a_declaration(tokens: TokenStream) -> (TokenStream, Option<TokenStream>) {
    let mut own = TokenStream::new();
    let part = |input: ParseStream<'_>| {
        while !input.is_empty() {
            if input.parse::<Option<Token![;]>>()?.is_some() || starts_declaration(input) {
                return input.parse().map(Some);
            }
            let token = input.parse()?;
            if let Some(found) = inside(&token) {
                input.parse::<TokenStream>()?;
                return Ok(Some(found));
            }
            own.extend([token]);
        }
        Ok(None)
    };
    let inner = part.parse2(tokens).ok().flatten();
    (own, inner)
}

fn to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

/// Takes the comma before the next entry. At the end none is needed.
fn comma(input: ParseStream<'_>, expected: &str, diagnostics: &mut Diagnostics) -> syn::Result<()> {
    if !input.is_empty() && !input.peek(Token![,]) {
        let token: TokenTree = input.fork().parse()?;
        diagnostics.at(token, expected);
        to_comma(input)?;
    }
    input.parse::<Option<Token![,]>>()?;
    Ok(())
}

impl Bounds {
    /// The bounds in the brackets; and what is in there that belongs to the declarations behind, where `]` is missing.
    fn parse(
        metric: &Ident,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<(Bounds, Option<TokenStream>)> {
        let content;
        let span = bracketed!(content in input).span.join();
        let (own, inner) = up_to_a_declaration(content.parse()?);
        if inner.is_some() {
            diagnostics.at(metric, format!("the bounds of `{metric}` have no end; write `]` behind the last"));
        }
        let read = |input: ParseStream<'_>| BoundValues::parse(input, diagnostics);
        Ok((Bounds { span, values: read.parse2(own)? }, inner))
    }
}

impl BoundValues {
    fn parse(input: ParseStream<'_>, diagnostics: &mut Diagnostics) -> syn::Result<BoundValues> {
        let whole = input.parse::<Option<Token![..]>>()?.is_some();
        let mut list = Vec::new();
        while !input.is_empty() {
            match expression(input) {
                Some(constant) if whole => {
                    if !input.is_empty() {
                        let message = "a constant with all bounds stands alone in the brackets: `[..BOUNDS]`";
                        diagnostics.at(input.parse::<TokenTree>()?, message);
                        input.parse::<TokenStream>()?;
                    }
                    return Ok(BoundValues::Constant(constant));
                }
                Some(mut expression) => {
                    let value = number(&expression);
                    IntegersAsFloats.visit_expr_mut(&mut expression);
                    list.push(Bound { expression, value });
                }
                None => {
                    diagnostics.at(input.fork().parse::<TokenTree>()?, NO_NUMBER);
                    to_comma(input)?;
                }
            }
            comma(input, "expected `,` and the next bound", diagnostics)?;
        }
        // `..` with nothing behind it is no bounds, as the checks will say.
        Ok(BoundValues::List(list))
    }
}

/// The expression that comes, if one does.
fn expression(input: ParseStream<'_>) -> Option<Expr> {
    let ahead = input.fork();
    let expression = ahead.parse().ok()?;
    input.advance_to(&ahead);
    Some(expression)
}

/// What is said of a bound that is none.
pub(crate) const NO_NUMBER: &str = "a bound is a number, such as `0.25`, `10` or `2 * FIRST`";

/// The value of a literal, with a sign or without, and of sums and products of them.
fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Int(value) if value.suffix().is_empty() => value.base10_parse().ok(),
            Lit::Float(value) if matches!(value.suffix(), "" | "f64") => value.base10_digits().parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => number(&unary.expr).map(|value| -value),
        Expr::Binary(binary) => {
            let (left, right) = (number(&binary.left)?, number(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => Some(left + right),
                BinOp::Sub(_) => Some(left - right),
                BinOp::Mul(_) => Some(left * right),
                BinOp::Div(_) => Some(left / right),
                _ => None,
            }
        }
        Expr::Group(group) => number(&group.expr),
        Expr::Paren(parentheses) => number(&parentheses.expr),
        _ => None,
    }
}

/// Makes the whole numbers of a sum or a product floats, since a bound is one: `2 * FIRST` for `2.0 * FIRST`, `1 / 8` for 0.125.
/// Numbers elsewhere, such as an index or what is cast, are left as they are.
struct IntegersAsFloats;

impl VisitMut for IntegersAsFloats {
    fn visit_expr_mut(&mut self, expression: &mut Expr) {
        match expression {
            Expr::Lit(literal) => match &literal.lit {
                Lit::Int(value) if value.suffix().is_empty() => {
                    literal.lit = LitFloat::new(&format!("{}.0", value.base10_digits()), value.span()).into();
                }
                _ => {}
            },
            Expr::Unary(unary) => self.visit_expr_mut(&mut unary.expr),
            Expr::Binary(binary) => {
                self.visit_expr_mut(&mut binary.left);
                self.visit_expr_mut(&mut binary.right);
            }
            Expr::Group(group) => self.visit_expr_mut(&mut group.expr),
            Expr::Paren(parentheses) => self.visit_expr_mut(&mut parentheses.expr),
            _ => {}
        }
    }
}

impl Declaration {
    /// The name as it is scraped: without the `r#` of a raw identifier.
    pub(crate) fn text(&self) -> String {
        self.name.unraw().to_string()
    }

    /// The HELP text: the first paragraph of the documentation, on one line.
    pub(crate) fn help(&self) -> Help {
        let pieces: Vec<&Expr> = self.attributes.iter().filter_map(documentation).collect();
        let texts: Option<Vec<String>> = pieces.iter().map(|piece| text(piece)).collect();
        let Some(texts) = texts else { return Help::Computed(pieces.into_iter().cloned().collect()) };
        let text = texts.join("\n");
        let paragraph =
            text.lines().map(str::trim).skip_while(|line| line.is_empty()).take_while(|line| !line.is_empty());
        Help::Text(paragraph.collect::<Vec<_>>().join(" "))
    }

    /// The attributes that decide whether the declaration is there at all.
    pub(crate) fn conditions(&self) -> impl Iterator<Item = &Attribute> + Clone {
        self.attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }

    /// The name without what its kind appends: what OpenMetrics calls the family.
    pub(crate) fn stem(&self) -> String {
        let name = self.text();
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

/// What a documentation comment or `#[doc = …]` says.
fn documentation(attribute: &Attribute) -> Option<&Expr> {
    match &attribute.meta {
        Meta::NameValue(pair) if pair.path.is_ident("doc") => Some(&pair.value),
        _ => None,
    }
}

/// The text of a literal; of one with several lines, as `/** … */` makes them, without the column of stars at their beginnings.
fn text(expression: &Expr) -> Option<String> {
    let text = match expression {
        Expr::Lit(literal) => match &literal.lit {
            Lit::Str(text) => text.value(),
            _ => return None,
        },
        Expr::Group(group) => return self::text(&group.expr),
        _ => return None,
    };
    // Behind the first line, which stands behind the `/**`.
    let starred = |line: &&str| line.trim_start().starts_with('*');
    let mut column = text.lines().skip(1).filter(|line| !line.trim().is_empty()).peekable();
    if column.peek().is_none() || !column.all(|line| starred(&line)) {
        return Some(text);
    }
    let bare = |line: &'_ str| line.trim_start().strip_prefix('*').map_or_else(|| line.to_owned(), str::to_owned);
    Some(text.lines().map(bare).collect::<Vec<_>>().join("\n"))
}

impl Bound {
    pub(crate) fn span(&self) -> Span {
        self.expression.span()
    }
}
