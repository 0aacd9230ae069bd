//! Comparisons of a quantile with a number.

use super::*;

impl Analysis<'_> {
    /// Comparisons of a quantile with a number, which must be within the bounds to say anything.
    pub(super) fn thresholds(&mut self, expression: &Expr) {
        match expression {
            Expr::Paren(paren) => self.thresholds(&paren.expr),
            Expr::Unary(unary) => self.thresholds(&unary.expr),
            Expr::Aggregate(aggregate) => self.thresholds(&aggregate.expr),
            Expr::Subquery(subquery) => self.thresholds(&subquery.expr),
            Expr::Call(call) => {
                for argument in &call.args.args {
                    self.thresholds(argument);
                }
            }
            Expr::Binary(binary) => {
                let operator = binary.op.to_string();
                if let Some(comparison) = comparison(&operator) {
                    if let Some(value) = constant(&binary.rhs) {
                        self.threshold(&binary.lhs, comparison, value, &mut Vec::new());
                    } else if let Some(value) = constant(&binary.lhs) {
                        self.threshold(&binary.rhs, turned(comparison), value, &mut Vec::new());
                    }
                }
                self.thresholds(&binary.lhs);
                self.thresholds(&binary.rhs);
            }
            _ => {}
        }
    }

    pub(super) fn threshold(&mut self, quantile: &Expr, comparison: Comparison, value: f64, through: &mut Vec<String>) {
        match quantile {
            Expr::Paren(paren) => self.threshold(&paren.expr, comparison, value, through),
            Expr::Unary(unary) => self.threshold(&unary.expr, turned(comparison), -value, through),
            Expr::Subquery(subquery) => self.threshold(&subquery.expr, comparison, value, through),
            Expr::MatrixSelector(matrix) => {
                self.threshold(&Expr::VectorSelector(matrix.vs.clone()), comparison, value, through);
            }
            Expr::VectorSelector(selector) => {
                let Named::Recorded(name) = self.selected(selector) else { return };
                if !self.follows(&name, through) {
                    return;
                }
                through.push(name.clone());
                let recorded = self.recorded;
                for rule in recorded.get(name.as_str()).into_iter().flatten() {
                    self.threshold(rule.expression, comparison, value, through);
                }
                through.pop();
            }
            // What is chosen among quantiles, and a mean of them, lies between them; a sum does not.
            Expr::Aggregate(aggregate)
                if KEEP_VALUES.contains(&aggregate.op.to_string().as_str()) && aggregate.op.to_string() != "sum" =>
            {
                self.threshold(&aggregate.expr, comparison, value, through);
            }
            Expr::Binary(binary) => self.threshold_combined(binary, comparison, value, through),
            Expr::Call(call) if call.func.name == "histogram_quantile" => {
                let buckets = call.args.args.get(1).map(|of| self.leaves(of, &mut Vec::new())).unwrap_or_default();
                for sample in buckets.into_iter().filter(|sample| sample.suffix == Suffix::Bucket) {
                    self.ask(Ask::Threshold { sample, comparison, value });
                }
            }
            Expr::Call(call) if CALLS_CHOOSE_VALUES.contains(&call.func.name) => {
                for argument in call.args.args.iter().filter(|argument| is_vector(argument)) {
                    self.threshold(argument, comparison, value, through);
                }
            }
            _ => {}
        }
    }

    pub(super) fn threshold_combined(
        &mut self,
        binary: &BinaryExpr,
        comparison: Comparison,
        value: f64,
        through: &mut Vec<String>,
    ) {
        let (left, right) = (&binary.lhs, &binary.rhs);
        let operator = binary.op.to_string();
        match (operator.as_str(), constant(left), constant(right)) {
            // The threshold is in the unit that the quantile is scaled to.
            ("*", _, Some(factor)) if factor > 0.0 => self.threshold(left, comparison, value / factor, through),
            ("*", Some(factor), _) if factor > 0.0 => self.threshold(right, comparison, value / factor, through),
            ("/", _, Some(factor)) if factor > 0.0 => self.threshold(left, comparison, value * factor, through),
            ("and" | "unless", ..) => self.threshold(left, comparison, value, through),
            ("or", ..) => {
                self.threshold(left, comparison, value, through);
                self.threshold(right, comparison, value, through);
            }
            _ => {}
        }
    }
}

pub(super) fn comparison(operator: &str) -> Option<Comparison> {
    match operator {
        ">" => Some(Comparison::Above),
        ">=" => Some(Comparison::AtLeast),
        "<" => Some(Comparison::Below),
        "<=" => Some(Comparison::AtMost),
        "==" => Some(Comparison::Equal),
        "!=" => Some(Comparison::Unequal),
        _ => None,
    }
}

/// The same comparison with its sides exchanged.
pub(super) fn turned(comparison: Comparison) -> Comparison {
    match comparison {
        Comparison::Above => Comparison::Below,
        Comparison::AtLeast => Comparison::AtMost,
        Comparison::Below => Comparison::Above,
        Comparison::AtMost => Comparison::AtLeast,
        Comparison::Equal | Comparison::Unequal => comparison,
    }
}

/// The value of an expression of numbers.
pub(super) fn constant(expression: &Expr) -> Option<f64> {
    match expression {
        Expr::NumberLiteral(number) => Some(number.val),
        Expr::Paren(paren) => constant(&paren.expr),
        Expr::Unary(unary) => constant(&unary.expr).map(|value| -value),
        Expr::Call(call) if ["vector", "scalar"].contains(&call.func.name) => constant(call.args.args.first()?),
        Expr::Binary(binary) => {
            let (left, right) = (constant(&binary.lhs)?, constant(&binary.rhs)?);
            match binary.op.to_string().as_str() {
                "+" => Some(left + right),
                "-" => Some(left - right),
                "*" => Some(left * right),
                "/" => Some(left / right),
                "^" => Some(left.powf(right)),
                _ => None,
            }
        }
        _ => None,
    }
}
