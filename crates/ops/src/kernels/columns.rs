//! Sums and factors of a matrix's columns, a few rows of the matrix at a time.
//!
//! A row of sixteen columns is a vector or two: a loop over it costs more than its arithmetic, and
//! every sum waits for the one before it.

use rayon::prelude::*;

use crate::element::{Element, relu};
use crate::kernels::cascade::{Cascade, merged};
use crate::kernels::vectorised;

/// Values that a loop runs over at once.
const WIDE: usize = 256;

/// Additions to one sum, one after another, before a new one is begun and the two are merged. Without
/// such a bound a sum of f32 would lose a part that grows with its length.
const ADDITIONS: usize = 512;

/// Rows of a matrix taken together: as many as fit [`WIDE`].
pub(crate) fn rows_together(columns: usize) -> usize {
    (WIDE / columns.max(1)).max(1)
}

/// Rows of a matrix whose columns are summed without a new beginning.
pub(crate) fn block_rows(columns: usize) -> usize {
    ADDITIONS * rows_together(columns)
}

/// One value a column, repeated for rows taken together.
pub(crate) fn repeated<T: Element>(columns: &[T]) -> Vec<T> {
    columns.repeat(rows_together(columns.len()))
}

/// Sums of columns, as yet one for each of the rows taken together.
pub(crate) struct ColumnSums<T> {
    wide: Vec<T>,
    columns: usize,
    additions: usize,
    /// Sums that had [`ADDITIONS`].
    full: Cascade<Vec<T>>,
}

impl<T: Element> ColumnSums<T> {
    pub(crate) fn new(columns: usize) -> Self {
        let wide = vec![T::ZERO; columns * rows_together(columns)];
        Self { wide, columns, additions: 0, full: Cascade::new() }
    }

    /// Adds whole rows.
    #[inline(always)]
    pub(crate) fn add(&mut self, rows: &[T]) {
        for rows in rows.chunks(self.wide.len().max(1)) {
            if self.additions == ADDITIONS {
                self.begin_anew();
            }
            self.additions += 1;
            for (sum, &value) in self.wide.iter_mut().zip(rows) {
                *sum += value;
            }
        }
    }

    #[cold]
    fn begin_anew(&mut self) {
        self.full.push(folded(&self.wide, self.columns), added);
        self.wide.fill(T::ZERO);
        self.additions = 0;
    }

    /// One sum a column.
    pub(crate) fn total(mut self) -> Vec<T> {
        let last = folded(&self.wide, self.columns);
        self.full.push(last, added);
        self.full.finish(added).unwrap_or_default()
    }
}

/// The sum of each column of a matrix.
pub(crate) fn column_sums<T: Element>(values: &[T], columns: usize) -> Vec<T> {
    let block = block_rows(columns) * columns.max(1);
    if values.len() <= block {
        return vectorised!(sums_of_columns::<T>(values, columns));
    }
    let blocks = values.par_chunks(block);
    let sums = blocks.map(|values| vectorised!(sums_of_columns::<T>(values, columns)));
    merged(sums.collect::<Vec<_>>(), added).unwrap_or_default()
}

#[inline(always)]
fn sums_of_columns<T: Element, const FUSED: bool>(values: &[T], columns: usize) -> Vec<T> {
    let mut sums = ColumnSums::new(columns);
    sums.add(values);
    sums.total()
}

/// Both sums of each column together.
pub(crate) fn added<T: Element>(mut sums: Vec<T>, terms: Vec<T>) -> Vec<T> {
    add(&mut sums, &terms);
    sums
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Sums of equal values err on one side at each addition.
    #[test]
    fn length_costs_nothing() {
        for columns in [1, 16, 300] {
            for rows in [100, 10_000, 1_000_000 / columns] {
                let exact = f64::from(0.1f32) * rows as f64;
                let sums = [column_sums(&vec![0.1f32; rows * columns], columns), {
                    // As kernels do that come with a few rows at a time.
                    let mut sums = ColumnSums::new(columns);
                    (0..rows).for_each(|_| sums.add(&vec![0.1f32; columns]));
                    sums.total()
                }];
                for sum in sums.concat() {
                    let error = (f64::from(sum) - exact).abs() / exact;
                    assert!(error < 2e-5, "{rows}×{columns}: {sum}, {exact} was expected");
                }
            }
        }
    }

    #[test]
    fn matrices_without_rows_or_columns() {
        assert_eq!(column_sums::<f32>(&[], 3), [0.0; 3]);
        assert!(column_sums::<f32>(&[], 0).is_empty());
    }
}
