//! Softmax of the rows of a matrix, its logarithm, and the way back through both.

use crate::element::{Element, flushed, largest};
use crate::kernels::sums::{BLOCK, sum};
use crate::kernels::{parts, vectorised};

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
    let some = result.chunks_mut(rows_at_a_time(columns) * columns);
    let scales = parts::map(some, |rows| divide_rows(rows, columns)).concat();
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
    let maxima = parts::map(row.chunks(BLOCK), largest);
    let largest = largest(&maxima);
    let sums = parts::map(row.chunks_mut(BLOCK), |part| {
        part.iter_mut().for_each(|value| *value -= largest);
        exponentials(part);
        sum(part)
    });
    let total = T::from_f64(sum(&sums));
    parts::for_each(row.chunks_mut(BLOCK), |part| {
        part.iter_mut().for_each(|value| *value /= total);
    });
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
/// gradient of the latter. A p that would make subnormal numbers counts as zero.
pub(crate) fn through_log_softmax<T: Element>(
    logarithms: &[T],
    gradient: &[T],
    classes: usize,
) -> Vec<T> {
    let sums = sums_of_rows(gradient, classes);
    let mut result = logarithms.to_vec();
    parts::for_each(result.chunks_mut(BLOCK), exponentials);
    for_parts_of_rows(&mut result, classes, |part, row| {
        part.iter_mut().for_each(|value| *value = flushed(*value, T::LEAST_SCALABLE) * sums[row]);
    });
    let pairs = result.chunks_mut(BLOCK).zip(gradient.chunks(BLOCK));
    parts::for_each(pairs, |(result, gradient)| {
        result.iter_mut().zip(gradient).for_each(|(value, &gradient)| *value = gradient - *value);
    });
    result
}

fn multiply<T: Element>(values: &mut [T], factors: &[T]) {
    let pairs = values.chunks_mut(BLOCK).zip(factors.chunks(BLOCK));
    parts::for_each(pairs, |(values, factors)| {
        values.iter_mut().zip(factors).for_each(|(value, &factor)| *value *= factor);
    });
}

fn sums_of_rows<T: Element>(values: &[T], columns: usize) -> Vec<T> {
    let columns = columns.max(1);
    if columns > BLOCK {
        let sum_of_row = |row: &[T]| T::from_f64(sum(&parts::map(row.chunks(BLOCK), sum)));
        return values.chunks_exact(columns).map(sum_of_row).collect();
    }
    let some = values.chunks(rows_at_a_time(columns) * columns);
    let sums = |rows: &[T]| -> Vec<T> {
        rows.chunks_exact(columns).map(|row| T::from_f64(sum(row))).collect()
    };
    parts::map(some, sums).concat()
}

/// Lets `f` change each row, or each part of a long one, given the row's number.
fn for_parts_of_rows<T: Element>(
    values: &mut [T],
    columns: usize,
    f: impl Fn(&mut [T], usize) + Sync,
) {
    let columns = columns.max(1);
    let rows = values.chunks_exact_mut(columns).enumerate();
    if columns > BLOCK {
        let all =
            rows.flat_map(|(row, values)| values.chunks_mut(BLOCK).map(move |part| (part, row)));
        return parts::for_each(all, |(part, row)| f(part, row));
    }
    let together = rows_at_a_time(columns);
    let some = values.chunks_mut(together * columns).enumerate();
    parts::for_each(some, |(index, values)| {
        for (row, values) in (index * together..).zip(values.chunks_exact_mut(columns)) {
            f(values, row);
        }
    });
}
