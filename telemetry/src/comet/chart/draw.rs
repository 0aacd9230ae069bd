//! How a picture is drawn: in points of its own, by plotters, as SVG or as pixels.

use super::Curve;
use super::figure::{Bins, Content, Figure};
use crate::export::number::thousands;
use plotters::coord::Shift;
use plotters::prelude::{
    BitMapBackend, Circle, DrawingArea, DrawingBackend, FontDesc, FontFamily, FontStyle, FontTransform,
    IntoDrawingArea, IntoTextStyle, PathElement, RGBColor, Rectangle, SVGBackend, Text,
};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color, ShapeStyle, register_font};
use std::fmt::Display;
use std::sync::Once;

const FONT: &str = "DejaVu Sans";
/// For viewers that do not have it.
const FALLBACKS: &str = "DejaVu Sans, Verdana, Geneva, sans-serif";
/// Pixels of a PNG for a point.
const PNG_SCALE: u32 = 2;

const INK: RGBColor = RGBColor(38, 38, 38);
const GREY: RGBColor = RGBColor(110, 110, 110);
const GRID: RGBColor = RGBColor(228, 228, 228);
const WHITE: RGBColor = RGBColor(255, 255, 255);
/// Colours that people who see few of them can tell apart: Okabe and Ito, <https://jfly.uni-koeln.de/color/>.
const COLOURS: [RGBColor; 7] = [
    RGBColor(0, 114, 178),
    RGBColor(230, 159, 0),
    RGBColor(0, 158, 115),
    RGBColor(213, 94, 0),
    RGBColor(204, 121, 167),
    RGBColor(86, 180, 233),
    RGBColor(60, 60, 60),
];

const MARGIN: f64 = 20.0;
const TITLE: f64 = 20.0;
const TEXT: f64 = 13.0;
const SMALL: f64 = 11.0;
/// Of a horizontal bar with its gap.
const ROW: f64 = 26.0;
/// Of a panel among several.
const PANEL: f64 = 170.0;
/// Vertical bars, beyond which they lie.
const UPRIGHT: usize = 8;

type Drawn = Result<(), String>;

/// How high it has to be for what it shows.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "some thousand points at most"
)]
pub(super) fn height(figure: &Figure) -> u32 {
    let needed = match &figure.content {
        Content::Bars { bars, joined } if lies(figure) => {
            (bars.len() + usize::from(joined.is_some())) as f64 * ROW + 110.0
        }
        Content::Panels(panels) => panels.len().min(12) as f64 * PANEL + 70.0,
        Content::Matrix { labels, .. } => labels.len() as f64 * 32.0 + 190.0,
        _ => 0.0,
    };
    needed as u32
}

pub(super) fn svg(figure: &Figure) -> Result<String, String> {
    fonts();
    let mut text = String::new();
    let area = SVGBackend::with_string(&mut text, (figure.width, figure.height)).into_drawing_area();
    draw(&area, figure, 1)?;
    area.present().map_err(said)?;
    drop(area);
    Ok(text.replace(&format!("font-family=\"{FONT}\""), &format!("font-family=\"{FALLBACKS}\"")))
}

pub(super) fn png(figure: &Figure) -> Result<Vec<u8>, String> {
    fonts();
    let (width, height) = (figure.width * PNG_SCALE, figure.height * PNG_SCALE);
    let mut pixels = vec![255; 3 * width as usize * height as usize];
    let area = BitMapBackend::with_buffer(&mut pixels, (width, height)).into_drawing_area();
    draw(&area, figure, PNG_SCALE)?;
    area.present().map_err(said)?;
    drop(area);
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    let mut writer = encoder.write_header().map_err(said)?;
    writer.write_image_data(&pixels).map_err(said)?;
    writer.finish().map_err(said)?;
    Ok(bytes)
}

fn fonts() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // Both are known to be fonts; where one were not, drawing would say so.
        let _ = register_font(FONT, FontStyle::Normal, dejavu::sans::regular());
        let _ = register_font(FONT, FontStyle::Bold, dejavu::sans::bold());
    });
}

fn said(error: impl Display) -> String {
    error.to_string()
}

/// A rectangle, in points.
#[derive(Clone, Copy)]
struct Place {
    left: f64,
    top: f64,
    right: f64,
    bottom: f64,
}

