//! Whether paired differences are greater than chance signs would make them.

use super::steps::in_steps;

/// With more differences than this the t test is as good: its assumption, that the mean is
/// normal, needs no check then, while the work of this test grows with their square.
const MOST_DIFFERENCES: usize = 100;

/// The p value of the exact one-sided sign-flip test, Fisher's randomisation test of paired
/// values (The Design of Experiments, 1935): if each difference were as likely to have the other
/// sign, how likely would a mean be that is at least as great as the observed one?
///
/// The share of all 2ⁿ ways to set the signs, found from the sums that they can have, on the grid
/// of [`permutation_p`](super::permutation_p). Its assumption is that differences are symmetric
/// about 0 where there is no effect, as a difference of two runs that differ in nothing is.
///
/// `None` where there are no differences or more than 100, for which the t test needs no check,
/// and where one is not finite or beyond ±1,000.
///
/// ```
/// use pairnet_report::statistics::sign_flip_p_greater;
///
/// // Of the eight ways to set three signs, only this one has a mean as great.
/// assert_eq!(sign_flip_p_greater(&[0.4, 1.3, 0.2]), Some(1.0 / 8.0));
/// ```
pub fn sign_flip_p_greater(differences: &[f64]) -> Option<f64> {
    if differences.is_empty() || differences.len() > MOST_DIFFERENCES {
        return None;
    }
    let steps = in_steps(differences)?;
    let sizes: Vec<usize> = steps.iter().map(|step| step.unsigned_abs() as usize).collect();
    // A sum of signed sizes is at least the observed one where those with a minus add up to no
    // more than the observed minuses do.
    let observed: usize =
        steps.iter().zip(&sizes).filter_map(|(step, size)| (*step < 0).then_some(size)).sum();
    // chances[sum] is the probability that the minuses among the sizes seen add up to `sum`;
    // greater sums than the observed one are not followed.
    let mut chances = vec![0.0; observed + 1];
    chances[0] = 1.0;
    for size in sizes {
        for sum in (0..=observed).rev() {
            let minus = sum.checked_sub(size).map_or(0.0, |before| chances[before]);
            chances[sum] = f64::midpoint(chances[sum], minus);
        }
    }
    Some(chances.iter().sum::<f64>().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn p_values_are_those_of_scipy() {
        // >>> from scipy.stats import permutation_test
        // >>> def mean(x, axis): return x.mean(axis).round(9)
        // >>> permutation_test((x,), mean, permutation_type="samples", alternative="greater",
        // ...                  n_resamples=np.inf).pvalue
        let cases: [(&[f64], f64); 4] = [
            (&[0.1, 0.1, 2.5, 1.5, 2.6, 0.3, 1.1, -0.6, -0.3, 0.1], 0.041_015_625),
            (&[4.1, 5.3, 3.9, -0.2, 6.0], 0.0625),
            (&[0.3, -0.3, 0.0, 0.1, 0.3], 0.3125),
            (&[-0.4, -1.3, -0.2], 1.0),
        ];
        for (differences, expected) in cases {
            assert_eq!(sign_flip_p_greater(differences), Some(expected), "{differences:?}");
        }
    }

    #[test]
    fn rounding_makes_no_difference_greater() {
        // 80.3 − 79.9 is less than 0.4 in floating point, and 0.1 + 0.3 is not 0.4.
        let found = sign_flip_p_greater(&[80.3 - 79.9, -0.1, -0.3]);
        // Of the eight sums ±0.4 ±0.1 ±0.3, five are at least 0.
        assert_eq!(found, Some(5.0 / 8.0));
    }

    #[test]
    fn a_hundred_equal_ones_are_a_hundred_coins() {
        // >>> from scipy.stats import binom; binom(100, .5).sf(57)
        let differences: Vec<f64> = (0..100).map(|i| if i < 58 { 0.7 } else { -0.7 }).collect();
        let found = sign_flip_p_greater(&differences).unwrap();
        assert!((found - 0.066_605_309_603_606_79).abs() < 1e-12, "{found}");
    }

    #[test]
    fn what_cannot_be_tested_has_no_p_value() {
        assert_eq!(sign_flip_p_greater(&[]), None);
        assert_eq!(sign_flip_p_greater(&[0.1; 101]), None);
        assert_eq!(sign_flip_p_greater(&[0.1, f64::NAN]), None);
    }
}
