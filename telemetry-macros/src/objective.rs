//! `objective(success = "99.9%", latency = "250ms", at = "99%", window = "30d")`, of a function or a job: what share of its calls is to go
//! well, and to go quickly. Alerts are made of it, see `telemetry::dashboard::rules`.

mod share;

use crate::arguments;
use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use crate::names;
use proc_macro2::{Span, TokenStream};
use quote::quote_spanned;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Path, Token, parenthesized};

/// Where the word stands: what it takes there differs.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum On {
    Function,
    Job,
}

/// What was asked for.
#[derive(Debug, Default)]
pub(crate) struct Objective {
    /// The share that is to go well.
    success: Option<f64>,
    /// In seconds.
    pub(crate) latency: Option<f64>,
    /// The share that is to be within `latency`.
    at: Option<f64>,
    /// In days.
    window: Option<u32>,
    /// Whether a job's records are meant where its unit is something else.
    of_records: bool,
}

/// The share of the calls that is to be within `latency` where none is told.
const AT: f64 = 0.99;
/// Days, where none are told.
const WINDOW: u32 = 30;
/// Days. Below a week, the three days of the slowest alert are half of the window; above a quarter of a year, few servers keep the series.
const WINDOWS: std::ops::RangeInclusive<u32> = 7..=90;

impl On {
    const fn takes(self) -> &'static [&'static str] {
        match self {
            On::Function => &["success", "latency", "at", "window"],
            On::Job => &["success", "of", "window"],
        }
    }

    const fn example(self) -> &'static str {
        match self {
            On::Function => {
                "`objective` takes shares and a time, such as `objective(success = \"99.9%\", latency = \"250ms\", at = \"99%\")`"
            }
            On::Job => {
                "`objective` takes the share of the units that is not to fail, such as `objective(success = \"99.9%\")`"
            }
        }
    }
}

