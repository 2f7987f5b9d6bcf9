//! How near two means are for sure, and how many runs would tell.

use super::difference::welch;
use super::estimate::{Estimate, Moments};

/// More runs than these are not asked for.
const MOST_RUNS: usize = 100_000;

/// With fewer published runs than these, more runs of ours can widen the interval: the degrees of
/// freedom fall towards those of the published side, and for few of them the quantile of
/// Student's t rises faster than the standard error falls.
const FEWEST_PUBLISHED: usize = 6;

/// The margin from which on two one-sided tests at 5 % show that the difference is smaller
/// (Schuirmann, 1987): the end of its 90 % interval that is farther from 0. It is shown to be
/// smaller than any greater margin; `None` where there are too few values.
pub fn smallest_margin(difference: &Estimate) -> Option<f64> {
    difference.interval(0.90).map(|interval| interval.low.abs().max(interval.high.abs()))
}

/// The smallest number of runs of ours with which two one-sided tests at 5 % would show the two
/// means to be less than `margin` apart, if mean and standard deviation stayed those `measured`
/// and the published runs those there are. For what is planned: other runs have another mean.
///
/// `None` where up to 100,000 runs would not do, because the difference is too great or the
/// published runs alone are too uncertain; where one side has fewer than two runs; and where fewer
/// than six are published, as more runs of ours could then widen the interval. From six on they
/// narrow it, whatever the standard deviations (`tests/golden/formulas.py` looks), so that the
/// number is found by bisection.
///
/// ```
/// use pairnet_report::statistics::{Moments, runs_needed};
///
/// let measured = Moments { n: 10, mean: 80.0, std_sample: Some(1.2) };
/// let published = Moments { n: 10, mean: 79.6, std_sample: Some(1.2) };
/// assert_eq!(runs_needed(measured, published, 1.5), Some(7));
/// // Ten published runs with a standard error of 0.73 are too uncertain for any number of ours.
/// let uncertain = Moments { std_sample: Some(2.3), ..published };
/// assert_eq!(runs_needed(measured, uncertain, 1.5), None);
/// ```
pub fn runs_needed(measured: Moments, published: Moments, margin: f64) -> Option<usize> {
    if published.n < FEWEST_PUBLISHED {
        return None;
    }
    let within = |n| {
        let difference = welch(Moments { n, ..measured }, published);
        smallest_margin(&difference).is_some_and(|smallest| smallest < margin)
    };
    if !within(MOST_RUNS) {
        return None;
    }
    let (mut too_few, mut enough) = (1, MOST_RUNS);
    while enough - too_few > 1 {
        let middle = usize::midpoint(too_few, enough);
        *(if within(middle) { &mut enough } else { &mut too_few }) = middle;
    }
    Some(enough)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::{StandardError, Verdict, verdict};

    fn moments(n: usize, mean: f64, std: f64) -> Moments {
        Moments { n, mean, std_sample: Some(std) }
    }

    #[test]
    fn the_smallest_margin_is_where_the_verdict_turns() {
        // The 90 % interval that SciPy gives these two is −0.538 to 1.238: see difference/tests.rs.
        let (a, b) = (moments(10, 79.91, 1.033), moments(10, 79.56, 1.2438));
        let expected = 1.238_223_309_507_970_7;
        for difference in [welch(a, b), welch(b, a)] {
            let margin = smallest_margin(&difference).unwrap();
            assert!((margin - expected).abs() < 1e-8, "{margin}");
            let ci90 = difference.interval(0.90);
            assert_eq!(verdict(ci90, margin + 1e-9, None), Verdict::Reproduced);
            assert_ne!(verdict(ci90, margin, None), Verdict::Reproduced);
        }
    }

    #[test]
    fn without_an_error_there_is_no_margin_and_without_variance_the_difference_is_it() {
        assert_eq!(smallest_margin(&Estimate { value: 0.1, error: None }), None);
        let error = Some(StandardError { size: 0.0, degrees: 18.0 });
        assert_eq!(smallest_margin(&Estimate { value: -0.4, error }), Some(0.4));
    }

    #[test]
    fn as_many_runs_are_needed_as_trying_all_numbers_with_scipy_shows() {
        // >>> within(np.arange(2, 100_001), ours, theirs, 1.5).argmax() + 2
        let cases = [
            (moments(10, 80.0, 1.2), moments(10, 79.6, 1.2), Some(7)),
            (moments(10, 80.0, 1.2), moments(10, 79.0, 0.8), Some(86)),
            (moments(10, 93.1, 2.0), moments(10, 93.8, 1.2), Some(57)),
            (moments(10, 80.0, 1.2), moments(10, 79.6, 0.0), Some(6)),
            (moments(10, 79.6, 0.3), moments(6, 79.6, 0.3), Some(2)),
            // The published side alone is too uncertain.
            (moments(10, 80.0, 1.2), moments(10, 79.6, 2.3), None),
            // The difference is the margin.
            (moments(10, 80.0, 1.2), moments(10, 78.5, 0.1), None),
        ];
        for (ours, theirs, expected) in cases {
            assert_eq!(runs_needed(ours, theirs, 1.5), expected, "{ours:?} {theirs:?}");
        }
    }

    #[test]
    fn too_little_is_known_of_one_run_or_of_few_published_ones() {
        let one = Moments { n: 1, mean: 80.0, std_sample: None };
        assert_eq!(runs_needed(one, moments(10, 80.0, 1.2), 1.5), None);
        assert_eq!(runs_needed(moments(10, 80.0, 1.2), one, 1.5), None);
        assert_eq!(runs_needed(moments(10, 80.0, 0.1), moments(5, 80.0, 0.1), 1.5), None);
    }
}
