//! What kind of error it was, as DuckDB calls it: a bounded set of words for labels.

/// An interrupted statement.
pub(crate) const INTERRUPT: &str = "interrupt";
/// Texts that do not parse.
pub(crate) const PARSER: &str = "parser";
const OTHER: &str = "other";

/// How DuckDB's messages begin, by its `ExceptionTypeToString`, and our word for it.
#[rustfmt::skip] // a table
const CLASSES: [(&str, &str); 36] = [
    ("Parser Error", PARSER), ("Syntax Error", PARSER), ("Binder Error", "binder"), ("Catalog Error", "catalog"),
    ("Constraint Error", "constraint"), ("Conversion Error", "conversion"), ("Out of Range Error", "out_of_range"),
    ("Invalid Input Error", "invalid_input"), ("Invalid Error", "invalid"), ("Invalid type Error", "invalid_type"),
    ("Mismatch Type Error", "mismatch_type"), ("Divide by Zero Error", "divide_by_zero"), ("Decimal Error", "decimal"),
    ("Object Size Error", "object_size"), ("Unknown Type Error", "unknown_type"), ("Expression Error", "expression"),
    ("Planner Error", "planner"), ("Optimizer Error", "optimizer"), ("Scheduler Error", "scheduler"),
    ("Executor Error", "executor"), ("Index Error", "index"), ("Stat Error", "stat"), ("Connection Error", "connection"),
    ("Settings Error", "settings"), ("Permission Error", "permission"), ("Sequence Error", "sequence"),
    ("Dependency Error", "dependency"), ("Not implemented Error", "not_implemented"), ("IO Error", "io"),
    ("HTTP Error", "http"), ("Network Error", "network"), ("Missing Extension Error", "missing_extension"),
    ("Out of Memory Error", "out_of_memory"), ("Serialization Error", "serialization"),
    ("TransactionContext Error", "transaction_context"), ("INTERRUPT Error", INTERRUPT),
];

/// The class of an error by its message.
pub(crate) fn class(message: &str) -> &'static str {
    let begins = |(beginning, _): &&(&str, &str)| {
        message.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
    };
    CLASSES.iter().find(begins).map_or_else(
        || if message.starts_with("INTERNAL Error") || message.starts_with("FATAL Error") { "internal" } else { OTHER },
        |(_, class)| class,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_class_is_one_of_few_words_whatever_the_message_says() {
        for (message, expected) in [
            ("Constraint Error: Duplicate key \"id: 1\" violates primary key constraint", "constraint"),
            ("Out of Memory Error: could not allocate block", "out_of_memory"),
            ("INTERRUPT Error: Interrupted!", "interrupt"),
            ("INTERNAL Error: Attempted to access index 3", "internal"),
            ("Constraint Errors are not this", "other"),
            ("hunter2", "other"),
            ("", "other"),
        ] {
            assert_eq!(class(message), expected, "{message}");
        }
    }
}
