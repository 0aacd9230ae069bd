//! The values of labels: what may stand there, how it is hashed, compared and kept.

use std::fmt;

/// The longest label value in bytes; of a longer one its beginning and `…` are kept, within this length. OpenTelemetry sets no limit by
/// default, and a Prometheus server that sets one refuses the whole scrape: this is far above what a label is for, and two thousand
/// of them are 2 MB.
/// <https://prometheus.io/docs/prometheus/latest/configuration/configuration/#scrape_config> (`label_value_length_limit`)
pub(crate) const MAX_VALUE_BYTES: usize = 1_024;

/// A label's value on its way to a lookup: borrowed, not yet formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelArg<'a> {
    /// Any text.
    Str(&'a str),
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// One of the values that a type has: `bool`, or an enum with `#[derive(Label)]`. Which type is fixed by the declaration, so
    /// within a family the place alone tells values apart.
    Closed {
        /// The value's place among the others.
        index: u32,
        /// All of them.
        values: &'static [&'static str],
    },
}

/// A label's value as a series keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelOwned {
    Str(Box<str>),
    Unsigned(u64),
    Signed(i64),
    Closed { index: u32, value: &'static str },
}

impl LabelArg<'_> {
    pub(crate) fn keep(self) -> LabelOwned {
        match self {
            LabelArg::Str(value) => LabelOwned::Str(value.into()),
            LabelArg::Unsigned(value) => LabelOwned::Unsigned(value),
            LabelArg::Signed(value) => LabelOwned::Signed(value),
            LabelArg::Closed { index, values } => {
                LabelOwned::Closed { index, value: values.get(index as usize).copied().unwrap_or_default() }
            }
        }
    }

    /// Whether the value is longer than what is kept of one.
    pub(crate) fn is_too_long(&self) -> bool {
        matches!(self, LabelArg::Str(value) if value.len() > MAX_VALUE_BYTES)
    }

    #[inline]
    pub(crate) fn equals(&self, kept: &LabelOwned) -> bool {
        match (self, kept) {
            (LabelArg::Str(a), LabelOwned::Str(b)) => equal(a, b),
            (LabelArg::Unsigned(a), LabelOwned::Unsigned(b)) => a == b,
            (LabelArg::Signed(a), LabelOwned::Signed(b)) => a == b,
            (LabelArg::Closed { index: a, .. }, LabelOwned::Closed { index: b, .. }) => a == b,
            _ => false,
        }
    }

    #[inline]
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        match self {
            LabelArg::Str(value) => hash_bytes(value.as_bytes(), seed),
            LabelArg::Unsigned(value) => mix(*value, seed),
            LabelArg::Signed(value) => mix(*value as u64, seed),
            LabelArg::Closed { index, .. } => mix(u64::from(*index), seed),
        }
    }
}

impl fmt::Display for LabelOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelOwned::Str(value) => f.write_str(value),
            LabelOwned::Unsigned(value) => write!(f, "{value}"),
            LabelOwned::Signed(value) => write!(f, "{value}"),
            LabelOwned::Closed { value, .. } => f.write_str(value),
        }
    }
}

/// A value with what is too much of it replaced by `…`.
pub(crate) fn cut(value: &str) -> String {
    const ELLIPSIS: &str = "…";
    if value.len() <= MAX_VALUE_BYTES {
        return value.to_owned();
    }
    let kept = (0..=MAX_VALUE_BYTES - ELLIPSIS.len()).rev().find_map(|end| value.get(..end));
    kept.unwrap_or_default().to_owned() + ELLIPSIS
}

/// Folds the 128-bit product of its inputs: one multiplication spreads every bit of both.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    // Odd constants without structure: the fractions of the golden ratio and of the square root of two in 64 bits.
    const A: u64 = 0x9E37_79B9_7F4A_7C15;
    const B: u64 = 0x6A09_E667_F3BC_C909;
    let product = u128::from(a ^ A).wrapping_mul(u128::from(b ^ B));
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are folded")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded
}

/// Not for tables that an attacker may fill: a family's table is bounded and keeps whole keys.
#[inline]
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let seed = seed ^ (bytes.len() as u64).rotate_right(8);
    match short(bytes) {
        Some((a, b)) => mix(a, b ^ seed),
        None => hash_long(bytes, seed),
    }
}

/// Sixteen bytes a step.
fn hash_long(bytes: &[u8], seed: u64) -> u64 {
    bytes.chunks(16).fold(seed, |state, chunk| short(chunk).map_or(state, |(a, b)| mix(a, b ^ state)))
}

