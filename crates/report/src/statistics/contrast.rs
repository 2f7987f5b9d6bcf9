//! Estimates whose variance has several parts.

use super::estimate::{Estimate, Moments, StandardError};

/// One of the independent parts of an estimate's variance.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Part {
    /// In the unit of the estimate, squared.
    pub variance: f64,
    /// The degrees of freedom with which it was estimated.
    pub degrees: f64,
}

impl Part {
    /// The whole variance of an estimate; `None` where there were too few values to tell.
    pub fn of(estimate: &Estimate) -> Option<Self> {
        let StandardError { size, degrees } = estimate.error?;
        Some(Self { variance: size.powi(2), degrees })
    }
}

/// An estimate whose variance is the sum of `parts`, which were estimated independently of each
/// other: its degrees of freedom are those of the χ² distribution that has the sum's mean and
/// variance (Satterthwaite, An Approximate Distribution of Estimates of Variance Components,
/// 1946).
///
/// Without parts nothing is known of its error.
pub fn estimate(value: f64, parts: &[Part]) -> Estimate {
    let sum: f64 = parts.iter().map(|part| part.variance).sum();
    let degrees = if sum > 0.0 {
        let parts = parts.iter().filter(|part| part.variance > 0.0);
        sum.powi(2) / parts.map(|part| part.variance.powi(2) / part.degrees).sum::<f64>()
    } else {
        // Without any variance they are 0/0, and nothing is asked of them.
        parts.iter().map(|part| part.degrees).sum()
    };
    let error = StandardError { size: sum.sqrt(), degrees };
    Estimate { value, error: (!parts.is_empty()).then_some(error) }
}

/// The sum of independent means, each times its weight: with weights 1 and −1 a difference
/// ([`welch`](super::welch)), with halves and quarters the main effects and the interaction of a
/// factorial design.
///
/// Its error is `None` where there is no mean, or one of fewer than two values.
///
/// ```
/// use pairnet_report::statistics::{Moments, linear};
///
/// let mean = |mean| Moments { n: 10, mean, std_sample: Some(1.0) };
/// let [neither, sharing, auxiliary, both] = [79.0, 84.0, 92.0, 96.0].map(mean);
/// let terms = [(-0.5, neither), (0.5, sharing), (-0.5, auxiliary), (0.5, both)];
/// let effect_of_sharing = linear(&terms);
/// assert_eq!(effect_of_sharing.value, 4.5);
/// // Four variances of 1/10, each times 1/4; as they are equal, the degrees add up.
/// let error = effect_of_sharing.error.unwrap();
/// assert!((error.size - 0.1_f64.sqrt()).abs() < 1e-12 && (error.degrees - 36.0).abs() < 1e-9);
/// ```
pub fn linear(terms: &[(f64, Moments)]) -> Estimate {
    let value = terms.iter().map(|(weight, moments)| weight * moments.mean).sum();
    let part = |(weight, moments): &(f64, Moments)| {
        let count = moments.n as f64;
        let variance = (weight * moments.std_sample?).powi(2) / count;
        Some(Part { variance, degrees: count - 1.0 })
    };
    match terms.iter().map(part).collect::<Option<Vec<Part>>>() {
        Some(parts) => estimate(value, &parts),
        None => Estimate { value, error: None },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::statistics::welch;

    fn moments(n: usize, mean: f64, std: f64) -> Moments {
        Moments { n, mean, std_sample: Some(std) }
    }

    #[test]
    fn an_interaction_is_that_of_the_formula_in_python() {
        // >>> value = 79.56 - 85.03 - 93.76 + 96.47
        // >>> parts = [1.24 ** 2 / 10, 1.48 ** 2 / 10, 2.31 ** 2 / 9, 0.6 ** 2 / 10]
        // >>> d = sum(parts) ** 2 / sum(v * v / k for v, k in zip(parts, [9, 9, 8, 9]))
        // >>> stats.t.interval(0.95, d, value, sum(parts) ** 0.5)
        // >>> 2 * stats.t.sf(abs(value) / sum(parts) ** 0.5, d)
        let found = linear(&[
            (1.0, moments(10, 79.56, 1.24)),
            (-1.0, moments(10, 85.03, 1.48)),
            (-1.0, moments(9, 93.76, 2.31)),
            (1.0, moments(10, 96.47, 0.6)),
        ]);
        let interval = found.interval(0.95).unwrap();
        let pairs = [
            (found.value, -2.76),
            (found.error.unwrap().degrees, 19.280_209_714_267_47),
            (interval.low, -4.852_743_677_728_071),
            (interval.high, -0.667_256_322_271_938_5),
            (found.p_two_sided().unwrap(), 0.012_412_755_726_620_098),
        ];
        for (found, expected) in pairs {
            assert!((found - expected).abs() < 1e-8, "{found} {expected}");
        }
    }

    #[test]
    fn one_mean_has_the_degrees_of_its_values() {
        let found = linear(&[(2.0, moments(10, 80.0, 1.5))]);
        let error = found.error.unwrap();
        assert_eq!(found.value, 160.0);
        assert!((error.size - 3.0 / 10_f64.sqrt()).abs() < 1e-12, "{error:?}");
        assert!((error.degrees - 9.0).abs() < 1e-12, "{error:?}");
    }

    #[test]
    fn a_part_without_variance_changes_nothing() {
        let certain = Part { variance: 0.0, degrees: 0.0 };
        let part = Part { variance: 0.25, degrees: 7.0 };
        let error = estimate(1.0, &[certain, part]).error.unwrap();
        assert_eq!((error.size, error.degrees), (0.5, 7.0));
    }

    #[test]
    fn what_has_no_error_says_so() {
        assert_eq!(estimate(1.0, &[]).error, None);
        let one = Moments { n: 1, mean: 80.0, std_sample: None };
        let found = linear(&[(1.0, one), (-1.0, moments(10, 79.0, 1.0))]);
        assert_eq!(found, Estimate { value: 1.0, error: None });
        assert_eq!(found, welch(one, moments(10, 79.0, 1.0)));
    }
}
