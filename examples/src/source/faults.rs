//! What goes wrong, drawn from a seed, the page and the attempt: the same run fails in the same places.

use crate::day::Day;
use std::time::Duration;

/// Of a page's requests only so many can be answered with a fault: one more, and it is served, whatever the share of faults.
pub const FAULTY_ATTEMPTS: u32 = 3;

const CODES: [u16; 3] = [500, 502, 503];
const QUICKEST: Duration = Duration::from_millis(20);
const SPREAD: Duration = Duration::from_millis(60);
const SLOW: Duration = Duration::from_millis(500);

/// What becomes of one request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Fate {
    /// How long the answer takes.
    pub(super) delay: Duration,
    /// The code of the error that is the answer.
    pub(super) error: Option<u16>,
}

/// Draws what becomes of the `attempt`th request (the first is 1) for a page. The share `faults` of them is answered with an
/// error, and a quarter of that share slowly.
pub(super) fn fate(seed: u64, faults: f64, day: Day, page: u32, attempt: u32) -> Fate {
    let mut random = fastrand::Rng::with_seed(seed);
    for part in [day.since_1970().cast_unsigned(), page, attempt] {
        random = fastrand::Rng::with_seed(random.u64(..) ^ u64::from(part));
    }
    let usual = QUICKEST + SPREAD.mul_f64(random.f64());
    let error = CODES[random.usize(..CODES.len())];
    let (fails, is_slow) = (random.f64() < faults, random.f64() < faults / 4.0);
    if attempt > FAULTY_ATTEMPTS {
        return Fate { delay: usual, error: None };
    }
    Fate { delay: if is_slow { usual + SLOW } else { usual }, error: fails.then_some(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fates(seed: u64, faults: f64, attempt: u32) -> Vec<Fate> {
        Day::all().flat_map(|day| (1..=4).map(move |page| fate(seed, faults, day, page, attempt))).collect()
    }

    #[test]
    fn the_same_seed_draws_the_same_faults_and_another_one_others() {
        assert_eq!(fates(1, 0.5, 1), fates(1, 0.5, 1));
        assert_ne!(fates(1, 0.5, 1), fates(2, 0.5, 1));
        assert_ne!(fates(1, 0.5, 1), fates(1, 0.5, 2));
    }

    #[test]
    fn the_share_of_errors_is_the_one_asked_for() {
        let errors = |faults| fates(7, faults, 1).iter().filter(|fate| fate.error.is_some()).count();
        assert_eq!(errors(0.0), 0);
        assert_eq!(errors(1.0), 1460);
        assert!((1460 / 5..1460 * 2 / 5).contains(&errors(0.3)), "{}", errors(0.3));
    }

    #[test]
    fn a_page_is_served_in_the_end() {
        assert!(fates(7, 1.0, FAULTY_ATTEMPTS).iter().all(|fate| fate.error.is_some()));
        assert!(fates(7, 1.0, FAULTY_ATTEMPTS + 1).iter().all(|fate| fate.error.is_none()));
    }
}
