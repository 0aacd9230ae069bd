//! What a picture shows: counted already, so that it takes no memory by value.

use super::draw;
use super::{ChartError, Curve};

/// Bars that a picture has at most; further labels are joined.
const BARS: usize = 40;
/// Bins that a picture has at most.
const MOST_BINS: usize = 200;
const WIDTH: u32 = 800;
const HEIGHT: u32 = 480;

/// A picture, drawn as [SVG](Figure::svg) or [PNG](Figure::png) when it is asked for.
///
/// ```
/// use telemetry::comet::chart::Figure;
///
/// let figure = Figure::label_frequency("What became of the flights", [("on time", 252_391), ("late", 74_955), ("cancelled", 8_255)]);
/// assert!(figure.svg()?.contains("252,391"));
/// assert!(figure.png()?.starts_with(b"\x89PNG"));
/// # Ok::<(), telemetry::comet::chart::ChartError>(())
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Figure {
    pub(super) title: String,
    pub(super) width: u32,
    pub(super) height: u32,
    pub(super) content: Content,
}

#[derive(Clone, Debug, PartialEq)]
pub(super) enum Content {
    /// Labels with counts, and how many more labels and counts were joined.
    Bars {
        bars: Vec<(String, u64)>,
        joined: Option<(usize, u64)>,
    },
    Bins(Bins),
    /// Several, one below the other.
    Panels(Vec<(String, Bins)>),
    Matrix {
        labels: Vec<String>,
        counts: Vec<Vec<u64>>,
        rows: String,
        columns: String,
    },
    Curves {
        x: String,
        y: String,
        curves: Vec<Curve>,
    },
}

/// Values counted over bins of one width.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Bins {
    pub(super) low: f64,
    pub(super) high: f64,
    pub(super) counts: Vec<u64>,
    /// Those that lie elsewhere, or are no number.
    pub(super) outside: u64,
    pub(super) sum: f64,
}

impl Bins {
    pub(super) fn new(low: f64, high: f64, bins: usize) -> Bins {
        Bins { low, high, counts: vec![0; bins.clamp(1, MOST_BINS)], outside: 0, sum: 0.0 }
    }

    pub(super) fn add(&mut self, value: f64) {
        self.add_many(value, 1);
    }

    /// The last bin has its upper edge too.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "a place among few bins"
    )]
    pub(super) fn add_many(&mut self, value: f64, times: u64) {
        if !(self.low..=self.high).contains(&value) {
            self.outside = self.outside.saturating_add(times);
            return;
        }
        let width = self.high - self.low;
        let place = if width > 0.0 { (value - self.low) / width * self.counts.len() as f64 } else { 0.0 };
        let place = (place as usize).min(self.counts.len() - 1);
        self.counts[place] = self.counts[place].saturating_add(times);
        self.sum += value * times as f64;
    }

    pub(super) fn count(&self) -> u64 {
        self.counts.iter().fold(0, |sum, count| sum.saturating_add(*count))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.count() == 0 && self.outside == 0
    }

    #[expect(clippy::cast_precision_loss, reason = "a mean")]
    pub(super) fn mean(&self) -> Option<f64> {
        let count = self.count();
        (count > 0).then(|| self.sum / count as f64)
    }
}

impl Figure {
    fn new(title: impl Into<String>, content: Content) -> Figure {
        let title: String = title.into();
        // One line, and nothing that a viewer of SVG would stumble over.
        let title = title
            .split(|c: char| c.is_whitespace() || c.is_control())
            .filter(|word| !word.is_empty())
            .collect::<Vec<_>>()
            .join(" ");
        let mut figure = Figure { title, width: WIDTH, height: HEIGHT, content };
        figure.height = draw::height(&figure).max(HEIGHT);
        figure
    }

    /// How often each label came: a bar for each, in the order that is given, with its count and its share. Of more than 40 labels the rarest are joined.
    pub fn label_frequency<L: Into<String>>(
        title: impl Into<String>,
        counts: impl IntoIterator<Item = (L, u64)>,
    ) -> Figure {
        let mut bars: Vec<(String, u64)> = counts.into_iter().map(|(label, count)| (label.into(), count)).collect();
        let mut joined = None;
        if bars.len() > BARS {
            let mut places: Vec<usize> = (0..bars.len()).collect();
            places.sort_by_key(|place| std::cmp::Reverse(bars[*place].1));
            let mut kept = places[..BARS - 1].to_vec();
            let rest = places[BARS - 1..].iter().fold(0u64, |sum, place| sum.saturating_add(bars[*place].1));
            joined = Some((bars.len() - kept.len(), rest));
            kept.sort_unstable();
            bars = kept.into_iter().map(|place| bars[place].clone()).collect();
        }
        Figure::new(title, Content::Bars { bars, joined })
    }

    /// How probabilities are spread from 0 to 1 over so many bins (at most 200), with the count over each bar and the mean. What lies outside is counted, and said below.
    pub fn probabilities(title: impl Into<String>, values: impl IntoIterator<Item = f64>, bins: usize) -> Figure {
        let mut counted = Bins::new(0.0, 1.0, bins);
        values.into_iter().for_each(|value| counted.add(value));
        Figure::new(title, Content::Bins(counted))
    }

    /// How values are spread from `low` to `high` over so many bins (at most 200). What lies outside is counted, and said below.
    pub fn histogram(
        title: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
        low: f64,
        high: f64,
        bins: usize,
    ) -> Figure {
        let (low, high) = if low.is_finite() && high.is_finite() { (low.min(high), low.max(high)) } else { (0.0, 1.0) };
        let mut counted = Bins::new(low, high, bins);
        values.into_iter().for_each(|value| counted.add(value));
        Figure::new(title, Content::Bins(counted))
    }

    /// Curves over common axes, with the area under each.
    pub fn curves(title: impl Into<String>, x: impl Into<String>, y: impl Into<String>, curves: &[Curve]) -> Figure {
        Figure::new(title, Content::Curves { x: x.into(), y: y.into(), curves: curves.to_vec() })
    }

    pub(super) fn panels(title: impl Into<String>, panels: Vec<(String, Bins)>) -> Figure {
        Figure::new(title, Content::Panels(panels))
    }

    pub(super) fn matrix(title: &str, labels: Vec<String>, counts: Vec<Vec<u64>>, rows: &str, columns: &str) -> Figure {
        Figure::new(title, Content::Matrix { labels, counts, rows: rows.to_owned(), columns: columns.to_owned() })
    }

    /// Another size, in pixels, of 200 to 4,000 each; by default 800 by 480, and higher where there are many bars.
    #[must_use]
    pub fn size(mut self, width: u32, height: u32) -> Figure {
        self.width = width.clamp(200, 4_000);
        self.height = height.clamp(200, 4_000);
        self
    }

    /// The picture as SVG.
    ///
    /// # Errors
    /// It could not be drawn.
    pub fn svg(&self) -> Result<String, ChartError> {
        draw::svg(self).map_err(|why| ChartError::Drawing { title: self.title.clone(), why })
    }

    /// The picture as PNG, with twice as many points in each direction.
    ///
    /// # Errors
    /// It could not be drawn.
    pub fn png(&self) -> Result<Vec<u8>, ChartError> {
        draw::png(self).map_err(|why| ChartError::Drawing { title: self.title.clone(), why })
    }
}
