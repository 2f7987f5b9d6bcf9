//! Student's t distribution, as tests on means use it.

use statrs::distribution::{ContinuousCDF, StudentsT};

/// How many standard errors an interval of `confidence` (0.95, say) reaches to each side.
///
/// `None` where there are no degrees of freedom.
pub(super) fn half_width(confidence: f64, degrees: f64) -> Option<f64> {
    let distribution = StudentsT::new(0.0, 1.0, degrees).ok()?;
    Some(distribution.inverse_cdf(f64::midpoint(1.0, confidence)))
}

/// The probability of a value above `t`.
///
/// `None` where there are no degrees of freedom.
pub(super) fn upper_tail(t: f64, degrees: f64) -> Option<f64> {
    Some(StudentsT::new(0.0, 1.0, degrees).ok()?.sf(t))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_scipy() {
        // >>> from scipy.stats import t
        // >>> [float(t.ppf(q, d)) for q, d in [(.975, 9), (.95, 9), (.975, 1), (.95, 17.32)]]
        let cases = [
            (0.95, 9.0, 2.262_157_162_798_205),
            (0.90, 9.0, 1.833_112_932_656_237),
            (0.95, 1.0, 12.706_204_736_174_694),
            (0.90, 17.32, 1.737_759_497_867_030_3),
        ];
        for (confidence, degrees, expected) in cases {
            let found = half_width(confidence, degrees).unwrap();
            assert!((found - expected).abs() < 1e-8 * expected, "{degrees}: {found} {expected}");
        }
        assert_eq!(half_width(0.95, 0.0), None);
    }

    #[test]
    fn tails_are_those_of_scipy() {
        // >>> [float(t.sf(x, d)) for x, d in [(2.262, 9), (-1, 9), (8.5, 9), (0, 3)]]
        let cases = [
            (2.262, 9.0, 0.025_006_422_751_227_313),
            (-1.0, 9.0, 0.828_281_801_931_043_2),
            (8.5, 9.0, 6.797_036_611_178_264e-6),
            (0.0, 3.0, 0.5),
        ];
        for (value, degrees, expected) in cases {
            let found = upper_tail(value, degrees).unwrap();
            assert!((found - expected).abs() < 1e-8 * expected, "{value}: {found} {expected}");
        }
    }
}
