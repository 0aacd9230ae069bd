//! What goes into a snapshot comes out of every format: random names, labels and values, read back by a strict reader of our own and by other
//! people's parsers.

use proptest::collection::{btree_map, vec};
use proptest::prelude::*;
use proptest::sample::subsequence;
use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::time::{Duration, SystemTime, UNIX_EPOCH};
use telemetry::Kind;
use telemetry::export::{Format, Options};
use telemetry::snapshot::{Exemplar, Exponential, Family, Histogram, Label, Labels, Series, Snapshot, Summary, Value};
use telemetry_tests::client_model::{self, MetricType};
use telemetry_tests::reference::{Flat, Reference, alike, plain};
use telemetry_tests::{openmetrics, parser};

/// Counts from 1.7 thousand million seconds on, whose fraction is exact in binary too.
const STARTED: Duration = Duration::from_millis(1_700_000_000_500);

fn snapshot(families: Vec<Family>) -> Snapshot {
    let started_at = UNIX_EPOCH + STARTED;
    Snapshot::of_families(started_at, SystemTime::now(), families)
}

/// Any text, and above all what formats have to escape.
fn any_text() -> impl Strategy<Value = String> {
    let awkward = proptest::sample::select(vec![
        "\\",
        "\"",
        "\n",
        "\r",
        "\r\n",
        "\t",
        "{",
        "}",
        ",",
        "=",
        " ",
        "#",
        " # {",
        "\\n",
        "\u{0}",
        "\u{85}",
        "\u{2028}",
        "ü",
        "\u{1F600}",
        "\"} 1\n",
        "# EOF\n",
        "# TYPE a gauge\n",
        "",
    ]);
    prop_oneof!["(?s).{0,12}", vec(awkward, 0..6).prop_map(|parts| parts.concat())]
}

/// Up to three labels under names that everybody takes.
fn labels() -> impl Strategy<Value = Labels> {
    btree_map("[a-z][a-zA-Z0-9_]{0,6}", any_text(), 0..4).prop_map(|labels| {
        let others = labels.into_iter().filter(|(name, _)| !["le", "quantile"].contains(&name.as_str()));
        others.map(|(name, value)| (name.into(), value.as_str().into())).collect()
    })
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![any::<f64>(), Just(0.0), Just(-0.0), Just(1.0), Just(f64::NAN), Just(f64::INFINITY), -1e6..1e6]
}

fn time() -> impl Strategy<Value = SystemTime> {
    // Eighths of a second, so that no reader rounds.
    (0u64..1 << 34).prop_map(|eighths| UNIX_EPOCH + Duration::from_millis(eighths * 125))
}

/// A value in the bucket of each of these bounds, where one was drawn.
fn exemplars(values: Vec<f64>) -> impl Strategy<Value = Vec<Exemplar>> {
    let len = values.len();
    // Identifiers, since Python's parser of exemplars is not made for more.
    let labels = btree_map("(trace|span)_id", "[0-9a-zé]{0,32}", 0..3);
    (subsequence(values, 0..=len), time(), labels, any::<bool>()).prop_map(|(values, at, labels, long)| {
        let labels = labels.into_iter().map(|(name, value)| (name.into(), value.as_str().into())).collect();
        let too_long = Labels::from([("trace_id", "é".repeat(121).as_str())]);
        let labels = if long { too_long } else { labels };
        values.into_iter().map(|value| Exemplar { labels: labels.clone(), value, at }).collect()
    })
}

fn histogram() -> impl Strategy<Value = Value> {
    // Beyond 1e9 Python's parser has its own idea of how a bound is written.
    let bound = prop_oneof![0.0..1e9, -1e5..1e5, Just(0.0), Just(1.0), 1e-9..1e-3];
    let sum = prop_oneof![0.0..1e12, -1e3..1e3];
    (vec(bound, 0..8), vec(0u64..1 << 40, 9), sum).prop_flat_map(|(mut bounds, mut buckets, sum)| {
        bounds.sort_by(f64::total_cmp);
        bounds.dedup();
        buckets.truncate(bounds.len() + 1);
        let above = bounds.last().map_or(0.0, |last| last.abs() * 2.0 + 1.0);
        exemplars(bounds.iter().copied().chain([above]).collect()).prop_map(move |exemplars| {
            Value::Histogram(Histogram { bounds: bounds.clone().into(), buckets: buckets.clone(), sum, exemplars })
        })
    })
}

