//! The buckets of a measured function: exponential, four an octave, from 2^-24 s (60 ns) to 2^17 s (36 hours).
//!
//! This is OpenTelemetry's exponential histogram of scale 2: bucket `i` holds values above 2^(i/4) s up to and including
//! 2^((i+1)/4) s. <https://opentelemetry.io/docs/specs/otel/metrics/data-model/#exponentialhistogram>

use crate::record::clock::UNITS_PER_SECOND_LOG2;

/// Buckets an octave: 2^scale.
pub(crate) const SCALE: i32 = 2;
const PER_OCTAVE: usize = 1 << SCALE;
/// The lowest and the highest bound, as powers of two of a second.
pub(crate) const LOWEST: i32 = -24;
pub(crate) const HIGHEST: i32 = if cfg!(loom) { LOWEST + 1 } else { 17 };
/// One bucket for what is not above the lowest bound, four for each octave, one for what is above the highest.
pub(crate) const BUCKETS: usize = 2 + PER_OCTAVE * (HIGHEST - LOWEST) as usize;

/// 2^(1/4), 2^(2/4), 2^(3/4) as 64-bit fractions with the leading bit set: the mantissas at which a quarter ends.
const QUARTERS: [u64; 3] = [
    0x9837_F051_8DB8_A96F, // 1.189207115002721 * 2^63
    0xB504_F333_F9DE_6484, // 1.414213562373095 * 2^63
    0xD744_FCCA_D69D_6AF4, // 1.681792830507429 * 2^63
];

/// By a mantissa's first four bits, the last value of its quarter: in each odd eighth of an octave, but for the last, ends a quarter.
const LAST_OF_QUARTER: [u64; 16] = {
    let mut last = [u64::MAX; 16];
    let mut quarter = 0;
    while quarter < QUARTERS.len() {
        last[(QUARTERS[quarter] >> 60) as usize] = QUARTERS[quarter] - 1;
        quarter += 1;
    }
    last
};

/// The bucket of a duration in units of 2^-34 s.
#[inline]
pub(crate) fn bucket(units: u64) -> usize {
    // Upper bounds belong to their bucket: below, 2^k counts as just under 2^k.
    let below = units.saturating_sub(1);
    const LOWEST_UNITS_LOG2: u32 = UNITS_PER_SECOND_LOG2.saturating_add_signed(LOWEST);
    if below >> LOWEST_UNITS_LOG2 == 0 {
        return 0;
    }
    let zeros = below.leading_zeros();
    let octave = (63 - zeros - LOWEST_UNITS_LOG2) as usize;
    let mantissa = below << zeros;
    // 8 to 15.
    let first_bits = (mantissa >> 60) as usize;
    let quarter = first_bits / 2 - 4 + usize::from(mantissa > LAST_OF_QUARTER[first_bits]);
    (1 + octave * PER_OCTAVE + quarter).min(BUCKETS - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What the definition says, by floating point; only for values that are not near a bound.
    fn by_definition(seconds: f64) -> usize {
        let index = (seconds.log2() * 4.0).ceil() as i64 - 1;
        usize::try_from((index - i64::from(LOWEST) * 4 + 1).clamp(0, BUCKETS as i64 - 1)).unwrap()
    }

    fn units(seconds: f64) -> u64 {
        (seconds * 2f64.powi(34)) as u64
    }

    #[test]
    fn buckets_follow_the_definition() {
        for step in 0..4000 {
            let seconds = 2f64.powf(-26.0 + f64::from(step) * 0.011 + 0.0017);
            assert_eq!(bucket(units(seconds)), by_definition(seconds), "{seconds} s");
        }
    }

    #[test]
    fn a_power_of_two_lies_in_the_bucket_that_it_ends() {
        for power in LOWEST..=HIGHEST {
            let at = 1u64 << (34 + power);
            let expected = usize::try_from((power - LOWEST) * 4).unwrap();
            assert_eq!(bucket(at), expected, "2^{power} s");
            assert_eq!(bucket(at + 1), expected + 1, "just above 2^{power} s");
        }
    }

    #[test]
    fn nothing_is_out_of_range() {
        assert_eq!(bucket(0), 0);
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
