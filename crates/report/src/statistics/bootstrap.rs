//! The bootstrap interval of a mean.

use super::Interval;
use super::splitmix::SplitMix64;

/// One less than a round number, so that the percentiles fall on order statistics
/// (Davison and Hinkley, Bootstrap Methods and their Application, 1997, section 5.2.3).
const RESAMPLES: usize = 9_999;

/// Any constant would do; the interval has to be the same wherever it is computed.
const SEED: u64 = 0;

/// The 95 % percentile interval of the mean of `values` (Efron, 1979): from 9,999 resamples, the
/// 250th mean from below and from above. The resamples are the same at every call.
///
/// `None` for fewer than two values.
pub(super) fn interval95(values: &[f64]) -> Option<Interval> {
    if values.len() < 2 {
        return None;
    }
    let mut generator = SplitMix64::new(SEED);
    let count = values.len() as f64;
    let mut means: Vec<f64> = (0..RESAMPLES)
        .map(|_| {
            (0..values.len()).map(|_| values[generator.below(values.len())]).sum::<f64>() / count
        })
        .collect();
    let rank = (RESAMPLES + 1) / 40;
    let low = *means.select_nth_unstable_by(rank - 1, f64::total_cmp).1;
    let high = *means.select_nth_unstable_by(RESAMPLES - rank, f64::total_cmp).1;
    Some(Interval { low, high })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ends_are_near_those_of_scipy() {
        // >>> from scipy.stats import bootstrap; import numpy as np
        // >>> x = [78.1, 80.2, 79.5, 81.0, 79.9, 80.4, 77.8, 79.0, 80.8, 79.3]
        // >>> bootstrap((x,), np.mean, n_resamples=99_999, method="percentile",
        // ...           rng=np.random.default_rng(0)).confidence_interval
        let values = [78.1, 80.2, 79.5, 81.0, 79.9, 80.4, 77.8, 79.0, 80.8, 79.3];
        let found = interval95(&values).unwrap();
        assert!((found.low - 78.95).abs() < 0.03, "{found:?}");
        assert!((found.high - 80.21).abs() < 0.03, "{found:?}");
        assert_eq!(interval95(&values), Some(found));
    }

    #[test]
    fn one_value_has_no_interval_and_equal_ones_a_point() {
        assert_eq!(interval95(&[]), None);
        assert_eq!(interval95(&[80.0]), None);
        assert_eq!(interval95(&[80.0, 80.0]), Some(Interval { low: 80.0, high: 80.0 }));
    }
}
