//! Panels in rows, from left to right and from top to bottom.

use super::identity::Ids;
use super::panel::{Panel, WIDTH, without_variables};
use serde_json::{Value, json};

/// What stands together, under a heading.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub(super) key: String,
    pub(super) title: String,
    pub(super) panels: Vec<Panel>,
    /// Whether it is open from the start. What a closed one shows is not asked for before somebody opens it.
    pub(super) open: bool,
    /// A variable of which each chosen value has a row like this.
    pub(super) repeat: Option<&'static str>,
}

impl Row {
    pub(super) fn new(key: impl Into<String>, title: impl Into<String>) -> Row {
        Row { key: key.into(), title: title.into(), panels: Vec::new(), open: false, repeat: None }
    }

    /// With a name in the title in which Grafana finds no variable.
    pub(super) fn named(key: impl Into<String>, title: &str) -> Row {
        Row::new(key, without_variables(title))
    }

    pub(super) fn open(mut self) -> Row {
        self.open = true;
        self
    }

    pub(super) fn repeated_by(mut self, variable: &'static str) -> Row {
        self.repeat = Some(variable);
        self
    }

    pub(super) fn with(mut self, panels: impl IntoIterator<Item = Panel>) -> Row {
        self.panels.extend(panels);
        self
    }
}

/// All rows that have panels, with their places.
pub(super) fn panels(rows: &[Row]) -> Vec<Value> {
    let (mut ids, mut y, mut all) = (Ids::default(), 0, Vec::new());
    for row in rows.iter().filter(|row| !row.panels.is_empty()) {
        let (within, height) = placed(row, y + 1, &mut ids);
        let mut heading = json!({
            "id": ids.of(&format!("row {}", row.key)),
            "type": "row",
            "title": row.title,
            "collapsed": !row.open,
            "gridPos": { "x": 0, "y": y, "w": WIDTH, "h": 1 },
            "panels": [],
        });
        if let Some(variable) = row.repeat {
            heading["repeat"] = json!(variable);
        }
        if row.open {
            all.push(heading);
            all.extend(within);
            y += 1 + height;
        } else {
            heading["panels"] = Value::Array(within);
            all.push(heading);
            y += 1;
        }
    }
    all
}

/// A row's panels below this line, and how much they take.
fn placed(row: &Row, top: u32, ids: &mut Ids) -> (Vec<Value>, u32) {
    let (mut x, mut y, mut line) = (0, top, 0);
    let mut all = Vec::new();
    for panel in &row.panels {
        if x + panel.width > WIDTH {
            (x, y, line) = (0, y + line, 0);
        }
        all.push(panel.json(ids.of(&format!("{}/{}", row.key, panel.key)), x, y));
        x += panel.width;
        line = line.max(panel.height);
    }
    (all, y + line - top)
}