impl Place {
    fn width(self) -> f64 {
        (self.right - self.left).max(1.0)
    }

    fn height(self) -> f64 {
        (self.bottom - self.top).max(1.0)
    }
}

/// What draws in points.
struct Brush<'a, B: DrawingBackend> {
    area: &'a DrawingArea<B, Shift>,
    scale: f64,
}

#[derive(Clone, Copy)]
struct Words {
    size: f64,
    colour: RGBColor,
    is_bold: bool,
    across: HPos,
    down: VPos,
    is_upward: bool,
}

impl Words {
    fn new(size: f64, across: HPos, down: VPos) -> Words {
        Words { size, colour: INK, is_bold: false, across, down, is_upward: false }
    }

    fn grey(self) -> Words {
        Words { colour: GREY, ..self }
    }

    fn font(self, scale: f64) -> FontDesc<'static> {
        let style = if self.is_bold { FontStyle::Bold } else { FontStyle::Normal };
        let font = FontDesc::new(FontFamily::Name(FONT), self.size * scale, style);
        if self.is_upward { font.transform(FontTransform::Rotate270) } else { font }
    }
}

impl<B: DrawingBackend> Brush<'_, B> {
    #[expect(clippy::cast_possible_truncation, reason = "some thousand points at most")]
    fn pixel(&self, x: f64, y: f64) -> (i32, i32) {
        ((x * self.scale).round() as i32, (y * self.scale).round() as i32)
    }

    fn fill(&self, place: Place, colour: impl Color) -> Drawn {
        let corners = [self.pixel(place.left, place.top), self.pixel(place.right, place.bottom)];
        self.area.draw(&Rectangle::new(corners, colour.filled())).map_err(said)
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a stroke's width")]
    fn line(&self, points: &[(f64, f64)], colour: RGBColor, width: f64) -> Drawn {
        let style = ShapeStyle {
            color: colour.to_rgba(),
            filled: false,
            stroke_width: (width * self.scale).round().max(1.0) as u32,
        };
        let points: Vec<_> = points.iter().map(|(x, y)| self.pixel(*x, *y)).collect();
        self.area.draw(&PathElement::new(points, style)).map_err(said)
    }

    fn dot(&self, x: f64, y: f64, colour: RGBColor) -> Drawn {
        #[expect(clippy::cast_possible_truncation, reason = "a few pixels")]
        let radius = (2.5 * self.scale).round() as i32;
        self.area.draw(&Circle::new(self.pixel(x, y), radius, colour.filled())).map_err(said)
    }

    fn words(&self, text: &str, x: f64, y: f64, words: Words) -> Drawn {
        let style = words
            .font(self.scale)
            .into_text_style(self.area)
            .color(&words.colour)
            .pos(Pos::new(words.across, words.down));
        self.area.draw(&Text::new(text.to_owned(), self.pixel(x, y), style)).map_err(said)
    }

    /// A count above a bar, which no line goes through.
    fn count(&self, text: &str, x: f64, bottom: f64) -> Drawn {
        let half = self.width(text, SMALL) / 2.0 + 1.0;
        self.fill(Place { left: x - half, right: x + half, top: bottom - SMALL, bottom }, WHITE)?;
        self.words(text, x, bottom, Words::new(SMALL, HPos::Center, VPos::Bottom))
    }

    fn width(&self, text: &str, size: f64) -> f64 {
        let style = Words::new(size, HPos::Left, VPos::Top).font(self.scale).into_text_style(self.area);
        // An estimate will do where it cannot be told.
        let known = self.area.estimate_text_size(text, &style).map(|(width, _)| f64::from(width) / self.scale);
        known.unwrap_or(0.6 * size * text.chars().count() as f64)
    }

    /// The text, cut so that it is no wider.
    fn fit(&self, text: &str, size: f64, most: f64) -> String {
        let text: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        if self.width(&text, size) <= most {
            return text;
        }
        let letters: Vec<char> = text.chars().collect();
        let (mut low, mut high) = (0, letters.len());
        while low < high {
            let middle = (low + high).div_ceil(2);
            let cut: String = letters[..middle].iter().chain(&['…']).collect();
            if self.width(&cut, size) <= most { low = middle } else { high = middle - 1 }
        }
        letters[..low].iter().chain(&['…']).collect()
    }
}

