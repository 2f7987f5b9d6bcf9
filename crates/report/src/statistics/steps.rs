//! Values as whole numbers, so that sums of them are compared without rounding.

/// Further from 0 than any accuracy in percent, or difference of two.
const FARTHEST: f64 = 1e3;

/// `values` in whole steps of 0.1 where all of them are such steps (within 1e-6), as accuracies on
/// 1,000 pairs are; else in steps of 0.01, to which they are rounded.
///
/// `None` where a value is not finite, or further from 0 than 1,000.
pub(super) fn in_steps(values: &[f64]) -> Option<Vec<i64>> {
    if !values.iter().all(|value| value.abs() <= FARTHEST) {
        return None;
    }
    let off_step = |value: &f64| (value - (value * 10.0).round() / 10.0).abs() > 1e-6;
    let per_unit = if values.iter().any(off_step) { 100.0 } else { 10.0 };
    Some(values.iter().map(|value| (value * per_unit).round() as i64).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_tenths_where_all_values_are() {
        // In floating point 80.3 − 79.9 is 0.3999…, three steps of 0.1 are not 0.3.
        assert_eq!(in_steps(&[80.3 - 79.9, -0.1 * 3.0, 100.0]), Some(vec![4, -3, 1000]));
        assert_eq!(in_steps(&[99.95, 80.1]), Some(vec![9995, 8010]));
        assert_eq!(in_steps(&[99.954_9]), Some(vec![9995]));
        assert_eq!(in_steps(&[]), Some(vec![]));
    }

    #[test]
    fn what_no_accuracy_can_be_has_no_steps() {
        for value in [f64::NAN, f64::INFINITY, -1e300] {
            assert_eq!(in_steps(&[80.0, value]), None, "{value}");
        }
    }
}
