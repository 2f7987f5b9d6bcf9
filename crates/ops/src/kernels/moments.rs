//! Mean and variance of a matrix's columns.

use crate::element::Element;
use crate::kernels::columns::{ColumnSums, add_bias, repeated};
use crate::kernels::parts::{self, part};
use crate::kernels::vectorised;

/// Mean and biased variance of each column.
pub(crate) fn moments<T: Element>(values: &[T], channels: usize) -> (Vec<T>, Vec<T>) {
    let some = values.chunks(part(values.len(), channels));
    Moments::merged(parts::map(some, |rows| Moments::of(rows, channels)))
}

/// [`moments`] of what bias and ReLU make of `values`, in their place.
pub(crate) fn rectified_moments<T: Element>(values: &mut [T], bias: &[T]) -> (Vec<T>, Vec<T>) {
    let some = values.chunks_mut(part(values.len(), bias.len()));
    Moments::merged(parts::map(some, |rows| {
        add_bias(rows, bias, true);
        Moments::of(rows, bias.len())
    }))
}

/// What some rows of a matrix say of each column.
pub(crate) struct Moments<T> {
    rows: usize,
    means: Vec<T>,
    /// Σ (x − mean)².
    squares: Vec<T>,
}

impl<T: Element> Moments<T> {
    /// Those of any number of rows, on this thread.
    pub(crate) fn of(values: &[T], channels: usize) -> Self {
        vectorised!(column_moments::<T>(values, channels))
    }

    /// Mean and biased variance of each column over all parts.
    pub(crate) fn merged(parts: Vec<Self>) -> (Vec<T>, Vec<T>) {
        let all = merged(parts, Self::merge);
        all.map(Self::into_mean_and_variance).unwrap_or_default()
    }

    /// Those of both rows together (Chan, Golub and LeVeque, 1983).
    fn merge(mut self, other: Self) -> Self {
        let (rows, others) = (self.rows as f64, other.rows as f64);
        let share = T::from_f64(others / (rows + others));
        let weight = T::from_f64(rows * others / (rows + others));
        for channel in 0..self.means.len() {
            let apart = other.means[channel] - self.means[channel];
            self.means[channel] += apart * share;
            self.squares[channel] += other.squares[channel] + apart * apart * weight;
        }
        Self { rows: self.rows + other.rows, ..self }
    }

    /// The variance is the biased one.
    fn into_mean_and_variance(self) -> (Vec<T>, Vec<T>) {
        let scale = T::ONE / T::from_f64(self.rows as f64);
        (self.means, self.squares.into_iter().map(|sum| sum * scale).collect())
    }
}

/// All parts merged, thirty-two at a time, then what came of them, and so on: each goes through few
/// mergers, which would add up what each rounds.
fn merged<S>(mut parts: Vec<S>, merge: impl Fn(S, S) -> S) -> Option<S> {
    while parts.len() > 1 {
        let mut rest = parts.into_iter();
        parts = std::iter::from_fn(|| rest.by_ref().take(32).reduce(&merge)).collect();
    }
    parts.pop()
}

#[inline(always)]
fn column_moments<T: Element, const FUSED: bool>(values: &[T], channels: usize) -> Moments<T> {
    let rows = values.len() / channels;
    let scale = T::ONE / T::from_f64(rows as f64);
    let mut sums = ColumnSums::of_rows(rows, channels);
    sums.add(values);
    let means: Vec<T> = sums.total().into_iter().map(|sum| sum * scale).collect();
    // A second pass over the deviations: the mean of squares less the square of the mean cancels.
    let repeated_means = repeated(&means);
    let mut sums = ColumnSums::of_rows(rows, channels);
    for values in values.chunks(repeated_means.len()) {
        for ((sum, &mean), &value) in sums.next_sums().iter_mut().zip(&repeated_means).zip(values) {
            let deviation = value - mean;
            *sum = T::mul_add::<FUSED>(deviation, deviation, *sum);
        }
    }
    Moments { rows, squares: sums.total(), means }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_part_is_merged_once_and_in_order() {
        for count in (0..100).chain([1023, 1024, 1025, 40_000]) {
            let all = merged((0..count).map(|part| vec![part]).collect(), |mut earlier, later| {
                earlier.extend(later);
                earlier
            });
            assert_eq!(all.unwrap_or_default(), (0..count).collect::<Vec<usize>>());
            let mergers =
                merged(vec![0usize; count], |one, other| one.max(other) + 1).unwrap_or_default();
            assert!(mergers <= 4 * 32, "{mergers} mergers of {count} parts");
        }
    }

    /// Equal values have their own mean and no variance, but for what rounding leaves of them.
    #[test]
    fn equal_values_keep_their_mean() {
        for (channels, rows) in [(1, 1_000_000), (16, 100_000), (300, 4_000)] {
            let (means, variances) = moments(&vec![0.1f32; rows * channels], channels);
            assert!(means.iter().all(|mean| (mean / 0.1 - 1.0).abs() <= 4.0 * f32::EPSILON));
            assert!(variances.iter().all(|variance| *variance < 1e-12));
        }
    }

    /// A million rows around a large mean, whose squares would cancel.
    #[test]
    fn length_costs_nothing() {
        let noise = |row: usize| (row as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        for (channels, rows) in [(1, 1_000_000), (3, 333_334), (300, 4_000)] {
            let values: Vec<f32> = (0..rows * channels)
                .map(|place| 1000.0 + noise(place) as f32 / (1u64 << 24) as f32)
                .collect();
            let (means, variances) = moments(&values, channels);
            for channel in 0..channels {
                let column =
                    || values.iter().skip(channel).step_by(channels).map(|&x| f64::from(x));
                let mean = column().sum::<f64>() / rows as f64;
                let variance = column().map(|x| (x - mean).powi(2)).sum::<f64>() / rows as f64;
                let apart = (f64::from(means[channel]) - mean).abs() / mean;
                let found = means[channel];
                assert!(apart < 4.0 * f64::from(f32::EPSILON), "{found}, {mean} was expected");
                let apart = (f64::from(variances[channel]) - variance).abs() / variance;
                let found = variances[channel];
                assert!(apart < 2e-5, "{found}, {variance} was expected");
            }
        }
    }
}
