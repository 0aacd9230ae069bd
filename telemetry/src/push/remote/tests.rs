//! What is written, decoded by messages of another's making: a reader of the wire format that knows field numbers alone.

use super::*;
use crate::metric::Kind;
use crate::snapshot::{Histogram, Labels, Series, Value as Of};
use std::collections::BTreeMap;

/// A message's fields in their order: number and content.
#[derive(Clone, Debug, PartialEq)]
enum Field {
    Varint(u64),
    Fixed(u64),
    Bytes(Vec<u8>),
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field)> {
    fn varint(bytes: &mut &[u8]) -> u64 {
        let mut value = 0;
        for shift in (0..).step_by(7) {
            let (&first, rest) = bytes.split_first().unwrap();
            *bytes = rest;
            value |= u64::from(first & 0x7f) << shift;
            if first & 0x80 == 0 {
                break;
            }
        }
        value
    }
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = varint(&mut bytes);
        let field = match key & 7 {
            0 => Field::Varint(varint(&mut bytes)),
            1 => {
                let (value, rest) = bytes.split_at(8);
                bytes = rest;
                Field::Fixed(u64::from_le_bytes(value.try_into().unwrap()))
            }
            2 => {
                let len = usize::try_from(varint(&mut bytes)).unwrap();
                let (value, rest) = bytes.split_at(len);
                bytes = rest;
                Field::Bytes(value.to_vec())
            }
            other => panic!("wire type {other}"),
        };
        all.push((key >> 3, field));
    }
    all
}

fn all(message: &[(u64, Field)], number: u64) -> Vec<Vec<u8>> {
    let of = |(known, field): &(u64, Field)| match field {
        Field::Bytes(bytes) if *known == number => Some(bytes.clone()),
        _ => None,
    };
    message.iter().filter_map(of).collect()
}

fn one(message: &[(u64, Field)], number: u64) -> Option<u64> {
    message.iter().find(|(known, _)| *known == number).map(|(_, field)| match field {
        Field::Varint(value) | Field::Fixed(value) => *value,
        Field::Bytes(_) => panic!("bytes in {number}"),
    })
}

/// A series: labels as one text, the bits of its value, and its time.
type Row = (String, u64, i64);

fn message(parcel: &Parcel) -> Vec<(u64, Field)> {
    fields(&snap::raw::Decoder::new().decompress_vec(&parcel.body).unwrap())
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).unwrap()
}

fn rows(parcels: &[Parcel]) -> Vec<Row> {
    let series = parcels.iter().flat_map(|parcel| all(&message(parcel), 1));
    series
        .map(|series| {
            let series = fields(&series);
            let labels = all(&series, 1).into_iter().map(|label| {
                let label = fields(&label);
                let part = |number| all(&label, number).pop().map(text).unwrap_or_default();
                format!("{}={}", part(1), part(2))
            });
            let sample = fields(&all(&series, 2)[0]);
            let at = one(&sample, 2).unwrap_or(0) as i64;
            (labels.collect::<Vec<_>>().join(","), one(&sample, 1).unwrap_or(0), at)
        })
        .collect()
}

fn writer(change: impl FnOnce(&mut Remote)) -> Writer {
    let endpoint = Endpoint { url: "http://h/w".to_owned(), authorization: None, headers: Vec::new() };
    let mut settings = Remote {
        endpoint,
        version: Version::One,
        labels: BTreeMap::new(),
        batch: 1_000,
        native_histograms: false,
        stale_at_exit: true,
    };
    change(&mut settings);
    Writer::new(settings, "j".to_owned(), "i".to_owned())
}

