//! Which labels an expression's series have.

use super::*;

impl Analysis<'_> {
    pub(super) fn labels_of(&self, expression: &Expr) -> Labels {
        self.labels(expression, &mut Vec::new())
    }

    /// The labels of an expression's series.
    pub(super) fn labels(&self, expression: &Expr, through: &mut Vec<String>) -> Labels {
        match expression {
            Expr::VectorSelector(selector) => self.labels_selected(selector, through),
            Expr::MatrixSelector(matrix) => self.labels_selected(&matrix.vs, through),
            Expr::Paren(paren) => self.labels(&paren.expr, through),
            Expr::Unary(unary) => self.labels(&unary.expr, through),
            Expr::Subquery(subquery) => self.labels(&subquery.expr, through),
            Expr::Aggregate(aggregate) => self.labels_aggregated(aggregate, through),
            Expr::Binary(binary) => self.labels_combined(binary, through),
            Expr::Call(call) => self.labels_called(call, through),
            Expr::NumberLiteral(_) | Expr::StringLiteral(_) => Labels::none(),
            Expr::Extension(_) => Labels::Unknown,
        }
    }

    pub(super) fn labels_selected(&self, selector: &VectorSelector, through: &mut Vec<String>) -> Labels {
        match self.selected(selector) {
            Named::Sample(sample) => Labels::Family(sample),
            Named::Other => Labels::Unknown,
            Named::Recorded(name) => {
                let rules = self.recorded.get(name.as_str()).map_or(&[][..], Vec::as_slice);
                // A rule that reads its own name, and one that does not parse, tell nothing.
                if rules.is_empty() || !self.follows(&name, through) {
                    return Labels::Unknown;
                }
                through.push(name);
                let with = |rule: &Recorded<'_>, through: &mut Vec<String>| {
                    Labels::With(set(rule.labels), Box::new(self.labels(rule.expression, through)))
                };
                let labels = Labels::Any(rules.iter().map(|rule| with(rule, through)).collect());
                through.pop();
                labels
            }
        }
    }

    pub(super) fn labels_aggregated(&self, aggregate: &AggregateExpr, through: &mut Vec<String>) -> Labels {
        let inner = self.labels(&aggregate.expr, through);
        let operation = aggregate.op.to_string();
        // These choose among the series and leave them as they are.
        if ["topk", "bottomk", "limitk", "limit_ratio"].contains(&operation.as_str()) {
            return inner;
        }
        let kept = match &aggregate.modifier {
            Some(LabelModifier::Include(list)) => Labels::Only(set(&list.labels), Box::new(inner)),
            Some(LabelModifier::Exclude(list)) => Labels::Without(set(&list.labels), Box::new(inner)),
            None => Labels::none(),
        };
        match aggregate.param.as_deref() {
            Some(Expr::StringLiteral(made)) => Labels::With(set([&made.val]), Box::new(kept)),
            _ => kept,
        }
    }

    pub(super) fn labels_combined(&self, binary: &BinaryExpr, through: &mut Vec<String>) -> Labels {
        let (left, right) = (self.labels(&binary.lhs, through), self.labels(&binary.rhs, through));
        match binary.op.to_string().as_str() {
            "and" | "unless" => return left,
            "or" => return Labels::Any(vec![left, right]),
            _ => {}
        }
        if !is_vector(&binary.rhs) {
            return left;
        }
        if !is_vector(&binary.lhs) {
            return right;
        }
        let Some(modifier) = &binary.modifier else { return left };
        match &modifier.card {
            VectorMatchCardinality::ManyToOne(list) => {
                Labels::Any(vec![left, Labels::Only(set(&list.labels), Box::new(right))])
            }
            VectorMatchCardinality::OneToMany(list) => {
                Labels::Any(vec![right, Labels::Only(set(&list.labels), Box::new(left))])
            }
            _ => match &modifier.matching {
                Some(LabelModifier::Include(list)) => Labels::Only(set(&list.labels), Box::new(left)),
                Some(LabelModifier::Exclude(list)) => Labels::Without(set(&list.labels), Box::new(left)),
                None => left,
            },
        }
    }

    pub(super) fn labels_called(&self, call: &Call, through: &mut Vec<String>) -> Labels {
        let arguments = &call.args.args;
        let string = |index: usize| match arguments.get(index).map(|argument| &**argument) {
            Some(Expr::StringLiteral(literal)) => vec![literal.val.clone()],
            _ => Vec::new(),
        };
        let vectors = arguments.iter().filter(|argument| is_vector(argument));
        let inner = Labels::Any(vectors.map(|argument| self.labels(argument, through)).collect());
        match call.func.name {
            "label_replace" | "label_join" => Labels::With(set(string(1)), Box::new(inner)),
            "histogram_quantile" => Labels::Without(set(["le"]), Box::new(inner)),
            // What is not there has the labels that were asked for by name.
            "absent" | "absent_over_time" => {
                arguments.first().map_or_else(Labels::none, |of| Labels::Only(named_by(of), Box::new(inner)))
            }
            "histogram_quantiles" => {
                Labels::With(set(string(1)), Box::new(Labels::Without(set(["le"]), Box::new(inner))))
            }
            // Its labels come from other series.
            "info" => Labels::Unknown,
            _ => inner,
        }
    }
}