fn draw<B: DrawingBackend>(area: &DrawingArea<B, Shift>, figure: &Figure, scale: u32) -> Drawn {
    area.fill(&WHITE).map_err(said)?;
    let brush = Brush { area, scale: f64::from(scale) };
    let (width, height) = (f64::from(figure.width), f64::from(figure.height));
    let title = brush.fit(&figure.title, TITLE, width - 2.0 * MARGIN);
    let words = Words { is_bold: true, ..Words::new(TITLE, HPos::Center, VPos::Top) };
    brush.words(&title, width / 2.0, MARGIN - 4.0, words)?;
    let place = Place { left: MARGIN, top: MARGIN + TITLE + 20.0, right: width - MARGIN, bottom: height - MARGIN };
    match &figure.content {
        Content::Bars { bars, joined } => {
            let mut bars = bars.clone();
            bars.extend(joined.map(|(labels, count)| (format!("{labels} other labels"), count)));
            if bars.iter().all(|(_, count)| *count == 0) && bars.is_empty() {
                nothing(&brush, place)
            } else if lies(figure) {
                lying(&brush, place, &bars)
            } else {
                upright(&brush, place, &bars)
            }
        }
        Content::Bins(bins) => histogram(&brush, place, bins, true),
        Content::Panels(panels) => self::panels(&brush, place, panels),
        Content::Matrix { labels, counts, rows, columns } => matrix(&brush, place, labels, counts, rows, columns),
        Content::Curves { x, y, curves } => self::curves(&brush, place, x, y, curves),
    }
}

/// Whether bars lie: where they are many, or their names are long.
fn lies(figure: &Figure) -> bool {
    match &figure.content {
        Content::Bars { bars, .. } => bars.len() > UPRIGHT || bars.iter().any(|(label, _)| label.chars().count() > 12),
        _ => false,
    }
}

fn nothing<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place) -> Drawn {
    let (x, y) = (f64::midpoint(place.left, place.right), f64::midpoint(place.top, place.bottom));
    brush.words("no values", x, y, Words::new(16.0, HPos::Center, VPos::Center).grey())
}

/// Steps of 1, 2 or 5 times a power of ten, some five of them, from 0 to what is at least the largest.
fn ticks(most: f64) -> Vec<f64> {
    if most <= 0.0 || !most.is_finite() {
        return vec![0.0, 1.0];
    }
    let rough = most / 5.0;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].iter().map(|factor| factor * power).find(|step| *step >= rough).unwrap_or(rough);
    let mut all = vec![0.0];
    while all.last().is_some_and(|last| *last < most) {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        all.push(step * all.len() as f64);
    }
    all
}

/// A count as short as it may be: 1.2M.
#[expect(clippy::cast_precision_loss, reason = "three digits are shown")]
fn short(count: u64) -> String {
    let units = [(1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k")];
    match units.iter().find(|(size, _)| count as f64 >= 10.0 * size) {
        Some((size, unit)) => format!("{:.0}{unit}", count as f64 / size),
        None => thousands(count),
    }
}

/// A number on an axis.
fn number(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let size = value.abs();
    if size >= 1e6 {
        return format!("{value:.0e}");
    }
    if size >= 1_000.0 && value.fract() == 0.0 {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "below a million")]
        let count = size as u64;
        return format!("{}{}", if value < 0.0 { "-" } else { "" }, thousands(count));
    }
    let text = if size < 0.001 { return format!("{value:.1e}") } else { format!("{value:.3}") };
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[expect(clippy::cast_precision_loss, reason = "a share of a picture's height")]
fn part(count: u64, most: f64) -> f64 {
    if most > 0.0 { count as f64 / most } else { 0.0 }
}

/// Lines across with their counts; the place that is left, and what its height stands for.
fn count_axis<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, most: u64) -> Result<(Place, f64), String> {
    #[expect(clippy::cast_precision_loss, reason = "an axis")]
    let ticks = ticks(most as f64);
    let top = ticks.last().copied().unwrap_or(1.0);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "counts")]
    let names: Vec<String> =
        ticks.iter().map(|tick| if *tick < 1.0 && *tick > 0.0 { number(*tick) } else { short(*tick as u64) }).collect();
    let room = names.iter().map(|name| brush.width(name, SMALL)).fold(0.0, f64::max) + 8.0;
    let inner = Place { left: place.left + room, ..place };
    for (tick, name) in ticks.iter().zip(&names) {
        let y = inner.bottom - tick / top * inner.height();
        brush.line(&[(inner.left, y), (inner.right, y)], GRID, 1.0)?;
        brush.words(name, inner.left - 6.0, y, Words::new(SMALL, HPos::Right, VPos::Center).grey())?;
    }
    Ok((inner, top))
}

