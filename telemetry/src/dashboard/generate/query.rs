//! PromQL, put together.

use std::fmt::Write;

/// The variables that every series is chosen by, and what a part of the dashboard adds to them.
#[derive(Clone, Debug)]
pub(super) struct Chosen(String);

impl Chosen {
    /// All series of the chosen targets.
    pub(super) fn all() -> Chosen {
        Chosen(String::from(r#"job=~"$job",instance=~"$instance""#))
    }

    /// Those whose label has this value.
    pub(super) fn with(&self, label: &str, value: &str) -> Chosen {
        Chosen(format!("{},{label}={}", self.0, quoted(value)))
    }

    /// Those whose label is what a variable of the dashboard says.
    pub(super) fn by_variable(&self, label: &str) -> Chosen {
        Chosen(format!(r#"{},{label}=~"${label}""#, self.0))
    }

    /// Those whose label matches a pattern of ours.
    pub(super) fn matching(&self, label: &str, pattern: &str) -> Chosen {
        Chosen(format!(r#"{},{label}=~"{pattern}""#, self.0))
    }

    /// Those whose label has not this value.
    pub(super) fn without(&self, label: &str, value: &str) -> Chosen {
        Chosen(format!("{},{label}!={}", self.0, quoted(value)))
    }

    /// A name's series.
    pub(super) fn of(&self, name: &str) -> String {
        format!("{name}{{{}}}", self.0)
    }

    /// How fast a name's series grow, each.
    pub(super) fn rate(&self, name: &str) -> String {
        format!("rate({}[$__rate_interval])", self.of(name))
    }

    /// How fast a name's series grow, added up by these labels.
    pub(super) fn rates(&self, name: &str, by: &[&str]) -> String {
        sum(by, &self.rate(name))
    }

    /// The share of the observations' quantile, by these labels.
    pub(super) fn quantile(&self, quantile: &str, histogram: &str, by: &[&str]) -> String {
        let labels = [by, &["le"]].concat();
        let buckets = self.rates(&format!("{histogram}_bucket"), &labels);
        format!("histogram_quantile({quantile}, {buckets})")
    }
}

/// Added up by these labels.
pub(super) fn sum(by: &[&str], expression: &str) -> String {
    grouped("sum", by, expression)
}

/// An aggregation by these labels.
pub(super) fn grouped(aggregation: &str, by: &[&str], expression: &str) -> String {
    if by.is_empty() {
        format!("{aggregation}({expression})")
    } else {
        format!("{aggregation} by ({}) ({expression})", by.join(", "))
    }
}

/// A share, of what may have no series where there is none of it.
pub(super) fn share(part: &str, whole: &str) -> String {
    format!("({part} or vector(0)) / {whole}")
}

/// The series' labels, to name it by.
pub(super) fn legend(labels: &[&str]) -> String {
    if labels.is_empty() {
        return String::from("__auto");
    }
    labels.iter().map(|label| format!("{{{{{label}}}}}")).collect::<Vec<_>>().join(" ")
}

/// A text in PromQL, in which Grafana finds no variable: it looks for `$name`, `${name}` and `[[name]]` wherever they stand.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    let mut last = ' ';
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            '\n' => quoted.push_str("\\n"),
            '$' => quoted.push_str("\\x24"),
            '[' if last == '[' => quoted.push_str("\\x5b"),
            control if control.is_control() => {
                // A `String` takes all that is written.
                let _ = write!(quoted, "\\u{:04x}", u32::from(control));
            }
            other => quoted.push(other),
        }
        last = character;
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_query_is_no_variable_and_ends_no_string() {
        assert_eq!(
            Chosen::all().with("function", "a\"b\\c$job[[job]]\n").of("x"),
            r#"x{job=~"$job",instance=~"$instance",function="a\"b\\c\x24job[\x5bjob]]\n"}"#
        );
    }
}
