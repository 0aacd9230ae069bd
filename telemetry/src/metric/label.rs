//! The values of labels: what may stand there, how it is hashed, compared and kept.

use std::fmt;

/// A label's value on its way to a lookup: borrowed, not yet formatted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LabelArg<'a> {
    /// Any text.
    Str(&'a str),
    /// An unsigned integer.
    Unsigned(u64),
    /// A signed integer.
    Signed(i64),
    /// `true` or `false`.
    Bool(bool),
}

/// A label's value as a series keeps it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum LabelOwned {
    Str(Box<str>),
    Unsigned(u64),
    Signed(i64),
    Bool(bool),
}

impl LabelArg<'_> {
    pub(crate) fn keep(self) -> LabelOwned {
        match self {
            LabelArg::Str(value) => LabelOwned::Str(value.into()),
            LabelArg::Unsigned(value) => LabelOwned::Unsigned(value),
            LabelArg::Signed(value) => LabelOwned::Signed(value),
            LabelArg::Bool(value) => LabelOwned::Bool(value),
        }
    }

    #[inline]
    pub(crate) fn equals(&self, kept: &LabelOwned) -> bool {
        match (self, kept) {
            (LabelArg::Str(a), LabelOwned::Str(b)) => **a == **b,
            (LabelArg::Unsigned(a), LabelOwned::Unsigned(b)) => a == b,
            (LabelArg::Signed(a), LabelOwned::Signed(b)) => a == b,
            (LabelArg::Bool(a), LabelOwned::Bool(b)) => a == b,
            _ => false,
        }
    }

    #[inline]
    pub(crate) fn hash(&self, seed: u64) -> u64 {
        match self {
            LabelArg::Str(value) => hash_bytes(value.as_bytes(), seed),
            LabelArg::Unsigned(value) => mix(*value, seed),
            LabelArg::Signed(value) => mix(value.cast_unsigned(), seed),
            LabelArg::Bool(value) => mix(u64::from(*value), seed),
        }
    }
}

impl fmt::Display for LabelOwned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            LabelOwned::Str(value) => f.write_str(value),
            LabelOwned::Unsigned(value) => write!(f, "{value}"),
            LabelOwned::Signed(value) => write!(f, "{value}"),
            LabelOwned::Bool(value) => write!(f, "{value}"),
        }
    }
}

/// Folds the 128-bit product of its inputs: one multiplication spreads every bit of both.
#[inline]
fn mix(a: u64, b: u64) -> u64 {
    // An odd constant without structure: the golden ratio in 64 bits.
    const K: u64 = 0x9E37_79B9_7F4A_7C15;
    let product = u128::from(a ^ K).wrapping_mul(u128::from(b | 1));
    #[expect(clippy::cast_possible_truncation, reason = "the two halves are folded")]
    let folded = (product as u64) ^ ((product >> 64) as u64);
    folded.wrapping_mul(K).rotate_left(29)
}

/// Eight bytes a step. Not for tables that an attacker may fill: a family's table is bounded and keeps whole keys.
#[inline]
fn hash_bytes(bytes: &[u8], seed: u64) -> u64 {
    let mut state = mix(bytes.len() as u64, seed);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        state = mix(u64::from_le_bytes(*word), state);
    }
    let mut last = 0;
    for &byte in rest {
        last = last << 8 | u64::from(byte);
    }
    mix(last, state)
}

/// What may be given for a label: `&str`, integers and `bool`, as the declaration says.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the value of a label",
    label = "write `&str`, an integer or `bool`"
)]
pub trait IntoLabel {
    /// The value, borrowed for the lookup.
    fn as_label(&self) -> LabelArg<'_>;
}

impl IntoLabel for str {
    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        LabelArg::Str(self)
    }
}

impl IntoLabel for bool {
    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        LabelArg::Bool(*self)
    }
}

impl<T: IntoLabel + ?Sized> IntoLabel for &T {
    #[inline]
    fn as_label(&self) -> LabelArg<'_> {
        (**self).as_label()
    }
}

macro_rules! integers {
    ($variant:ident as $wide:ty: $($t:ty)*) => {$(
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

#[cfg(test)]
mod tests {
    use super::*;

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
