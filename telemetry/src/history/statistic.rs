//! Whether two lots of numbers differ: the Wilcoxon-Mann-Whitney test, the estimate of a ratio that belongs to it, and what many comparisons at once take.
//!
//! - F. Wilcoxon, "Individual Comparisons by Ranking Methods", Biometrics Bulletin 1 (1945), 80-83; H. B. Mann and D. R. Whitney, "On a Test of Whether one of Two
//!   Random Variables is Stochastically Larger than the Other", Annals of Mathematical Statistics 18 (1947), 50-60.
//! - J. L. Hodges and E. L. Lehmann, "Estimates of Location Based on Rank Tests", Annals of Mathematical Statistics 34 (1963), 598-611.
//! - S. Holm, "A Simple Sequentially Rejective Multiple Test Procedure", Scandinavian Journal of Statistics 6 (1979), 65-70.

/// Up to so many values together the distribution is counted out; beyond, it is as good as normal.
const COUNTED_OUT: usize = 60;

/// The two-sided p-value of the hypothesis that both lots come from one distribution. 1 where one is empty.
///
/// Of equal values each has the middle of their ranks, and the distribution is that of all ways to deal out the ranks that there are: exact with ties too.
pub(super) fn p_value(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let ranks = doubled_ranks(a, b);
    let sum: usize = ranks.iter().take(a.len()).sum();
    if ranks.len() <= COUNTED_OUT { exact(&ranks, a.len(), sum) } else { normal(&ranks, a.len(), sum) }
}

/// The least p-value that lots of these sizes can have: of `C(a + b, a)` ways two are the most extreme.
pub(super) fn least_p_value(a: usize, b: usize) -> f64 {
    (2.0 / ways(a + b, a)).min(1.0)
}

/// How many runs of each side it takes, at least, for one of so many comparisons to be able to reach `alpha`.
pub(super) fn runs_needed(comparisons: usize, alpha: f64) -> usize {
    let bar = alpha / approximate(comparisons.max(1));
    (1..COUNTED_OUT / 2).find(|&runs| least_p_value(runs, runs) <= bar).unwrap_or(COUNTED_OUT / 2)
}

/// Holm's adjusted p-values, in the order of what was given: each is the least family-wise level at which it would be significant.
pub(super) fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    let of = |index: &usize| values.get(*index).copied().unwrap_or(1.0);
    order.sort_by(|a, b| of(a).total_cmp(&of(b)));
    let mut adjusted = vec![1.0; values.len()];
    let mut least = 0.0_f64;
    for (place, index) in order.iter().enumerate() {
        least = least.max((of(index) * approximate(values.len() - place)).min(1.0));
        if let Some(slot) = adjusted.get_mut(*index) {
            *slot = least;
        }
    }
    adjusted
}

/// A ratio with the ends of its interval.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Ratio {
    pub(super) estimate: f64,
    pub(super) low: f64,
    pub(super) high: f64,
}

/// By what factor the values of `b` are larger than those of `a`: the median of the ratios of all pairs (Hodges and Lehmann, of logarithms), and the interval in which
/// the test would not refuse it at `alpha`. None where a value is not above zero.
pub(super) fn ratio(a: &[f64], b: &[f64], alpha: f64) -> Option<Ratio> {
    if a.is_empty() || b.is_empty() || a.iter().chain(b).any(|value| !value.is_finite() || *value <= 0.0) {
        return None;
    }
    let mut pairs: Vec<f64> = b.iter().flat_map(|b| a.iter().map(move |a| b.ln() - a.ln())).collect();
    pairs.sort_by(f64::total_cmp);
    let at = |place: usize| pairs.get(place).copied().unwrap_or(0.0);
    let middle = pairs.len() / 2;
    let median = if pairs.len() % 2 == 1 { at(middle) } else { f64::midpoint(at(middle - 1), at(middle)) };
    let cut = critical(a.len(), b.len(), alpha);
    // With so few values no ratio could be refused.
    let (low, high) = match cut {
        Some(cut) => (at(cut).exp(), at(pairs.len() - 1 - cut).exp()),
        None => (0.0, f64::INFINITY),
    };
    Some(Ratio { estimate: median.exp(), low, high })
}

/// The largest `k` with P(U <= k) at most half of `alpha`, where there are no ties: as many pairs are cut off at each end, and one more is the end.
fn critical(a: usize, b: usize, alpha: f64) -> Option<usize> {
    if a + b > COUNTED_OUT {
        let (n, m) = (approximate(a), approximate(b));
        let deviation = (n * m * (n + m + 1.0) / 12.0).sqrt();
        let cut = (n * m / 2.0 - quantile_of_normal(1.0 - alpha / 2.0) * deviation).floor();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the number of pairs")]
        return (cut >= 0.0).then_some(cut as usize);
    }
    let ranks: Vec<usize> = (1..=a + b).map(|rank| 2 * rank).collect();
    let counts = sums(&ranks, a);
    let all = ways(a + b, a);
    let least = a * (a + 1);
    let mut below = 0.0;
    let mut found = None;
    for k in 0..=a * b {
        below += counts.get(least + 2 * k).copied().unwrap_or(0.0);
        if below / all > alpha / 2.0 {
            break;
        }
        found = Some(k + 1);
    }
    found
}

