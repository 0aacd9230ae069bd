//! Paths and bodies of pushes, as a gateway is to see them.

use super::*;
use crate::metric::Kind;
use crate::snapshot::{Family, Value};
use std::collections::BTreeMap;
use std::time::SystemTime;

fn settings(job: &str, grouping: &[(&str, &str)]) -> Gateway {
    let endpoint = Endpoint { url: "http://h:9091/p/".to_owned(), authorization: None, headers: Vec::new() };
    let grouping: BTreeMap<_, _> =
        grouping.iter().map(|&(label, value)| (label.to_owned(), value.to_owned())).collect();
    Gateway { endpoint, job: job.to_owned(), grouping, replaces: true, delete_at_exit: false }
}

fn snapshot(labels: &[(&'static str, &str)]) -> Snapshot {
    let labels = labels.iter().map(|&(name, value)| (name.into(), value.into())).collect();
    let series = vec![Series { labels, value: Value::Integer(7) }];
    let family = Family { name: "rows_total".into(), help: "".into(), kind: Kind::Counter, unit: "".into(), series };
    let now = SystemTime::UNIX_EPOCH;
    Snapshot::of_families(now, now, vec![family])
}

#[test]
fn a_group_is_a_path_that_can_hold_any_value() {
    for (job, grouping, path) in [
        ("nightly", &[][..], "job/nightly"),
        ("a b%ü", &[("shard", "3")], "job/a%20b%25%C3%BC/shard/3"),
        ("a/b", &[("path", ""), ("up", "..")], "job@base64/YS9i/path@base64/=/up@base64/Li4"),
        ("..", &[("path", "/?>")], "job@base64/Li4/path@base64/Lz8-"),
    ] {
        assert_eq!(url(&settings(job, grouping)), format!("http://h:9091/p/metrics/{path}"));
    }
}

#[test]
fn labels_of_the_group_keep_their_values_and_equal_ones_of_series_give_way() {
    let mut group = Group::new(settings("j", &[("shard", "3")]));
    let body = |group: &mut Group, labels| {
        let parcels = group.pack(snapshot(labels));
        String::from_utf8(parcels.into_iter().next().unwrap().body).unwrap()
    };
    let text = body(&mut group, &[("shard", "a"), ("job", "b"), ("other", "c")]);
    assert_eq!(text, "# TYPE rows_total counter\nrows_total{exported_shard=\"a\",exported_job=\"b\",other=\"c\"} 7\n");
    let text = body(&mut group, &[("shard", "a"), ("exported_shard", "b")]);
    assert!(text.ends_with("rows_total{exported_exported_shard=\"a\",exported_shard=\"b\"} 7\n"), "{text}");
}

#[test]
fn the_end_is_a_last_push_or_the_end_of_the_group() {
    let mut settings = settings("j", &[]);
    let last = Group::new(settings.clone()).pack_last(snapshot(&[]));
    assert_eq!((last[0].verb, last[0].samples), (Verb::Put, 1));
    settings.delete_at_exit = true;
    let last = Group::new(settings.clone()).pack_last(snapshot(&[]));
    assert_eq!((last[0].verb, last[0].samples, last[0].body.len()), (Verb::Delete, 0, 0));
    settings.replaces = false;
    assert_eq!(Group::new(settings).pack(snapshot(&[]))[0].verb, Verb::Post);
}
