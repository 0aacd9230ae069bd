//! A histogram of exponential buckets, as both versions have it.
//! <https://github.com/prometheus/prometheus/blob/main/prompb/types.proto>

use super::STALE;
use crate::snapshot::Exponential;

#[derive(Clone, PartialEq, prost::Message)]
pub(super) struct Histogram {
    #[prost(uint64, tag = "1")]
    count: u64,
    #[prost(double, tag = "3")]
    sum: f64,
    #[prost(sint32, tag = "4")]
    schema: i32,
    #[prost(double, tag = "5")]
    zero_threshold: f64,
    #[prost(uint64, tag = "6")]
    zero_count: u64,
    #[prost(message, repeated, tag = "11")]
    positive_spans: Vec<Span>,
    #[prost(sint64, repeated, tag = "12")]
    positive_deltas: Vec<i64>,
    #[prost(int64, tag = "15")]
    timestamp: i64,
}

/// Buckets that lie beside each other.
#[derive(Clone, Copy, PartialEq, prost::Message)]
pub(super) struct Span {
    /// From the end of the last one; of the first, its index.
    #[prost(sint32, tag = "1")]
    offset: i32,
    #[prost(uint32, tag = "2")]
    length: u32,
}

/// A gap this wide costs as much as the empty buckets in it.
const GAP: usize = 2;

impl Histogram {
    pub(super) fn new(value: &Exponential, timestamp: i64) -> Histogram {
        // What is not above the first bucket's lower bound is zero, as far as these buckets can tell; what is above the last one is shown in the next.
        let counts: Vec<u64> = value.buckets.iter().copied().chain([value.above]).collect();
        let mut runs = Vec::<(usize, usize)>::new(); // first and behind the last
        for (at, _) in counts.iter().enumerate().filter(|(_, count)| **count > 0) {
            match runs.last_mut() {
                Some((_, end)) if at - *end <= GAP => *end = at + 1,
                _ => runs.push((at, at + 1)),
            }
        }
        // Prometheus counts buckets by their upper bounds: its bucket 0 ends at 1, ours begins there.
        let mut next = -1 - i64::from(value.offset);
        let mut positive_spans = Vec::new();
        let (mut positive_deltas, mut last) = (Vec::new(), 0u64);
        for &(start, end) in &runs {
            let offset = i64::try_from(start).unwrap_or(i64::MAX).saturating_sub(next);
            let offset = i32::try_from(offset).unwrap_or(i32::MAX);
            positive_spans.push(Span { offset, length: u32::try_from(end - start).unwrap_or(u32::MAX) });
            next = i64::try_from(end).unwrap_or(i64::MAX);
            for &count in counts.get(start..end).unwrap_or_default() {
                #[expect(clippy::cast_possible_wrap, reason = "a difference, which may be below zero")]
                positive_deltas.push(count.wrapping_sub(last) as i64);
                last = count;
            }
        }
        Histogram {
            count: value.count(),
            sum: value.sum,
            schema: value.scale,
            zero_threshold: (f64::from(value.offset) / 2f64.powi(value.scale)).exp2(),
            zero_count: value.below,
            positive_spans,
            positive_deltas,
            timestamp,
        }
    }

    /// The end of a series.
    pub(super) fn stale(timestamp: i64) -> Histogram {
        Histogram { sum: f64::from_bits(STALE), timestamp, ..Histogram::default() }
    }
}