/// Twice the ranks of all values, those of the first lot first: whole numbers also where ties share the middle.
fn doubled_ranks(a: &[f64], b: &[f64]) -> Vec<usize> {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let rank = |value: &f64| {
        let below = all.iter().filter(|other| other.total_cmp(value).is_lt()).count();
        let equal = all.iter().filter(|other| other.total_cmp(value).is_eq()).count();
        2 * below + equal + 1
    };
    all.iter().map(rank).collect()
}

/// In how many ways `taken` of the ranks have each sum.
fn sums(ranks: &[usize], taken: usize) -> Vec<f64> {
    let most: usize = ranks.iter().sum();
    let mut counts = vec![vec![0.0_f64; most + 1]; taken + 1];
    if let Some(none) = counts.first_mut().and_then(|of| of.first_mut()) {
        *none = 1.0;
    }
    for &rank in ranks {
        for number in (1..=taken).rev() {
            let (fewer, more) = counts.split_at_mut(number);
            let (Some(fewer), Some(more)) = (fewer.last(), more.first_mut()) else { continue };
            for (count, before) in more.iter_mut().skip(rank).zip(fewer) {
                *count += before;
            }
        }
    }
    counts.pop().unwrap_or_default()
}

fn exact(ranks: &[usize], taken: usize, sum: usize) -> f64 {
    let counts = sums(ranks, taken);
    let all: f64 = counts.iter().sum();
    let low: f64 = counts.iter().take(sum + 1).sum();
    let high: f64 = counts.iter().skip(sum).sum();
    (2.0 * low.min(high) / all).min(1.0)
}

/// With the correction for ties, and for what is whole being taken as continuous.
fn normal(ranks: &[usize], taken: usize, sum: usize) -> f64 {
    let ranks: Vec<f64> = ranks.iter().map(|&rank| approximate(rank) / 2.0).collect();
    let (n, all) = (approximate(taken), approximate(ranks.len()));
    let mean = (all + 1.0) / 2.0;
    let spread: f64 = ranks.iter().map(|rank| (rank - mean).powi(2)).sum::<f64>() / (all - 1.0);
    let variance = n * (all - n) / all * spread;
    if variance <= 0.0 {
        return 1.0;
    }
    let off = (approximate(sum) / 2.0 - n * mean).abs() - 0.5;
    (2.0 * beyond(off.max(0.0) / variance.sqrt())).min(1.0)
}

/// The share of a standard normal distribution beyond `z`, to 1.2e-7 of itself: the rational approximation of the complementary error function in W. H. Press and others,
/// "Numerical Recipes", 2nd edition (1992), section 6.2.
fn beyond(z: f64) -> f64 {
    const TERMS: [f64; 10] = [
        -1.265_512_23,
        1.000_023_68,
        0.374_091_96,
        0.096_784_18,
        -0.186_288_06,
        0.278_868_07,
        -1.135_203_98,
        1.488_515_87,
        -0.822_152_23,
        0.170_872_77,
    ];
    let x = z.abs() / std::f64::consts::SQRT_2;
    let t = 1.0 / (1.0 + 0.5 * x);
    let sum = TERMS.iter().rev().fold(0.0, |sum, term| sum * t + term);
    let half = 0.5 * t * (-x * x + sum).exp();
    if z >= 0.0 { half } else { 1.0 - half }
}

/// The inverse, by halving: it is asked for once a comparison.
fn quantile_of_normal(share: f64) -> f64 {
    let (mut low, mut high) = (-40.0, 40.0);
    for _ in 0..100 {
        let middle = f64::midpoint(low, high);
        if 1.0 - beyond(middle) < share { low = middle } else { high = middle }
    }
    low
}

/// In how many ways `k` of `n` can be taken.
fn ways(n: usize, k: usize) -> f64 {
    (1..=k.min(n)).fold(1.0, |ways, step| ways * approximate(n - k.min(n) + step) / approximate(step))
}