#[expect(clippy::cast_precision_loss, reason = "a share")]
fn percent(count: u64, total: u64) -> String {
    if total == 0 { String::new() } else { format!("{:.1} %", 100.0 * count as f64 / total as f64) }
}

fn upright<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, bars: &[(String, u64)]) -> Drawn {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let total = bars.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
    // Room for the count and the share above the highest bar.
    let (inner, top) = count_axis(brush, Place { top: place.top + 34.0, bottom: place.bottom - 24.0, ..place }, most)?;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let slot = inner.width() / bars.len().max(1) as f64;
    for (number, (label, count)) in bars.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let middle = inner.left + slot * (number as f64 + 0.5);
        let half = (slot * 0.36).min(60.0);
        let y = inner.bottom - part(*count, top) * inner.height();
        brush.fill(Place { left: middle - half, right: middle + half, top: y, bottom: inner.bottom }, COLOURS[0])?;
        brush.words(&thousands(*count), middle, y - 18.0, Words::new(TEXT, HPos::Center, VPos::Bottom))?;
        brush.words(&percent(*count, total), middle, y - 4.0, Words::new(SMALL, HPos::Center, VPos::Bottom).grey())?;
        brush.words(
            &brush.fit(label, TEXT, slot - 8.0),
            middle,
            inner.bottom + 8.0,
            Words::new(TEXT, HPos::Center, VPos::Top),
        )?;
    }
    brush.line(&[(inner.left, inner.bottom), (inner.right, inner.bottom)], GREY, 1.0)
}

fn lying<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, bars: &[(String, u64)]) -> Drawn {
    let most = bars.iter().map(|(_, count)| *count).max().unwrap_or(0);
    let total = bars.iter().fold(0u64, |sum, (_, count)| sum.saturating_add(*count));
    let widest = bars.iter().map(|(label, _)| brush.width(label, TEXT)).fold(0.0, f64::max);
    let room = widest.min(0.35 * place.width()) + 10.0;
    let figures: Vec<String> = bars
        .iter()
        .map(|(_, count)| {
            format!("{}  ({})", thousands(*count), if total > 0 { percent(*count, total) } else { "0 %".into() })
        })
        .collect();
    let behind = figures.iter().map(|figure| brush.width(figure, TEXT)).fold(0.0, f64::max) + 12.0;
    let (left, right) = (place.left + room, (place.right - behind).max(place.left + room + 10.0));
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let row = (place.height() / bars.len().max(1) as f64).min(1.6 * ROW);
    for (number, ((label, count), figure)) in bars.iter().zip(&figures).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let middle = place.top + row * (number as f64 + 0.5);
        #[expect(clippy::cast_precision_loss, reason = "a share")]
        let x = left + part(*count, most as f64) * (right - left);
        brush.words(
            &brush.fit(label, TEXT, room - 10.0),
            left - 8.0,
            middle,
            Words::new(TEXT, HPos::Right, VPos::Center),
        )?;
        brush.fill(
            Place { left, right: x.max(left + 1.0), top: middle - row * 0.34, bottom: middle + row * 0.34 },
            COLOURS[0],
        )?;
        brush.words(figure, x + 8.0, middle, Words::new(TEXT, HPos::Left, VPos::Center))?;
    }
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let bottom = place.top + row * bars.len() as f64;
    brush.line(&[(left, place.top), (left, bottom)], GREY, 1.0)
}

