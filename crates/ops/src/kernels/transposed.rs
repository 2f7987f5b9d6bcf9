//! A matrix with its rows as columns.

use std::array::from_fn;
use std::mem::MaybeUninit;

#[cfg(target_arch = "x86_64")]
use self::squares::Transpose;
use crate::element::Element;
use crate::kernels::parts;
use crate::memory::unwritten;
use crate::threads::threads;

#[cfg(target_arch = "x86_64")]
mod squares;

/// Values a side of what is turned at a time: a cache line of f32.
const SIDE: usize = 16;

/// The transpose of `rows` × `columns` values.
pub(crate) fn transposed<T: Element>(values: &[T], rows: usize, columns: usize) -> Vec<T> {
    let part = columns.div_ceil(threads()).next_multiple_of(SIDE);
    let mut result = unwritten(rows * columns);
    parts::for_each(result.chunks_mut((part * rows).max(1)).enumerate(), |(index, result)| {
        let (first, count) = (index * part, result.len() / rows);
        transpose((&values[first..], columns), (rows, count), (result, rows));
    });
    // SAFETY: the parts are all there is, and so many rows of each were written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    result.into_vec()
}

/// Values of small matrices that a thread turns, some microseconds' work.
const EACH: usize = 1 << 14;

/// The transpose of each matrix of so many rows and columns, one matrix after another.
pub(crate) fn each_transposed<T: Element>(
    matrices: &[T],
    (rows, columns): (usize, usize),
) -> Vec<T> {
    if rows == 1 || columns == 1 {
        return matrices.to_vec();
    }
    let size = rows * columns;
    assert!(matrices.len().is_multiple_of(size), "whole matrices");
    let part = (EACH / size.max(1)).max(1) * size.max(1);
    let mut result = unwritten(matrices.len());
    let parts = matrices.chunks(part).zip(result.chunks_mut(part));
    parts::for_each(parts, |(sources, targets)| {
        let targets = targets.chunks_exact_mut(size);
        for (source, target) in sources.chunks_exact(size).zip(targets) {
            // What filters of 2×2 and 3×3 are is too narrow for squares of vectors.
            match (rows, columns) {
                (_, 4) => of_columns::<T, 4>(source, target),
                (_, 9) => of_columns::<T, 9>(source, target),
                (4, _) => of_rows::<T, 4>(source, target),
                (9, _) => of_rows::<T, 9>(source, target),
                _ => transpose((source, columns), (rows, columns), (target, rows)),
            }
        }
    });
    // SAFETY: the parts are all there is, they are whole matrices, and each of these was written.
    #[expect(unsafe_code, reason = "new memory need not be zeroed before it is written")]
    let result = unsafe { result.assume_init() };
    result.into_vec()
}

/// Writes the transpose of a matrix of so many columns.
fn of_columns<T: Element, const COLUMNS: usize>(source: &[T], target: &mut [MaybeUninit<T>]) {
    let (rows, _) = source.as_chunks::<COLUMNS>();
    assert_eq!(target.len(), rows.len() * COLUMNS, "a place for each value");
    for (column, target) in target.chunks_exact_mut(rows.len()).enumerate() {
        for (place, row) in target.iter_mut().zip(rows) {
            place.write(row[column]);
        }
    }
}

/// Writes the transpose of a matrix of so many rows.
fn of_rows<T: Element, const ROWS: usize>(source: &[T], target: &mut [MaybeUninit<T>]) {
    let columns = source.len() / ROWS;
    assert_eq!((source.len(), target.len()), (ROWS * columns, ROWS * columns), "whole rows");
    let rows: [&[T]; ROWS] = from_fn(|row| &source[row * columns..][..columns]);
    for (column, target) in target.as_chunks_mut::<ROWS>().0.iter_mut().enumerate() {
        for (place, row) in target.iter_mut().zip(rows) {
            place.write(row[column]);
        }
    }
}

/// Writes every value of the transpose of `rows` × `columns` values of `source` to `target`, both with the distance
/// from one row's first value to the next one's.
///
/// # Panics
///
/// Where either is too short.
#[inline(always)]
pub(crate) fn transpose<T: Element>(
    (source, source_apart): (&[T], usize),
    (rows, columns): (usize, usize),
    (target, target_apart): (&mut [MaybeUninit<T>], usize),
) {
    #[cfg(target_arch = "x86_64")]
    if let (Some(source), Some(target)) = (T::as_f32(source), T::places_as_f32(target)) {
        let (source, target, size) =
            ((source, source_apart), (&mut *target, target_apart), (rows, columns));
        match super::arch() {
            pulp::Arch::V4(simd) => {
                return simd.vectorize(Transpose { simd, source, size, target });
            }
            pulp::Arch::V3(simd) => {
                return simd.vectorize(Transpose { simd, source, size, target });
            }
            _ => {}
        }
    }
    for first_row in (0..rows).step_by(SIDE) {
        let own = first_row..rows.min(first_row + SIDE);
        for first in (0..columns).step_by(SIDE) {
            for column in first..columns.min(first + SIDE) {
                let target = &mut target[column * target_apart..][own.clone()];
                for (row, place) in own.clone().zip(target) {
                    place.write(source[row * source_apart + column]);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::memory::places;

    fn every_value_is_where_it_belongs<T: Element>(number: impl Fn(usize) -> T) {
        for (rows, columns) in
            [(1, 1), (8, 24), (16, 16), (17, 31), (25, 9), (5, 40), (40, 5), (0, 3), (33, 64)]
        {
            let source: Vec<T> = (0..rows * columns).map(&number).collect();
            let apart = rows + 3;
            let untouched = number(1_000_000);
            let mut target = vec![untouched; columns * apart];
            transpose((&source, columns), (rows, columns), (places(&mut target), apart));
            for column in 0..columns {
                let own = &target[column * apart..][..apart];
                let expected = (0..rows).map(|row| source[row * columns + column]);
                let expected: Vec<T> = expected.chain([untouched; 3]).collect();
                assert!(own == expected, "column {column} of {rows} by {columns}");
            }
        }
    }

    #[test]
    fn each_matrix_of_several() {
        for (rows, columns) in
            [(1, 9), (5, 1), (32, 4), (4, 7), (16, 9), (9, 16), (9, 4), (25, 6), (3, 40)]
        {
            let matrix = rows * columns;
            let place = |index: usize| {
                let (number, index) = (index / matrix, index % matrix);
                number * matrix + index % rows * columns + index / rows
            };
            // So few that one thread turns them, and so many that threads share them.
            for values in [3 * matrix, 200 * matrix] {
                let source: Vec<f32> = (0..values).map(|place| place as f32).collect();
                let expected: Vec<f32> = (0..values).map(|index| source[place(index)]).collect();
                let turned = each_transposed(&source, (rows, columns));
                assert!(turned == expected, "{values} values, {rows} by {columns}");
            }
        }
    }

    #[test]
    fn values_of_either_type() {
        every_value_is_where_it_belongs(|place| place as f32);
        every_value_is_where_it_belongs(|place| place as f64);
    }
}
