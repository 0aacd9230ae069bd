//! Times that calls are counted against: `buckets = [0.1, 0.5]` in seconds, `objective(latency = "250ms")`.

use crate::connection::duration;
use crate::diagnostics::Diagnostics;
use crate::names;
use syn::ext::IdentExt;
use syn::parse::ParseStream;
use syn::{Expr, ExprLit, Ident, Lit, LitStr, Token, parenthesized};

const LIST: &str = "`buckets` takes times in seconds, such as `buckets = [0.1, 0.5, 1]`";
const OBJECTIVE: &str = "`objective` takes a time, such as `objective(latency = \"250ms\")`";

/// The times of `buckets`, which ascend.
pub(crate) fn of_list(list: &Expr, diagnostics: &mut Diagnostics) -> Vec<f64> {
    let Expr::Array(array) = list else {
        diagnostics.at(list, LIST);
        return Vec::new();
    };
    if array.elems.is_empty() {
        diagnostics.at(list, LIST);
    }
    let mut thresholds: Vec<f64> = Vec::new();
    for element in &array.elems {
        let Some(seconds) = number(element).filter(|seconds| seconds.is_finite() && *seconds > 0.0) else {
            diagnostics.at(element, "a time is a number of seconds above 0, such as `0.25` or `10`");
            continue;
        };
        match thresholds.last() {
            Some(&last) if seconds == last => {
                diagnostics.at(element, format!("`{seconds}` is given twice; leave one out"));
            }
            Some(&last) if seconds < last => {
                diagnostics.at(element, format!("times ascend, and `{seconds}` stands behind `{last}`; sort them"));
            }
            _ => {}
        }
        thresholds.push(seconds);
    }
    thresholds
}

fn number(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Int(value), .. }) if value.suffix().is_empty() => value.base10_parse().ok(),
        Expr::Lit(ExprLit { lit: Lit::Float(value), .. }) if value.suffix().is_empty() => value.base10_parse().ok(),
        Expr::Group(group) => number(&group.expr),
        _ => None,
    }
}

/// The time of `objective`. `None` where it is wrong, which is then among the diagnostics.
pub(crate) fn of_objective(
    objective: &Ident,
    input: ParseStream<'_>,
    diagnostics: &mut Diagnostics,
) -> syn::Result<Option<f64>> {
    if !input.peek(syn::token::Paren) {
        return Err(syn::Error::new(objective.span(), OBJECTIVE));
    }
    let content;
    parenthesized!(content in input);
    if content.is_empty() {
        diagnostics.at(objective, OBJECTIVE);
    }
    let mut threshold = None;
    crate::arguments::each(&content, diagnostics, |word, input, diagnostics| {
        if word != "latency" {
            diagnostics.at(word, unknown(word));
        }
        input.parse::<Token![=]>()?;
        let value: Expr = input.parse()?;
        if word == "latency" {
            threshold = latency(&value, diagnostics);
        }
        Ok(())
    })?;
    Ok(threshold)
}

fn unknown(word: &Ident) -> String {
    let text = word.unraw().to_string();
    // What other libraries take here.
    if ["success", "success_rate", "target", "percentile", "ratio"].contains(&text.as_str()) {
        return format!(
            "`{text}` is not a function's to know: which share of the calls is to meet the objective stands in the alert's rule; leave it out"
        );
    }
    let meant = names::did_you_mean(&text, &["latency"]);
    format!("unknown argument `{text}`{meant} `objective` takes `latency`")
}

fn latency(value: &Expr, diagnostics: &mut Diagnostics) -> Option<f64> {
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value else {
        diagnostics.at(value, "`latency` takes a duration in quotes, such as `latency = \"250ms\"`");
        return None;
    };
    seconds(text).map_err(|reason| diagnostics.at(text, reason)).ok()
}

fn seconds(text: &LitStr) -> Result<f64, String> {
    let duration = duration::parse(&text.value())?;
    if duration.is_zero() {
        return Err(format!("no call takes `{}`; write a longer duration, such as `250ms`", text.value()));
    }
    Ok(duration.as_secs_f64())
}
