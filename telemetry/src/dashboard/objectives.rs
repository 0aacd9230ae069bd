//! Rules for Prometheus from objectives: how fast an error budget burns, over several windows, and two alerts.
//!
//! ```text
//! Objective -> Budget   one share to keep, and what is counted for it        budget.rs
//!              -> Burn  how fast the budget may burn, by window              burn.rs
//!              -> group recorded ratios, alerts                              group.rs
//!              -> text  YAML and PromQL, quoted                              write.rs
//! ```

mod budget; // what is counted
mod burn; // from when on it is told
mod group; // the rules of one objective
mod options;
#[cfg(test)]
mod tests;
mod write; // texts in YAML and PromQL

pub use options::RuleOptions;

use crate::objective::{self, Objective};
use budget::Budget;

/// A rule file for Prometheus: recording and alerting rules for each objective, as Sloth makes them.
///
/// What is recorded and what the alerts mean is told in `docs/objectives.md`. The same objectives and options make the same bytes, in whatever order they are
/// given. An objective that is none ([`Objective::mistake`]), and a second one of a function or job that differs from the first, make no rules: a comment at the
/// top of the file says so.
///
/// ```
/// use telemetry::Objective;
/// use telemetry::dashboard::{RuleOptions, rules};
///
/// let objective = Objective::function("app::io", "Reader::next").success(0.999);
/// let file = rules(&[objective], &RuleOptions::new().selector("job=\"flights\""));
/// assert!(file.contains("- record: slo:sli_error:ratio_rate5m"));
/// assert!(file.contains(r#"function_calls_total{function="Reader::next",module="app::io",job="flights",result="ok"}[5m]"#));
/// assert!(file.contains("slo:sli_error:ratio_rate1h{telemetry_slo=\"app::io::Reader::next\",objective=\"success\"} > 14.4 * 0.001"));
/// ```
///
/// A test that writes the file of a program, and keeps it current:
///
/// ```no_run
/// use telemetry::dashboard::{RuleOptions, rules};
///
/// let current = rules(&telemetry::objectives(), &RuleOptions::new());
/// if std::env::var_os("UPDATE_RULES").is_some() {
///     std::fs::write("rules/objectives.yml", &current).unwrap();
/// }
/// assert_eq!(std::fs::read_to_string("rules/objectives.yml").unwrap(), current, "UPDATE_RULES=1 cargo test");
/// ```
#[must_use]
pub fn rules(objectives: &[Objective], options: &RuleOptions) -> String {
    let mut objectives = objectives.to_vec();
    objective::in_order(&mut objectives);
    let mut left_out = Vec::new();
    let mut kept: Vec<Objective> = Vec::new();
    for objective in objectives {
        if let Some(mistake) = objective.mistake() {
            left_out.push(mistake);
        } else if let Some(first) = kept.iter().find(|first| budget::id(first) == budget::id(&objective)) {
            left_out.push(format!(
                "{}: a second objective at {}:{} differs from the one at {}:{}, which counts",
                objective.subject, objective.file, objective.line, first.file, first.line
            ));
        } else {
            kept.push(objective);
        }
    }
    let mut budgets: Vec<Budget<'_>> = kept.iter().flat_map(Budget::of).collect();
    budgets.sort_by_cached_key(Budget::group_name);
    let mut file =
        String::from("# Made by `telemetry::dashboard::rules` of the objectives in the source; change them there.\n");
    for mistake in left_out {
        file += &format!("# Left out: {}\n", write::comment(&mistake));
    }
    if budgets.is_empty() {
        return file + "groups: []\n";
    }
    file += "groups:\n";
    for budget in &budgets {
        group::write(budget, options, &mut file);
    }
    file
}
