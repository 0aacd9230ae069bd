//! A panel that shows a counter as it is.

use super::*;

impl Analysis<'_> {
    /// A panel that shows a counter as it is shows its age.
    pub(super) fn bare(&mut self, expression: &Expr, through: &mut Vec<String>) {
        match expression {
            Expr::VectorSelector(selector) => match self.selected(selector) {
                Named::Sample(sample) => self.ask(Ask::Shown(sample)),
                Named::Recorded(name) if self.follows(&name, through) => {
                    through.push(name.clone());
                    let recorded = self.recorded;
                    for rule in recorded.get(name.as_str()).into_iter().flatten() {
                        self.bare(rule.expression, through);
                    }
                    through.pop();
                }
                Named::Recorded(_) => {}
                Named::Other => {
                    for sample in self.alternatives_of(selector) {
                        self.ask(Ask::Shown(sample));
                    }
                }
            },
            Expr::MatrixSelector(_) | Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => {}
            Expr::Paren(paren) => self.bare(&paren.expr, through),
            Expr::Unary(unary) => self.bare(&unary.expr, through),
            Expr::Subquery(subquery) => self.bare(&subquery.expr, through),
            // How many there are, not how much.
            Expr::Aggregate(aggregate)
                if ["count", "group", "count_values"].contains(&aggregate.op.to_string().as_str()) => {}
            Expr::Aggregate(aggregate) => self.bare(&aggregate.expr, through),
            // Whether it is so, not how much.
            Expr::Binary(binary) if binary.return_bool() => {}
            Expr::Binary(binary) => match binary.op.to_string().as_str() {
                // What was not there before began at zero: `increase(x[5m]) or (x unless x offset 5m)`.
                "unless" if is_earlier(&binary.lhs, &binary.rhs) => {}
                // The right side decides which, not how much.
                "and" | "unless" => self.bare(&binary.lhs, through),
                // What began less what ended is what is there: a counter's age cancels out.
                "-" if is_vector(&binary.lhs) && is_vector(&binary.rhs) => {}
                // A zero for each series, where there would be none.
                "*" if constant(&binary.lhs) == Some(0.0) || constant(&binary.rhs) == Some(0.0) => {}
                _ => {
                    self.bare(&binary.lhs, through);
                    self.bare(&binary.rhs, through);
                }
            },
            Expr::Call(call) if READ_MOVEMENT.contains(&call.func.name) => {}
            Expr::Call(call) => {
                for argument in &call.args.args {
                    match &**argument {
                        Expr::MatrixSelector(matrix) => {
                            self.bare(&Expr::VectorSelector(matrix.vs.clone()), through);
                        }
                        other => self.bare(other, through),
                    }
                }
            }
        }
    }
}

/// Whether the right side is the left one at an earlier time: `x unless x offset 5m`.
pub(super) fn is_earlier(now: &Expr, then: &Expr) -> bool {
    match (now, then) {
        (Expr::Paren(paren), then) => is_earlier(&paren.expr, then),
        (now, Expr::Paren(paren)) => is_earlier(now, &paren.expr),
        (Expr::VectorSelector(now), Expr::VectorSelector(then)) => {
            then.offset.is_some() && then.offset != now.offset && now.name == then.name && now.matchers == then.matchers
        }
        _ => false,
    }
}
