//! The program's own metrics, each shown as its kind and its unit want it.

use super::layout::Row;
use super::panel::{Panel, View};
use super::query::{Chosen, grouped, legend, sum};
use crate::builtin;
use crate::catalog::Catalog;
use crate::metric::{Descriptor, Kind};
use std::collections::BTreeSet;

/// One panel or two for each family that is not this library's.
pub(super) fn row(catalog: &Catalog, chosen: &Chosen) -> Row {
    let ours: BTreeSet<&str> = builtin::CATALOG.iter().map(|family| family.name).collect();
    let theirs = catalog.families().into_iter().filter(|family| !ours.contains(family.name));
    // A catalogue without records tells what may come.
    let may = |family: &Descriptor| catalog.recorded.is_empty() || catalog.recorded.contains(family.name);
    let panels = theirs.filter(|family| may(family) && is_plain(family)).flat_map(|family| of(family, chosen));
    Row::new("metrics", "Metrics of the program").open().with(panels)
}

/// Whether PromQL takes its names without quotes. What others call `a.b` is left out.
fn is_plain(family: &Descriptor) -> bool {
    let plain = |name: &str| {
        let fits = |c: char| c.is_ascii_alphanumeric() || c == '_';
        name.chars().all(fits) && !name.trim_matches('_').is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())
    };
    plain(family.name) && family.labels.iter().all(|label| plain(label))
}

fn of(family: &Descriptor, chosen: &Chosen) -> Vec<Panel> {
    let (name, labels) = (family.name, family.labels);
    let title = title(family);
    let panel = |key: &str, view, title: &str, unit: String| {
        Panel::new(format!("{name} {key}"), view, title, unit).tells(family.help)
    };
    // Many series are as unreadable as none.
    let few = |expression: String| if labels.is_empty() { expression } else { format!("topk(10, {expression})") };
    match family.kind {
        Kind::Counter => {
            let title = format!("{title} per second");
            vec![
                panel("rate", View::Lines, &title, per_second(family))
                    .asks(few(chosen.rates(name, labels)), legend_of(labels, "all"))
                    .at_zero(),
            ]
        }
        Kind::Gauge if name.ends_with("_timestamp_seconds") => {
            let since = format!("time() - {}", grouped("max", labels, &format!("{} > 0", chosen.of(name))));
            vec![
                panel(
                    "since",
                    View::Stat,
                    &format!("Since {}", words(name.trim_end_matches("_timestamp_seconds"))),
                    "dtdurations".into(),
                )
                .asks(since, legend_of(labels, "since"))
                .size(8, 8)
                .or_else("never"),
            ]
        }
        Kind::Gauge => {
            let view = panel("value", View::Lines, &title, unit(family))
                .asks(chosen.of(name), legend(&[labels, &["instance"]].concat()));
            vec![if family.unit == "ratio" { view.share() } else { view }]
        }
        Kind::Histogram => {
            let quantile = |quantile| few(chosen.quantile(quantile, name, labels));
            let named = |share: &str| {
                legend_of(labels, "").trim_end().to_owned() + if labels.is_empty() { "" } else { " " } + share
            };
            let increase = format!("increase({}[$__rate_interval])", chosen.of(&format!("{name}_bucket")));
            vec![
                panel("quantiles", View::Lines, &format!("{title}, quantiles"), unit(family))
                    .asks(quantile("0.5"), named("half"))
                    .asks(quantile("0.95"), named("95 %"))
                    .asks(quantile("0.99"), named("99 %"))
                    .with_exemplars()
                    .or_else("nothing was observed")
                    .at_zero(),
                panel("heatmap", View::Heatmap, &format!("{title}, how many"), unit(family))
                    .asks(sum(&["le"], &increase), "{{le}}"),
            ]
        }
        Kind::Summary => {
            let labels = [labels, &["quantile"]].concat();
            vec![panel("quantiles", View::Lines, &title, unit(family)).asks(chosen.of(name), legend(&labels))]
        }
        Kind::Info => {
            let labels: Vec<&str> =
                labels.iter().copied().filter(|label| *label != "instance").chain(["instance"]).collect();
            let table = panel("info", View::Table, &title, "none".into())
                .asks(grouped("max", &labels, &chosen.of(name)), "__auto");
            vec![labels.iter().fold(table, |table, label| table.column(*label, *label))]
        }
        Kind::Unknown => vec![
            panel("value", View::Lines, &title, unit(family))
                .asks(chosen.of(name), legend(&[labels, &["instance"]].concat())),
        ],
    }
}

fn legend_of(labels: &[&str], otherwise: &str) -> String {
    if labels.is_empty() { otherwise.to_owned() } else { legend(labels) }
}

/// `flights_read_total` is "Flights read", `write_seconds` is "Write".
fn title(family: &Descriptor) -> String {
    let name = family.name.trim_end_matches("_total").trim_end_matches("_info");
    let unit = match family.unit {
        // What is counted is part of what it is called.
        "seconds" | "bytes" | "ratio" | "celsius" | "meters" | "grams" | "joules" | "volts" | "amperes" => family.unit,
        _ => "",
    };
    let short = name.strip_suffix(unit).map_or(name, |short| short.trim_end_matches('_'));
    let mut title = words(if short.is_empty() { name } else { short });
    if let Some(first) = title.get_mut(..1) {
        first.make_ascii_uppercase();
    }
    title
}

fn words(name: &str) -> String {
    name.split('_').filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Grafana's name of a base unit. <https://github.com/grafana/grafana/blob/main/packages/grafana-data/src/valueFormats/categories.ts>
fn unit(family: &Descriptor) -> String {
    match family.unit {
        "seconds" => "s".into(),
        "bytes" => "bytes".into(),
        "ratio" => "percentunit".into(),
        "celsius" => "celsius".into(),
        "meters" => "lengthm".into(),
        "grams" => "massg".into(),
        "joules" => "joule".into(),
        "volts" => "volt".into(),
        "amperes" => "amp".into(),
        "" => "short".into(),
        counted => format!("suffix: {counted}"),
    }
}

fn per_second(family: &Descriptor) -> String {
    match family.unit {
        "" => "suffix: /s".into(),
        "bytes" => "Bps".into(),
        "seconds" => "suffix: s/s".into(),
        counted => format!("suffix: {counted}/s"),
    }
}
