//! One panel: what it asks, and how that is shown.
//!
//! The members are those of the classic model's last version, 42, as Grafana's published schemas have them:
//! <https://github.com/grafana/grafana-foundation-sdk/tree/main/jsonschema>.

use crate::builtin;
use serde_json::{Value, json};

/// How wide a dashboard is.
pub(super) const WIDTH: u32 = 24;

/// What is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    Lines,
    /// Lines one above the other, which add up.
    Stacked,
    Stat,
    Bars,
    Table,
    Heatmap,
    /// Words in the course of time.
    States,
}

/// One query.
#[derive(Clone, Debug)]
struct Target {
    expression: String,
    legend: String,
    exemplars: bool,
}

/// One panel, before it has a place.
#[derive(Clone, Debug)]
pub(super) struct Panel {
    /// What its id is made of: stays when the title changes.
    pub(super) key: String,
    view: View,
    title: String,
    description: String,
    unit: String,
    targets: Vec<Target>,
    pub(super) width: u32,
    pub(super) height: u32,
    min: Option<f64>,
    max: Option<f64>,
    no_value: &'static str,
    /// From which value on in which colour, ascending; below them green.
    thresholds: Vec<(f64, &'static str)>,
    /// Values that have a word and a colour.
    words: Vec<(&'static str, &'static str)>,
    /// A table's columns, and what they are called.
    columns: Vec<(String, String)>,
    /// Where a row of a table leads to, by the column that shows it.
    link: Option<(&'static str, String)>,
}

impl Panel {
    pub(super) fn new(key: impl Into<String>, view: View, title: impl Into<String>, unit: impl Into<String>) -> Panel {
        let (width, height) = match view {
            View::Stat | View::Bars | View::States => (6, 5),
            _ => (8, 8),
        };
        Panel {
            key: key.into(),
            view,
            title: title.into(),
            description: String::new(),
            unit: unit.into(),
            targets: Vec::new(),
            width,
            height,
            min: None,
            max: None,
            no_value: "no data",
            thresholds: Vec::new(),
            words: Vec::new(),
            columns: Vec::new(),
            link: None,
        }
    }

    /// What hovering over the title tells.
    pub(super) fn tells(mut self, description: impl Into<String>) -> Panel {
        self.description = description.into();
        self
    }

    pub(super) fn asks(mut self, expression: impl Into<String>, legend: impl Into<String>) -> Panel {
        self.targets.push(Target { expression: expression.into(), legend: legend.into(), exemplars: false });
        self
    }

    /// The last query is drawn with the exemplars of its buckets.
    pub(super) fn with_exemplars(mut self) -> Panel {
        if let Some(target) = self.targets.last_mut() {
            target.exemplars = true;
        }
        self
    }

    pub(super) fn size(mut self, width: u32, height: u32) -> Panel {
        (self.width, self.height) = (width, height);
        self
    }

    /// The axis begins at zero.
    pub(super) fn at_zero(mut self) -> Panel {
        self.min = Some(0.0);
        self
    }

    /// The axis goes from 0 to 1.
    pub(super) fn share(mut self) -> Panel {
        (self.min, self.max) = (Some(0.0), Some(1.0));
        self
    }

    /// What is written where there is nothing to show.
    pub(super) fn or_else(mut self, text: &'static str) -> Panel {
        self.no_value = text;
        self
    }

    pub(super) fn from(mut self, value: f64, colour: &'static str) -> Panel {
        self.thresholds.push((value, colour));
        self
    }

    pub(super) fn words(mut self, words: &[(&'static str, &'static str)]) -> Panel {
        self.words = words.to_vec();
        self
    }

    pub(super) fn column(mut self, label: impl Into<String>, name: impl Into<String>) -> Panel {
        self.columns.push((label.into(), name.into()));
        self
    }

    pub(super) fn leads_to(mut self, column: &'static str, url: String) -> Panel {
        self.link = Some((column, url));
        self
    }

    /// The panel as Grafana reads it.
    pub(super) fn json(&self, id: u32, x: u32, y: u32) -> Value {
        let mut panel = json!({
            "id": id,
            "type": self.kind(),
            "title": without_variables(&self.title),
            "description": without_variables(&self.description()),
            "datasource": source(),
            "gridPos": { "x": x, "y": y, "w": self.width, "h": self.height },
            "targets": self.targets.iter().enumerate().map(|(at, target)| self.target(at, target)).collect::<Vec<_>>(),
            "fieldConfig": { "defaults": self.defaults(), "overrides": self.overrides() },
            "options": self.options(),
        });
        if self.view == View::Table {
            panel["transformations"] = self.transformations();
        }
        panel
    }

    /// The HELP of what is asked for, where nothing is told.
    fn description(&self) -> String {
        if !self.description.is_empty() {
            return self.description.clone();
        }
        let words = self
            .targets
            .iter()
            .flat_map(|target| target.expression.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')));
        let help = |word: &str| {
            let name =
                ["_bucket", "_sum", "_count"].iter().find_map(|suffix| word.strip_suffix(suffix)).unwrap_or(word);
            builtin::CATALOG.iter().find(|family| family.name == name || family.name == word).map(|family| family.help)
        };
        words.filter(|word| word.contains('_')).find_map(help).unwrap_or(&self.title).to_owned()
    }

    fn kind(&self) -> &'static str {
        match self.view {
            View::Lines | View::Stacked => "timeseries",
            View::Stat => "stat",
            View::Bars => "bargauge",
            View::Table => "table",
            View::Heatmap => "heatmap",
            View::States => "state-timeline",
        }
    }

    fn target(&self, at: usize, target: &Target) -> Value {
        let instant = matches!(self.view, View::Stat | View::Bars | View::Table);
        let format = match self.view {
            View::Table => "table",
            View::Heatmap => "heatmap",
            _ => "time_series",
        };
        json!({
            "refId": reference(at),
            "datasource": source(),
            "editorMode": "code",
            "expr": target.expression,
            "legendFormat": target.legend,
            "range": !instant,
            "instant": instant,
            "exemplar": target.exemplars,
            "format": format,
        })
    }

    fn defaults(&self) -> Value {
        let mut steps = vec![json!({ "color": "green", "value": null })];
        steps.extend(self.thresholds.iter().map(|(value, colour)| json!({ "color": colour, "value": value })));
        let by_palette = matches!(self.view, View::Lines | View::Stacked);
        let mut defaults = json!({
            "unit": self.unit,
            "custom": self.custom(),
            "mappings": self.mappings(),
            "thresholds": { "mode": "absolute", "steps": steps },
            "color": { "mode": if by_palette { "palette-classic" } else { "thresholds" } },
            "noValue": self.no_value,
        });
        for (key, bound) in [("min", self.min), ("max", self.max)] {
            if let Some(bound) = bound {
                defaults[key] = json!(bound);
            }
        }
        defaults
    }

    fn custom(&self) -> Value {
        match self.view {
            View::Lines | View::Stacked => {
                let stacked = self.view == View::Stacked;
                json!({
                    "lineWidth": 1,
                    "fillOpacity": if stacked { 30 } else { 10 },
                    "showPoints": "never",
                    "spanNulls": false,
                    "stacking": { "mode": if stacked { "normal" } else { "none" }, "group": "A" },
                    "thresholdsStyle": { "mode": if self.thresholds.is_empty() { "off" } else { "line" } },
                })
            }
            View::Stat | View::Bars => json!({}),
            View::Table => json!({ "align": "auto", "inspect": false }),
            View::Heatmap => json!({
                "hideFrom": { "legend": false, "tooltip": false, "viz": false },
                "scaleDistribution": { "type": "linear" },
            }),
            View::States => json!({ "lineWidth": 0, "fillOpacity": 70 }),
        }
    }

    fn mappings(&self) -> Value {
        if self.words.is_empty() {
            return json!([]);
        }
        let mut options = json!({});
        for (value, (word, colour)) in self.words.iter().enumerate() {
            options[value.to_string()] = json!({ "text": word, "color": colour, "index": value });
        }
        json!([{ "type": "value", "options": options }])
    }

    fn overrides(&self) -> Value {
        let Some((column, url)) = &self.link else { return json!([]) };
        json!([{
            "matcher": { "id": "byName", "options": column },
            "properties": [{ "id": "links", "value": [{ "title": "Show it alone", "url": url }] }],
        }])
    }

    fn options(&self) -> Value {
        let legend =
            |shown: bool| json!({ "displayMode": "list", "placement": "bottom", "showLegend": shown, "calcs": [] });
        let last = json!({ "calcs": ["lastNotNull"], "fields": "", "values": false });
        match self.view {
            View::Lines | View::Stacked => json!({
                "legend": { "displayMode": "table", "placement": "bottom", "showLegend": true, "calcs": ["lastNotNull", "max"] },
                "tooltip": { "mode": "multi", "sort": "desc" },
            }),
            View::Stat => json!({
                "reduceOptions": last,
                "orientation": "auto",
                "textMode": "auto",
                "colorMode": "value",
                "graphMode": "none",
                "justifyMode": "auto",
                "wideLayout": true,
                "showPercentChange": false,
                "percentChangeColorMode": "standard",
            }),
            View::Bars => json!({
                "reduceOptions": last,
                "orientation": "horizontal",
                "displayMode": "basic",
                "showUnfilled": true,
                "valueMode": "color",
                "namePlacement": "auto",
                "sizing": "auto",
                "minVizWidth": 8,
                "minVizHeight": 16,
                "maxVizHeight": 300,
                "legend": legend(false),
            }),
            View::Table => json!({ "showHeader": true, "cellHeight": "sm", "frameIndex": 0 }),
            View::Heatmap => json!({
                "calculate": false,
                "cellGap": 1,
                "color": {
                    "mode": "scheme", "scheme": "Oranges", "steps": 64, "exponent": 0.5, "fill": "dark-orange", "reverse": false,
                },
                "exemplars": { "color": "rgba(255,0,255,0.7)" },
                "filterValues": { "le": 1e-9 },
                "legend": { "show": true },
                "rowsFrame": { "layout": "auto" },
                "showValue": "never",
                "tooltip": { "mode": "single", "yHistogram": false, "showColorScale": false },
                "yAxis": { "axisPlacement": "left", "reverse": false, "unit": self.unit },
            }),
            View::States => json!({
                "legend": legend(false),
                "tooltip": { "mode": "single", "sort": "none" },
                "showValue": "auto",
                "mergeValues": true,
                "rowHeight": 0.9,
            }),
        }
    }

    /// Several queries become one table, whose columns have names.
    fn transformations(&self) -> Value {
        let mut renamed = json!({});
        let mut order = json!({});
        for (place, (label, name)) in self.columns.iter().enumerate() {
            renamed[label.as_str()] = json!(name);
            order[label.as_str()] = json!(place);
        }
        let options = json!({ "excludeByName": { "Time": true }, "indexByName": order, "renameByName": renamed });
        let organize = json!({ "id": "organize", "options": options });
        if self.targets.len() > 1 { json!([{ "id": "merge", "options": {} }, organize]) } else { json!([organize]) }
    }
}

/// A text in which Grafana finds no variable: an invisible character parts what would be one.
pub(super) fn without_variables(text: &str) -> String {
    text.replace('$', "$\u{2060}").replace("[[", "[\u{2060}[")
}

/// `A`, `B`, …: a panel of ours has few queries.
fn reference(at: usize) -> String {
    match u8::try_from(at) {
        Ok(at) if at < 26 => char::from(b'A' + at).to_string(),
        _ => format!("Q{at}"),
    }
}

/// The one that the reader chooses.
pub(super) fn source() -> Value {
    json!({ "type": "prometheus", "uid": "${datasource}" })
}

impl Panel {
    /// The same as one number.
    pub(super) fn into_stat(mut self) -> Panel {
        self.view = View::Stat;
        self.size(6, 5)
    }
}
