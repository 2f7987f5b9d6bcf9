//! What the accuracies of a few runs say about their mean.

use serde::{Deserialize, Serialize};

use super::Interval;
use super::student::half_width;

/// What the accuracies of a few runs, in percent, say about their mean; every number in percent or
/// points.
///
/// A number that the values cannot give is `None`: no value has no mean, and one value has
/// neither a standard deviation nor an interval.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// How many values there are.
    pub n: usize,
    /// The arithmetic mean.
    pub mean: Option<f64>,
    /// The value in the middle, or halfway between the two that are: unlike the mean it hardly moves
    /// for a run that got lost.
    pub median: Option<f64>,
    /// The standard deviation with n − 1, for what is inferred from the values.
    pub std_sample: Option<f64>,
    /// The standard deviation with n, as the paper's code computes it.
    pub std_population: Option<f64>,
    /// The smallest value.
    pub min: Option<f64>,
    /// The largest value.
    pub max: Option<f64>,
    /// The 95 % interval of the mean by Student's t with n − 1 degrees of freedom, cut off at 0 and
    /// 100: no mean lies beyond, so that it covers as often. `None` where all values are equal too:
    /// ten perfect runs do not show that none but perfect ones will come, of which
    /// [`at_most`](super::at_most) has a bound.
    ///
    /// Of ten normal values it covers the mean in 95 % of samples, where the percentile bootstrap
    /// and BCa do in 90 % (`tests/golden/intervals.py`).
    pub ci95: Option<Interval>,
    /// The values themselves, in the order of the runs.
    pub values: Vec<f64>,
}

impl Statistics {
    /// The statistics of `values`, which have to be finite.
    pub fn of(values: Vec<f64>) -> Self {
        let n = values.len();
        let count = n as f64;
        let (mean, squares) = mean_and_squares(&values).unzip();
        let squares = squares.filter(|_| n > 1);
        let std_sample = squares.map(|squares| (squares / (count - 1.0)).sqrt());
        let spread = std_sample.filter(|std| *std > 0.0);
        let ci95 = mean.zip(spread).and_then(|(mean, std)| {
            let reach = half_width(0.95, count - 1.0)? * std / count.sqrt();
            Some(Interval { low: (mean - reach).max(0.0), high: (mean + reach).min(100.0) })
        });
        Self {
            n,
            mean,
            median: median(&values),
            std_sample,
            std_population: squares.map(|squares| (squares / count).sqrt()),
            min: values.iter().copied().reduce(f64::min),
            max: values.iter().copied().reduce(f64::max),
            ci95,
            values,
        }
    }
}

/// The mean of `values`, and the sum of the squares of what they are away from it; `None` where
/// there are no values.
///
/// Equal values have exactly their own mean and no squares: rounding alone must not look like a
/// spread, from which a test would take a standard error.
pub(super) fn mean_and_squares(values: &[f64]) -> Option<(f64, f64)> {
    let first = *values.first()?;
    if values.iter().all(|value| *value == first) {
        return Some((first, 0.0));
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    Some((mean, values.iter().map(|value| (value - mean).powi(2)).sum()))
}

fn median(values: &[f64]) -> Option<f64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable_by(f64::total_cmp);
    let upper = *sorted.get(sorted.len() / 2)?;
    let lower = sorted[(sorted.len() - 1) / 2];
    Some(f64::midpoint(lower, upper))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ten_values_have_the_statistics_that_scipy_gives_them() {
        // >>> import numpy as np; from scipy import stats
        // >>> x = np.array([78.1, 80.2, 79.5, 81.0, 79.9, 80.4, 77.8, 79.0, 80.8, 79.3])
        // >>> x.mean(), np.median(x), x.std(ddof=1), x.std()
        // >>> stats.t.interval(.95, 9, x.mean(), stats.sem(x))
        let values = vec![78.1, 80.2, 79.5, 81.0, 79.9, 80.4, 77.8, 79.0, 80.8, 79.3];
        let found = Statistics::of(values);
        let interval = found.ci95.unwrap();
        let pairs = [
            (found.mean.unwrap(), 79.6),
            (found.median.unwrap(), 79.7),
            (found.std_sample.unwrap(), 1.077_032_961_426_902_7),
            (found.std_population.unwrap(), 1.021_763_181_955_588),
            (interval.low, 78.829_537_033_085_22),
            (interval.high, 80.370_462_966_914_77),
        ];
        for (found, expected) in pairs {
            assert!((found - expected).abs() < 1e-9, "{found} {expected}");
        }
        assert_eq!((found.n, found.min, found.max), (10, Some(77.8), Some(81.0)));
    }

    #[test]
    fn what_there_is_not_is_none() {
        let none = Statistics::of(vec![]);
        assert_eq!((none.n, none.mean, none.min, none.max), (0, None, None, None));
        assert_eq!(none.median, None);
        let one = Statistics::of(vec![80.0]);
        assert_eq!((one.n, one.mean, one.median), (1, Some(80.0), Some(80.0)));
        assert_eq!((one.std_sample, one.std_population), (None, None));
        assert_eq!(one.ci95, None);
    }

    #[test]
    fn a_lost_run_moves_the_mean_and_not_the_median() {
        let found = Statistics::of(vec![95.0, 94.6, 71.2, 95.2, 94.8]);
        assert_eq!((found.median, found.min), (Some(94.8), Some(71.2)));
    }

    #[test]
    fn equal_values_say_nothing_of_a_spread() {
        // Added up, ten times 99.9 is not 999 in floating point.
        for value in [100.0, 99.9] {
            let found = Statistics::of(vec![value; 10]);
            assert_eq!((found.mean, found.median), (Some(value), Some(value)));
            assert_eq!((found.std_sample, found.std_population), (Some(0.0), Some(0.0)));
            assert_eq!(found.ci95, None);
        }
    }

    #[test]
    fn no_interval_leaves_what_an_accuracy_can_be() {
        // >>> stats.t.interval(.95, 2, np.mean(x), stats.sem(x)): 99.12 to 100.55
        let Interval { low, high } = Statistics::of(vec![100.0, 100.0, 99.5]).ci95.unwrap();
        assert!((low - 99.116_224_545_041_75).abs() < 1e-8, "{low}");
        assert_eq!(high, 100.0);
        assert_eq!(Statistics::of(vec![0.0, 0.0, 0.5]).ci95.unwrap().low, 0.0);
    }
}