fn family(name: &'static str, kind: Kind, series: &[(&[(&'static str, &str)], Of)]) -> Family {
    let labels = |labels: &[(&'static str, &str)]| -> Labels {
        labels.iter().map(|&(name, value)| (name.into(), value.into())).collect()
    };
    let series = series.iter().map(|(of, value)| Series { labels: labels(of), value: value.clone() }).collect();
    Family { name: name.into(), help: format!("About {name}.").into(), kind, unit: "rows".into(), series }
}

fn snapshot(seconds: u64, families: Vec<Family>) -> Snapshot {
    let (started_at, taken_at) =
        (SystemTime::UNIX_EPOCH + Duration::from_millis(1_500), SystemTime::UNIX_EPOCH + Duration::from_secs(seconds));
    Snapshot::of_families(started_at, taken_at, families)
}

fn number(value: f64) -> u64 {
    value.to_bits()
}

fn exponential() -> Exponential {
    Exponential {
        scale: 1,
        offset: -2,
        buckets: vec![1, 0, 0, 0, 5, 2],
        below: 3,
        above: 4,
        sum: 6.5,
        exemplars: Vec::new(),
    }
}

#[test]
fn samples_are_those_of_a_scrape_with_the_labels_of_the_target_in_the_order_of_names() {
    let histogram =
        Histogram { bounds: vec![0.5, 1.0].into(), buckets: vec![1, 0, 2], sum: 7.25, exemplars: Vec::new() };
    let families = vec![
        family("a_total", Kind::Counter, &[(&[("z", "1"), ("B", "2"), ("job", "own"), ("none", "")], Of::Integer(7))]),
        family("b_seconds_total", Kind::Counter, &[(&[], Of::Nanoseconds(1_500_000_000))]),
        family("c_seconds", Kind::Histogram, &[(&[("a", "b")], Of::Histogram(histogram))]),
    ];
    let mut writer = writer(|settings| _ = settings.labels.insert("region".into(), "eu".into()));
    let parcels = writer.pack(snapshot(9, families));
    let rows = rows(&parcels);
    let expected = [
        ("B=2,__name__=a_total,exported_job=own,instance=i,job=j,region=eu,z=1", 7.0),
        ("__name__=b_seconds_total,instance=i,job=j,region=eu", 1.5),
        ("__name__=c_seconds_bucket,a=b,instance=i,job=j,le=0.5,region=eu", 1.0),
        ("__name__=c_seconds_bucket,a=b,instance=i,job=j,le=1.0,region=eu", 1.0),
        ("__name__=c_seconds_bucket,a=b,instance=i,job=j,le=+Inf,region=eu", 3.0),
        ("__name__=c_seconds_sum,a=b,instance=i,job=j,region=eu", 7.25),
        ("__name__=c_seconds_count,a=b,instance=i,job=j,region=eu", 3.0),
    ];
    assert_eq!(rows, expected.map(|(labels, value)| (labels.to_owned(), number(value), 9_000)));
    // Kinds and help texts come in a message of their own, without samples, and not with each push.
    let metadata: Vec<_> = all(&message(&parcels[1]), 3).iter().map(|metadata| fields(metadata)).collect();
    assert_eq!((parcels.len(), parcels[1].samples, metadata.len()), (2, 0, 3));
    let last = &metadata[2];
    assert_eq!(
        (one(last, 1), all(last, 2), all(last, 4)),
        (Some(3), vec![b"c_seconds".to_vec()], vec![b"About c_seconds.".to_vec()])
    );
    assert_eq!(writer.pack(snapshot(10, Vec::new())).iter().filter(|parcel| parcel.samples == 0).count(), 0);
}

#[test]
fn an_empty_label_of_the_settings_leaves_the_label_out() {
    let mut writer = writer(|settings| _ = settings.labels.insert("instance".into(), String::new()));
    let rows = rows(&writer.pack(snapshot(1, vec![family("a", Kind::Gauge, &[(&[], Of::Float(1.0))])])));
    assert_eq!(rows[0].0, "__name__=a,job=j");
}

#[test]
fn what_vanishes_is_ended_once_and_all_is_at_a_clean_end() {
    let gauge = |labels: &[&'static str]| {
        let series: Vec<_> = labels.iter().map(|&value| ([("a", value)], Of::Float(2.0))).collect();
        let series: Vec<(&[(&'static str, &str)], Of)> = series.iter().map(|(l, v)| (&l[..], v.clone())).collect();
        vec![family("g", Kind::Gauge, &series)]
    };
    let series = |value: &str| format!("__name__=g,a={value},instance=i,job=j");
    let mut writer = writer(|_| ());
    writer.pack(snapshot(1, gauge(&["x", "y"])));
    assert_eq!(
        rows(&writer.pack(snapshot(2, gauge(&["y"])))),
        [(series("y"), number(2.0), 2_000), (series("x"), STALE, 2_000)]
    );
    assert_eq!(rows(&writer.pack(snapshot(3, gauge(&["y"])))), [(series("y"), number(2.0), 3_000)]);
    // A clock that goes back does not take the samples along.
    assert_eq!(
        rows(&writer.pack_last(snapshot(1, gauge(&["y", "z"])))),
        [
            (series("y"), number(2.0), 3_001),
            (series("z"), number(2.0), 3_001),
            (series("y"), STALE, 3_002),
            (series("z"), STALE, 3_002)
        ]
    );
}

#[test]
fn no_request_has_more_samples_than_may_be() {
    let values: Vec<String> = (0..7).map(|n| n.to_string()).collect();
    let labels: Vec<[(&'static str, &str); 1]> = values.iter().map(|value| [("a", &**value)]).collect();
    let series: Vec<(&[(&'static str, &str)], Of)> = labels.iter().map(|l| (&l[..], Of::Integer(1))).collect();
    let mut writer = writer(|settings| settings.batch = 3);
    let parcels = writer.pack(snapshot(1, vec![family("a_total", Kind::Counter, &series)]));
    assert_eq!(parcels.iter().map(|parcel| parcel.samples).collect::<Vec<_>>(), [3, 3, 1, 0]);
    assert_eq!(rows(&parcels).len(), 7);
}

/// Spans and deltas of a native histogram, unpacked as a receiver does it: index of a bucket, by its upper bound, and count.
fn buckets(histogram: &[(u64, Field)]) -> Vec<(i64, i64)> {
    let zigzag = |value: u64| (value >> 1) as i64 ^ -((value & 1) as i64);
    let mut packed = all(histogram, 12).pop().unwrap_or_default().into_iter();
    let mut delta = || {
        let mut value = 0u64;
        for shift in (0..).step_by(7) {
            let byte = packed.next().unwrap();
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                break;
            }
        }
        zigzag(value)
    };
    let (mut index, mut count, mut found) = (0, 0, Vec::new());
    for span in all(histogram, 11) {
        let span = fields(&span);
        index += zigzag(one(&span, 1).unwrap_or(0));
        for _ in 0..one(&span, 2).unwrap() {
            count += delta();
            found.push((index, count));
            index += 1;
        }
    }
    found
}

#[test]
fn native_histograms_have_every_bucket_at_its_place() {
    let mut writer = writer(|settings| settings.native_histograms = true);
    let families = vec![family("d_seconds", Kind::Histogram, &[(&[], Of::Exponential(exponential()))])];
    let parcels = writer.pack_last(snapshot(1, families));
    let series: Vec<_> = parcels.iter().flat_map(|parcel| all(&message(parcel), 1)).map(|s| fields(&s)).collect();
    let histogram = fields(&all(&series[0], 4)[0]);
    let double = |number| one(&histogram, number).map(f64::from_bits);
    assert_eq!(
        (one(&histogram, 1), double(3), one(&histogram, 4)),
        (Some(15), Some(6.5), Some(2)),
        "scale 1, as sint32"
    );
    assert_eq!((double(5), one(&histogram, 6), one(&histogram, 15)), (Some(0.5), Some(3), Some(1_000)));
    // Bucket i here is (2^(i/2), 2^((i+1)/2)], and Prometheus names it i + 1; what is above the last one is in the next.
    assert_eq!(buckets(&histogram), [(-1, 1), (3, 5), (4, 2), (5, 4)]);
    let end = fields(&all(&series[1], 4)[0]);
    assert_eq!((one(&end, 3), one(&end, 15), all(&end, 11).len()), (Some(STALE), Some(1_001), 0));
}

#[test]
fn version_2_says_texts_once_and_with_each_series_its_kind_and_start() {
    let mut writer = writer(|settings| settings.version = Version::Two);
    let families = vec![
        family("a_total", Kind::Counter, &[(&[("a", "x")], Of::Integer(7)), (&[("a", "y")], Of::Integer(8))]),
        family("g", Kind::Gauge, &[(&[], Of::Float(1.0))]),
    ];
    let parcels = writer.pack(snapshot(9, families));
    assert_eq!((parcels.len(), parcels[0].headers), (1, HEADERS_TWO));
    let request = message(&parcels[0]);
    let symbols: Vec<String> = all(&request, 4).into_iter().map(text).collect();
    assert_eq!(symbols[0], "");
    assert_eq!(symbols.len(), symbols.iter().collect::<HashSet<_>>().len());
    let series: Vec<_> = all(&request, 5).iter().map(|series| fields(series)).collect();
    // Fewer than 128 symbols: each reference is a byte.
    let refs: Vec<Vec<&str>> = series
        .iter()
        .map(|series| all(series, 1)[0].iter().map(|&place| &*symbols[usize::from(place)]).collect())
        .collect();
    assert_eq!(refs[1], ["__name__", "a_total", "a", "y", "instance", "i", "job", "j"]);
    assert_eq!(refs[2], ["__name__", "g", "instance", "i", "job", "j"]);
    let sample = fields(&all(&series[1], 2)[0]);
    assert_eq!((one(&sample, 1), one(&sample, 2)), (Some(number(8.0)), Some(9_000)));
    let metadata = fields(&all(&series[1], 5)[0]);
    let symbol = |number| &*symbols[usize::try_from(one(&metadata, number).unwrap()).unwrap()];
    assert_eq!((one(&metadata, 1), symbol(3), symbol(4)), (Some(1), "About a_total.", "rows"));
    assert_eq!((one(&series[1], 6), one(&series[2], 6)), (Some(1_500), None));
    // The same native histograms as in version 1, in another field.
    writer.settings.native_histograms = true;
    let families = vec![family("d_seconds", Kind::Histogram, &[(&[], Of::Exponential(exponential()))])];
    let series = fields(&all(&message(&writer.pack(snapshot(10, families))[0]), 5)[0]);
    assert_eq!(buckets(&fields(&all(&series, 3)[0])), [(-1, 1), (3, 5), (4, 2), (5, 4)]);
}
