use super::Complaints;
use crate::points::{Number, Point, Temporality, Value};
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::metrics::v1::{Metric, metric::Data};
use std::collections::{BTreeMap, BTreeSet};

/// What is wrong in metrics that can be decoded.
pub(crate) fn metrics(request: &ExportMetricsServiceRequest) -> Vec<String> {
    let mut complaints = Complaints::default();
    for group in &request.resource_metrics {
        complaints.resource(group.resource.as_ref());
        for scoped in &group.scope_metrics {
            let mut kinds = BTreeMap::new();
            for metric in &scoped.metrics {
                declared(metric, &mut complaints);
                if kinds.insert(metric.name.as_str(), ()).is_some() {
                    complaints.add(&metric.name, "it stands twice in one scope");
                }
                keys(metric, &mut complaints);
            }
        }
    }
    let points = crate::points::of(0, request);
    let mut series = BTreeSet::new();
    for point in &points {
        if !series.insert(point.identity()) {
            complaints.add(&point.name, &format!("the series {:?} stands twice", point.attributes));
        }
        if let Err(wrong) = check(point) {
            complaints.add(&point.name, &wrong);
        }
        exemplars(point, &mut complaints);
    }
    complaints.all
}

fn declared(metric: &Metric, complaints: &mut Complaints) {
    let points = match &metric.data {
        None => return complaints.add(&metric.name, "it has no data"),
        Some(Data::Gauge(data)) => data.data_points.len(),
        Some(Data::Sum(data)) => data.data_points.len(),
        Some(Data::Histogram(data)) => data.data_points.len(),
        Some(Data::ExponentialHistogram(data)) => data.data_points.len(),
        Some(Data::Summary(data)) => data.data_points.len(),
    };
    if points == 0 {
        complaints.add(&metric.name, "it has no points");
    }
    if metric.name.is_empty() {
        complaints.add("", "a metric has no name");
    }
}

fn keys(metric: &Metric, complaints: &mut Complaints) {
    let name = &metric.name;
    match &metric.data {
        None => {}
        Some(Data::Gauge(data)) => {
            data.data_points.iter().for_each(|point| complaints.attributes(name, &point.attributes))
        }
        Some(Data::Sum(data)) => {
            data.data_points.iter().for_each(|point| complaints.attributes(name, &point.attributes))
        }
        Some(Data::Histogram(data)) => {
            data.data_points.iter().for_each(|point| complaints.attributes(name, &point.attributes));
        }
        Some(Data::ExponentialHistogram(data)) => {
            data.data_points.iter().for_each(|point| complaints.attributes(name, &point.attributes));
        }
        Some(Data::Summary(data)) => {
            data.data_points.iter().for_each(|point| complaints.attributes(name, &point.attributes));
        }
    }
}

fn check(point: &Point) -> Result<(), String> {
    if point.time == 0 {
        return Err("a point has no time".to_owned());
    }
    if point.start > point.time {
        return Err("a point begins after its time".to_owned());
    }
    match point.value.temporality() {
        Some(Temporality::Unspecified) => return Err("its temporality is not said".to_owned()),
        Some(_) if point.start == 0 => return Err("a point has no start".to_owned()),
        _ => {}
    }
    if point.flags > 1 {
        return Err(format!("the flags {:#x} mean nothing", point.flags));
    }
    if point.flags == 1 {
        // No value was recorded.
        return Ok(());
    }
    value(&point.value)
}

fn value(value: &Value) -> Result<(), String> {
    let or = |right: bool, wrong: &str| if right { Ok(()) } else { Err(wrong.to_owned()) };
    match value {
        Value::Gauge(value) => or(*value != Number::Absent, "a point has no value"),
        Value::Sum { value: Number::Absent, .. } => Err("a point has no value".to_owned()),
        Value::Sum { value, monotonic, .. } => {
            or(!value.as_f64().is_nan(), "a sum is NaN")?;
            or(!monotonic || value.as_f64() >= 0.0, "a monotonic sum is below zero")
        }
        Value::Histogram { count, sum, min, max, bounds, buckets, .. } => {
            or(bounds.iter().all(|bound| bound.is_finite()), "a bound is not finite")?;
            or(bounds.is_sorted_by(|lower, upper| lower < upper), "the bounds do not grow")?;
            let fits = buckets.len() == bounds.len() + 1 || (buckets.is_empty() && bounds.is_empty());
            or(fits, "there is not one bucket more than bounds")?;
            or(buckets.is_empty() || buckets.iter().sum::<u64>() == *count, "the buckets do not make the count")?;
            extremes(*count, *sum, *min, *max)
        }
        Value::Exponential { count, sum, scale, zero, positive, negative, min, max, .. } => {
            or((-10..=20).contains(scale), "the scale is not from -10 to 20")?;
            let all = zero + positive.1.iter().sum::<u64>() + negative.1.iter().sum::<u64>();
            or(all == *count, "the buckets do not make the count")?;
            extremes(*count, *sum, *min, *max)
        }
        Value::Summary { quantiles, .. } => {
            or(quantiles.iter().all(|(quantile, _)| (0.0..=1.0).contains(quantile)), "a quantile is not from 0 to 1")
        }
    }
}

fn extremes(count: u64, sum: Option<f64>, min: Option<f64>, max: Option<f64>) -> Result<(), String> {
    if count == 0 && sum.is_some_and(|sum| sum != 0.0) {
        return Err("a sum of nothing is not zero".to_owned());
    }
    if let (Some(min), Some(max)) = (min, max)
        && min > max
    {
        return Err("its min is above its max".to_owned());
    }
    Ok(())
}

fn exemplars(point: &Point, complaints: &mut Complaints) {
    for exemplar in &point.exemplars {
        if exemplar.time == 0 {
            complaints.add(&point.name, "an exemplar has no time");
        }
        if exemplar.value == Number::Absent {
            complaints.add(&point.name, "an exemplar has no value");
        }
        // Hex digits.
        let lengths = (exemplar.trace.len(), exemplar.span.len());
        if lengths != (32, 16) && lengths != (0, 0) {
            complaints.add(&point.name, "an exemplar has half a trace");
        }
    }
}
