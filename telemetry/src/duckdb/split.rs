//! Cuts a batch into its statements, where DuckDB's parser cuts it.

use crate::duckdb::lexer::{self, Kind};
use crate::private::RECORDS;

/// The statements of a text, each from its first token to the next statement's first. That is the text that DuckDB keeps of each,
/// so that errors quote the same lines as for the whole. One text where nothing is recorded: DuckDB cuts it by itself.
pub(crate) fn split(sql: &str) -> Vec<&str> {
    if !RECORDS {
        return vec![sql];
    }
    let mut starts = Vec::new();
    let mut ended = true;
    for token in lexer::tokens(sql) {
        match token.kind {
            Kind::Nothing => {}
            Kind::Semicolon => ended = true,
            _ if ended => {
                starts.push(token.at);
                ended = false;
            }
            _ => {}
        }
    }
    let ends = starts.iter().skip(1).copied().chain([sql.len()]);
    starts.iter().zip(ends).filter_map(|(&start, end)| sql.get(start..end)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_semicolon_ends_a_statement_only_outside_of_everything() {
        let cases: [(&str, &[&str]); 12] = [
            ("", &[]),
            (" ; ;; -- nothing\n", &[]),
            ("select 1", &["select 1"]),
            ("select 1;", &["select 1;"]),
            ("select 1; select 2", &["select 1; ", "select 2"]),
            ("/* a; /* b; */ c; */ select 1 -- d;\n; select 2;;", &["select 1 -- d;\n; ", "select 2;;"]),
            ("select ';', E'\\';', \";\", `;`; x", &["select ';', E'\\';', \";\", `;`; ", "x"]),
            ("select $$;$$; select $a$;$$;$a$", &["select $$;$$; ", "select $a$;$$;$a$"]),
            ("select 'open; select 2", &["select 'open; select 2"]),
            ("select $1; select $a; select ?", &["select $1; ", "select $a; ", "select ?"]),
            ("select 1 /* open; select 2", &["select 1 /* open; select 2"]),
            ("select 'ä;'; select 'ö'", &["select 'ä;'; ", "select 'ö'"]),
        ];
        for (sql, expected) in cases {
            assert_eq!(split(sql), expected, "{sql}");
        }
    }
}
