//! The rules of one objective, in the order in which they build on each other.

use super::budget::{Budget, Kind, id};
use super::burn::{self, Pair};
use super::options::RuleOptions;
use super::write::{key, number, quoted, template};
use crate::objective::Subject;
use std::time::Duration;

/// The windows of the alerts, besides five minutes.
const WINDOWS: [&str; 6] = ["30m", "1h", "2h", "6h", "1d", "3d"];

struct Group<'a> {
    budget: &'a Budget<'a>,
    options: &'a RuleOptions,
    /// What its recorded series are selected by.
    selector: String,
    /// What those that are not made of others are labelled with, and those that are, each as lines.
    own_labels: String,
    labels: String,
    days: u32,
    /// The share that may be bad.
    allowed: f64,
    file: &'a mut String,
}

/// Appends the group.
pub(super) fn write(budget: &Budget<'_>, options: &RuleOptions, file: &mut String) {
    let mut told = vec![("telemetry_slo", id(budget.objective)), ("objective", budget.kind.name().to_owned())];
    told.extend(options.labels.iter().map(|(name, value)| (name.as_str(), value.clone())));
    let selector: Vec<String> = told.iter().map(|(name, value)| format!("{name}={}", quoted(value))).collect();
    let labels = as_lines(&told);
    told.extend(budget.subject_labels().into_iter().map(|(name, value)| (name, value.to_owned())));
    let mut group = Group {
        budget,
        options,
        selector: selector.join(","),
        own_labels: as_lines(&told),
        labels,
        days: budget.objective.window_days,
        allowed: 1.0 - budget.share,
        file,
    };
    group.head();
    group.ratios();
    group.budget();
    group.alerts();
}

