//! Softmax of the rows of a matrix, its logarithm, and the way back through both.

use rayon::prelude::*;

use crate::element::{Element, largest};
use crate::kernels::sums::{BLOCK, sum};
use crate::kernels::vectorised;

/// Puts exp(x) in the place of each x.
fn exponentials<T: Element>(values: &mut [T]) {
    vectorised!(each::<T>(values));
}

#[inline(always)]
fn each<T: Element, const FUSED: bool>(values: &mut [T]) {
    for value in values {
        *value = value.exponential::<FUSED>();
    }
}

/// Rows of so many columns that a thread takes at a time.
fn rows_at_a_time(columns: usize) -> usize {
    (BLOCK / columns.max(1)).max(1)
}

/// The largest value of a row, and Σ exp(value − largest).
pub(crate) type Scale<T> = (T, T);

/// The probabilities of each row, and its scale.
pub(crate) fn probabilities<T: Element>(logits: &[T], classes: usize) -> (Vec<T>, Vec<Scale<T>>) {
    let mut result = logits.to_vec();
    if classes > BLOCK {
        let scales = result.chunks_exact_mut(classes).map(divide_long_row).collect();
        return (result, scales);
    }
    let columns = classes.max(1);
    let parts = result.par_chunks_mut(rows_at_a_time(columns) * columns);
    let scales = parts.flat_map_iter(|rows| divide_rows(rows, columns)).collect();
    (result, scales)
}

/// Makes probabilities of some rows.
fn divide_rows<T: Element>(rows: &mut [T], columns: usize) -> Vec<Scale<T>> {
    let mut scales = Vec::with_capacity(rows.len() / columns);
    for row in rows.chunks_exact_mut(columns) {
        let largest = largest(row);
        row.iter_mut().for_each(|value| *value -= largest);
        scales.push((largest, T::ZERO));
    }
    exponentials(rows);
    for (row, (_, total)) in rows.chunks_exact_mut(columns).zip(&mut scales) {
        *total = T::from_f64(sum(row));
        row.iter_mut().for_each(|value| *value /= *total);
    }
    scales
}

/// Makes probabilities of a row that all threads have a part of.
fn divide_long_row<T: Element>(row: &mut [T]) -> Scale<T> {
    let maxima: Vec<T> = row.par_chunks(BLOCK).map(largest).collect();
    let largest = largest(&maxima);
    let sums = row.par_chunks_mut(BLOCK).map(|part| {
        part.iter_mut().for_each(|value| *value -= largest);
        exponentials(part);
        sum(part)
    });
    let total = T::from_f64(sum(&sums.collect::<Vec<f64>>()));
    row.par_chunks_mut(BLOCK).for_each(|part| part.iter_mut().for_each(|value| *value /= total));
    (largest, total)
}

/// The logarithms of the probabilities of each row.
pub(crate) fn log_probabilities<T: Element>(logits: &[T], classes: usize) -> Vec<T> {
    let (_, scales) = probabilities(logits, classes);
    let mut result = logits.to_vec();
    for_parts_of_rows(&mut result, classes, |part, row| {
        let (largest, total) = scales[row];
        let logarithm = total.ln();
        // The difference first: of large logits, their sum with a logarithm would lose it.
        part.iter_mut().for_each(|value| *value = (*value - largest) - logarithm);
    });
    result
}

/// p · (g − Σ p · g) of each row, where p are the probabilities and g their gradient.
pub(crate) fn through_softmax<T: Element>(
    probabilities: &[T],
    gradient: &[T],
    classes: usize,
) -> Vec<T> {
    let mut result: Vec<T> = probabilities.to_vec();
    multiply(&mut result, gradient);
    let means = sums_of_rows(&result, classes);
    result.copy_from_slice(gradient);
    for_parts_of_rows(&mut result, classes, |part, row| {
        part.iter_mut().for_each(|value| *value -= means[row]);
    });
    multiply(&mut result, probabilities);
    result
}

/// g − p · Σ g of each row, where p are the probabilities, the exponentials of `logarithms`, and g the
/// gradient of the latter.
pub(crate) fn through_log_softmax<T: Element>(
    logarithms: &[T],
    gradient: &[T],
    classes: usize,
) -> Vec<T> {
    let sums = sums_of_rows(gradient, classes);
    let mut result = logarithms.to_vec();
    result.par_chunks_mut(BLOCK).for_each(exponentials);
    for_parts_of_rows(&mut result, classes, |part, row| {
        part.iter_mut().for_each(|value| *value *= sums[row]);
    });
    let pairs = result.par_chunks_mut(BLOCK).zip(gradient.par_chunks(BLOCK));
    pairs.for_each(|(result, gradient)| {
        result.iter_mut().zip(gradient).for_each(|(value, &gradient)| *value = gradient - *value);
    });
    result
}

fn multiply<T: Element>(values: &mut [T], factors: &[T]) {
    let pairs = values.par_chunks_mut(BLOCK).zip(factors.par_chunks(BLOCK));
    pairs.for_each(|(values, factors)| {
        values.iter_mut().zip(factors).for_each(|(value, &factor)| *value *= factor);
    });
}

fn sums_of_rows<T: Element>(values: &[T], columns: usize) -> Vec<T> {
    let columns = columns.max(1);
    let sum_of_row = |row: &[T]| {
        if columns <= BLOCK {
            return T::from_f64(sum(row));
        }
        let parts: Vec<f64> = row.par_chunks(BLOCK).map(sum).collect();
        T::from_f64(sum(&parts))
    };
    let rows = values.par_chunks_exact(columns).with_min_len(rows_at_a_time(columns));
    rows.map(sum_of_row).collect()
}

/// Lets `f` change each row, or each part of a long one, given the row's number.
fn for_parts_of_rows<T: Element>(
    values: &mut [T],
    columns: usize,
    f: impl Fn(&mut [T], usize) + Sync,
) {
    let columns = columns.max(1);
    let rows = values.par_chunks_exact_mut(columns).with_min_len(rows_at_a_time(columns));
    rows.enumerate().for_each(|(row, values)| {
        if columns <= BLOCK {
            f(values, row);
        } else {
            values.par_chunks_mut(BLOCK).for_each(|part| f(part, row));
        }
    });
}
