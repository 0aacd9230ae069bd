//! What a query asks of the metrics, found in its syntax tree. So far only whether it has one.

use crate::Sources;
use crate::demand::{Demand, Mistake};
use crate::query::Query;
use crate::variables;
use promql_parser::parser::{Expr, parse};

/// Lists what the queries demand, and what is wrong with them whatever is declared.
pub(crate) fn analyse(queries: &[Query], _sources: &Sources) -> (Vec<Demand>, Vec<Mistake>) {
    let wrong = |query: &Query| {
        let message = trees(query).err()?;
        Some(Mistake { place: query.place.clone(), message })
    };
    (Vec::new(), queries.iter().filter_map(wrong).collect())
}

/// The trees of a query's readings, each of the first candidate that parses; none parses if it is wrong.
fn trees(query: &Query) -> Result<Vec<Expr>, String> {
    let mut trees = Vec::new();
    let mut first = None;
    for reading in variables::substitute(&query.place.query, &query.variables).readings {
        for candidate in reading {
            match parse(&candidate) {
                Ok(tree) => {
                    trees.push(tree);
                    break;
                }
                Err(message) => first = first.or(Some(message)),
            }
        }
    }
    if trees.is_empty() { Err(format!("this is not PromQL: {}", first.unwrap_or_default())) } else { Ok(trees) }
}
