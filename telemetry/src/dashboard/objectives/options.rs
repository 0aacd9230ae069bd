//! What the program cannot know: names of labels, links, what tells this program's series from others'.

use std::time::Duration;

/// How [`rules`](super::rules) writes its file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleOptions {
    pub(super) selector: String,
    pub(super) labels: Vec<(String, String)>,
    pub(super) page: String,
    pub(super) ticket: String,
    pub(super) dashboard_url: Option<String>,
    pub(super) runbook_url: Option<String>,
    pub(super) interval: Duration,
}

impl Default for RuleOptions {
    fn default() -> RuleOptions {
        RuleOptions {
            selector: String::new(),
            labels: Vec::new(),
            page: String::from("page"),
            ticket: String::from("ticket"),
            dashboard_url: None,
            runbook_url: None,
            interval: Duration::from_secs(60),
        }
    }
}

impl RuleOptions {
    /// The labels that rules have by themselves, or that tell their series apart: none of them can be given.
    pub const OWN_LABELS: [&'static str; 9] =
        ["__name__", "alertname", "function", "job", "job_name", "module", "objective", "severity", "telemetry_slo"];

    /// Every series of the names, severities `page` and `ticket`, no links, an evaluation each minute.
    #[must_use]
    pub fn new() -> RuleOptions {
        RuleOptions::default()
    }

    /// Matchers that stand in every selector of the program's series, as PromQL: `job="flights"`. Default: none, so that every `job` that
    /// has the function is watched, each by itself.
    #[must_use]
    pub fn selector(mut self, matchers: impl AsRef<str>) -> RuleOptions {
        let matchers = matchers.as_ref().trim().trim_start_matches('{').trim_end_matches('}');
        // A line break would end the expression; in PromQL no string has one.
        self.selector = matchers.trim().trim_end_matches(',').replace(['\n', '\r'], " ");
        self
    }

    /// A label for everything that is recorded, and for the alerts: `team`, `environment`. In an alert its value is a template of Prometheus. One that the rules
    /// have themselves ([`OWN_LABELS`](RuleOptions::OWN_LABELS)) is left out.
    #[must_use]
    pub fn label(mut self, name: impl Into<String>, value: impl Into<String>) -> RuleOptions {
        let name = name.into();
        if RuleOptions::OWN_LABELS.contains(&&*name) {
            return self;
        }
        self.labels.retain(|(known, _)| *known != name);
        self.labels.push((name, value.into()));
        self.labels.sort();
        self
    }

    /// The label `severity` of the alert that is to wake somebody, and of the other one. Default: `page` and `ticket`.
    #[must_use]
    pub fn severities(mut self, page: impl Into<String>, ticket: impl Into<String>) -> RuleOptions {
        (self.page, self.ticket) = (page.into(), ticket.into());
        self
    }

    /// The annotation `dashboard_url` of the alerts, a template of Prometheus:
    /// `https://grafana.example/d/functions?var-function={{ $labels.function | urlquery }}`. Default: none.
    #[must_use]
    pub fn dashboard_url(mut self, template: impl Into<String>) -> RuleOptions {
        self.dashboard_url = Some(template.into());
        self
    }

    /// The annotation `runbook_url` of the alerts, a template of Prometheus. Default: none.
    #[must_use]
    pub fn runbook_url(mut self, template: impl Into<String>) -> RuleOptions {
        self.runbook_url = Some(template.into());
        self
    }

    /// How often the rules are evaluated, in whole seconds, from one second to two minutes: the shortest window has five minutes. Default: a minute.
    #[must_use]
    pub fn interval(mut self, interval: Duration) -> RuleOptions {
        self.interval = Duration::from_secs(interval.as_secs().clamp(1, 120));
        self
    }
}