/// `has_counts`: over each bar, where there is room.
fn histogram<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, bins: &Bins, has_counts: bool) -> Drawn {
    if bins.is_empty() {
        return nothing(brush, place);
    }
    let most = bins.counts.iter().copied().max().unwrap_or(0);
    let above = if has_counts { 18.0 } else { 6.0 };
    let (inner, top) = count_axis(brush, Place { top: place.top + above, bottom: place.bottom - 42.0, ..place }, most)?;
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let slot = inner.width() / bins.counts.len() as f64;
    let (left, y) = (
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        |number: usize| inner.left + slot * number as f64,
        |count: u64| inner.bottom - part(count, top) * inner.height(),
    );
    for (number, count) in bins.counts.iter().enumerate() {
        let gap = (slot * 0.06).min(2.0);
        let bar =
            Place { left: left(number) + gap, right: left(number) + slot - gap, top: y(*count), bottom: inner.bottom };
        brush.fill(bar, COLOURS[0])?;
    }
    if let Some(mean) = bins.mean() {
        let x = inner.left + (mean - bins.low) / (bins.high - bins.low).max(f64::MIN_POSITIVE) * inner.width();
        if (inner.left..=inner.right).contains(&x) {
            brush.line(&[(x, inner.top), (x, inner.bottom)], COLOURS[3], 1.5)?;
        }
    }
    for (number, count) in bins.counts.iter().enumerate().filter(|(_, count)| has_counts && **count > 0) {
        let (middle, y) = (left(number) + slot / 2.0, y(*count));
        let text = [thousands(*count), short(*count)].into_iter().find(|text| brush.width(text, SMALL) <= slot - 2.0);
        if let Some(text) = text {
            brush.count(&text, middle, y - 3.0)?;
        } else if slot > SMALL && y - brush.width(&short(*count), SMALL) - 4.0 > place.top - 14.0 {
            // Upward, where it is too wide.
            let words = Words { is_upward: true, ..Words::new(SMALL, HPos::Left, VPos::Center) };
            brush.words(&short(*count), middle, y - 4.0, words)?;
        }
    }
    brush.line(&[(inner.left, inner.bottom), (inner.right, inner.bottom)], GREY, 1.0)?;
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let x = inner.left + share * inner.width();
        brush.line(&[(x, inner.bottom), (x, inner.bottom + 4.0)], GREY, 1.0)?;
        let across = if step == 5 {
            HPos::Right
        } else if step == 0 {
            HPos::Left
        } else {
            HPos::Center
        };
        brush.words(
            &number(bins.low + share * (bins.high - bins.low)),
            x,
            inner.bottom + 6.0,
            Words::new(SMALL, across, VPos::Top).grey(),
        )?;
    }
    let mut below = format!("{} values", thousands(bins.count()));
    if let Some(mean) = bins.mean() {
        below.push_str(&format!(", mean {}", number((mean * 1e6).round() / 1e6)));
    }
    if bins.outside > 0 {
        below.push_str(&format!(
            "; {} outside {} to {}, or no number",
            thousands(bins.outside),
            number(bins.low),
            number(bins.high)
        ));
    }
    let below = brush.fit(&below, SMALL, inner.width());
    brush.words(
        &below,
        f64::midpoint(inner.left, inner.right),
        inner.bottom + 24.0,
        Words::new(SMALL, HPos::Center, VPos::Top),
    )
}

fn panels<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, panels: &[(String, Bins)]) -> Drawn {
    if panels.is_empty() {
        return nothing(brush, place);
    }
    let shown = panels.len().min(12);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let height = place.height() / shown as f64;
    for (number, (label, bins)) in panels.iter().take(shown).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let top = place.top + height * number as f64;
        let words = Words { is_bold: true, ..Words::new(TEXT, HPos::Left, VPos::Top) };
        let more = if number + 1 == shown && panels.len() > shown {
            format!(" (and {} more labels that are not shown)", panels.len() - shown)
        } else {
            String::new()
        };
        brush.words(&brush.fit(&format!("{label}{more}"), TEXT, place.width()), place.left, top, words)?;
        histogram(brush, Place { top: top + 16.0, bottom: top + height - 4.0, ..place }, bins, true)?;
    }
    Ok(())
}

