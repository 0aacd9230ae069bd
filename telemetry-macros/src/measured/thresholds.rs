//! Times that calls are counted against: `buckets = [0.1, 0.5]`, in seconds.

use crate::diagnostics::Diagnostics;
use syn::{Expr, ExprLit, Lit};

const LIST: &str = "`buckets` takes times in seconds, such as `buckets = [0.1, 0.5, 1]`";

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
