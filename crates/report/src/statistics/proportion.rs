//! What counts say about a proportion.

use statrs::distribution::{Beta, ContinuousCDF};

use super::Interval;

/// The 97.5 % quantile of the normal distribution.
pub(super) const Z95: f64 = 1.959_963_984_540_054;

/// The most that the proportion behind `seen` of `of` can be, at a confidence of 95 %: the upper
/// end of the one-sided interval of Clopper and Pearson (The Use of Confidence or Fiducial Limits
/// Illustrated in the Case of the Binomial, 1934).
///
/// `None` where nothing was looked at, and where more was seen than that.
///
/// ```
/// use pairnet_report::statistics::at_most;
///
/// // None of ten runs made a mistake: the next one makes some with a probability of at most 26 %.
/// assert!((at_most(0, 10).unwrap() - 0.2589).abs() < 1e-4);
/// ```
pub fn at_most(seen: usize, of: usize) -> Option<f64> {
    let others = of.checked_sub(seen)?;
    if others == 0 {
        return (of > 0).then_some(1.0);
    }
    Some(Beta::new(seen as f64 + 1.0, others as f64).ok()?.inverse_cdf(0.95))
}

/// The 95 % interval of a proportion that was `share` among `count`, which need not be a whole
/// number of them (Wilson, Probable Inference, the Law of Succession, and Statistical Inference,
/// 1927), from 0 to 1.
pub fn wilson95(share: f64, count: f64) -> Interval {
    let z2 = Z95 * Z95;
    let middle = (share * count + z2 / 2.0) / (count + z2);
    let reach = Z95 / (count + z2) * (count * share * (1.0 - share) + z2 / 4.0).sqrt();
    Interval { low: (middle - reach).max(0.0), high: (middle + reach).min(1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_those_of_scipy() {
        // >>> from scipy.stats import binomtest
        // >>> binomtest(seen, of, alternative="less").proportion_ci(0.95, "exact").high
        let cases = [
            (0, 10, 0.258_865_550_893_347_1),
            (0, 40, 0.072_157_524_505_514_56),
            (1, 10, 0.394_163_302_436_974),
            (3, 40, 0.182_586_850_015_901_22),
            (9, 10, 0.994_883_803_107_695_4),
            (0, 1, 0.95),
        ];
        for (seen, of, expected) in cases {
            let found = at_most(seen, of).unwrap();
            assert!((found - expected).abs() < 1e-9, "{seen} of {of}: {found} {expected}");
        }
    }

    #[test]
    fn all_of_them_bound_nothing_and_none_tell_nothing() {
        assert_eq!(at_most(10, 10), Some(1.0));
        assert_eq!(at_most(0, 0), None);
        assert_eq!(at_most(11, 10), None);
    }

    #[test]
    fn wilsons_interval_is_that_of_scipy() {
        // >>> binomtest(7, 10).proportion_ci(method="wilson")
        let found = wilson95(0.7, 10.0);
        assert!((found.low - 0.396_778_147_461_145_26).abs() < 1e-12, "{found:?}");
        assert!((found.high - 0.892_208_732_593_699).abs() < 1e-12, "{found:?}");
    }
}
