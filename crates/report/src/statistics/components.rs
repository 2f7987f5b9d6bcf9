//! How much of an accuracy's variance is the runs', and how much the test pairs'.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::contrast::{Part, estimate, linear};
use super::estimate::{Estimate, Moments};

/// Which answers of several runs to their test pairs were right, as the sums that
/// [`Components`] are made of, so that runs can be read one after another.
///
/// ```
/// use pairnet_report::statistics::CrossedCounts;
///
/// let mut counts = CrossedCounts::default();
/// counts.add(&[true, true, false, true])?;
/// counts.add(&[true, false, false, true])?;
/// let components = counts.components(true).unwrap();
/// // Accuracies of 75 and 50 %.
/// assert!((components.runs - 25.0 / 2_f64.sqrt()).abs() < 1e-12);
/// assert!(counts.add(&[true]).is_err());
/// # Ok::<(), pairnet_report::statistics::PairCountError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CrossedCounts {
    /// The right answers of each run.
    by_run: Vec<u64>,
    /// The right answers to each pair.
    by_pair: Vec<u32>,
}

/// A run that answered another number of pairs than the runs before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a run answered {found} pairs, those before it {expected}")]
pub struct PairCountError {
    /// How many pairs the runs before it answered.
    pub expected: usize,
    /// How many this one did.
    pub found: usize,
}

/// The standard deviations of a test accuracy, in points, by where they come from (after
/// Bouthillier and others, Accounting for Variance in Machine Learning Benchmarks, 2021).
///
/// Whether run r answers pair p right is μ + aᵣ + bₚ + eᵣₚ: how good the run is, how easy the pair
/// is, and what is left, among it that a run is better at some pairs than at others. Where runs
/// and pairs are independent draws, the three are uncorrelated with mean 0 and variances σ²ₐ, σ²_b
/// and σ²ₑ, for zeros and ones too (Hoeffding, A Class of Statistics with Asymptotically Normal
/// Distribution, 1948). What can be told of them depends on who answers what:
///
/// - *Crossed*: all R runs answer the same P pairs. The pairs' mean b̄ is part of every accuracy
///   and cancels between them, so the variance s² of the accuracies estimates σ²ₐ + σ²ₑ/P: that is
///   `runs`. The mean of the runs has the variance s²/R + σ²_b/P, of which the runs cannot show the
///   second term, however many they are. It is estimated by the two-way analysis of variance with
///   random effects and one answer in each cell, σ²_b = (MS_pair − MS_rest)/R (Searle, Casella and
///   McCulloch, Variance Components, 1992, chapter 4), and is `pairs`.
/// - *Nested*: each run has pairs of its own. Then s² estimates σ²ₐ + (σ²_b + σ²ₑ)/P, all there
///   is, and the mean of the runs has the variance s²/R. From the right and wrong answers within
///   runs, p(1 − p)/(P − 1) on average, the pairs' part (σ²_b + σ²ₑ)/P is known: that is `pairs`;
///   and `runs` is what s² has beyond it, σ²ₐ.
///
/// So σ²ₑ/P, which only one answer a cell keeps from being split further, is in `runs` where pairs
/// are shared and in `pairs` where they are not. Estimates below 0 are set to 0.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Components {
    /// From run to run, on pairs that stay.
    pub runs: f64,
    /// From one draw of as many test pairs to another.
    pub pairs: f64,
    /// Whether all runs answered the same pairs.
    pub shared_pairs: bool,
    /// How many pairs each run answered.
    pub pair_count: usize,
    /// How many runs there are.
    pub run_count: usize,
}

impl CrossedCounts {
    /// Adds a run: for each pair whether its answer was right.
    ///
    /// # Errors
    ///
    /// Where it answered another number of pairs than the runs before it; nothing is added then.
    pub fn add(&mut self, right: &[bool]) -> Result<(), PairCountError> {
        if self.by_run.is_empty() {
            self.by_pair = vec![0; right.len()];
        }
        let (expected, found) = (self.by_pair.len(), right.len());
        if expected != found {
            return Err(PairCountError { expected, found });
        }
        for (count, &right) in self.by_pair.iter_mut().zip(right) {
            *count += u32::from(right);
        }
        self.by_run.push(right.iter().map(|&right| u64::from(right)).sum());
        Ok(())
    }

