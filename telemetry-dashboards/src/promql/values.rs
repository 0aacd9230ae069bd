//! Which declared samples an expression's values are made of, recorded ones through their rules.

use super::*;

impl Analysis<'_> {
    /// The declared samples whose values are an expression's, chosen, added up or scaled: it counts if they do.
    pub(super) fn values(&self, expression: &Expr, through: &mut Vec<String>) -> Vec<Sample> {
        match expression {
            Expr::VectorSelector(selector) => match self.selected(selector) {
                Named::Sample(sample) => vec![sample],
                Named::Recorded(name) => self.through(&name, through, &mut |of, through| self.values(of, through)),
                Named::Other => self.alternatives_of(selector),
            },
            Expr::MatrixSelector(matrix) => self.values(&Expr::VectorSelector(matrix.vs.clone()), through),
            Expr::Paren(paren) => self.values(&paren.expr, through),
            Expr::Unary(unary) => self.values(&unary.expr, through),
            Expr::Subquery(subquery) => self.values(&subquery.expr, through),
            Expr::Aggregate(aggregate) if KEEP_VALUES.contains(&aggregate.op.to_string().as_str()) => {
                self.values(&aggregate.expr, through)
            }
            Expr::Call(call) if keeps_values(call.func.name) => {
                let vectors = call.args.args.iter().filter(|argument| is_vector(argument));
                vectors.flat_map(|argument| self.values(argument, through)).collect()
            }
            Expr::Binary(binary) if !binary.return_bool() => match binary.op.to_string().as_str() {
                "and" | "unless" => self.values(&binary.lhs, through),
                "or" => [self.values(&binary.lhs, through), self.values(&binary.rhs, through)].concat(),
                _ if constant(&binary.rhs).is_some() => self.values(&binary.lhs, through),
                _ if constant(&binary.lhs).is_some() => self.values(&binary.rhs, through),
                _ => Vec::new(),
            },
            _ => Vec::new(),
        }
    }

    /// Whether a recorded name is followed to its rules: not within itself, and not without end.
    pub(super) fn follows(&self, name: &str, through: &[String]) -> bool {
        self.followed.set(self.followed.get() + 1);
        self.followed.get() <= MAX_FOLLOWED && !through.iter().any(|passed| passed == name)
    }

    /// What is found in each of the rules that record a name. A rule that reads its own name is followed once.
    pub(super) fn through<T>(
        &self,
        name: &str,
        through: &mut Vec<String>,
        find: &mut dyn FnMut(&Expr, &mut Vec<String>) -> Vec<T>,
    ) -> Vec<T> {
        if !self.follows(name, through) {
            return Vec::new();
        }
        through.push(name.to_owned());
        let rules = self.recorded.get(name).into_iter().flatten();
        let found = rules.flat_map(|rule| find(rule.expression, through)).collect();
        through.pop();
        found
    }

    /// The samples that a pattern of nothing but plain names stands for.
    pub(super) fn alternatives_of(&self, selector: &VectorSelector) -> Vec<Sample> {
        let pattern = |matcher: &&Matcher| matcher.name == "__name__" && matches!(matcher.op, MatchOp::Re(_));
        let names =
            all_matchers(selector).find(pattern).map(|matcher| alternatives(&matcher.value)).unwrap_or_default();
        let named = names.into_iter().filter(|name| is_plain(name)).map(|name| self.named(&name));
        named.filter_map(|named| if let Named::Sample(sample) = named { Some(sample) } else { None }).collect()
    }

    /// The declared samples whose values an expression's values are made of, recorded ones through their rules.
    pub(super) fn leaves(&self, expression: &Expr, through: &mut Vec<String>) -> Vec<Sample> {
        match expression {
            Expr::VectorSelector(selector) => self.leaves_of(selector, through),
            Expr::MatrixSelector(matrix) => self.leaves_of(&matrix.vs, through),
            Expr::Paren(paren) => self.leaves(&paren.expr, through),
            Expr::Unary(unary) => self.leaves(&unary.expr, through),
            Expr::Subquery(subquery) => self.leaves(&subquery.expr, through),
            Expr::Aggregate(aggregate) => self.leaves(&aggregate.expr, through),
            // What only filters, scales or joins gives no buckets.
            Expr::Binary(binary) if !is_vector(&binary.lhs) => self.leaves(&binary.rhs, through),
            Expr::Binary(binary) => {
                let mut leaves = self.leaves(&binary.lhs, through);
                if binary.op.to_string() == "or" {
                    leaves.extend(self.leaves(&binary.rhs, through));
                }
                leaves
            }
            Expr::Call(call) => {
                let vectors = call.args.args.iter().filter(|argument| is_vector(argument));
                vectors.flat_map(|argument| self.leaves(argument, through)).collect()
            }
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) | Expr::Extension(_) => Vec::new(),
        }
    }

    pub(super) fn leaves_of(&self, selector: &VectorSelector, through: &mut Vec<String>) -> Vec<Sample> {
        match self.selected(selector) {
            Named::Sample(sample) => vec![sample],
            Named::Recorded(name) => self.through(&name, through, &mut |of, through| self.leaves(of, through)),
            Named::Other => Vec::new(),
        }
    }
}