fn matrix<B: DrawingBackend>(
    brush: &Brush<'_, B>,
    place: Place,
    labels: &[String],
    counts: &[Vec<u64>],
    rows: &str,
    columns: &str,
) -> Drawn {
    if labels.is_empty() {
        return nothing(brush, place);
    }
    let widest = labels.iter().map(|label| brush.width(label, TEXT)).fold(0.0, f64::max).min(150.0);
    #[expect(clippy::cast_precision_loss, reason = "a handful")]
    let side = labels.len() as f64;
    let left = place.left + 22.0 + widest + 8.0;
    let slot = ((place.right - left) / side).min(170.0);
    // Column names stand upright where they are too wide.
    let is_upward = labels.iter().any(|label| brush.width(label, TEXT) > slot - 6.0);
    let below = if is_upward { widest + 12.0 } else { 26.0 };
    let grid = Place { left, top: place.top, right: left + slot * side, bottom: place.bottom - below - 24.0 };
    let height = grid.height() / side;
    for (row, (label, of_row)) in labels.iter().zip(counts).enumerate() {
        let total = of_row.iter().fold(0u64, |sum, count| sum.saturating_add(*count));
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let top = grid.top + height * row as f64;
        let middle = top + height / 2.0;
        brush.words(
            &brush.fit(label, TEXT, widest),
            grid.left - 8.0,
            middle,
            Words::new(TEXT, HPos::Right, VPos::Center),
        )?;
        for (column, count) in of_row.iter().enumerate() {
            #[expect(clippy::cast_precision_loss, reason = "a handful")]
            let x = grid.left + slot * column as f64;
            #[expect(clippy::cast_precision_loss, reason = "a share")]
            let share = part(*count, total as f64);
            let shade = shade(share);
            brush.fill(
                Place { left: x + 1.0, right: x + slot - 1.0, top: top + 1.0, bottom: top + height - 1.0 },
                shade,
            )?;
            let colour = if share > 0.55 { WHITE } else { INK };
            let text =
                [thousands(*count), short(*count)].into_iter().find(|text| brush.width(text, TEXT) <= slot - 4.0);
            if let Some(text) = text.filter(|_| height >= TEXT + 2.0) {
                let has_share = height >= 40.0 && slot >= 60.0 && total > 0;
                let y = if has_share { middle - 8.0 } else { middle };
                brush.words(
                    &text,
                    x + slot / 2.0,
                    y,
                    Words { colour, ..Words::new(TEXT, HPos::Center, VPos::Center) },
                )?;
                if has_share {
                    brush.words(
                        &percent(*count, total),
                        x + slot / 2.0,
                        middle + 10.0,
                        Words { colour, ..Words::new(SMALL, HPos::Center, VPos::Center) },
                    )?;
                }
            }
        }
    }
    for (column, label) in labels.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let x = grid.left + slot * (column as f64 + 0.5);
        if is_upward {
            let words = Words { is_upward: true, ..Words::new(TEXT, HPos::Right, VPos::Center) };
            brush.words(&brush.fit(label, TEXT, widest), x, grid.bottom + 6.0, words)?;
        } else {
            brush.words(label, x, grid.bottom + 6.0, Words::new(TEXT, HPos::Center, VPos::Top))?;
        }
    }
    let middle = f64::midpoint(grid.left, grid.right);
    brush.words(
        &brush.fit(columns, TEXT, grid.width()),
        middle,
        place.bottom,
        Words::new(TEXT, HPos::Center, VPos::Bottom).grey(),
    )?;
    let words = Words { is_upward: true, colour: GREY, ..Words::new(TEXT, HPos::Center, VPos::Top) };
    brush.words(&brush.fit(rows, TEXT, grid.height()), place.left, f64::midpoint(grid.top, grid.bottom), words)
}

/// From nearly white to blue.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a colour's part")]
fn shade(share: f64) -> RGBColor {
    let (light, dark) = ([240.0, 246.0, 251.0], [0.0, 90.0, 150.0]);
    let part = |place: usize| (light[place] + (dark[place] - light[place]) * share.clamp(0.0, 1.0)) as u8;
    RGBColor(part(0), part(1), part(2))
}

