//! Whether two groups of runs are draws from one distribution, without assuming its form.

use super::steps::in_steps;

/// Sums of the smaller group that are told apart at most: 128 MiB of probabilities.
const MOST_SUMS: usize = 1 << 24;

/// The p value of the exact two-sided permutation test of a difference of means (Fisher, The
/// Design of Experiments, 1935; Pitman, Significance Tests Which May Be Applied to Samples from
/// Any Populations, 1937): of all ways to divide the values into groups of these sizes, the share
/// whose means are at least as far apart as those of `a` and `b`.
///
/// Exact for groups of any size: not the ways are counted but the sums that the smaller group can
/// have (Pagano and Tritchler, On Obtaining Permutation Distributions in Polynomial Time, 1983;
/// Streitberg and Röhmel, Exact Distributions for Permutation and Rank Tests, 1986). For that the
/// values are taken as whole steps of 0.1 if all are such steps, as accuracies on 1,000 pairs are,
/// and are else rounded to steps of 0.01. Ten values against 625 take some milliseconds; the work
/// grows with the number of values, the square of the smaller group, and the range of the values.
///
/// `None` where a side is empty, where a value is not finite or beyond ±1,000, as no accuracy is, and where the sums would not fit in memory, as 10,000 values against as many do not.
///
/// ```
/// use pairnet_report::statistics::permutation_p;
///
/// // Of the six ways to divide four values in two, this one and its mirror are the farthest.
/// let p = permutation_p(&[80.1, 80.2], &[81.3, 81.4]).unwrap();
/// assert!((p - 2.0 / 6.0).abs() < 1e-12);
/// ```
pub fn permutation_p(a: &[f64], b: &[f64]) -> Option<f64> {
    let (few, many) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    if few.is_empty() {
        return None;
    }
    let mut steps = in_steps(&[few, many].concat())?;
    let observed: i64 = steps[..few.len()].iter().sum();
    let (size, count) = (few.len() as i128, steps.len() as i128);
    let total: i128 = steps.iter().copied().map(i128::from).sum();
    // The difference of means in whole numbers, times both sizes.
    let distance = |sum: i64| (count * i128::from(sum) - size * total).abs();
    steps.sort_unstable();
    let (smallest, probabilities) = sums_of_subsets(&steps, few.len())?;
    let at_least = (smallest..).zip(probabilities).filter_map(|(sum, probability)| {
        (distance(sum) >= distance(observed)).then_some(probability)
    });
    Some(at_least.sum::<f64>().min(1.0))
}

/// The sum of `size` of the `sorted` values, drawn without replacement: its smallest value, and
/// the probability of that and of each greater one.
///
/// The values are gone through in order; `table[taken]` has the probability that so many of those
/// seen are in the draw and have that sum. As probabilities, since the number of ways to draw 600
/// of 1,200 values is beyond what a floating-point number holds.
fn sums_of_subsets(sorted: &[i64], size: usize) -> Option<(i64, Vec<f64>)> {
    let up_to: Vec<i64> = std::iter::once(0)
        .chain(sorted.iter().scan(0, |sum, value| {
            *sum += value;
            Some(*sum)
        }))
        .collect();
    // The last of the values seen are the largest, the first the smallest.
    let range =
        |seen: usize, taken: usize| (up_to[seen] - up_to[seen - taken] - up_to[taken]) as usize + 1;
    let lengths = (0..=size).map(|taken| range(sorted.len(), taken));
    if lengths.clone().try_fold(0, usize::checked_add)? > MOST_SUMS {
        return None;
    }
    let mut table: Vec<Vec<f64>> = lengths.map(|length| vec![0.0; length]).collect();
    table[0][0] = 1.0;
    for (seen, &value) in sorted.iter().enumerate() {
        let left = sorted.len() - seen;
        for taken in (size.saturating_sub(left)..=seen.min(size - 1)).rev() {
            let chance = (size - taken) as f64 / left as f64;
            let (before, after) = table.split_at_mut(taken + 1);
            let without = &mut before[taken][..range(seen, taken)];
            // Both begin at the sum of the smallest: `taken` of them, and one more.
            let with = &mut after[0][(value - sorted[taken]) as usize..];
            for (without, with) in without.iter_mut().zip(with) {
                *with += *without * chance;
                *without *= 1.0 - chance;
            }
        }
    }
    Some((up_to[size], table.swap_remove(size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Expected values are those of tests/golden/formulas.py.

    const A: [f64; 10] = [78.0, 80.1, 77.0, 79.5, 80.3, 80.1, 80.7, 79.6, 81.1, 79.2];
    const B: [f64; 10] = [78.1, 80.2, 79.5, 81.0, 82.9, 80.4, 81.8, 79.0, 80.8, 79.3];

    fn assert_near(found: Option<f64>, expected: f64) {
        let found = found.unwrap();
        assert!((found - expected).abs() < 1e-11 * expected, "{found} {expected}");
    }

    #[test]
    fn small_groups_are_those_of_scipy() {
        // >>> from scipy.stats import permutation_test
        // >>> def distance(x, y, axis): return abs(x.mean(axis) - y.mean(axis)).round(9)
        // >>> permutation_test((a, b), distance, alternative="greater", n_resamples=np.inf)
        assert_near(permutation_p(&A, &B), 0.238_552_469_202_624);
        assert_near(permutation_p(&B, &A), 0.238_552_469_202_624);
        let (c, d) = ([99.95, 99.9, 99.81], [99.85, 99.7, 99.9, 99.62, 99.88]);
        assert_near(permutation_p(&c, &d), 0.285_714_285_714_285_7);
        assert_near(permutation_p(&c[..1], &d), 1.0 / 3.0);
    }

    #[test]
    fn ten_against_many_is_what_counting_with_whole_numbers_gives() {
        // >>> share_of_splits(spread_out(10, 830), spread_out(625, 800))
        let spread_out = |count: usize, start: usize| -> Vec<f64> {
            let step = |i| (start + 37 * i % 61 + i % 7 - if i == 0 { 200 } else { 0 }) as f64;
            (0..count).map(|i| step(i) / 10.0).collect()
        };
        let found = permutation_p(&spread_out(10, 830), &spread_out(625, 800));
        assert_near(found, 0.325_323_674_965_968_76);
    }

    #[test]
    fn large_groups_do_not_overflow() {
        // >>> table = hypergeom(1200, 500, 600); sums = np.arange(601)
        // >>> table.pmf(sums[abs(sums * 1200 - 600 * 500) >= abs(270 * 1200 - 600 * 500)]).sum()
        let runs = |with_mistake| -> Vec<f64> {
            (0..600).map(|i| if i < with_mistake { 99.9 } else { 100.0 }).collect()
        };
        assert_near(permutation_p(&runs(270), &runs(230)), 0.022_350_887_329_391_906);
    }

    #[test]
    fn equal_values_are_no_farther_apart_than_any_others() {
        assert_near(permutation_p(&[100.0; 10], &[100.0; 3]), 1.0);
    }

    #[test]
    fn what_cannot_be_tested_has_no_p_value() {
        assert_eq!(permutation_p(&[], &A), None);
        assert_eq!(permutation_p(&A, &[]), None);
        assert_eq!(permutation_p(&A, &[f64::NAN]), None);
        let far: Vec<f64> = (0..6000).map(|i| f64::from(i % 1000)).collect();
        assert_eq!(permutation_p(&far, &far), None);
    }
}
