//! Mean and variance of a matrix's columns.

use rayon::prelude::*;

use crate::element::Element;
use crate::kernels::columns::{ColumnSums, add_bias, folded, repeated, rows_together};
use crate::kernels::halves::half;
use crate::kernels::vectorised;

/// Mean and biased variance of each column.
pub(crate) fn moments<T: Element>(values: &[T], channels: usize) -> (Vec<T>, Vec<T>) {
    let halves = values.par_chunks(half(values.len(), channels));
    merged(halves.map(|rows| Moments::of(rows, channels)).collect())
}

/// [`moments`] of what bias and ReLU make of `values`, in their place.
pub(crate) fn rectified_moments<T: Element>(values: &mut [T], bias: &[T]) -> (Vec<T>, Vec<T>) {
    let halves = values.par_chunks_mut(half(values.len(), bias.len()));
    let moments = halves.map(|rows| {
        add_bias(rows, bias, true);
        Moments::of(rows, bias.len())
    });
    merged(moments.collect())
}

fn merged<T: Element>(parts: Vec<Moments<T>>) -> (Vec<T>, Vec<T>) {
    let all = parts.into_iter().reduce(|all, part| all.merge(&part));
    all.map(Moments::into_mean_and_variance).unwrap_or_default()
}

/// What some rows of a matrix say of each column.
pub(crate) struct Moments<T> {
    rows: usize,
    means: Vec<T>,
    /// Σ (x − mean)².
    squares: Vec<T>,
}

impl<T: Element> Moments<T> {
    pub(crate) fn of(values: &[T], channels: usize) -> Self {
        vectorised!(column_moments::<T>(values, channels))
    }

    /// Those of both rows together (Chan, Golub and LeVeque, 1983).
    pub(crate) fn merge(mut self, other: &Self) -> Self {
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
    pub(crate) fn into_mean_and_variance(self) -> (Vec<T>, Vec<T>) {
        let scale = T::ONE / T::from_f64(self.rows as f64);
        (self.means, self.squares.into_iter().map(|sum| sum * scale).collect())
    }
}

#[inline(always)]
fn column_moments<T: Element, const FUSED: bool>(values: &[T], channels: usize) -> Moments<T> {
    let rows = values.len() / channels;
    let scale = T::ONE / T::from_f64(rows as f64);
    let mut sums = ColumnSums::new(channels);
    sums.add(values);
    let means: Vec<T> = sums.total().into_iter().map(|sum| sum * scale).collect();
    // A second pass over the deviations: the mean of squares less the square of the mean cancels.
    let repeated_means = repeated(&means);
    let wide = channels * rows_together(channels);
    let mut sums = vec![T::ZERO; wide];
    for values in values.chunks(wide) {
        for ((sum, &mean), &value) in sums.iter_mut().zip(&repeated_means).zip(values) {
            let deviation = value - mean;
            *sum = T::mul_add::<FUSED>(deviation, deviation, *sum);
        }
    }
    Moments { rows, squares: folded(&sums, channels), means }
}
