//! Whether probabilities are to be believed.

use serde::Serialize;

/// Bins of a reliability table.
const BINS: usize = 10;

/// Probabilities of one bin, and how often what they were given to came true.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Bin {
    /// Probabilities from here, below the next bin's; the last bin has 1 too.
    pub from: f64,
    /// How many there are.
    pub count: usize,
    /// Their mean; `None` where there are none.
    pub mean_probability: Option<f64>,
    /// The share that came true; `None` where there are none.
    pub frequency: Option<f64>,
}

/// What calibration says of probabilities.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Calibration {
    /// Ten bins of equal width from 0 to 1.
    pub bins: [Bin; BINS],
    /// Σ share of a bin · |frequency − mean probability|, the expected calibration error (Naeini,
    /// Cooper and Hauskrecht, 2015; Guo et al., On Calibration of Modern Neural Networks, 2017), here
    /// of the probability of one outcome. From 0 to 1; `None` of no probabilities.
    pub expected_calibration_error: Option<f64>,
    /// The mean of (probability − outcome)² (Brier, 1950).
    pub brier: Option<f64>,
    /// Wrong answers that were given with a probability of 99 % or more.
    pub sure_and_wrong: usize,
}

/// Of probabilities of an event, and whether it came true.
///
/// ```
/// use pairnet_report::statistics::calibration;
///
/// let sure = [(1.0, true), (1.0, true), (1.0, false), (0.0, false)];
/// let calibration = calibration(sure);
/// assert_eq!(calibration.sure_and_wrong, 1);
/// // Three of four were given 1 and came true in two thirds.
/// assert!((calibration.expected_calibration_error.unwrap() - 0.75 / 3.0).abs() < 1e-12);
/// ```
pub fn calibration(outcomes: impl IntoIterator<Item = (f64, bool)>) -> Calibration {
    let mut sums = [(0usize, 0.0, 0usize); BINS];
    let (mut count, mut squares, mut sure_and_wrong) = (0usize, 0.0, 0);
    for (probability, came_true) in outcomes {
        let place = ((probability * BINS as f64) as usize).min(BINS - 1);
        let (in_bin, sum, came) = &mut sums[place];
        *in_bin += 1;
        *sum += probability;
        *came += usize::from(came_true);
        count += 1;
        squares += (probability - f64::from(u8::from(came_true))).powi(2);
        let of_answer = if came_true { 1.0 - probability } else { probability };
        sure_and_wrong += usize::from(of_answer >= 0.99);
    }
    let mut bins = [Bin::default(); BINS];
    let mut error = 0.0;
    for (index, (bin, (in_bin, sum, came))) in bins.iter_mut().zip(sums).enumerate() {
        let mean = |sum: f64| (in_bin > 0).then(|| sum / in_bin as f64);
        *bin = Bin {
            from: index as f64 / BINS as f64,
            count: in_bin,
            mean_probability: mean(sum),
            frequency: mean(came as f64),
        };
        error += (came as f64 - sum).abs();
    }
    let mean = |sum: f64| (count > 0).then(|| sum / count as f64);
    Calibration {
        bins,
        expected_calibration_error: mean(error),
        brier: mean(squares),
        sure_and_wrong,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edges_are_in_a_bin() {
        let calibration = calibration([(0.0, false), (0.1, false), (0.999, true), (1.0, true)]);
        let counts = calibration.bins.map(|bin| bin.count);
        assert_eq!(counts, [1, 1, 0, 0, 0, 0, 0, 0, 0, 2]);
        assert_eq!(calibration.bins[2].frequency, None);
        assert_eq!(calibration.sure_and_wrong, 0);
    }

    #[test]
    fn coins_are_calibrated_at_a_half() {
        let coins = (0..100).map(|toss| (0.5, toss % 2 == 0));
        let calibration = calibration(coins);
        assert_eq!(calibration.expected_calibration_error, Some(0.0));
        assert_eq!(calibration.brier, Some(0.25));
    }

    #[test]
    fn of_nothing_there_is_nothing() {
        let calibration = calibration([]);
        assert_eq!((calibration.expected_calibration_error, calibration.brier), (None, None));
    }
}