/// The labels of an expression's series where its text says all of them: those that it is grouped by.
pub(super) fn grouped(expression: &Expr) -> Option<BTreeSet<String>> {
    let all = match expression {
        Expr::Paren(paren) => grouped(&paren.expr),
        Expr::Unary(unary) => grouped(&unary.expr),
        Expr::Subquery(subquery) => grouped(&subquery.expr),
        Expr::Aggregate(aggregate) => match (aggregate.op.to_string().as_str(), &aggregate.modifier) {
            ("topk" | "bottomk" | "limitk" | "limit_ratio", _) => grouped(&aggregate.expr),
            ("count_values", _) | (_, Some(LabelModifier::Exclude(_))) => None,
            (_, Some(LabelModifier::Include(list))) => Some(set(&list.labels)),
            (_, None) => Some(BTreeSet::new()),
        },
        Expr::Binary(binary) => match (is_vector(&binary.lhs), is_vector(&binary.rhs)) {
            (true, false) => grouped(&binary.lhs),
            (false, true) => grouped(&binary.rhs),
            (true, true) if ["and", "unless"].contains(&binary.op.to_string().as_str()) => grouped(&binary.lhs),
            // One to one, by all labels: both have the same.
            (true, true) if binary.modifier.as_ref().is_none_or(|modifier| modifier.matching.is_none()) => {
                grouped(&binary.lhs).filter(|left| grouped(&binary.rhs).as_ref() == Some(left))
            }
            _ => None,
        },
        Expr::Call(call) if keeps_values(call.func.name) && !call.func.name.starts_with("label_") => {
            let mut vectors = call.args.args.iter().filter(|argument| is_vector(argument));
            vectors.next().and_then(|argument| grouped(argument))
        }
        Expr::Call(call) if call.func.name == "histogram_quantile" => {
            let mut labels = grouped(call.args.args.get(1)?)?;
            labels.remove("le");
            Some(labels)
        }
        _ => None,
    };
    all.filter(|labels| labels.iter().all(|label| !label.contains(VARIABLE)))
}

/// The labels whose values a selector gives.
pub(super) fn named_by(expression: &Expr) -> BTreeSet<String> {
    let selector = match expression {
        Expr::Paren(paren) => return named_by(&paren.expr),
        Expr::VectorSelector(selector) => selector,
        Expr::MatrixSelector(matrix) => &matrix.vs,
        _ => return BTreeSet::new(),
    };
    let equal = all_matchers(selector).filter(|matcher| matcher.op == MatchOp::Equal);
    set(equal.map(|matcher| matcher.name.as_str()))
}