fn exponential() -> impl Strategy<Value = Value> {
    let count = prop_oneof![3 => Just(0u64), 1 => 0u64..1 << 40];
    (-30i32..5, 1usize..12, vec(count, 48), 0u64..100, 0u64..100, 0.0..1e9).prop_flat_map(
        |(lowest, octaves, mut buckets, below, above, sum)| {
            buckets.truncate(octaves * 4);
            let bounds = (lowest..=lowest + octaves as i32).map(|power| 2f64.powi(power)).collect();
            exemplars(bounds).prop_map(move |exemplars| {
                let (buckets, offset) = (buckets.clone(), lowest * 4);
                Value::Exponential(Exponential { scale: 2, offset, buckets, below, above, sum, exemplars })
            })
        },
    )
}

fn summary() -> impl Strategy<Value = Value> {
    let quantiles = subsequence(vec![0.0, 0.5, 0.9, 0.99, 1.0], 0..=5);
    (quantiles, vec(0.0..1e300, 5), 0.0..1e12, any::<u64>()).prop_map(|(quantiles, values, sum, count)| {
        Value::Summary(Summary { quantiles: quantiles.into_iter().zip(values).collect(), sum, count })
    })
}

/// A family's kind, the end of its name, its unit, and its values.
fn shape() -> impl Strategy<Value = (Kind, &'static str, &'static str, Vec<Value>)> {
    fn of(
        kind: Kind,
        end: &'static str,
        unit: &'static str,
        value: impl Strategy<Value = Value> + 'static,
    ) -> BoxedStrategy<(Kind, &'static str, &'static str, Vec<Value>)> {
        vec(value, 1..4).prop_map(move |values| (kind, end, unit, values)).boxed()
    }
    prop_oneof![
        of(Kind::Counter, "_total", "", any::<u64>().prop_map(Value::Integer)),
        of(Kind::Counter, "_seconds_total", "seconds", any::<u64>().prop_map(Value::Nanoseconds)),
        of(Kind::Counter, "_total", "", (0.0..1e300).prop_map(Value::Float)),
        of(Kind::Counter, "", "", (0.0..1e300).prop_map(Value::Float)),
        of(Kind::Gauge, "_bytes", "bytes", any_number().prop_map(Value::Float)),
        of(Kind::Unknown, "", "", any_number().prop_map(Value::Float)),
        of(Kind::Info, "_info", "", Just(Value::Float(1.0))),
        of(Kind::Histogram, "_records", "records", histogram()),
        of(Kind::Histogram, "_seconds", "seconds", exponential()),
        of(Kind::Summary, "", "", summary()),
    ]
}

/// A help text that begins and ends with a letter, since parsers are free with spaces around it.
fn help() -> impl Strategy<Value = String> {
    prop_oneof![Just(String::new()), any_text().prop_map(|text| format!("a{text}z"))]
}

prop_compose! {
    fn families()(
        parts in vec((shape(), "[a-zA-Z:]{0,6}", help(), vec(labels(), 3)), 0..8)
    ) -> Vec<Family> {
        let mut families: Vec<_> = parts.into_iter().enumerate().map(|(index, (shape, name, help, labels))| {
            let (kind, end, unit, values) = shape;
            let mut series: Vec<_> =
                labels.into_iter().zip(values).map(|(labels, value)| Series { labels, value }).collect();
            series.sort_by(|a, b| a.labels.cmp(&b.labels));
            series.dedup_by(|a, b| a.labels == b.labels);
            Family { name: format!("m{index}{name}{end}").into(), help: help.into(), kind, unit: unit.into(), series }
        }).collect();
        families.sort_by(|a, b| a.name.cmp(&b.name));
        families
    }
}

