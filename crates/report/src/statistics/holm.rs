//! Many tests at once.

/// The p values of a family of tests, adjusted so that one below 5 % is wrong in at most 5 % of
/// families (Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979).
///
/// A test that could not be made (`None`) is no part of the family.
pub fn holm(p_values: &[Option<f64>]) -> Vec<Option<f64>> {
    let mut order: Vec<(usize, f64)> =
        p_values.iter().enumerate().filter_map(|(index, p)| Some((index, (*p)?))).collect();
    order.sort_by(|a, b| a.1.total_cmp(&b.1));
    let mut adjusted = vec![None; p_values.len()];
    let mut largest: f64 = 0.0;
    for (rank, &(index, p)) in order.iter().enumerate() {
        let left = (order.len() - rank) as f64;
        largest = largest.max((left * p).min(1.0));
        adjusted[index] = Some(largest);
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adjusted_values_are_those_of_r() {
        // > p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm")
        // [1] 0.03 0.06 0.06 0.02
        let found = holm(&[Some(0.01), None, Some(0.04), Some(0.03), Some(0.005)]);
        let expected = [Some(0.03), None, Some(0.06), Some(0.06), Some(0.02)];
        for (found, expected) in found.iter().zip(expected) {
            let same = match (found, expected) {
                (Some(found), Some(expected)) => (found - expected).abs() < 1e-12,
                (found, expected) => *found == expected,
            };
            assert!(same, "{found:?} {expected:?}");
        }
        assert_eq!(holm(&[Some(0.6), Some(0.7)]), [Some(1.0), Some(1.0)]);
    }
}