fn curves<B: DrawingBackend>(brush: &Brush<'_, B>, place: Place, x: &str, y: &str, curves: &[Curve]) -> Drawn {
    let points = || curves.iter().flat_map(|curve| curve.points().iter().copied());
    let bounds = |values: &mut dyn Iterator<Item = f64>| {
        let (low, high) =
            values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), value| (low.min(value), high.max(value)));
        // Shares are shown from 0 to 1.
        if low >= 0.0 && high <= 1.0 {
            (0.0, 1.0)
        } else if high > low {
            (low, high)
        } else {
            (low - 0.5, low + 0.5)
        }
    };
    if points().next().is_none() {
        return nothing(brush, place);
    }
    let (low_x, high_x) = bounds(&mut points().map(|(x, _)| x));
    let (low_y, high_y) = bounds(&mut points().map(|(_, y)| y));
    let legend = 18.0 * curves.len().min(7) as f64;
    let inner = Place {
        left: place.left + 70.0,
        top: place.top + 4.0,
        right: place.right - 10.0,
        bottom: place.bottom - 48.0 - legend,
    };
    for step in 0..=5 {
        let share = f64::from(step) / 5.0;
        let (across, down) = (inner.left + share * inner.width(), inner.bottom - share * inner.height());
        brush.line(&[(inner.left, down), (inner.right, down)], GRID, 1.0)?;
        brush.line(&[(across, inner.top), (across, inner.bottom)], GRID, 1.0)?;
        brush.words(
            &number(low_y + share * (high_y - low_y)),
            inner.left - 6.0,
            down,
            Words::new(SMALL, HPos::Right, VPos::Center).grey(),
        )?;
        brush.words(
            &number(low_x + share * (high_x - low_x)),
            across,
            inner.bottom + 6.0,
            Words::new(SMALL, HPos::Center, VPos::Top).grey(),
        )?;
    }
    for (curve, colour) in curves.iter().zip(COLOURS.iter().cycle()) {
        let at = |(x, y): (f64, f64)| {
            (
                inner.left + (x - low_x) / (high_x - low_x) * inner.width(),
                inner.bottom - (y - low_y) / (high_y - low_y) * inner.height(),
            )
        };
        let points: Vec<_> = curve.points().iter().copied().map(at).collect();
        match &*points {
            [(x, y)] => brush.dot(*x, *y, *colour)?,
            points => brush.line(points, *colour, 2.0)?,
        }
    }
    let middle = f64::midpoint(inner.left, inner.right);
    brush.words(
        &brush.fit(x, TEXT, inner.width()),
        middle,
        inner.bottom + 22.0,
        Words::new(TEXT, HPos::Center, VPos::Top).grey(),
    )?;
    let words = Words { is_upward: true, colour: GREY, ..Words::new(TEXT, HPos::Center, VPos::Top) };
    brush.words(&brush.fit(y, TEXT, inner.height()), place.left, f64::midpoint(inner.top, inner.bottom), words)?;
    for (row, (curve, colour)) in curves.iter().zip(COLOURS.iter().cycle()).take(7).enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let y = inner.bottom + 50.0 + 18.0 * row as f64;
        brush.line(&[(inner.left, y), (inner.left + 24.0, y)], *colour, 3.0)?;
        let more = if row == 6 && curves.len() > 7 { format!("; {} more", curves.len() - 7) } else { String::new() };
        let text = format!("{} (area {}){more}", curve.name(), number((curve.auc() * 1e3).round() / 1e3));
        brush.words(
            &brush.fit(&text, TEXT, inner.width() - 34.0),
            inner.left + 32.0,
            y,
            Words::new(TEXT, HPos::Left, VPos::Center),
        )?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_have_round_steps_up_to_the_largest() {
        assert_eq!(ticks(252_391.0), [0.0, 100_000.0, 200_000.0, 300_000.0]);
        assert_eq!(ticks(7.0), [0.0, 2.0, 4.0, 6.0, 8.0]);
        assert_eq!(ticks(0.0), [0.0, 1.0]);
        assert!(ticks(u64::MAX as f64).len() < 8);
    }

    #[test]
    fn numbers_are_short_and_true() {
        assert_eq!([0, 999, 1_000, 1_234_567].map(thousands), ["0", "999", "1,000", "1,234,567"]);
        assert_eq!([9_999, 10_000, 252_391, 12_345_678].map(short), ["9,999", "10k", "252k", "12M"]);
        assert_eq!([0.0, 0.2, -1_500.0, 0.25, 1e-5, 2e7].map(number), ["0", "0.2", "-1,500", "0.25", "1.0e-5", "2e7"]);
    }
}