#[expect(clippy::cast_precision_loss, reason = "counts of runs")]
fn approximate(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn close(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9 * b.abs().max(1e-3), "{a} is not {b}");
    }

    #[test]
    fn p_values_are_those_of_all_ways_to_deal_the_ranks_out() {
        // Of 252 ways to take 5 of 10 ranks one has the least sum, and one the most.
        close(p_value(&[1., 2., 3., 4., 5.], &[6., 7., 8., 9., 10.]), 2.0 / 252.0);
        // Ranks 1, 2, 3, 4, 6: sum 16, which one other way (1..=5) is below: 2 of 252 at most.
        close(p_value(&[1., 2., 3., 4., 6.], &[5., 7., 8., 9., 10.]), 4.0 / 252.0);
        close(p_value(&[1., 4.], &[2., 3.]), 1.0);
        // Three of the six ways to deal 1, 2.5, 2.5, 4 out have a sum of at most 5: (1, 2.5) twice, and (2.5, 2.5) and (1, 4) are 5.
        close(p_value(&[1., 2.], &[2., 3.]), 2.0 * 2.0 / 6.0);
        close(p_value(&[7., 7.], &[7., 7., 7.]), 1.0);
        close(p_value(&[], &[1.]), 1.0);
    }

    #[test]
    fn least_p_values_say_how_many_runs_it_takes() {
        close(least_p_value(5, 5), 2.0 / 252.0);
        close(least_p_value(10, 10), 2.0 / 184_756.0);
        assert!(least_p_value(5, 5) > 0.01 / 50.0 && least_p_value(10, 10) < 0.01 / 50.0);
        assert_eq!((runs_needed(1, 0.05), runs_needed(50, 0.01), runs_needed(0, 0.05)), (4, 8, 4));
    }

    #[test]
    fn holm_multiplies_the_least_by_all_and_the_others_by_fewer() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        for (adjusted, expected) in adjusted.iter().zip([0.03, 0.06, 0.06, 0.02]) {
            close(*adjusted, expected);
        }
        assert!(holm(&[]).is_empty());
    }

    #[test]
    fn the_normal_distribution_is_as_its_tables_have_it() {
        for (z, share) in [(0.0, 0.5), (1.0, 0.158_655_254), (1.959_963_985, 0.025), (3.290_526_731, 0.000_5)] {
            assert!((beyond(z) / share - 1.0).abs() < 2e-7, "{z}");
        }
        assert!((quantile_of_normal(0.975) - 1.959_964).abs() < 1e-5);
    }

    #[test]
    fn a_ratio_lies_in_its_interval_and_a_shift_moves_all_three() {
        let a: Vec<f64> = (0..10).map(|step| 1.0 + 0.01 * f64::from(step)).collect();
        let b: Vec<f64> = a.iter().map(|value| value * 1.1).collect();
        let ratio = ratio(&a, &b, 0.01).unwrap();
        assert!((ratio.estimate - 1.1).abs() < 0.005, "{ratio:?}");
        assert!(ratio.low < ratio.estimate && ratio.estimate < ratio.high && ratio.low > 1.0, "{ratio:?}");
        assert_eq!(super::ratio(&a, &[0.0], 0.01), None);
        // Critical values of U for 10 and 10 at 0.01 on both sides together: 16, in Mann and Whitney's tables.
        assert_eq!(critical(10, 10, 0.01), Some(17));
        assert_eq!(critical(3, 3, 0.05), None);
    }

    #[test]
    fn counted_out_and_normal_agree_where_they_meet() {
        let a: Vec<f64> = (0..30).map(|step| f64::from(step * 7 % 31)).collect();
        let b: Vec<f64> = (0..30).map(|step| f64::from(step * 11 % 37) + 3.0).collect();
        let ranks = doubled_ranks(&a, &b);
        let sum: usize = ranks.iter().take(30).sum();
        let (exact, normal) = (exact(&ranks, 30, sum), normal(&ranks, 30, sum));
        assert!((exact / normal - 1.0).abs() < 0.05, "{exact} and {normal}");
    }

    proptest! {
        #[test]
        fn sides_may_be_exchanged_and_units_do_not_matter(
            a in proptest::collection::vec(0.1f64..10.0, 1..9), b in proptest::collection::vec(0.1f64..10.0, 1..9),
        ) {
            let scaled = |values: &[f64]| values.iter().map(|value| value * 1024.0).collect::<Vec<_>>();
            let p = p_value(&a, &b);
            prop_assert!((0.0..=1.0).contains(&p) && p >= least_p_value(a.len(), b.len()) - 1e-12);
            prop_assert!((p - p_value(&b, &a)).abs() < 1e-9);
            prop_assert!((p - p_value(&scaled(&a), &scaled(&b))).abs() < 1e-9);
            let (there, back) = (ratio(&a, &b, 0.05).unwrap(), ratio(&b, &a, 0.05).unwrap());
            prop_assert!((there.estimate * back.estimate - 1.0).abs() < 1e-9);
        }
    }
}