    /// The components of the runs added, which answered the same pairs in the same order if
    /// `shared_pairs`, and each its own otherwise.
    ///
    /// `None` where there are fewer than two runs or pairs.
    pub fn components(&self, shared_pairs: bool) -> Option<Components> {
        let (run_count, pair_count) = (self.by_run.len(), self.by_pair.len());
        if run_count < 2 || pair_count < 2 {
            return None;
        }
        let variances = if shared_pairs { self.crossed() } else { self.nested() };
        let [runs, pairs] = variances.map(|variance| 100.0 * variance.max(0.0).sqrt());
        Some(Components { runs, pairs, shared_pairs, pair_count, run_count })
    }

    /// The variance of the runs' accuracies.
    fn between_runs(&self) -> f64 {
        let (runs, pairs) = (self.by_run.len() as f64, self.by_pair.len() as f64);
        self.run_squares() as f64 / (runs * (runs - 1.0) * pairs * pairs)
    }

    fn crossed(&self) -> [f64; 2] {
        let (runs, pairs) = (self.by_run.len() as f64, self.by_pair.len() as f64);
        let (all, total) = (self.by_run.len() * self.by_pair.len(), self.total());
        // Sums of squares, each times the number of answers, so that they are whole numbers.
        let of_runs = self.run_squares();
        let of_pairs = self.by_pair.len() as i128
            * self.by_pair.iter().map(|&count| i128::from(count).pow(2)).sum::<i128>()
            - total.pow(2);
        let of_rest = all as i128 * total - total.pow(2) - of_runs - of_pairs;
        let mean_pairs = of_pairs as f64 / (pairs - 1.0);
        let mean_rest = of_rest as f64 / ((runs - 1.0) * (pairs - 1.0));
        let pair_variance = (mean_pairs - mean_rest) / all as f64 / runs;
        [self.between_runs(), pair_variance / pairs]
    }

    fn nested(&self) -> [f64; 2] {
        let (runs, pairs) = (self.by_run.len() as f64, self.by_pair.len() as f64);
        let share = |&right: &u64| right as f64 / pairs;
        let within: f64 = self.by_run.iter().map(share).map(|p| p * (1.0 - p)).sum();
        let from_pairs = within / runs / (pairs - 1.0);
        [self.between_runs() - from_pairs, from_pairs]
    }

    fn total(&self) -> i128 {
        self.by_run.iter().copied().map(i128::from).sum()
    }

    /// The sum of squares of the runs, times the number of answers.
    fn run_squares(&self) -> i128 {
        let squares: i128 = self.by_run.iter().map(|&count| i128::from(count).pow(2)).sum();
        self.by_run.len() as i128 * squares - self.total().pow(2)
    }
}

impl Components {
    /// What another draw of test pairs adds to the variance of the mean, where all runs share one.
    pub fn draw(&self) -> Option<Part> {
        let degrees = self.pair_count as f64 - 1.0;
        self.shared_pairs.then_some(Part { variance: self.pairs.powi(2), degrees })
    }

    /// The mean of `accuracy`, the moments of the runs' accuracies in percent, as an estimate for
    /// other runs on other pairs too. Where the runs share their pairs it is less sure than the
    /// runs alone would have it; where they do not it is what the runs say.
    ///
    /// Its error is `None` where that of the runs is.
    pub fn total(&self, accuracy: Moments) -> Estimate {
        let runs = linear(&[(1.0, accuracy)]);
        match Part::of(&runs).zip(self.draw()) {
            Some((of_runs, of_pairs)) => estimate(runs.value, &[of_runs, of_pairs]),
            None => runs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(answers: &[Vec<bool>]) -> CrossedCounts {
        let mut counts = CrossedCounts::default();
        answers.iter().for_each(|run| counts.add(run).unwrap());
        counts
    }

    /// Five runs on forty pairs: `answers(5, 40)` of tests/golden/formulas.py.
    fn answers() -> CrossedCounts {
        let right = |r, p| (7 * p * p + 3) % 11 + (5 * r + 3 * p * r) % 7 < 11;
        let runs: Vec<Vec<bool>> = (0..5).map(|r| (0..40).map(|p| right(r, p)).collect()).collect();
        counts(&runs)
    }

    fn assert_near(found: [f64; 2], expected: [f64; 2]) {
        for (found, expected) in found.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-10 * expected, "{found} {expected}");
        }
    }