#[derive(Clone, Copy, PartialEq)]
enum As {
    Text,
    OpenMetrics,
    Protobuf,
}

fn map(labels: &[Label]) -> BTreeMap<String, String> {
    labels.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect()
}

/// The samples that a reader of the format must find.
fn expected(families: &[Family], form: As, created: bool, native: bool) -> Vec<Flat> {
    let mut all = Vec::new();
    for family in families {
        let base = family.name.strip_suffix("_total").unwrap_or(&family.name);
        for series in &family.series {
            let labels = map(&series.labels);
            let own = |suffix: &str, value: f64| Flat::new(format!("{}{suffix}", family.name), labels.clone(), value);
            let mut since = created && form != As::Text;
            match &series.value {
                Value::Integer(value) => all.push(own("", *value as f64)),
                Value::Nanoseconds(value) => {
                    let seconds = format!("{}.{:09}", value / 1_000_000_000, value % 1_000_000_000);
                    all.push(own("", seconds.parse().unwrap()));
                }
                Value::Float(value) => {
                    all.push(own("", *value));
                    since = false;
                }
                Value::Histogram(histogram) => all.extend(buckets(&own, histogram, form)),
                Value::Exponential(exponential) => {
                    all.extend(buckets(&own, &exponential.to_powers_of_two(), form));
                    if native && form == As::Protobuf {
                        all.extend(native_buckets(&own, exponential));
                    }
                }
                Value::Summary(summary) => {
                    for (quantile, value) in &summary.quantiles {
                        let mut sample = own("", *value);
                        sample.labels.insert("quantile".into(), plain(*quantile));
                        all.push(sample);
                    }
                    all.extend([own("_sum", summary.sum), own("_count", summary.count as f64)]);
                    since = false;
                }
                other => panic!("{other:?}"),
            }
            if since {
                all.push(Flat::new(format!("{base}_created"), labels.clone(), STARTED.as_secs_f64()));
            }
        }
    }
    all.sort();
    all
}

/// Python's parser of the text format ends every counter in `_total`.
fn as_python_has_it(families: &[Family], form: As, samples: Vec<Flat>) -> Vec<Flat> {
    let is_counter = |name: &str| families.iter().any(|family| family.kind == Kind::Counter && family.name == name);
    sorted(samples.into_iter().map(|mut sample| {
        if form == As::Text && is_counter(&sample.name) && !sample.name.ends_with("_total") {
            sample.name.push_str("_total");
        }
        sample
    }))
}

fn buckets(own: &dyn Fn(&str, f64) -> Flat, histogram: &Histogram, form: As) -> Vec<Flat> {
    let (mut seen, mut last, mut all) = (0, f64::NEG_INFINITY, Vec::new());
    for (bound, count) in histogram.bounds.iter().copied().chain([f64::INFINITY]).zip(&histogram.buckets) {
        seen += count;
        let mut sample = own("_bucket", seen as f64);
        sample.labels.insert("le".into(), plain(bound));
        let here = histogram.exemplars.iter().find(|exemplar| exemplar.value > last && exemplar.value <= bound);
        sample.exemplar = here.filter(|_| form != As::Text).and_then(|exemplar| {
            let labels = map(&exemplar.labels);
            let characters: usize =
                labels.iter().map(|(name, value)| name.chars().count() + value.chars().count()).sum();
            let at = exemplar.at.duration_since(UNIX_EPOCH).unwrap().as_secs_f64();
            (characters <= 128).then(|| (labels, plain(exemplar.value), plain(at)))
        });
        all.push(sample);
        last = bound;
    }
    let falls = histogram.bounds.iter().any(|&bound| bound < 0.0) || histogram.sum < 0.0;
    if form != As::OpenMetrics || !falls {
        all.extend([own("_sum", histogram.sum), own("_count", seen as f64)]);
    }
    all
}

