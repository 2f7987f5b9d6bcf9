//! How often a run of one network beats a run of another.

use serde::{Deserialize, Serialize};

use super::Interval;
use super::proportion::{Z95, wilson95};

/// The probability that a run of the one beats a run of the other, ties counted half: 0.5 where
/// neither is better, 1 where every run is. Bouthillier and others (Accounting for Variance in
/// Machine Learning Benchmarks, 2021) call an improvement meaningful from 0.75.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Superiority {
    /// The share of comparisons won among those made.
    pub value: f64,
    /// Its 95 % interval, within 0 and 1; never a point, since a few runs that all win do not
    /// show that all others would.
    pub ci95: Interval,
}

/// How often a run of `a` beats one of `b`, each compared with each (Mann and Whitney, On a Test
/// of Whether One of Two Random Variables Is Stochastically Larger than the Other, 1947).
///
/// The interval is method 5 of Newcombe (Confidence Intervals for an Effect Size Measure Based on
/// the Mann–Whitney Statistic. Part 2, Statistics in Medicine 25, 2006), the one recommended there:
/// all θ with (value − θ)² ≤ z² V(θ), where V is the variance of Hanley and McNeil (1982) with
/// both numbers of runs, n and m, set to their mean N in the factors for what comparisons share,
/// V = θ (1 − θ) (1 + (N − 1) ((1 − θ) / (2 − θ) + θ / (1 + θ))) / (n m).
///
/// `None` where a side has no values.
///
/// ```
/// use pairnet_report::statistics::superiority;
///
/// let found = superiority(&[80.1, 81.0], &[80.1, 79.2]).unwrap();
/// assert_eq!(found.value, 3.5 / 4.0);
/// ```
pub fn superiority(a: &[f64], b: &[f64]) -> Option<Superiority> {
    if a.is_empty() || b.is_empty() {
        return None;
    }
    let (n, m) = (a.len() as f64, b.len() as f64);
    let won: f64 = a.iter().flat_map(|x| b.iter().map(|y| points(*x, *y))).sum();
    let value = won / (n * m);
    let others = (n + m) / 2.0 - 1.0;
    let outside = |theta: f64| {
        let shared = (1.0 - theta) / (2.0 - theta) + theta / (1.0 + theta);
        let variance = theta * (1.0 - theta) * (1.0 + others * shared) / (n * m);
        (value - theta).powi(2) > Z95.powi(2) * variance
    };
    let ci95 = Interval { low: end(value, 0.0, outside), high: end(value, 1.0, outside) };
    Some(Superiority { value, ci95 })
}

/// How often the first of a pair beats the second, such as two networks' runs on the same pairs:
/// a proportion of the pairs, with the interval of Wilson (1927).
///
/// `None` where there are no pairs.
pub fn superiority_paired(pairs: &[(f64, f64)]) -> Option<Superiority> {
    if pairs.is_empty() {
        return None;
    }
    let count = pairs.len() as f64;
    let value = pairs.iter().map(|(x, y)| points(*x, *y)).sum::<f64>() / count;
    Some(Superiority { value, ci95: wilson95(value, count) })
}

fn points(x: f64, y: f64) -> f64 {
    if x > y {
        1.0
    } else if x == y {
        0.5
    } else {
        0.0
    }
}

/// Where, from `inside` to `bound`, the interval ends; found by halving what is left 60 times.
fn end(inside: f64, bound: f64, outside: impl Fn(f64) -> bool) -> f64 {
    if inside == bound || !outside(bound) {
        return bound;
    }
    let (mut near, mut far) = (inside, bound);
    for _ in 0..60 {
        let middle = f64::midpoint(near, far);
        *(if outside(middle) { &mut far } else { &mut near }) = middle;
    }
    f64::midpoint(near, far)
}

#[cfg(test)]
mod tests {
    use super::*;

    const A: [f64; 10] = [78.0, 80.1, 77.0, 79.5, 80.3, 80.1, 80.7, 79.6, 81.1, 79.2];
    const B: [f64; 10] = [78.1, 80.2, 79.5, 81.0, 82.9, 80.4, 81.8, 79.0, 80.8, 79.3];

    fn assert_near(found: Option<Superiority>, [value, low, high]: [f64; 3]) {
        let found = found.unwrap();
        let pairs = [(found.value, value), (found.ci95.low, low), (found.ci95.high, high)];
        for (found, expected) in pairs {
            assert!((found - expected).abs() < 1e-10, "{found} {expected}");
        }
    }

    #[test]
    fn unpaired_is_that_of_scipy_and_of_newcombes_equation() {
        // >>> mannwhitneyu(x, y).statistic / len(x) / len(y)
        // >>> newcombe5(value, len(x), len(y)) of tests/golden/formulas.py: brentq on the equation
        let found = superiority(&B, &A);
        assert_near(found, [0.635, 0.384_086_701_217_969_23, 0.824_008_138_322_656_1]);
        let found = superiority(&[99.95, 99.9, 99.81], &[99.85, 99.7, 99.9, 99.62, 99.88]);
        assert_near(
            found,
            [0.766_666_666_666_667, 0.351_080_988_499_452_3, 0.948_046_913_105_040_9],
        );
    }

    #[test]
    fn all_won_is_no_certainty() {
        let higher = B.map(|value| value + 10.0);
        assert_near(superiority(&higher, &A), [1.0, 0.800_213_612_881_105_9, 1.0]);
        assert_near(superiority(&A, &higher), [0.0, 0.0, 0.199_786_387_118_894_1]);
        let pairs: Vec<_> = higher.into_iter().zip(A).collect();
        assert_near(superiority_paired(&pairs), [1.0, 0.722_467_200_137_108_5, 1.0]);
    }

    #[test]
    fn one_run_each_says_next_to_nothing() {
        let Interval { low, high } = superiority(&[81.0], &[80.0]).unwrap().ci95;
        assert!(0.0 < low && low < 0.25 && high == 1.0, "{low} {high}");
        assert_eq!(superiority(&[80.0], &[80.0]).unwrap().value, 0.5);
    }

    #[test]
    fn paired_is_wilsons_interval_of_the_pairs_won() {
        // >>> value = np.mean((b > a) + (b == a) / 2)
        // >>> brentq(lambda t: (value - t) ** 2 - z * z * t * (1 - t) / 10, …)
        let pairs: Vec<_> = B.into_iter().zip(A).collect();
        assert_near(
            superiority_paired(&pairs),
            [0.8, 0.490_162_471_536_641_8, 0.943_317_848_545_624_7],
        );
    }

    #[test]
    fn nothing_beats_nothing() {
        assert_eq!(superiority(&[], &A), None);
        assert_eq!(superiority(&A, &[]), None);
        assert_eq!(superiority_paired(&[]), None);
    }
}
