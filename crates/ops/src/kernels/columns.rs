//! Sums and factors of a matrix's columns, a few rows of the matrix at a time.
//!
//! A row of sixteen columns is a vector or two: a loop over it costs more than its arithmetic, and
//! every sum waits for the one before it.

use crate::element::{Element, relu};
use crate::kernels::vectorised;

/// Values that a loop runs over at once.
const WIDE: usize = 256;

/// Rows of a matrix taken together: as many as fit [`WIDE`].
pub(crate) fn rows_together(columns: usize) -> usize {
    (WIDE / columns.max(1)).max(1)
}

/// One value a column, repeated for rows taken together.
pub(crate) fn repeated<T: Element>(columns: &[T]) -> Vec<T> {
    columns.repeat(rows_together(columns.len()))
}

/// Sums of columns, as yet one for each of the rows taken together.
pub(crate) struct ColumnSums<T> {
    wide: Vec<T>,
    columns: usize,
}

impl<T: Element> ColumnSums<T> {
    pub(crate) fn new(columns: usize) -> Self {
        Self { wide: vec![T::ZERO; columns * rows_together(columns)], columns }
    }

    /// Adds whole rows.
    #[inline(always)]
    pub(crate) fn add(&mut self, rows: &[T]) {
        for rows in rows.chunks(self.wide.len().max(1)) {
            for (sum, &value) in self.wide.iter_mut().zip(rows) {
                *sum += value;
            }
        }
    }

    /// One sum a column.
    pub(crate) fn total(&self) -> Vec<T> {
        folded(&self.wide, self.columns)
    }
}

/// The sum of each column of a matrix.
pub(crate) fn column_sums<T: Element>(values: &[T], columns: usize) -> Vec<T> {
    vectorised!(sums_of_columns::<T>(values, columns))
}

#[inline(always)]
fn sums_of_columns<T: Element, const FUSED: bool>(values: &[T], columns: usize) -> Vec<T> {
    let mut sums = ColumnSums::new(columns);
    sums.add(values);
    sums.total()
}

/// The sums of each column, from sums over rows taken together.
pub(crate) fn folded<T: Element>(wide: &[T], columns: usize) -> Vec<T> {
    let mut sums = vec![T::ZERO; columns];
    for row in wide.chunks_exact(columns.max(1)) {
        add(&mut sums, row);
    }
    sums
}

/// Adds to each sum its term.
#[inline(always)]
pub(crate) fn add<T: Element>(sums: &mut [T], terms: &[T]) {
    for (sum, &term) in sums.iter_mut().zip(terms) {
        *sum += term;
    }
}

/// Adds one value to each column, with ReLU after it where wanted.
pub(crate) fn add_bias<T: Element>(rows: &mut [T], bias: &[T], rectified: bool) {
    if rectified {
        vectorised!(add_bias_and_rectify::<T>(rows, bias));
    } else {
        vectorised!(add_to_rows::<T>(rows, bias));
    }
}

#[inline(always)]
fn add_to_rows<T: Element, const FUSED: bool>(rows: &mut [T], bias: &[T]) {
    for row in rows.chunks_exact_mut(bias.len().max(1)) {
        for (value, &bias) in row.iter_mut().zip(bias) {
            *value += bias;
        }
    }
}

#[inline(always)]
fn add_bias_and_rectify<T: Element, const FUSED: bool>(rows: &mut [T], bias: &[T]) {
    for row in rows.chunks_exact_mut(bias.len().max(1)) {
        for (value, &bias) in row.iter_mut().zip(bias) {
            *value = relu(*value + bias);
        }
    }
}