fn native_buckets(own: &dyn Fn(&str, f64) -> Flat, value: &Exponential) -> Vec<Flat> {
    let mut zero = own(":zero", value.below as f64);
    let threshold = 2f64.powf(f64::from(value.offset) / 2f64.powi(value.scale));
    zero.labels.insert("threshold".into(), plain(threshold));
    let counts = value.buckets.iter().chain([&value.above]).zip(value.offset + 1..);
    let shown = counts.filter(|(count, _)| **count > 0).map(|(count, index)| {
        let mut bucket = own(":native", *count as f64);
        bucket.labels.insert("index".into(), index.to_string());
        bucket.labels.insert("schema".into(), value.scale.to_string());
        bucket
    });
    shown.chain([zero]).collect()
}

fn sorted(samples: impl Iterator<Item = Flat>) -> Vec<Flat> {
    let mut samples: Vec<_> = samples.collect();
    samples.sort();
    samples
}

fn ours_of_text(body: &[u8]) -> Vec<Flat> {
    let text = std::str::from_utf8(body).unwrap();
    let read = parser::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let samples = read.families.into_iter().flat_map(|family| family.samples);
    sorted(samples.map(|sample| Flat::new(sample.name, alike(sample.labels), sample.value)))
}

fn ours_of_openmetrics(body: &[u8]) -> Vec<Flat> {
    let text = std::str::from_utf8(body).unwrap();
    let read = openmetrics::parse(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    let samples = read.families.into_iter().flat_map(|family| family.samples);
    sorted(samples.map(|sample| {
        let exemplar = sample
            .exemplar
            .map(|exemplar| (exemplar.labels, plain(exemplar.value), exemplar.at.map_or("none".to_owned(), plain)));
        Flat { exemplar, ..Flat::new(sample.name, alike(sample.labels), sample.value) }
    }))
}

fn pairs(labels: &[client_model::LabelPair]) -> BTreeMap<String, String> {
    labels.iter().map(|pair| (pair.name.clone().unwrap(), pair.value.clone().unwrap())).collect()
}

fn ours_of_protobuf(body: &[u8]) -> Vec<Flat> {
    let mut all = Vec::new();
    let seconds = |time: client_model::Timestamp| time.seconds as f64 + f64::from(time.nanos) / 1e9;
    for family in client_model::parse(body).unwrap() {
        let (name, kind) = (family.name.clone().unwrap(), family.r#type());
        let base = name.strip_suffix("_total").unwrap_or(&name);
        for metric in family.metric {
            let labels = pairs(&metric.label);
            let own = |suffix: &str, value: f64| Flat::new(format!("{name}{suffix}"), labels.clone(), value);
            let mut created = None;
            match kind {
                MetricType::Counter => {
                    let counter = metric.counter.unwrap();
                    created = counter.created_timestamp;
                    all.push(own("", counter.value.unwrap()));
                }
                MetricType::Gauge => all.push(own("", metric.gauge.unwrap().value.unwrap())),
                MetricType::Untyped => all.push(own("", metric.untyped.unwrap().value.unwrap())),
                MetricType::Summary => {
                    let summary = metric.summary.unwrap();
                    for quantile in &summary.quantile {
                        let mut sample = own("", quantile.value.unwrap());
                        sample.labels.insert("quantile".into(), plain(quantile.quantile.unwrap()));
                        all.push(sample);
                    }
                    all.push(own("_sum", summary.sample_sum.unwrap()));
                    all.push(own("_count", summary.sample_count.unwrap() as f64));
                }
                MetricType::Histogram => {
                    let histogram = metric.histogram.unwrap();
                    created = histogram.created_timestamp;
                    for bucket in &histogram.bucket {
                        let mut sample = own("_bucket", bucket.cumulative_count.unwrap() as f64);
                        sample.labels.insert("le".into(), plain(bucket.upper_bound.unwrap()));
                        sample.exemplar = bucket.exemplar.as_ref().map(|exemplar| {
                            let at = plain(seconds(exemplar.timestamp.unwrap()));
                            (pairs(&exemplar.label), plain(exemplar.value.unwrap()), at)
                        });
                        all.push(sample);
                    }
                    all.push(own("_sum", histogram.sample_sum.unwrap()));
                    all.push(own("_count", histogram.sample_count.unwrap() as f64));
                    if let Some(threshold) = histogram.zero_threshold {
                        let mut zero = own(":zero", histogram.zero_count.unwrap() as f64);
                        zero.labels.insert("threshold".into(), plain(threshold));
                        all.push(zero);
                        for (index, count) in histogram.native().into_iter().filter(|(_, count)| *count != 0) {
                            let mut bucket = own(":native", count as f64);
                            bucket.labels.insert("index".into(), index.to_string());
                            bucket.labels.insert("schema".into(), histogram.schema.unwrap().to_string());
                            all.push(bucket);
                        }
                    }
                }
                MetricType::GaugeHistogram => panic!("none of ours"),
            }
            all.extend(created.map(|time| Flat::new(format!("{base}_created"), labels.clone(), seconds(time))));
        }
    }
    sorted(all.into_iter())
}

/// What reads a body: a strict reader of ours.
type Ours = fn(&[u8]) -> Vec<Flat>;

const FORMS: [(As, Format, &str, Ours); 3] = [
    (As::Text, Format::TEXT, "text", ours_of_text),
    (As::OpenMetrics, Format::OPEN_METRICS, "openmetrics", ours_of_openmetrics),
    (As::Protobuf, Format::PROTOBUF, "protobuf", ours_of_protobuf),
];

/// One for all tests: it takes longer to start than to read.
fn reference() -> &'static Option<Mutex<Reference>> {
    static REFERENCE: std::sync::OnceLock<Option<Mutex<Reference>>> = std::sync::OnceLock::new();
    REFERENCE.get_or_init(|| Reference::start().map(Mutex::new))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn two_readers_of_each_format_find_what_went_in(families in families(), created: bool, native: bool) {
        let options = Options::default().created_timestamps(created).native_histograms(native);
        let snapshot = snapshot(families);
        for (form, format, name, ours) in FORMS {
            let body = format.encode_with(&snapshot, options);
            let expected = expected(&snapshot.families, form, created, native);
            prop_assert_eq!(&ours(&body), &expected, "{}", name);
            if let Some(reference) = reference() {
                let read = reference.lock().unwrap().read(name, &body);
                let (samples, helps) = read.map_err(|error| {
                    TestCaseError::fail(format!("{name}: {error}\n{}", String::from_utf8_lossy(&body)))
                })?;
                prop_assert_eq!(&samples, &as_python_has_it(&snapshot.families, form, expected), "{} by others", name);
                let mut given: Vec<_> = snapshot.families.iter().map(|family| family.help.to_string()).collect();
                given.retain(|help| !help.is_empty());
                given.sort();
                prop_assert_eq!(&helps, &given, "{}", name);
            }
        }
    }

    /// Names as other registries and collectors may give them: whatever they are, each exposition can be read, and holds every value once.
    #[test]
    fn names_of_any_characters_break_no_format(
        names in vec((any_text(), vec(any_text(), 0..3)), 1..5),
        escaping in proptest::sample::select(vec!["", ";escaping=underscores", ";escaping=allow-utf-8", ";escaping=dots", ";escaping=values"]),
    ) {
        let mut families: Vec<_> = names.into_iter().enumerate().map(|(index, (name, labels))| {
            let labels: Vec<Label> = labels.into_iter().map(|label| (label.into(), "v".into())).collect();
            let series = vec![Series { labels: labels.into(), value: Value::Integer(index as u64) }];
            let kind = Kind::Counter;
            Family { name: name.into(), help: "".into(), kind, unit: "".into(), series }
        }).collect();
        families.sort_by(|a, b| a.name.cmp(&b.name));
        families.dedup_by(|a, b| a.name == b.name);
        let mut given: Vec<_> = families.iter().map(|family| (plain(family.series[0].value.as_f64()), family.series[0].labels.len())).collect();
        given.sort();
        let snapshot = snapshot(families);
        let protobuf = "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited";
        for (accept, ours) in [
            ("text/plain;version=0.0.4", ours_of_text as Ours),
            ("application/openmetrics-text;version=1.0.0", ours_of_openmetrics),
            (protobuf, ours_of_protobuf),
        ] {
            let format = Format::negotiate(Some(&format!("{accept}{escaping}")));
            let read = ours(&format.encode_with(&snapshot, Options::default()));
            let mut found: Vec<_> = read.iter().map(|sample| (sample.value.clone(), sample.labels.len())).collect();
            found.sort();
            prop_assert_eq!(&found, &given, "{}", accept);
        }
    }

    #[test]
    fn no_accept_header_does_harm(accept in prop_oneof![any_text(), "[a-z*/;=q0-9., \"\\\\]{0,80}"]) {
        prop_assert!(Format::negotiate(Some(&accept)).content_type().contains('/'));
    }
}

#[test]
fn a_megabyte_of_label_comes_back_from_every_format() {
    let value: String = "\\\"\n漢{}# ".chars().cycle().take(1 << 20).collect();
    let labels = Labels::from([("a", value.as_str())]);
    let series = vec![Series { labels, value: Value::Integer(1) }];
    let families =
        vec![Family { name: "a_total".into(), help: "A.".into(), kind: Kind::Counter, unit: "".into(), series }];
    let snapshot = snapshot(families);
    for (form, format, name, ours) in FORMS {
        let body = format.encode_with(&snapshot, Options::default());
        let expected = expected(&snapshot.families, form, false, false);
        assert!(ours(&body) == expected, "{name}");
        if let Some(reference) = reference() {
            assert!(reference.lock().unwrap().read(name, &body).unwrap().0 == expected, "{name} by others");
        }
    }
}

/// Through floating point 2^53 + 1 would be even.
#[test]
fn whole_numbers_are_exact_in_the_text_formats() {
    let series = vec![Series { labels: Labels::none(), value: Value::Integer((1 << 53) + 1) }];
    let families =
        vec![Family { name: "a_total".into(), help: "A.".into(), kind: Kind::Counter, unit: "".into(), series }];
    let snapshot = snapshot(families);
    for format in [Format::TEXT, Format::OPEN_METRICS] {
        let text = String::from_utf8(format.encode(&snapshot)).unwrap();
        assert!(text.contains("\na_total 9007199254740993\n"), "{text}");
    }
}

/// Every family that is built in, of all features, with a series: Prometheus' own tool knows nothing to say against names, units, help or form.
#[test]
fn promtool_has_nothing_against_the_built_in_families() {
    let families = telemetry::builtin::CATALOG.iter().map(|descriptor| {
        let value = match descriptor.kind {
            Kind::Counter => Value::Integer(1),
            Kind::Histogram => Value::Histogram(Histogram {
                bounds: descriptor.bounds.into(),
                buckets: vec![1; descriptor.bounds.len() + 1],
                sum: 1.0,
                exemplars: Vec::new(),
            }),
            _ => Value::Float(1.0),
        };
        let labels = descriptor.labels.iter().map(|&label| (label.into(), "v".into())).collect();
        Family { series: vec![Series { labels, value }], ..Family::declared(descriptor) }
    });
    let snapshot = snapshot(families.collect());
    assert!(snapshot.families.len() > 50);
    ours_of_openmetrics(&Format::OPEN_METRICS.encode(&snapshot));
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let Ok(mut promtool) = command.spawn() else {
        let _ = writeln!(std::io::stderr(), "SKIPPED: no `promtool` in the path; Debian's package `prometheus` has it");
        return;
    };
    promtool.stdin.take().unwrap().write_all(&Format::TEXT.encode(&snapshot)).unwrap();
    let output = promtool.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    assert!(output.status.success() && said.is_empty(), "{}", String::from_utf8_lossy(&said));
}