    #[test]
    fn components_are_those_of_numpy() {
        // >>> of_run, of_pair = x.mean(1, keepdims=True), x.mean(0, keepdims=True)
        // >>> mean_pair = 5 * ((of_pair - x.mean()) ** 2).sum() / 39
        // >>> mean_rest = ((x - of_run - of_pair + x.mean()) ** 2).sum() / 4 / 39
        // >>> 100 * of_run.std(ddof=1), 100 * ((mean_pair - mean_rest) / 5 / 40) ** 0.5
        let Components { runs, pairs, .. } = answers().components(true).unwrap();
        assert_near([runs, pairs], [12.196_310_917_650_47, 4.647_855_860_777_536]);
        // >>> part = x.var(axis=1, ddof=1).mean() / 40
        // >>> 100 * (of_run.var(ddof=1) - part) ** 0.5, 100 * part ** 0.5
        let Components { runs, pairs, .. } = answers().components(false).unwrap();
        assert_near([runs, pairs], [10.417_564_063_908_657, 6.342_267_652_374_739]);
    }

    #[test]
    fn the_total_has_the_runs_and_the_pairs() {
        // >>> a, b = of_run.var(ddof=1) / 5, sigma2_pair / 40
        // >>> 100 * (a + b) ** 0.5, (a + b) ** 2 / (a ** 2 / 4 + b ** 2 / 39)
        let shared = answers().components(true).unwrap();
        let accuracy = Moments { n: 5, mean: 62.5, std_sample: Some(shared.runs) };
        let found = shared.total(accuracy);
        let error = found.error.unwrap();
        assert_eq!(found.value, 62.5);
        assert_near([error.size, error.degrees], [7.166_070_338_935_008, 11.306_728_985_205_027]);
        // Where each run has its own pairs, the runs show everything: s/√5.
        let own = answers().components(false).unwrap();
        assert_eq!(own.total(accuracy), linear(&[(1.0, accuracy)]));
        let one = Moments { n: 1, std_sample: None, ..accuracy };
        assert_eq!(shared.total(one).error, None);
    }

    #[test]
    fn runs_that_answer_alike_differ_by_their_pairs_alone() {
        let run = vec![true, true, false, true];
        let components = counts(&[run.clone(), run]).components(true).unwrap();
        // Nothing is left, so that the pairs' variance is that of one run: p (1 − p) / (P − 1).
        assert_near([components.runs + 1.0, components.pairs], [1.0, 25.0]);
    }

    #[test]
    fn what_would_be_below_0_is_0() {
        // Each pair is right as often as the other: less than independent answers would vary.
        let opposite = counts(&[vec![true, false], vec![false, true]]);
        assert_eq!(opposite.components(true).unwrap().pairs, 0.0);
        // The accuracies are the same, though each run has its own pairs.
        assert_eq!(opposite.components(false).unwrap().runs, 0.0);
        let perfect = counts(&[vec![true; 3], vec![true; 3]]).components(true).unwrap();
        assert_eq!((perfect.runs, perfect.pairs), (0.0, 0.0));
    }

    #[test]
    fn one_run_or_pair_has_no_components() {
        assert_eq!(CrossedCounts::default().components(true), None);
        assert_eq!(counts(&[vec![true, false]]).components(false), None);
        assert_eq!(counts(&[vec![true], vec![false]]).components(true), None);
    }

    #[test]
    fn a_run_on_other_pairs_is_refused_and_not_counted() {
        let mut counts = counts(&[vec![true, false]]);
        let before = counts.clone();
        let error = counts.add(&[true, false, true]).unwrap_err();
        assert_eq!(error, PairCountError { expected: 2, found: 3 });
        assert_eq!(counts, before);
    }
}
