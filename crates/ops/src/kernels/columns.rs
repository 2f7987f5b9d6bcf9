//! Sums and factors of a matrix's columns, a few rows of the matrix at a time.
//!
//! A row of sixteen columns is a vector or two: a loop over it costs more than its arithmetic, and
//! every sum waits for the one before it.

use crate::element::{Element, relu};
use crate::kernels::{parts, vectorised};

/// Values that a loop runs over at once.
const WIDE: usize = 256;

/// Additions to one sum of a short matrix, one after another. Every batch of the networks is below that:
/// their results on record were added up so.
const AT_ONCE: usize = 320;

/// Additions to one sum of a longer matrix, before it goes to a total in f64. A sum of f32 would lose a
/// part that grows with its length.
const SHORT: usize = 32;

/// Additions that a thread makes to each of its sums.
const PART: usize = 512;

/// Rows of a matrix taken together: as many as fit [`WIDE`].
pub(crate) fn rows_together(columns: usize) -> usize {
    (WIDE / columns.max(1)).max(1)
}

/// Rows of a long matrix that a thread takes.
pub(crate) fn rows_of_a_part(columns: usize) -> usize {
    PART * rows_together(columns)
}

/// One value a column, repeated for rows taken together.
pub(crate) fn repeated<T: Element>(columns: &[T]) -> Vec<T> {
    columns.repeat(rows_together(columns.len()))
}

/// Sums of columns, as yet one for each of the rows taken together.
pub(crate) struct ColumnSums<T> {
    wide: Vec<T>,
    columns: usize,
    /// Additions to `wide`, and how many there may be.
    additions: usize,
    limit: usize,
    /// What earlier additions came to, where there were more than one sum takes.
    totals: Option<Vec<f64>>,
}

impl<T: Element> ColumnSums<T> {
    /// Of rows whose number is not known yet.
    pub(crate) fn new(columns: usize) -> Self {
        let wide = vec![T::ZERO; columns * rows_together(columns)];
        Self { wide, columns, additions: 0, limit: AT_ONCE, totals: None }
    }

    /// Of so many rows.
    pub(crate) fn of_rows(rows: usize, columns: usize) -> Self {
        let limit = if rows <= AT_ONCE * rows_together(columns) { AT_ONCE } else { SHORT };
        Self { limit, ..Self::new(columns) }
    }

    /// Of rows that are sums already.
    pub(crate) fn of_sums(columns: usize) -> Self {
        Self { limit: SHORT, ..Self::new(columns) }
    }

    /// Adds whole rows.
    #[inline(always)]
    pub(crate) fn add(&mut self, rows: &[T]) {
        for rows in rows.chunks(self.wide.len().max(1)) {
            for (sum, &value) in self.next_sums().iter_mut().zip(rows) {
                *sum += value;
            }
        }
    }

    /// The sums to which one row, or as many as are taken together, is added next.
    #[inline(always)]
    pub(crate) fn next_sums(&mut self) -> &mut [T] {
        if self.additions == self.limit {
            self.begin_anew();
        }
        self.additions += 1;
        &mut self.wide
    }

    #[cold]
    fn begin_anew(&mut self) {
        let totals = self.totals.get_or_insert_with(|| vec![0.0; self.columns]);
        for row in self.wide.chunks_exact(self.columns.max(1)) {
            for (total, sum) in totals.iter_mut().zip(row) {
                *total += sum.to_f64();
            }
        }
        self.wide.fill(T::ZERO);
        (self.additions, self.limit) = (0, SHORT);
    }

    /// One sum a column.
    pub(crate) fn total(mut self) -> Vec<T> {
        if self.totals.is_some() {
            self.begin_anew();
        }
        match self.totals {
            Some(totals) => totals.into_iter().map(T::from_f64).collect(),
            None => folded(&self.wide, self.columns),
        }
    }
}

/// The sum of each column of a matrix.
pub(crate) fn column_sums<T: Element>(values: &[T], columns: usize) -> Vec<T> {
    let part = rows_of_a_part(columns) * columns.max(1);
    if values.len() <= part {
        return vectorised!(sums_of_columns::<T>(values, columns));
    }
    let sums = |values: &[T]| vectorised!(sums_of_columns::<T>(values, columns));
    added_up(parts::map(values.chunks(part), sums))
}

#[inline(always)]
fn sums_of_columns<T: Element, const FUSED: bool>(values: &[T], columns: usize) -> Vec<T> {
    let mut sums = ColumnSums::of_rows(values.len() / columns.max(1), columns);
    sums.add(values);
    sums.total()
}

/// The sums of all parts together, added in f64. Of two parts that is the same as in their own dtype.
pub(crate) fn added_up<T: Element>(parts: Vec<Vec<T>>) -> Vec<T> {
    let mut parts = parts.into_iter();
    let Some(first) = parts.next() else { return Vec::new() };
    let mut totals: Vec<f64> = first.iter().map(|sum| sum.to_f64()).collect();
    for part in parts {
        totals.iter_mut().zip(part).for_each(|(total, sum)| *total += sum.to_f64());
    }
    totals.into_iter().map(T::from_f64).collect()
}

/// The sums of each column, from sums over rows taken together.
fn folded<T: Element>(wide: &[T], columns: usize) -> Vec<T> {
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
        for value in [0.1f32, 0.3, 1000.1] {
            for columns in [1, 3, 16, 300] {
                for rows in [1_000, 10_000, 1_000_000] {
                    let rows = rows / columns.min(10);
                    if rows <= AT_ONCE * rows_together(columns) {
                        continue;
                    }
                    let exact = f64::from(value) * rows as f64;
                    for sum in column_sums(&vec![value; rows * columns], columns) {
                        let ulps = (f64::from(sum) - exact).abs() / exact / f64::from(f32::EPSILON);
                        assert!(ulps < 4.0, "{rows}×{columns}: {sum}, {exact} was expected");
                    }
                }
            }
        }
    }

    /// As kernels do that come with a few rows at a time, and do not know how many there will be.
    #[test]
    fn rows_may_come_one_by_one() {
        for (rows, ulps) in [(300, 30.0), (1_000, 20.0), (100_000, 4.0)] {
            let mut sums = ColumnSums::new(16);
            (0..rows).for_each(|_| sums.add(&[0.1f32; 16]));
            let exact = f64::from(0.1f32) * f64::from(rows);
            for sum in sums.total() {
                let found = (f64::from(sum) - exact).abs() / exact / f64::from(f32::EPSILON);
                assert!(found < ulps, "{rows}: {sum}, {exact} was expected");
            }
        }
    }

    #[test]
    fn matrices_without_rows_or_columns() {
        assert_eq!(column_sums::<f32>(&[], 3), [0.0; 3]);
        assert!(column_sums::<f32>(&[], 0).is_empty());
    }
}
