//! Numbers of units and records, as users have them: any integer.

mod sealed {
    pub trait Sealed {}
}

/// How many: any integer type. A negative number counts as zero.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how many there are",
    label = "an integer is expected here"
)]
pub trait Count: sealed::Sealed {
    /// The number.
    fn count(self) -> u64;
}

/// How many units a job expects: any integer, or an `Option` of one where it may not be known.
#[diagnostic::on_unimplemented(
    message = "`{Self}` does not say how many units there are",
    label = "an integer is expected here",
    note = "`total` takes any integer, such as `days.len()`, or an `Option` of one"
)]
pub trait Total: sealed::Sealed {
    /// The number, where it is known.
    fn total(self) -> Option<u64>;
}

macro_rules! integers {
    ($($integer:ty)*) => {$(
        impl sealed::Sealed for $integer {}
        impl Count for $integer {
            #[inline]
            fn count(self) -> u64 {
                // Only a negative number does not fit.
                u64::try_from(self).unwrap_or(0)
            }
        }
        impl Total for $integer {
            fn total(self) -> Option<u64> {
                Some(self.count())
            }
        }
    )*};
}

integers!(u8 u16 u32 u64 usize i8 i16 i32 i64 isize);

impl<T: sealed::Sealed> sealed::Sealed for Option<T> {}

impl<T: Count> Total for Option<T> {
    fn total(self) -> Option<u64> {
        self.map(Count::count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_integer_is_a_count() {
        assert_eq!((3.count(), 3usize.count(), u64::MAX.count(), (-1).count()), (3, 3, u64::MAX, 0));
        assert_eq!((365.total(), Some(7u8).total(), None::<u64>.total()), (Some(365), Some(7), None));
    }
}