impl Group<'_> {
    fn line(&mut self, line: &str) {
        self.file.push_str(line);
        self.file.push('\n');
    }

    fn head(&mut self) {
        let (name, interval) = (quoted(&self.budget.group_name()), self.options.interval.as_secs());
        self.line(&format!("  - name: {name}"));
        self.line(&format!("    interval: {interval}s"));
        self.line("    rules:");
    }

    fn record(&mut self, name: &str, labels: &str, expression: &str) {
        self.line(&format!("      - record: {name}"));
        self.expression(expression);
        self.line("        labels:");
        self.file.push_str(labels);
    }

    fn expression(&mut self, expression: &str) {
        // A block, since a text in it may hold what YAML would take for its own. No text holds a line break.
        self.line("        expr: |-");
        for line in expression.lines() {
            self.line(&format!("          {line}"));
        }
    }

    /// A series that the group records.
    fn recorded(&self, name: &str) -> String {
        format!("{name}{{{}}}", self.selector)
    }

    /// How much of what counts was bad, by window. Where nothing was to count there is no sample, rather than one that is not a number.
    fn ratios(&mut self) {
        let labels = self.labels.clone();
        let (good, all) = (self.budget.good("5m", self.options), self.budget.all("5m", self.options));
        self.record("slo:sli_total:rate5m", &labels, &all);
        let bad = format!("clamp_min(\n  {all}\n  - {good},\n  0\n)");
        self.record("slo:sli_error:rate5m", &labels, &bad);
        let (bad, all) = (self.recorded("slo:sli_error:rate5m"), self.recorded("slo:sli_total:rate5m"));
        self.record("slo:sli_error:ratio_rate5m", &labels, &format!("{bad}\n/ ({all} > 0)"));
        for window in WINDOWS {
            let (good, all) = (self.budget.good(window, self.options), self.budget.all(window, self.options));
            let ratio = format!("clamp_min(\n  1 - {good}\n  / ({all} > 0),\n  0\n)");
            self.record(&format!("slo:sli_error:ratio_rate{window}"), &labels, &ratio);
        }
        // Weighed by what there was to do: an hour with one call that failed does not count as much as one with a million that did not.
        let days = self.days;
        let over = |series: String| format!("sum_over_time({series}[{days}d])");
        let (bad, all) = (over(bad), over(self.recorded("slo:sli_total:rate5m")));
        self.record(&format!("slo:sli_error:ratio_rate{days}d"), &labels, &format!("{bad}\n/ ({all} > 0)"));
    }

    fn budget(&mut self) {
        let (labels, own) = (self.labels.clone(), self.own_labels.clone());
        let (share, allowed, days) = (number(self.budget.share), number(self.allowed), self.days);
        self.record("slo:objective:ratio", &own, &format!("vector({share})"));
        self.record("slo:error_budget:ratio", &own, &format!("vector({allowed})"));
        self.record("slo:time_period:days", &own, &format!("vector({days})"));
        let now = self.recorded("slo:sli_error:ratio_rate5m");
        self.record("slo:current_burn_rate:ratio", &labels, &format!("{now} / {allowed}"));
        let window = self.recorded(&format!("slo:sli_error:ratio_rate{days}d"));
        self.record("slo:period_burn_rate:ratio", &labels, &format!("{window} / {allowed}"));
        let burnt = self.recorded("slo:period_burn_rate:ratio");
        self.record("slo:period_error_budget_remaining:ratio", &labels, &format!("1 - {burnt}"));
    }

    fn alerts(&mut self) {
        let (page, ticket) = (self.options.page.clone(), self.options.ticket.clone());
        let pairs = burn::page(self.days, self.allowed);
        self.alert("ErrorBudgetBurnsFast", &pairs, "2m", &page, "burns fast");
        let pairs = burn::ticket(self.days, self.allowed);
        self.alert("ErrorBudgetBurns", &pairs, "15m", &ticket, "burns");
    }

    fn alert(&mut self, name: &str, pairs: &[Pair], after: &str, severity: &str, what: &str) {
        if pairs.is_empty() {
            return;
        }
        let conditions: Vec<String> = pairs.iter().map(|pair| self.condition(pair)).collect();
        self.line(&format!("      - alert: {name}"));
        self.expression(&conditions.join("\nor\n"));
        self.line(&format!("        for: {after}"));
        self.line("        labels:");
        // The series have the first two too; here they tell Prometheus' lint that alerts of one name are not one alert.
        let mut labels = vec![
            ("telemetry_slo", template(&id(self.budget.objective))),
            ("objective", self.budget.kind.name().to_owned()),
            ("severity", severity.to_owned()),
        ];
        // A severity of everybody's would be that of both alerts.
        let options = self.options.labels.iter().filter(|(name, _)| name != "severity");
        labels.extend(options.map(|(name, value)| (name.as_str(), value.clone())));
        let labels = as_lines(&labels);
        self.file.push_str(&labels);
        self.line("        annotations:");
        let mut annotations = vec![("summary", self.summary(what)), ("description", self.description(pairs))];
        annotations.extend(self.options.dashboard_url.clone().map(|url| ("dashboard_url", url)));
        annotations.extend(self.options.runbook_url.clone().map(|url| ("runbook_url", url)));
        for (name, text) in annotations {
            self.line(&format!("          {name}: {}", quoted(&text)));
        }
    }

    fn condition(&self, pair: &Pair) -> String {
        let threshold = format!("{} * {}", number(pair.factor), number(self.allowed));
        let burns =
            |window: &str| format!("{} > {threshold}", self.recorded(&format!("slo:sli_error:ratio_rate{window}")));
        format!("(\n  {}\n  and {}\n)", burns(pair.long), burns(pair.short))
    }

    /// Names are those of the series' labels: in a template, one with braces would be read as a part of it.
    fn subject(&self) -> &'static str {
        match self.budget.objective.subject {
            Subject::Function { .. } => "{{ $labels.module }}::{{ $labels.function }}",
            Subject::Job { .. } => "{{ $labels.job_name }}",
        }
    }

    fn summary(&self, what: &str) -> String {
        let subject = self.subject();
        match self.budget.kind {
            Kind::Success => format!("{subject} fails too often: its error budget {what}"),
            Kind::Latency(within) => {
                format!("{subject} is too often slower than {}: its error budget {what}", seconds(within))
            }
        }
    }

    fn description(&self, pairs: &[Pair]) -> String {
        let (share, days) = (number(self.budget.share * 100.0), self.days);
        let longs: Vec<&str> = pairs.iter().map(|pair| pair.long).collect();
        let longs = longs.join(" or ");
        let (counted, promised) = match (&self.budget.objective.subject, self.budget.kind) {
            (_, Kind::Latency(within)) => {
                let within = seconds(within);
                (
                    format!("of its calls that ended as ok took longer than {within}"),
                    format!("{share}% are to be within {within}"),
                )
            }
            (Subject::Function { .. }, _) => {
                ("of its calls ended as error or panic".to_owned(), format!("{share}% are to end as ok"))
            }
            (Subject::Job { .. }, _) => {
                ("of what it worked on failed or was dead-lettered".to_owned(), format!("{share}% are to be processed"))
            }
        };
        format!("{{{{ $value | humanizePercentage }}}} {counted} in the last {longs}; {promised} over {days} days.")
    }
}

/// Labels as the lines of a rule.
fn as_lines(labels: &[(&str, String)]) -> String {
    labels.iter().map(|(name, value)| format!("          {}: {}\n", key(name), quoted(value))).collect()
}

fn seconds(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    if seconds < 1.0 { format!("{} ms", number(seconds * 1e3)) } else { format!("{} s", number(seconds)) }
}