impl Objective {
    /// What stands in the parentheses. What is wrong is among the diagnostics.
    pub(crate) fn parse(
        word: &Ident,
        on: On,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<Objective> {
        if !input.peek(syn::token::Paren) {
            return Err(syn::Error::new(word.span(), on.example()));
        }
        let content;
        parenthesized!(content in input);
        let mut objective = Objective::default();
        let mut given: Vec<Ident> = Vec::new();
        arguments::each(&content, diagnostics, |word, input, diagnostics| {
            given.push(word.clone());
            objective.parse_one(word, on, input, diagnostics)
        })?;
        let is_given = |name: &str| given.iter().find(|word| *word == name);
        if let (Some(at), None) = (is_given("at").filter(|_| on == On::Function), is_given("latency")) {
            let message = "`at` is the share of the calls that is to be within `latency`, which is not told; write `latency = \"250ms\"` beside it";
            diagnostics.at(at, message);
        } else if is_given("success").is_none() && is_given("latency").is_none() {
            // A word that is none was told of already.
            let only_ours = given.iter().all(|word| on.takes().iter().any(|taken| word == taken));
            if only_ours {
                diagnostics.at(word, on.example());
            }
        }
        Ok(objective)
    }

    fn parse_one(
        &mut self,
        word: &Ident,
        on: On,
        input: ParseStream<'_>,
        diagnostics: &mut Diagnostics,
    ) -> syn::Result<()> {
        let text = word.unraw().to_string();
        if !on.takes().contains(&text.as_str()) {
            diagnostics.at(word, unknown(&text, on));
            return arguments::skip_value(input);
        }
        let example = match text.as_str() {
            "success" => "99.9%",
            "at" => "99%",
            "latency" => "250ms",
            "of" => "records",
            _ => "30d",
        };
        let Some(value) = quoted(word, example, input, diagnostics)? else { return Ok(()) };
        let told = match text.as_str() {
            "success" => share::parse(&value.value()).map(|share| self.success = Some(share)),
            "at" => share::parse(&value.value()).map(|share| self.at = Some(share)),
            "latency" => seconds(&value).map(|seconds| self.latency = Some(seconds)),
            "of" => of_records(&value).map(|records| self.of_records = records),
            _ => days(&value).map(|days| self.window = Some(days)),
        };
        told.unwrap_or_else(|message| diagnostics.at(value, message));
        Ok(())
    }

    /// What lets the library know of it without a call. `declared` is the library's constructor with what has the objective.
    pub(crate) fn registration(&self, root: &Path, declared: &TokenStream) -> TokenStream {
        let success = self.success.map(|share| quote_spanned!(Span::mixed_site()=> .success(#share)));
        let at = self.at.unwrap_or(AT);
        let latency = self.latency.map(|seconds| quote_spanned!(Span::mixed_site()=> .latency(#seconds, #at)));
        let days = self.window.unwrap_or(WINDOW);
        let records = self.of_records.then(|| quote_spanned!(Span::mixed_site()=> .of_records()));
        quote_spanned! {Span::mixed_site()=>
            #root::__private::inventory::submit! {
                #root::__private::Declared::#declared #success #latency #records .window(#days)
            }
        }
    }
}

/// The text behind a word and its `=`.
fn quoted(
    word: &Ident,
    example: &str,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<LitStr>> {
    let sentence = |what: &str| format!("`{word}` takes {what} in quotes, such as `{word} = \"{example}\"`");
    let what = match example {
        "250ms" => "a duration",
        "30d" => "a number of days",
        "records" => "a word",
        _ => "a share",
    };
    if !input.peek(Token![=]) {
        return Err(syn::Error::new(word.span(), sentence(what)));
    }
    input.parse::<Token![=]>()?;
    match input.parse()? {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Ok(Some(text)),
        other => {
            diagnostics.at(other, sentence(what));
            Ok(None)
        }
    }
}

fn unknown(word: &str, on: On) -> String {
    let takes = names::list(on.takes());
    match (on, word) {
        (On::Job, "latency" | "at") => format!(
            "`{word}` is about calls, and a job has few; write `deadline = \"6h\"` beside `objective`, or `#[measured(objective(latency = \"6h\"))]` above the function; here `objective` takes {takes}"
        ),
        (On::Function, "of") => {
            format!(
                "`of` is about what a job counts, and a function has calls; leave it out: `objective` takes {takes}"
            )
        }
        // What other libraries call it.
        (_, "success_rate" | "ratio" | "target" | "goal" | "availability") => {
            format!("unknown argument `{word}`; did you mean `success`? `objective` takes {takes}")
        }
        (On::Function, "percentile" | "quantile") => {
            format!("unknown argument `{word}`; did you mean `at`? `objective` takes {takes}")
        }
        (_, "period" | "days") => {
            format!("unknown argument `{word}`; did you mean `window`? `objective` takes {takes}")
        }
        _ => format!("unknown argument `{word}`{} `objective` takes {takes}", names::did_you_mean(word, on.takes())),
    }
}

fn seconds(text: &LitStr) -> Result<f64, String> {
    let duration = duration::parse(&text.value())?;
    if duration.is_zero() {
        return Err(format!("no call takes `{}`; write a longer duration, such as `250ms`", text.value()));
    }
    Ok(duration.as_secs_f64())
}

fn of_records(text: &LitStr) -> Result<bool, String> {
    match text.value().as_str() {
        "records" => Ok(true),
        "units" => Ok(false),
        other => Err(format!(
            "`{other}` is neither; write `of = \"units\"`, which are what `unit` names, or `of = \"records\"`"
        )),
    }
}

fn days(text: &LitStr) -> Result<u32, String> {
    let value = text.value();
    let (first, last) = (WINDOWS.start(), WINDOWS.end());
    let range = format!("from `{first}d` to `{last}d`, such as `30d`");
    let days = value.trim().strip_suffix('d').and_then(|days| days.trim().parse::<u32>().ok());
    let Some(days) = days else {
        return Err(format!("`{value}` is no number of days; write whole days {range}"));
    };
    if WINDOWS.contains(&days) {
        Ok(days)
    } else {
        Err(format!("a window of `{value}` is not kept; write one {range}"))
    }
}

#[cfg(test)]
mod tests;