/// Two words that tell a text of up to sixteen bytes, which most label values are, from each other one of its length.
/// Which bytes are in both depends on the length alone.
#[inline]
fn short(bytes: &[u8]) -> Option<(u64, u64)> {
    if bytes.len() > 16 {
        return None;
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<8>(), bytes.last_chunk::<8>()) {
        return Some((u64::from_le_bytes(*first), u64::from_le_bytes(*last)));
    }
    if let (Some(first), Some(last)) = (bytes.first_chunk::<4>(), bytes.last_chunk::<4>()) {
        return Some((u32::from_le_bytes(*first).into(), u32::from_le_bytes(*last).into()));
    }
    let [Some(&first), Some(&middle), Some(&last)] = [bytes.first(), bytes.get(bytes.len() / 2), bytes.last()] else {
        return Some((0, 0));
    };
    Some((u64::from(first) | u64::from(middle) << 8, last.into()))
}

/// As `==`, without a call for short texts.
#[inline]
fn equal(a: &str, b: &str) -> bool {
    a.len() == b.len()
        && match (short(a.as_bytes()), short(b.as_bytes())) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        }
}

/// The values of a label's type: all of them, or `None` where there is no end to them.
pub type Values = Option<&'static [&'static str]>;

/// What may be given for a label: `&str`, integers, `bool`, and enums with `#[derive(Label)]`, as the declaration says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a label",
    label = "write `&str`, an integer, `bool`, or an enum with `#[derive(Label)]`"
)]
pub trait IntoLabel {
    /// Every value of the type, where it has few enough to list.
    const CLOSED: Values = None;

    /// The value, borrowed for the lookup.
    fn as_label(&self) -> LabelArg<'_>;
}

// What may be written is in the trait's own message; a list of these would only repeat it, at length.
#[diagnostic::do_not_recommend]
impl IntoLabel for str {
    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        LabelArg::Str(self)
    }
}

/// The values of `bool`, by number.
const BOOLS: &[&str] = &["false", "true"];

#[diagnostic::do_not_recommend]
impl IntoLabel for bool {
    const CLOSED: Values = Some(BOOLS);

    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        LabelArg::Closed { index: u32::from(*self), values: BOOLS }
    }
}

#[diagnostic::do_not_recommend]
impl<T: IntoLabel + ?Sized> IntoLabel for &T {
    const CLOSED: Values = T::CLOSED;

    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        (**self).as_label()
    }
}

macro_rules! integers {
    ($variant:ident as $wide:ty: $($t:ty)*) => {$(
        #[diagnostic::do_not_recommend]
        impl IntoLabel for $t {
            #[inline]
            fn as_label(&self) -> LabelArg<'_> {
                LabelArg::$variant(*self as $wide)
            }
        }
    )*};
}
integers!(Unsigned as u64: u8 u16 u32 u64 usize);
integers!(Signed as i64: i8 i16 i32 i64 isize);

/// An enum whose variants are the values of a label. Implemented by `#[derive(Label)]` alone.
///
/// A label of such a type is closed: `metric!` knows all its values when compiling. Code that takes any closed label takes a `T: Label`.
///
/// ```
/// use telemetry::Label;
///
/// #[derive(Label)]
/// enum Source { Archive, LiveFeed }
///
/// assert_eq!(Source::VALUES, ["archive", "live_feed"]);
/// assert_eq!(Source::LiveFeed.as_str(), "live_feed");
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no closed set of label values",
    label = "write an enum with `#[derive(Label)]`"
)]
pub trait Label: IntoLabel {
    /// Every value, in the order of the variants.
    const VALUES: &'static [&'static str];

    /// The value as it is scraped.
    fn as_str(&self) -> &'static str;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_value_is_cut_between_characters() {
        assert_eq!(cut(&"x".repeat(MAX_VALUE_BYTES)), "x".repeat(MAX_VALUE_BYTES));
        assert_eq!(cut(&"x".repeat(MAX_VALUE_BYTES + 1)), "x".repeat(MAX_VALUE_BYTES - 3) + "…");
        // 1,024 - 3 is odd, so that a character of two bytes would be cut in the middle.
        assert_eq!(cut(&"ä".repeat(MAX_VALUE_BYTES)), "ä".repeat((MAX_VALUE_BYTES - 4) / 2) + "…");
        assert!(cut(&"…".repeat(MAX_VALUE_BYTES)).len() <= MAX_VALUE_BYTES);
    }

    #[test]
    fn a_label_on_its_way_is_no_larger_than_a_text_and_a_word() {
        assert_eq!(size_of::<LabelArg<'_>>(), size_of::<&str>() + 8);
    }

    #[test]
    fn values_that_concatenate_alike_hash_apart() {
        let pair = |a: &str, b: &str| LabelArg::Str(b).hash(LabelArg::Str(a).hash(1));
        assert_ne!(pair("ab", "c"), pair("a", "bc"));
        assert_ne!(pair("", "x"), pair("x", ""));
    }

    #[test]
    fn trailing_zero_bytes_are_told_apart() {
        assert_ne!(hash_bytes(b"a", 1), hash_bytes(b"a\0", 1));
        assert_ne!(hash_bytes(b"", 1), hash_bytes(b"\0", 1));
    }
}
